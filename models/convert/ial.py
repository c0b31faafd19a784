"""Official names of the IAL network (muse1998/IAL-for-Facial-Expression-Recognition, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert.former_dfer import TRANSFORMER
from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

_BLOCKS = {"layer1.0": "plain", "layer2.0": "gca1", "layer3.0": "gca2"}
_BLOCKS |= {f"layer4.{i}": f"fusion.dynamic.{i}" for i in range(3)}
_TRANSFORMERS = {"pos_transformer": "fusion.static", "temporal_transformer": "temporal"}

NAMES = (
    (r"s_former\.conv1\.([013])\.(.*)", r"stem.\1.\2"),
    (r"s_former\.bn1\.(.*)", r"stem.4.\1"),
    *(
        (rf"s_former\.{theirs}\.{part}", f"{ours}.{name}")
        for theirs, ours in _BLOCKS.items()
        for part, name in (
            (r"((?:conv|bn)\d\..*)", r"\1"),
            (r"downsample\.(.*)", r"shortcut.\1"),
            (r"gc\.0\.weight", "attention.convolution.weight"),
            (r"fc1\.0\.weight", "attention.reduce.weight"),
            (r"fc2\.0\.weight", "attention.expand.weight"),
            (r"AUX_fc\.(\d)\.weight", r"attention.auxiliary.\1.weight"),
        )
    ),
    (r"s_former\.patch_embedding\.(.*)", r"fusion.patch.\1"),
    (r"s_former\.pos_embedding_pos", "fusion.position"),
    (r"s_former\.pos_embedding", "position"),
    *(
        (rf"s_former\.{theirs}\.layers\.(\d)\.{part}", rf"{ours}.\1.{name}")
        for theirs, ours in _TRANSFORMERS.items()
        for part, name in TRANSFORMER
    ),
    (r"fc_f\.(.*)", r"fc.\1"),
)

_LEFT_OUT = (
    r"s_former\.bias",
    r"s_former\.layer[123]\.0\.(bias1|bias2|glb\.weight)",
    r"s_former\.layer1\.0\.(gc|fc1|fc2|AUX_fc)\..*",
)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names, without what no output depends on."""
    return translate(official, NAMES, _LEFT_OUT)
