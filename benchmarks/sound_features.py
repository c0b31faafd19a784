"""Golden numbers from librosa for ``models.inference.sound``: ``python -m benchmarks.sound_features > FILE.json``.

``pip install librosa==0.11.0`` first; Moodcast itself has no use for it. The sounds are made by formula
(``tests/sounds.py``). For each the file keeps librosa's log-mel and MFCC of every ``EACH``-th window, its energy and
its pitch (YIN), to six digits. ``tests/models/test_sound.py`` asks the same of ours.

    python -m benchmarks.sound_features > tests/models/golden/sound-features.json
"""

import json
import sys
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

from models.inference.sound import BANDS, COEFFICIENTS, FLOOR, HIGHEST, HOP, LOWEST, PITCH_WINDOW, RATE, TROUGH, WINDOW
from tests import sounds

EACH = 8
"""Of the spectra one window of as many is kept: the file stays small."""


def features(sound: NDArray[np.float32]) -> dict[str, Any]:
    """Librosa's, a window a row."""
    framed = {"hop_length": HOP, "center": True, "pad_mode": "constant"}
    power = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=WINDOW, window="hann", power=2.0, n_mels=BANDS, **framed
    )
    decibels = librosa.power_to_db(power, ref=1.0, amin=10 ** (FLOOR / 10), top_db=None)
    root = librosa.feature.rms(y=sound, frame_length=WINDOW, **framed)[0]
    pitch = librosa.yin(
        sound, fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=PITCH_WINDOW, trough_threshold=TROUGH, **framed
    )
    return {
        "log_mel": rounded(decibels.T[::EACH]),
        "mfcc": rounded(librosa.feature.mfcc(S=decibels, n_mfcc=COEFFICIENTS, dct_type=2, norm="ortho").T[::EACH]),
        "energy": rounded(librosa.amplitude_to_db(root, ref=1.0, amin=10 ** (FLOOR / 20), top_db=None)),
        "pitch": rounded(pitch),
    }


def rounded(numbers: NDArray[np.floating]) -> Any:
    return np.vectorize(lambda number: float(f"{number:.6g}"))(numbers).tolist()


def main() -> None:
    told = {"librosa": librosa.__version__, "each": EACH}
    json.dump(told | {name: features(sound()) for name, sound in sounds.EVERY.items()}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
