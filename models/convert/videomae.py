"""VideoMAE's official names (MCG-NJU/VideoMAE) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, divide, translate

if TYPE_CHECKING:
    from torch import Tensor

FUSED = {
    r"(.*)\bqkv\.(weight|bias)": (r"\1query.\2", r"\1key.\2", r"\1value.\2"),
    r"(.*)\bkv\.weight": (r"\1key.weight", r"\1value.weight"),
}
"""Layers of queries, keys and values that they keep as one."""

ATTENTION = (
    (r"q_bias", "query.bias"),
    (r"v_bias", "value.bias"),
    (r"((?:query|key|value)\..*)", r"\2"),
    (r"q\.weight", "query.weight"),
    (r"proj\.(.*)", r"project.\2"),
)
"""Of a block, whose number is group 1."""

BLOCK = (
    (r"(norm[12]\..*)", r"\2"),
    *((rf"attn\.{theirs}", f"attention.{ours}") for theirs, ours in ATTENTION),
    (r"mlp\.fc1\.(.*)", r"mlp.0.\2"),
    (r"mlp\.fc2\.(.*)", r"mlp.2.\2"),
)

EMBEDDING = (r"patch_embed\.proj\.(.*)", r"encoder.embed.project.\1")
HEAD = ((r"fc_norm\.(.*)", r"norm.\1"), (r"head\.(.*)", r"fc.\1"))
NAMES = (EMBEDDING, *((rf"blocks\.(\d+)\.{theirs}", rf"encoder.blocks.\1.{ours}") for theirs, ours in BLOCK), *HEAD)

PRETRAINING = (
    (r"encoder\.norm\.(.*)", r"norm.\1"),
    (r"encoder_to_decoder\.weight", "narrow.weight"),
    *((rf"decoder\.blocks\.(\d+)\.{theirs}", rf"decoder.blocks.\1.{ours}") for theirs, ours in BLOCK),
    (r"decoder\.head\.(.*)", r"decoder.draw.\1"),
)
"""What the pre-training has around its encoder; mask token and the decoder's norm have their names already."""


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights of the fine-tuned network under our names."""
    return translate(divide(official, FUSED), NAMES)


def convert_pretraining(official: State) -> "dict[str, Tensor]":
    """The official weights of the pre-training network under our names."""
    encoder = ((rf"encoder\.{theirs}", ours) for theirs, ours in NAMES)
    return translate(divide(official, FUSED), (*PRETRAINING, *encoder))
