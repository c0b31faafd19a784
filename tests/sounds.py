"""Sounds made by formula, 16 kHz: the same in ``benchmarks/sound_features.py``, which asks librosa, and in tests."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.float32]
Curve = NDArray[np.float64]


def times(seconds: float) -> Curve:
    return np.arange(round(seconds * RATE)) / RATE


def hiss(count: int) -> Curve:
    """Evenly spread numbers in -1..1: a generator (MINSTD, Park and Miller 1988) that no version of numpy changes."""
    state, out = 1, np.empty(count)
    for i in range(count):
        state = state * 48271 % 2147483647
        out[i] = 2 * state / 2147483647 - 1
    return out


def voiced(pitch: Curve, formants: tuple[float, ...] = (700, 1200, 2600)) -> Curve:
    """A vowel: harmonics of a pitch that changes, stronger near the formants; loudest about 0.5."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    out = np.zeros(len(pitch))
    for k in range(1, 40):
        frequency = k * pitch
        strength = sum(1 / (1 + ((frequency - formant) / 120) ** 2) for formant in formants) + 0.3 / k
        out += np.where(frequency < RATE / 2, strength, 0) * np.sin(k * phase)
    return 0.5 * out / np.abs(out).max()


def melody() -> Curve:
    """The pitch of ``vowel``, in Hz."""
    return 160 + 50 * np.sin(2 * np.pi * times(1.2) / 0.9)


def vowel() -> Sound:
    return voiced(melody()).astype(np.float32)


def chirp() -> Sound:
    """From 100 to 7000 Hz, quietly at first."""
    t = times(1.0)
    return (np.linspace(0.05, 0.8, len(t)) * np.sin(2 * np.pi * (100 * t + 3450 * t**2))).astype(np.float32)


def noise() -> Sound:
    return (0.1 * hiss(RATE // 2)).astype(np.float32)


def spoken() -> Sound:
    """A deep vowel, a pause, a high one that is clipped, noise over all of it."""
    low, high = (voiced(np.full(RATE // 2, hertz)) for hertz in (95.0, 310.0))
    together = np.concatenate([low, np.zeros(RATE // 4), 4 * high])
    return np.clip(together + 0.003 * hiss(len(together)), -1, 1).astype(np.float32)


def short() -> Sound:
    """Less than a window."""
    return vowel()[4000:4230]


EVERY: Mapping[str, Callable[[], Sound]] = MappingProxyType(
    {"vowel": vowel, "chirp": chirp, "noise": noise, "spoken": spoken, "short": short}
)
