"""The registry of networks: what each one is called, where it was published, what it looks at, how large it is.

Reading the registry needs no torch; ``build`` does. Weights are another matter (``models.registry``): these are the
networks that can be trained here.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.errors import MissingTorchError, UnknownModelError
from models.registry import EXPRESSIONS, IMAGENET, RAW_GREY, Pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

AFFECTNET = 8
"""Classes of AffectNet, on which EmotiEffNet reads: our seven and contempt."""


@dataclass(frozen=True)
class Network:
    """One entry. It sees square faces of ``size`` px through ``pixels``.

    ``builder`` is ``module:function`` in ``models.zoo``; the function takes the number of classes. ``params`` counts
    ours, all of them alive. ``official`` counts the authors' own build where it was measured; what it has and ours
    lacks is in ``left_out``, part by part, so that ``params + sum(left_out) == official``. ``published`` is the number
    as the paper prints it. ``learning_rate`` is that of the study's transfer recipe, for networks whose trunk was
    trained on other pictures first.
    """

    name: str
    builder: str
    paper: str
    size: int
    pixels: Pixels
    params: int
    classes: int = len(EXPRESSIONS)
    published: str = ""
    official: int | None = None
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    learning_rate: float | None = None


_ENTRIES = (
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
        Pixels((0.0,) * 3, (1.0,) * 3),
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
    ),
)
NETWORKS: Mapping[str, Network] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def get(name: str) -> Network:
    """The entry of that name.

    Raises:
        UnknownModelError: there is none; the message lists those there are.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        known = ", ".join(NETWORKS)
        raise UnknownModelError(f"expected the name of a network ({known}), got {name!r}") from None


def can_build() -> bool:
    """Whether torch is installed; it is not imported for this."""
    return importlib.util.find_spec("torch") is not None


def build(name: str) -> "nn.Module":
    """The network with random weights, from torch's current seed, in training mode.

    It maps normalised faces (N, channels, size, size) float32 to logits (N, classes); our own networks have two such
    answers, ``label`` and ``votes``.

    Raises:
        UnknownModelError: no such entry.
        MissingTorchError: torch is not installed.
    """
    entry = get(name)
    if not can_build():
        raise MissingTorchError(
            f"the network {name!r} needs torch, which is not installed. In Moodcast's folder: pip install '.[train]'"
        )
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(f"models.zoo.{module}"), function)
    network: nn.Module = builder(entry.classes)
    return network


def export(network: "nn.Module", faces: "Tensor", file: Path) -> None:
    """Write a network in evaluation mode as ONNX, opset 18; the batch may have any length when it runs.

    ``faces`` (N, channels, size, size) show its input's shape, N at least 2. Outputs are named ``logits``, or those of
    our own networks ``label`` and ``votes``.
    """
    import torch

    outputs = ["label", "votes"] if isinstance(network(faces), tuple) else ["logits"]
    program = torch.onnx.export(
        network,
        (faces,),
        input_names=["faces"],
        output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("faces_in_batch", min=1)},),
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(file, external_data=False)
