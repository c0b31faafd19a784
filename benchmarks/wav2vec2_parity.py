"""XLSR-53 at its full shape, ours and ``transformers``': ``python -m benchmarks.wav2vec2_parity``.

``pip install 'transformers>=5,<6'`` first; Moodcast itself has no use for it. Both get the weights of
``tests/seeded.py``, ours through the converter, and the same 3 s of sound. The golden vectors of two blocks, which the
tests ask for, are made by ``benchmarks/official.py``. Takes some 5 GB of memory.
"""

import gc
import time
from typing import Any

import torch

from benchmarks import machine
from models.convert import fit, wav2vec2
from models.zoo.wav2vec2 import SAMPLES, Encoder
from tests import seeded

TOLERANCE = 1e-4


def official() -> Any:
    """The encoder of facebook/wav2vec2-large-xlsr-53, by its configuration."""
    import transformers

    config = transformers.Wav2Vec2Config(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
    )
    return transformers.Wav2Vec2Model(config).eval()


def main() -> None:
    theirs, sound = official(), seeded.uniform("sound", (1, SAMPLES))
    theirs.load_state_dict(seeded.weights({name: t.shape for name, t in theirs.state_dict().items()}))
    with torch.inference_mode():
        spread = (sound - sound.mean()) / (sound.var(correction=0) + 1e-7).sqrt()
        expected = theirs(spread).last_hidden_state
        weights = wav2vec2.convert_encoder(theirs.state_dict())
        count = sum(parameter.numel() for parameter in theirs.parameters())
        del theirs
        ours = Encoder().eval()
        fit(ours, weights, "xlsr-53-encoder")
        del weights
        gc.collect()
        begun = time.perf_counter()
        found = ours(sound)
        seconds = time.perf_counter() - begun
    own = sum(parameter.numel() for parameter in ours.parameters())
    print(machine.describe())
    print(f"parameters: {own:,}, transformers {count:,}")
    difference = float((found - expected).abs().max())
    print(f"features {tuple(found.shape)} up to {float(expected.abs().max()):.3g}, largest difference {difference:.1e}")
    print(f"ours: {1000 * seconds * 16_000 / SAMPLES:.0f} ms a second of sound, {torch.get_num_threads()} threads")
    if difference > TOLERANCE or own != count:
        raise SystemExit("the encoders differ")


if __name__ == "__main__":
    main()
