"""Gabor jets: how strongly a picture goes up and down around a place, at three widths in six directions.

The wavelets are those of Lyons et al. 1998 ("Coding Facial Expressions with Gabor Wavelets"): wave numbers pi/2, pi/4
and pi/8 a pixel, a Gaussian of pi / k pixels, and no answer to a plain area.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from models.clips.landmarks import Points
from models.clips.source import Frames

WAVE_NUMBERS = (np.pi / 2, np.pi / 4, np.pi / 8)
_DIRECTIONS = 6
JET = len(WAVE_NUMBERS) * _DIRECTIONS
VERSION = 1
_SIGMA = np.pi
_REACH = 24
"""Pixels from the middle of a wavelet to its side: three times the widest Gaussian's."""
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
MIRRORED = np.array([width * _DIRECTIONS + -turn % _DIRECTIONS for width in range(3) for turn in range(_DIRECTIONS)])
"""Where in a jet each of its figures is in a mirror image's jet."""


@functools.cache
def _wavelets() -> NDArray[np.complex64]:
    """(18, 49, 49): six directions of the shortest waves first, from waves that go right on in steps of 30 degrees."""
    y, x = np.mgrid[-_REACH : _REACH + 1, -_REACH : _REACH + 1].astype(np.float64)
    made = []
    for k in WAVE_NUMBERS:
        hill = k**2 / _SIGMA**2 * np.exp(-(k**2) * (x**2 + y**2) / (2 * _SIGMA**2))
        for angle in np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS:
            wave = np.exp(1j * k * (x * np.cos(angle) + y * np.sin(angle)))
            made.append(hill * (wave - (hill * wave).sum() / hill.sum()))
    return np.stack(made).astype(np.complex64)


def jets(face: Frames, places: Points) -> NDArray[np.float32]:
    """Magnitudes (K, 18) at places (K, 2), x before y in pixels, of a face (S, S, 3) RGB; each jet has length 1.

    So how bright and rich in contrast the picture is has no say. Beyond the border it is as at the border, and places
    out there are taken to it. Where nothing goes up or down, the jet is 0.
    """
    last = np.array(face.shape[1::-1]) - 1
    middles = np.rint(np.clip(places, 0, last)).astype(np.int64)
    padded = np.pad(face.astype(np.float32) @ _GREY, _REACH, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * _REACH + 1, 2 * _REACH + 1))
    around = windows[middles[:, 1], middles[:, 0]].reshape(len(places), -1)
    strengths = np.abs(around @ _wavelets().reshape(JET, -1).T)
    lengths = np.linalg.norm(strengths, axis=1, keepdims=True)
    # Rounding leaves a trace of plain areas: less than a hundredth of a grey level is nothing.
    found: NDArray[np.float32] = np.where(lengths > 0.01, strengths / np.maximum(lengths, 0.01), 0).astype(np.float32)
    return found
