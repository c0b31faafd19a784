"""wav2vec 2.0's names at Hugging Face (``transformers``) and ours."""

from typing import TYPE_CHECKING

from models.convert.names import State, translate

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = (
    (r"layer_norm\.(.*)", r"norm1.\2"),
    (r"attention\.k_proj\.(.*)", r"attention.key.\2"),
    (r"attention\.q_proj\.(.*)", r"attention.query.\2"),
    (r"attention\.v_proj\.(.*)", r"attention.value.\2"),
    (r"attention\.out_proj\.(.*)", r"attention.project.\2"),
    (r"final_layer_norm\.(.*)", r"norm2.\2"),
    (r"feed_forward\.intermediate_dense\.(.*)", r"mlp.0.\2"),
    (r"feed_forward\.output_dense\.(.*)", r"mlp.2.\2"),
)
_ENCODER = (
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.(.*)", r"convs.\1.conv.\2"),
    (r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.(.*)", r"convs.\1.norm.\2"),
    (r"feature_projection\.layer_norm\.(.*)", r"project_norm.\1"),
    (r"feature_projection\.projection\.(.*)", r"project.\1"),
    (r"masked_spec_embed", r"masked"),
    # Weight normalisation has had two names in torch.
    (r"encoder\.pos_conv_embed\.conv\.(?:weight_g|parametrizations\.weight\.original0)", r"position.length"),
    (r"encoder\.pos_conv_embed\.conv\.(?:weight_v|parametrizations\.weight\.original1)", r"position.direction"),
    (r"encoder\.pos_conv_embed\.conv\.bias", r"position.bias"),
    *((rf"encoder\.layers\.(\d+)\.{theirs}", rf"blocks.\1.{ours}") for theirs, ours in _BLOCK),
    (r"encoder\.layer_norm\.(.*)", r"norm.\1"),
)
_HEAD = ((r"classifier\.dense\.(.*)", r"dense.\1"), (r"classifier\.out_proj\.(.*)", r"fc.\1"))
_LEFT_OUT = (r"quantizer\..*", r"project_(?:q|hid)\..*", r"lm_head\..*")
"""What pre-training asks of the encoder, and the letters of speech recognition."""


def convert(official: State) -> "dict[str, Tensor]":
    """The official weights of encoder and MMEmotionRecognition's head under our names."""
    encoder = ((rf"(?:wav2vec2\.)?{theirs}", f"encoder.{ours}") for theirs, ours in _ENCODER)
    return translate(official, (*encoder, *_HEAD), _LEFT_OUT)


def convert_encoder(official: State) -> "dict[str, Tensor]":
    """The official weights of an encoder alone, such as XLSR-53's own, whatever it was pre-trained with."""
    return translate(official, ((rf"(?:wav2vec2\.)?{theirs}", ours) for theirs, ours in _ENCODER), _LEFT_OUT)
