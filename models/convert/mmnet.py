"""MMNet's official names (muse1998/MMNet) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, divide, translate
from models.convert.videomae import BLOCK, FUSED

if TYPE_CHECKING:
    from torch import Tensor

MOTION = (
    (r"conv_act\.([01])\.(.*)", r"motion.stem.\1.\2"),
    (r"main_branch\.conv1\.weight", "motion.stem.3.weight"),
    (r"main_branch\.bn1\.(.*)", r"motion.stem.4.\1"),
    *(
        (rf"main_branch\.layer{place + 1}\.0\.{theirs}\.(.*)", rf"motion.blocks.{place}.{ours}.\1")
        for place in range(4)
        for theirs, ours in (
            ("conv1", "layers.0"),
            ("bn1", "layers.1"),
            ("conv2", "layers.3"),
            ("bn2", "layers.4"),
            (r"attn\.0", "attention.0"),
            (r"attn\.1", "attention.1"),
            (r"downsample\.0", "shortcut.0"),
            (r"downsample\.1", "shortcut.1"),
        )
    ),
)
POSITION = (
    (r"vit_pos\.patch_embed\.proj\.(.*)", r"position.embed.\1"),
    (r"vit_pos\.pos_embed", "position.position"),
    *((rf"vit_pos\.blocks\.(\d)\.{theirs}", rf"position.blocks.\1.{ours}") for theirs, ours in BLOCK),
    (r"vit_pos\.norm\.(.*)", r"position.norm.\1"),
)
POSITION_LEFT_OUT = r"vit_pos\.(cls_token|head\..*|to_Mask\..*)"

NAMES = (*MOTION, *POSITION, (r"main_branch\.fc\.(.*)", r"fc.\1"))
_LEFT_OUT = (POSITION_LEFT_OUT, r"pos\..*", r"head1?\..*", r"timeembed")


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names, without what no output depends on."""
    return translate(divide(official, FUSED), NAMES, _LEFT_OUT)
