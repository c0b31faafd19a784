"""Official names of the landmark network that POSTER V2 uses (Talented-Q/POSTER_V2, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

_CONVOLUTION = ((r"conv\.weight", "0.0.weight"), (r"bn\.(.*)", r"0.1.\1"), (r"prelu\.weight", "1.weight"))
_BOTTLENECK = (
    *((rf"conv\.{theirs}", f"layers.0.{ours}") for theirs, ours in _CONVOLUTION),
    *((rf"conv_dw\.{theirs}", f"layers.1.{ours}") for theirs, ours in _CONVOLUTION),
    (r"project\.conv\.weight", "layers.2.0.weight"),
    (r"project\.bn\.(.*)", r"layers.2.1.\1"),
)
_CONVOLUTIONS = {"conv1": "stage1.0", "conv2_dw": "stage1.1", "conv_6_sep": "stage3.3"}
_BOTTLENECKS = {"conv_23": "stage1.2", "conv_34": "stage2.0", "conv_45": "stage3.0"}
_BOTTLENECKS |= {f"conv_3.model.{place}": f"stage1.{place + 3}" for place in range(4)}
_BOTTLENECKS |= {f"conv_4.model.{place}": f"stage2.{place + 1}" for place in range(6)}
_BOTTLENECKS |= {f"conv_5.model.{place}": f"stage3.{place + 1}" for place in range(2)}

TRUNK = tuple(
    (rf"{theirs}\.{layer}", f"{ours}.{name}")
    for places, layers in ((_CONVOLUTIONS, _CONVOLUTION), (_BOTTLENECKS, _BOTTLENECK))
    for theirs, ours in places.items()
    for layer, name in layers
)
EMBEDDING = (
    (r"output_layer\.conv_6_dw\.conv\.weight", "embedding.0.weight"),
    (r"output_layer\.conv_6_dw\.bn\.(.*)", r"embedding.1.\1"),
    (r"output_layer\.linear\.weight", "embedding.3.weight"),
    (r"output_layer\.bn\.(.*)", r"embedding.4.\1"),
)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names."""
    return translate(official, (*((theirs, f"trunk.{ours}") for theirs, ours in TRUNK), *EMBEDDING))
