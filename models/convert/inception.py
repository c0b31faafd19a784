"""timm's names of Inception-v3 (``inception_v3``, Apache-2.0 licence; torchvision's are the same) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

_STEM = {"1a_3x3": 0, "2a_3x3": 1, "2b_3x3": 2, "3b_1x1": 4, "4a_3x3": 5}
_FINE = ("branch1x1", ("branch5x5_1", "branch5x5_2"), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"))
_MIDDLE = (
    "branch1x1",
    tuple(f"branch7x7_{step}" for step in range(1, 4)),
    tuple(f"branch7x7dbl_{step}" for step in range(1, 6)),
)
_COARSE = (
    "branch1x1",
    ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b")),
    ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")),
)
_POOLED = (None, "branch_pool")
_BLOCKS = {
    **dict.fromkeys(("5b", "5c", "5d"), (*_FINE, _POOLED)),
    "6a": ("branch3x3", ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")),
    **dict.fromkeys(("6b", "6c", "6d", "6e"), (*_MIDDLE, _POOLED)),
    "7a": (("branch3x3_1", "branch3x3_2"), tuple(f"branch7x7x3_{step}" for step in range(1, 5))),
    **dict.fromkeys(("7b", "7c"), (*_COARSE, _POOLED)),
}
"""The parts of each block as ours nest, in the order of the blocks; where a part has no weights, None."""


def _places(part: object, place: str) -> dict[str, str]:
    """Where each of timm's parts is in ours."""
    if isinstance(part, tuple):
        return {name: at for i, inner in enumerate(part) for name, at in _places(inner, f"{place}.{i}").items()}
    return {str(part): place} if part else {}


_PLACES = {
    **{f"Conv2d_{name}": f"stem.{place}" for name, place in _STEM.items()},
    **{
        f"Mixed_{block}.{name}": at
        for i, (block, parts) in enumerate(_BLOCKS.items())
        for name, at in _places(parts, f"blocks.{i}").items()
    },
}
_NAMES = tuple(
    (rf"{theirs}\.{layer}\.(.*)", rf"{ours}.{number}.\1")
    for theirs, ours in _PLACES.items()
    for number, layer in enumerate(("conv", "bn"))
)
_LEFT_OUT = (r"AuxLogits\..*",)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names, without the auxiliary classifier, of which no answer depends."""
    return translate(official, _NAMES, _LEFT_OUT)
