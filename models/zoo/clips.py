"""Networks that look at a clip: (N, 3, frames, size, size), RGB, normalised."""

from types import MappingProxyType

from models.registry import Pixels
from models.zoo.entry import Network

UNIT = Pixels((0.0,) * 3, (255.0,) * 3)
"""0 to 1."""

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
    Network(
        "moodnet-clip",
        "moodnet_clip:MoodnetClip",
        "ours; taught on pseudo-clips",
        48,
        Pixels((0.0,) * 3, (1.0,) * 3),
        2_018_727,
        frames=8,
        interval_s=0.2,
    ),
)
