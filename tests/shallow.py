"""The large transformers with fewer blocks, else as they are, so that tests are quick."""

from collections.abc import Callable, Mapping
from typing import Any

from models.zoo import mae_dfer, videomae, wav2vec2
from models.zoo.fused import MaeDferCA

DEPTH = 2
"""That of the golden vectors (``benchmarks/official.py``)."""

SHALLOW: Mapping[str, Callable[[], Any]] = {
    "videomae": lambda: videomae.VideoMAE(7, DEPTH),
    "videomae-pretraining": lambda: videomae.pretraining(DEPTH, DEPTH),
    "xlsr-53": lambda: wav2vec2.Wav2Vec2(8, DEPTH),
    "mae-dfer": lambda: mae_dfer.MaeDfer(7, DEPTH),
    "mae-dfer-pretraining": lambda: mae_dfer.pretraining(DEPTH, DEPTH),
    "mae-dfer-ca": lambda: MaeDferCA(7, depth=DEPTH),
    "mae-dfer-ca-pc": lambda: MaeDferCA(7, calibrated=True, depth=DEPTH),
    "mae-dfer-ca-concat": lambda: MaeDferCA(7, concat=True, depth=DEPTH),
    "mae-dfer-ca-pc-concat": lambda: MaeDferCA(7, concat=True, calibrated=True, depth=DEPTH),
}
"""By the name of the network in the registry or among the converters."""
