"""MAE-DFER's official names (sunlicai/MAE-DFER, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, divide, translate
from models.convert.videomae import ATTENTION, EMBEDDING, FUSED, HEAD, PRETRAINING

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = (
    (r"first_attn_norm0\.(.*)", r"local_norm.\2"),
    (r"second_attn_norm0\.(.*)", r"global_norm.\2"),
    (r"third_attn_norm0\.(.*)", r"interaction_norm.\2"),
    (r"third_attn_norm1\.(.*)", r"representative_norm.\2"),
    *(
        (rf"{theirs}\.{layer}", f"{ours}.{name}")
        for theirs, ours in (
            ("first_attn", "local_attention"),
            ("second_attn", "global_attention"),
            ("third_attn", "interaction"),
        )
        for layer, name in ATTENTION
    ),
    (r"norm2\.(.*)", r"mlp_norm.\2"),
    (r"mlp\.fc1\.(.*)", r"mlp.0.\2"),
    (r"mlp\.fc2\.(.*)", r"mlp.2.\2"),
)

NAMES = (
    EMBEDDING,
    (r"lg_region_tokens", "encoder.representatives"),
    *((rf"blocks\.(\d+)\.{theirs}", rf"encoder.blocks.\1.{ours}") for theirs, ours in BLOCK),
    *HEAD,
)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights of the fine-tuned network under our names."""
    return translate(divide(official, FUSED), NAMES)


def convert_pretraining(official: State) -> "dict[str, Tensor]":
    """The official weights of the pre-training network under our names."""
    encoder = ((rf"encoder\.{theirs}", ours) for theirs, ours in NAMES)
    return translate(divide(official, FUSED), (*PRETRAINING, *encoder))
