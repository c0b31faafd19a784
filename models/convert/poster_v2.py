"""POSTER V2's official names (Talented-Q/POSTER_V2, MIT licence) and ours."""

from typing import TYPE_CHECKING

from models.convert.mobilefacenet import TRUNK
from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

NAMES = (
    *((rf"face_landback\.{theirs}", f"landmarks.{ours}") for theirs, ours in TRUNK),
    (r"last_face_conv\.(.*)", r"narrow.\1"),
    (r"ir_back\.input_layer\.(.*)", r"image.stem.\1"),
    *(
        (rf"ir_back\.body{stage + 1}\.(\d+)\.{theirs}\.(.*)", rf"image.stages.{stage}.\1.{ours}.\2")
        for stage in range(3)
        for theirs, ours in (("res_layer", "layers"), ("shortcut_layer", "shortcut"))
    ),
    *(
        (rf"{theirs.format(scale + 1)}", f"fusions.{scale}.{ours}")
        for scale in range(3)
        for theirs, ours in (
            (r"conv{}\.(.*)", r"shrink.\1"),
            (r"window{}\.norm\.(.*)", r"norm1.\1"),
            (r"attn{}\.relative_position_bias_table", "attention.position"),
            (r"attn{}\.qkv\.(.*)", r"attention.key_value.\1"),
            (r"attn{}\.proj\.(.*)", r"attention.project.\1"),
            (r"ffn{}\.norm\.(.*)", r"norm2.\1"),
            (r"ffn{}\.mlp\.fc1\.(.*)", r"mlp.0.\1"),
            (r"ffn{}\.mlp\.fc2\.(.*)", r"mlp.2.\1"),
            (r"ffn{}\.(gamma[12])", r"\1"),
        )
    ),
    (r"embed_q\.(.*)", r"embed.0.\1"),
    (r"embed_k\.0\.(.*)", r"embed.1.\1"),
    (r"embed_v\.proj\.(.*)", r"embed.2.\1"),
    (r"VIT\.cls_token", "transformer.cls"),
    (r"VIT\.pos_embed", "transformer.position"),
    *(
        (rf"VIT\.blocks\.(\d)\.{theirs}\.(.*)", rf"transformer.blocks.\1.{ours}.\2")
        for theirs, ours in (
            ("norm1", "norm1"),
            (r"attn\.qkv", "query_key_value"),
            (r"attn\.proj", "project"),
            ("norm2", "norm2"),
            (r"mlp\.fc1", "mlp.0"),
            (r"mlp\.fc2", "mlp.2"),
        )
    ),
    (r"VIT\.norm\.(.*)", r"transformer.norm.\1"),
    (r"VIT\.se_block\.linear1\.(.*)", r"transformer.gate.0.\1"),
    (r"VIT\.se_block\.linear2\.(.*)", r"transformer.gate.2.\1"),
    (r"VIT\.head\.linear\.(.*)", r"transformer.fc.\1"),
)
_LEFT_OUT = (
    r"face_landback\.output_layer\..*",
    r"ir_back\.output_layer\..*",
    r"attn[123]\.relative_position_index",
    r"VIT\.(patch_embed|CON1|IRLinear[12]|eca_block)\..*",
    r"VIT\.blocks\.\d\.conv\..*",
)


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights under our names, without what no output depends on."""
    return translate(official, NAMES, _LEFT_OUT)
