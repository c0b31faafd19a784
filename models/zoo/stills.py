"""Networks that look at one face."""

from types import MappingProxyType

from models.inference.contract import IMAGENET, RAW_GREY, RAW_RGB, Pixels
from models.zoo.entry import Network

AFFECTNET = 8
"""Classes of AffectNet, on which EmotiEffNet reads: our seven and contempt."""


STILLS = (
    Network("moodnet-tiny", "moodnet:tiny", "ours", 48, RAW_GREY, 453_008),
    Network("moodnet-small", "moodnet:small", "ours; the shipped weights", 48, RAW_GREY, 1_941_998),
    Network("moodnet-base", "moodnet:base", "ours", 48, RAW_GREY, 3_383_312),
    Network(
        "mini-xception",
        "mini_xception:MiniXception",
        "Arriaga et al. 2017",
        64,
        Pixels((127.5,), (127.5,)),
        56_951,
        published="60 k",
        official=56_951,
    ),
    Network(
        "mobilefacenet",
        "mobilefacenet:MobileFaceNet",
        "Chen et al. 2018",
        112,
        Pixels((127.5,) * 3, (128.0,) * 3),
        1_004_039,
        published="0.99 M",
    ),
    Network("mobilenet-v1", "mobilenet:MobileNetV1", "Howard et al. 2017; Savchenko 2021", 224, IMAGENET, 3_214_151),
    Network(
        "efficientnet-b0",
        "efficientnet:efficientnet_b0",
        "Tan and Le 2019; Savchenko 2022",
        224,
        IMAGENET,
        4_017_796,
        classes=AFFECTNET,
        official=4_017_796,
        published_gmacs="0.38 G",
    ),
    Network(
        "efficientnet-b2",
        "efficientnet:efficientnet_b2",
        "Tan and Le 2019; Savchenko 2022",
        260,
        IMAGENET,
        7_712_266,
        classes=AFFECTNET,
        official=7_712_266,
        published_gmacs="0.99 G",
    ),
    Network("resnet18", "resnet:resnet18", "He et al. 2016", 224, IMAGENET, 11_180_103),
    Network(
        "resnet50",
        "resnet:resnet50",
        "He et al. 2016; the study's recipe",
        224,
        IMAGENET,
        23_522_375,
        official=23_522_375,
        learning_rate=5e-4,
    ),
    Network(
        "vgg16",
        "vgg:vgg16_transfer",
        "Simonyan and Zisserman 2015; the study's recipe",
        224,
        IMAGENET,
        14_718_279,
        learning_rate=5e-4,
    ),
    Network(
        "vgg16-fc",
        "vgg:vgg16",
        "Simonyan and Zisserman 2015",
        224,
        IMAGENET,
        134_289_223,
        official=134_289_223,
    ),
    Network(
        "lhc-net",
        "lhc_net:LHCNet",
        "Pecoraro et al. 2022",
        224,
        RAW_RGB,
        32_396_302,
        official=32_396_302,
    ),
    Network(
        "resmaskingnet",
        "resmasking:ResMaskingNet",
        "Pham et al. 2020",
        224,
        Pixels((0.0,) * 3, (255.0,) * 3),
        137_796_423,
        official=137_796_423,
    ),
    Network(
        "poster-v2",
        "poster_v2:PosterV2",
        "Mao et al. 2023",
        224,
        IMAGENET,
        43_753_941,
        published="58 M",
        official=58_316_594,
        left_out=MappingProxyType(
            {
                "output layer of IR50": 12_847_616,
                "landmark head of MobileFaceNet": 96_016,
                "second patch embedding": 197_376,
                "CON1": 196_608,
                "IRLinear1": 787_200,
                "IRLinear2": 393_728,
                "eca_block": 5,
                "1x1 convolutions of the two blocks": 44_104,
            }
        ),
        official_gmacs=8.59,
        published_gmacs="26 G",
        remark="26 G are those of three pictures",
    ),
)
