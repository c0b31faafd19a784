"""Former-DFER's official names (zengqunzhao/Former-DFER, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

TRANSFORMER = (
    (r"0\.fn\.norm\.(.*)", r"norm1.\2"),
    (r"0\.fn\.fn\.to_qkv\.weight", "attention.query_key_value.weight"),
    (r"0\.fn\.fn\.to_out\.0\.(.*)", r"attention.project.\2"),
    (r"1\.fn\.norm\.(.*)", r"norm2.\2"),
    (r"1\.fn\.fn\.net\.0\.(.*)", r"mlp.0.\2"),
    (r"1\.fn\.fn\.net\.3\.(.*)", r"mlp.2.\2"),
)
"""A layer of ``models.zoo.attention``; group 1 is its number."""

NAMES = (
    (r"s_former\.conv1\.weight", "cs_former.trunk.stem.0.weight"),
    (r"s_former\.bn1\.(.*)", r"cs_former.trunk.stem.1.\1"),
    *(
        (rf"s_former\.layer{i + 1}\.(\d)\.{part}", rf"cs_former.trunk.stages.{i}.\1.{name}")
        for i in range(4)
        for part, name in ((r"downsample\.(.*)", r"shortcut.\2"), (r"((?:conv|bn)\d\..*)", r"\2"))
    ),
    (r"s_former\.pos_embedding", "cs_former.position"),
    (r"t_former\.pos_embedding", "t_former.position"),
    (r"t_former\.cls_token", "t_former.cls"),
    # Their T-Former keeps its layers under "spatial_transformer", too.
    *(
        (rf"{theirs}\.spatial_transformer\.layers\.(\d)\.{part}", rf"{ours}.transformer.\1.{name}")
        for theirs, ours in (("s_former", "cs_former"), ("t_former", "t_former"))
        for part, name in TRANSFORMER
    ),
)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names."""
    return translate(official, NAMES)
