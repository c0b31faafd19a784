"""Sound as networks hear it, and what is told of it: mel spectra, cepstra, pitch, energy. Pure, and numpy alone.

Sound is one channel of ``RATE`` samples a second, float32 (n,) in -1..1. Every feature has 1 + n // ``HOP`` rows: row t
is about the time t * ``HOP`` / ``RATE`` s, which is the middle of its window; before and after the sound is silence. So
sound shorter than a window, and none at all, has features as well. What is no number in it counts as silence, and what
is beyond -1..1 as 1 (``cleaned``).
"""

import functools

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

RATE = 16_000
"""Samples a second."""
WINDOW = 400
"""Samples of a window: 25 ms."""
HOP = 160
"""Samples from one window to the next: 10 ms."""
BANDS = 64
"""Mel filters, from 0 to ``RATE`` / 2 Hz."""
COEFFICIENTS = 20
"""Cepstral coefficients, the first of which tells how loud it is."""
FLOOR = -100.0
"""dB: as quiet as anything is told to be."""

LOWEST, HIGHEST = 65.0, 500.0
"""Hz of a voice's pitch."""
PITCH_WINDOW = 512
"""Samples in which a period is looked for: two of the longest. In more of them a voice glides too far."""
TROUGH = 0.1
"""YIN's absolute threshold (de Cheveigne and Kawahara 2002, step 4)."""
_VOICED = 0.35
"""A share of power that does not repeat, above which nothing is said to have a pitch."""


def cleaned(sound: NDArray[np.floating]) -> Sound:
    """Float32 in -1..1: what is no number is 0, what is beyond is cut.

    Raises:
        ValueError: it has more than one channel.
    """
    if sound.ndim != 1:
        raise ValueError(f"expected sound of one channel (n,), got the shape {sound.shape}")
    clean: Sound = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1, 1).astype(np.float32, copy=False)
    return clean


def log_mel(sound: NDArray[np.floating], bands: int = BANDS) -> NDArray[np.float32]:
    """Power in mel bands (rows, bands), in dB of a full scale of 1, from ``FLOOR``."""
    spectra = np.fft.rfft(_windows(sound, WINDOW, WINDOW // 2) * hann())
    return _decibels((spectra.real**2 + spectra.imag**2) @ mel_filters(bands).T)


def mfcc(sound: NDArray[np.floating], coefficients: int = COEFFICIENTS, bands: int = BANDS) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients (rows, coefficients): the orthonormal DCT-II of ``log_mel``
    (Davis and Mermelstein 1980)."""
    cepstra: NDArray[np.float64] = log_mel(sound, bands) @ _cosines(bands)[:coefficients].T
    return cepstra.astype(np.float32)


def energy(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Root mean square of a window's samples (rows,), in dB of a full scale of 1, from ``FLOOR``."""
    return _decibels((_windows(sound, WINDOW, WINDOW // 2) ** 2).mean(-1))


def pitch(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fundamental frequency (rows,) in Hz, ``LOWEST`` to ``HIGHEST``; 0 where there is no voice.

    YIN (de Cheveigne and Kawahara 2002), steps 1 to 5.
    """
    shortest, longest = int(RATE / HIGHEST), int(np.ceil(RATE / LOWEST))
    # The samples that are compared at half the longest lag lie around it.
    middle_of_pairs = (PITCH_WINDOW - longest // 2) // 2
    difference = _difference(_windows(sound, PITCH_WINDOW, middle_of_pairs), longest + 1)
    normalised = _normalised(difference)
    middle = normalised[:, shortest : longest + 1]
    trough = (middle <= normalised[:, shortest - 1 : longest]) & (middle < normalised[:, shortest + 1 : longest + 2])
    deep = trough & (middle < TROUGH)
    lag = shortest + np.where(deep.any(1), deep.argmax(1), middle.argmin(1))
    rows = np.arange(len(lag))
    before, there, after = (difference[rows, lag + step] for step in (-1, 0, 1))
    bend = before - 2 * there + after
    shift = np.where(bend > 0, (before - after) / np.where(bend > 0, 2 * bend, 1), 0).clip(-0.5, 0.5)
    voiced = normalised[rows, lag] < _VOICED
    return np.where(voiced, (RATE / (lag + shift)).clip(LOWEST, HIGHEST), 0).astype(np.float32)


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float32]:
    """10 log10 of powers of any shape, from ``FLOOR``."""
    return (10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))).astype(np.float32)


@functools.cache
def hann() -> NDArray[np.float64]:
    """The periodic Hann window (``WINDOW``,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


@functools.cache
def mel_filters(bands: int = BANDS) -> NDArray[np.float64]:
    """Triangles of equal area over the frequencies of a window's spectrum, (bands, ``WINDOW`` // 2 + 1).

    The scale and the area are those of Slaney's Auditory Toolbox (1998): linear below 1000 Hz, logarithmic above.
    """
    top = _hertz_to_mel(RATE / 2)
    edges = _mel_to_hertz(np.linspace(0, top, bands + 2))
    frequencies = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    slopes = np.minimum((frequencies - low) / (peak - low), (high - frequencies) / (high - peak))
    return np.asarray(np.maximum(slopes, 0) * 2 / (high - low))


_LINEAR = 200 / 3
"""Hz of a mel below ``_KNEE``."""
_KNEE = 1000.0
_STEP = np.log(6.4) / 27
"""What the logarithm of the frequency grows by a mel, above."""


def _hertz_to_mel(hertz: float) -> float:
    return float(_KNEE / _LINEAR + np.log(hertz / _KNEE) / _STEP) if hertz >= _KNEE else hertz / _LINEAR


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE * np.exp(_STEP * (mel - _KNEE / _LINEAR))
    return np.where(mel >= _KNEE / _LINEAR, above, mel * _LINEAR)


@functools.cache
def _cosines(bands: int) -> NDArray[np.float64]:
    """The orthonormal DCT-II (bands, bands), a coefficient a row."""
    angles = np.pi / bands * np.outer(np.arange(bands), np.arange(bands) + 0.5)
    rows: NDArray[np.float64] = np.cos(angles) * np.sqrt(2 / bands)
    rows[0] /= np.sqrt(2)
    return rows


def _windows(sound: NDArray[np.floating], length: int, middle: int) -> NDArray[np.float64]:
    """(rows, length), float64 for what is subtracted from one another later; a row's time is that of its ``middle``."""
    there = cleaned(sound).astype(np.float64)
    padded = np.pad(there, (middle, length - middle))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[: len(there) + 1 : HOP]


def _difference(windows: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """How much a window differs from itself later, by the lag (rows, longest + 1): equation 6 of YIN.

    As many samples are compared at each lag, so that one's number has not to be divided by.
    """
    length = windows.shape[1]
    compared = length - longest
    spectrum = np.fft.rfft(windows, 2 * length)
    first = np.fft.rfft(windows[:, :compared], 2 * length)
    products = np.fft.irfft(first.conj() * spectrum)[:, : longest + 1]
    sums = np.pad(np.cumsum(windows**2, 1), ((0, 0), (1, 0)))
    powers = sums[:, compared : compared + longest + 1] - sums[:, : longest + 1]
    return np.maximum(powers[:, :1] + powers - 2 * products, 0)


def _normalised(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """By its mean over the lags so far, 1 at lag 0 and in silence: equation 8 of YIN."""
    lags = np.arange(1, difference.shape[1])
    sums = np.cumsum(difference[:, 1:], 1)
    there = sums > 1e-12
    rest = np.where(there, difference[:, 1:] * lags / np.where(there, sums, 1), 1)
    return np.pad(rest, ((0, 0), (1, 0)), constant_values=1)
