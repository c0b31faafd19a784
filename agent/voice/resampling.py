"""From the rate of a microphone to the one that voice networks hear."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.inference.sound import RATE

_CROSSINGS = 12
"""Zero crossings of the sinc on each side. With a Hann window, what is above 9 kHz is lowered by 60 dB, and what is
below 7 kHz is kept."""


class Resampler:
    """Polyphase interpolation with a windowed sinc (Smith, "Digital Audio Resampling", CCRMA, 1984).

    ``rate``: of what comes, samples a second, at least ``RATE``; the weights are worked out once.
    """

    def __init__(self, rate: int) -> None:
        ratio = Fraction(rate, RATE).limit_denominator(640)
        self._down, self._up = ratio.numerator, ratio.denominator
        half = math.ceil(_CROSSINGS * ratio)
        at = np.arange(self._up) * float(ratio)
        self._first = np.floor(at).astype(int)
        distances = ((at - self._first)[:, None] - np.arange(-half, half + 1)) / float(ratio)
        kernel = np.sinc(distances) * np.cos(np.pi / 2 * np.clip(distances / (_CROSSINGS + 1), -1, 1)) ** 2
        self._weights = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
        self._half = half

    def needed(self, count: int) -> int:
        """How many samples make ``count``."""
        return -(-count * self._down // self._up)

    def resampled(self, sound: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """(count,) at ``RATE`` of ``sound`` (needed(count),); beyond its ends it is taken to be silent."""
        if self._up == self._down:
            return sound
        blocks = -(-count // self._up)
        padded = np.zeros(blocks * self._down + 2 * self._half + 1, np.float32)
        padded[self._half : self._half + len(sound)] = sound
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * self._half + 1)
        found = np.empty((blocks, self._up), np.float32)
        for phase, (first, weights) in enumerate(zip(self._first, self._weights, strict=True)):
            found[:, phase] = windows[first :: self._down][:blocks] @ weights
        return found.ravel()[:count]
