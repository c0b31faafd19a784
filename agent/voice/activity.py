"""Whether somebody speaks. Pure: from sound to yes or no, the time by the number of samples."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from models.inference.sound import RATE

_FRAME = 512
HOP = 16 * _FRAME
"""Samples that are judged at a time: 0.51 s."""
_FRAME_S = _FRAME / RATE
_FLOOR_FRAMES = round(4 / _FRAME_S)
_FLOOR_PERCENTILE = 10
"""The floor of noise is as low as the quietest tenth of the last four seconds: people who speak breathe within them. It
is Martin's minimum statistics (2001), with a percentile, which one odd frame does not move."""
_ABOVE_DB = 9.0
_QUIETEST_DB, _QUIETEST_FLOOR_DB = -55.0, -70.0
"""Below full scale. What is quieter is none who sits at a microphone."""
_LOWEST, _HIGHEST = round(100 * _FRAME_S), round(4000 * _FRAME_S)
"""Bins of the spectrum: 100 to 4000 Hz, where voices are; fans and steps on the floor are lower."""
_WINDOW = np.hanning(_FRAME)
_FLATTEST = 0.4
"""Spectral flatness, the geometric mean of the powers over the arithmetic one (Gray & Markel 1974): white noise has
0.56, a vowel less than 0.2."""
_LEAST_OF_HOP = 4
"""Frames with a voice, 0.13 s: keys that are struck and mice that click are shorter."""


class SpeechActivity:
    """Feed it every hop; a frame counts as speech where it is above the floor of noise and is no noise itself.

    ``seconds``: how far back ``spoken_s`` looks.
    """

    def __init__(self, seconds: float) -> None:
        self._levels: deque[float] = deque(maxlen=_FLOOR_FRAMES)
        self._voiced: deque[bool] = deque(maxlen=max(1, round(seconds / _FRAME_S)))

    def update(self, sound: NDArray[np.float32]) -> bool:
        """Whether there is speech in ``sound`` (HOP,), -1..1 at ``RATE``, which follows the one before."""
        frames = sound.reshape(-1, _FRAME).astype(np.float64)
        powers = np.abs(np.fft.rfft(frames * _WINDOW)[:, _LOWEST : _HIGHEST + 1]) ** 2 + 1e-12
        levels = 10 * np.log10(2 * powers.sum(1) / (_FRAME * (_WINDOW**2).sum()))
        flatness = np.exp(np.log(powers).mean(1)) / powers.mean(1)
        self._levels.extend(levels.tolist())
        floor = max(_QUIETEST_FLOOR_DB, float(np.percentile(list(self._levels), _FLOOR_PERCENTILE)))
        voiced = (levels > max(_QUIETEST_DB, floor + _ABOVE_DB)) & (flatness < _FLATTEST)
        self._voiced.extend(voiced.tolist())
        return int(voiced.sum()) >= _LEAST_OF_HOP

    @property
    def spoken_s(self) -> float:
        """Seconds of speech among the last ``seconds``."""
        return sum(self._voiced) * _FRAME_S
