"""A voice for tests that need sound and no words: as cheap as a sine, with what a network may hear an expression by."""

import math

import numpy as np
from numpy.typing import NDArray

from models.inference.sound import RATE


def murmur(
    seconds: float, rng: np.random.Generator, pitch: float = 120, swing: float = 0.1, pace: float = 4, loud: float = 0.3
) -> NDArray[np.float32]:
    """Syllables of a buzz, (n,) in -1..1 at ``RATE``.

    ``pitch`` in hertz swings by this share of itself, ``pace`` is in syllables a second, ``loud`` the highest peak.
    """
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = pitch * (1 + swing * np.sin(2 * math.pi * (0.7 * time + rng.random())))
    phase = 2 * math.pi * np.cumsum(hertz) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 9))
    syllables = np.sin(math.pi * (pace * time + rng.random())) ** 2
    wave = buzz * syllables + rng.normal(0, 0.01, len(time))
    return (loud * wave / np.abs(wave).max()).astype(np.float32)
