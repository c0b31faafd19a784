"""Networks that look at a clip: (N, 3, frames, size, size), RGB, normalised."""

from types import MappingProxyType

from models.inference.contract import IMAGENET, RAW_RGB, Pixels
from models.zoo.entry import Network

UNIT = Pixels((0.0,) * 3, (255.0,) * 3)
"""0 to 1."""

FAN = "Meng et al. 2019"
CHURAEV = "Churaev and Savchenko 2023"
SYMMETRIC = Pixels((127.5,) * 3, (128.0,) * 3)

MOTION_LEFT_OUT = {"classifier of the CA branch": 702_471}
POSITION_LEFT_OUT = {"class token, classifier and mask of the PC transformer": 3_590}
LOCAL_REMARK = (
    "1,052,160 parameters and 2.10 GMAC of the last block change only local tokens, which pre-training draws from and "
    "the classifier does not read; they are kept, as in the official build"
)
MMNET_LEFT_OUT = POSITION_LEFT_OUT | {
    "second classifier": 476_672,
    "embedding of time": 49_284,
    "1x1 convolution of the onset frame": 2_560,
}

CLIPS: tuple[Network, ...] = (
    Network(
        "moodnet-clip",
        "moodnet_clip:MoodnetClip",
        "ours; taught on pseudo-clips",
        48,
        RAW_RGB,
        2_018_727,
        frames=8,
        interval_s=0.2,
    ),
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
        "videomae",
        "videomae:VideoMAE",
        "Tong et al. 2022",
        160,
        IMAGENET,
        86_232_583,
        published="86 M",
        official=86_232_583,
        frames=16,
        official_gmacs=80.69,
        published_gmacs="81 G",
    ),
    Network(
        "mae-dfer",
        "mae_dfer:MaeDfer",
        "Sun et al. 2023",
        160,
        IMAGENET,
        84_878_343,
        published="85 M",
        official=84_878_343,
        frames=16,
        official_gmacs=49.65,
        published_gmacs="50 G",
        remark=LOCAL_REMARK,
    ),
    Network(
        "mae-dfer-ca",
        "fused:add",
        "the study: MAE-DFER + CA",
        160,
        IMAGENET,
        113_622_139,
        published="114 M",
        official=114_324_610,
        left_out=MappingProxyType(MOTION_LEFT_OUT),
        frames=16,
        official_gmacs=52.69,
        published_gmacs="52 G",
        remark=LOCAL_REMARK,
    ),
    Network(
        "mae-dfer-ca-pc",
        "fused:add_calibrated",
        "the study: MAE-DFER + CA + PC",
        160,
        IMAGENET,
        117_881_979,
        published="119 M",
        official=118_588_040,
        left_out=MappingProxyType(MOTION_LEFT_OUT | POSITION_LEFT_OUT),
        frames=16,
        official_gmacs=53.13,
        published_gmacs="53 G",
        remark=LOCAL_REMARK,
    ),
    Network(
        "mae-dfer-ca-concat",
        "fused:concat",
        "the study: MAE-DFER + CA, side by side",
        160,
        IMAGENET,
        113_625_723,
        official=114_328_194,
        left_out=MappingProxyType(MOTION_LEFT_OUT),
        frames=16,
        official_gmacs=52.69,
    ),
    Network(
        "mae-dfer-ca-pc-concat",
        "fused:concat_calibrated",
        "the study: MAE-DFER + CA + PC, side by side",
        160,
        IMAGENET,
        117_885_563,
        official=118_591_624,
        left_out=MappingProxyType(MOTION_LEFT_OUT | POSITION_LEFT_OUT),
        frames=16,
        official_gmacs=53.13,
    ),
    Network(
        "mmnet",
        "mmnet:MMNet",
        "Li et al. 2022",
        224,
        IMAGENET,
        9_438_841,
        classes=5,
        official=9_970_947,
        left_out=MappingProxyType(MMNET_LEFT_OUT),
        frames=2,
        official_gmacs=7.21,
    ),
    Network(
        "moodnet-small-single", "frame_attention:single", FAN, 48, RAW_RGB, 1_940_455, frames=16, over="moodnet-small"
    ),
    Network(
        "moodnet-small-self",
        "frame_attention:self_attention",
        CHURAEV,
        48,
        RAW_RGB,
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
