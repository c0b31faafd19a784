"""Official names of MAE-DFER with MMNet's CA branch (drink36/MAE-DFER-CA, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert import mae_dfer, mmnet
from models.convert.names import State, divide, translate
from models.convert.videomae import FUSED

if TYPE_CHECKING:
    from torch import Tensor

_NAMES = (
    *mae_dfer.NAMES,
    *((theirs.replace("main_branch", "cablock"), ours) for theirs, ours in mmnet.MOTION),
    *mmnet.POSITION,
    (r"fc1\.(.*)", r"reduce.\1"),
)
_LEFT_OUT = (r"cablock\.fc\..*", mmnet.POSITION_LEFT_OUT)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights, with or without the PC module, under our names, without what no output depends on."""
    return translate(divide(official, FUSED), _NAMES, _LEFT_OUT)
