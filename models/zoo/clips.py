"""Networks that look at a clip: (N, 3, frames, size, size), RGB, normalised."""

from types import MappingProxyType

from models.registry import IMAGENET, Pixels
from models.zoo.entry import Network

UNIT = Pixels((0.0,) * 3, (255.0,) * 3)
"""0 to 1."""

FAN = "Meng et al. 2019"
CHURAEV = "Churaev and Savchenko 2023"
RAW = Pixels((0.0,) * 3, (1.0,) * 3)
"""0 to 255, for networks that see grey: they make it of these."""
SYMMETRIC = Pixels((127.5,) * 3, (128.0,) * 3)

CLIPS: tuple[Network, ...] = (
    Network(
        "c3d",
        "c3d:C3D",
        "Tran et al. 2015",
        112,
        UNIT,
        78_024_455,
        published="78 M",
        official=78_024_455,
        frames=16,
        official_gmacs=38.55,
        published_gmacs="39 G",
    ),
    Network(
        "r3d18",
        "r3d:r3d18",
        "Hara et al. 2018",
        112,
        UNIT,
        33_207_495,
        published="33 M",
        official=33_207_495,
        frames=16,
        official_gmacs=8.31,
        published_gmacs="8 G",
    ),
    Network(
        "former-dfer",
        "former_dfer:FormerDFER",
        "Zhao and Liu 2021",
        112,
        UNIT,
        18_031_943,
        published="18 M",
        official=18_031_943,
        frames=16,
        official_gmacs=8.30,
        published_gmacs="9 G",
    ),
    Network(
        "ial",
        "ial:IALNetwork",
        "Li et al. 2023",
        112,
        UNIT,
        18_936_775,
        published="19 M",
        official=19_083_527,
        left_out=MappingProxyType(
            {
                "bias after the stem": 64,
                "biases of the three blocks": 896,
                "1x1 convolutions (glb) of the three blocks": 86_016,
                "gate and auxiliary classifier of the first block, which is plain": 59_776,
            }
        ),
        frames=16,
        official_gmacs=5.94,
        left_out_gmacs=MappingProxyType({"every layer of the transformers, computed a second time": 0.316}),
        published_gmacs="10 G",
    ),
    Network("moodnet-small-single", "frame_attention:single", FAN, 48, RAW, 1_940_455, frames=16, over="moodnet-small"),
    Network(
        "moodnet-small-self",
        "frame_attention:self_attention",
        CHURAEV,
        48,
        RAW,
        2_071_527,
        frames=16,
        over="moodnet-small",
    ),
    Network(
        "mobilefacenet-single",
        "frame_attention:single",
        FAN,
        112,
        SYMMETRIC,
        1_004_167,
        frames=16,
        over="mobilefacenet",
    ),
    Network(
        "mobilefacenet-self",
        "frame_attention:self_attention",
        CHURAEV,
        112,
        SYMMETRIC,
        1_036_935,
        frames=16,
        over="mobilefacenet",
    ),
    Network("resnet18-single", "frame_attention:single", FAN, 224, IMAGENET, 11_180_615, frames=16, over="resnet18"),
    Network(
        "resnet18-relation", "frame_attention:relation", FAN, 224, IMAGENET, 11_185_223, frames=16, over="resnet18"
    ),
    Network(
        "resnet18-self",
        "frame_attention:self_attention",
        CHURAEV,
        224,
        IMAGENET,
        11_704_903,
        frames=16,
        over="resnet18",
    ),
)
