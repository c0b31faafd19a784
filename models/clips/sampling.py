"""Which frames of a clip a network sees, by the schemes of the papers. Pure: indices from lengths, chance passed in.

Every index is one of the clip's frames and none is before its predecessor, however short the clip: frames are then
repeated. With ``rng`` a scheme chooses as in training, without it always the same frames, as in testing.
"""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def segments(frames: int, count: int, length: int = 1, rng: np.random.Generator | None = None) -> Indices:
    """``length`` consecutive frames from each of ``count`` equal parts: (count * length,) indices.

    8 x 2 is Former-DFER's (Zhao & Liu 2021), 16 x 1 IAL's (Li et al. 2023). A part is a range of first frames, so that
    its run ends with the clip at the latest. Testing takes the middle of each part; training any of it, to the last
    frame (the official code rounds the parts down and never sees up to ``count`` frames at the end). A clip shorter
    than ``count`` is spread over the parts by the same formula, where the official code repeats its first frames only.
    """
    part = max(frames - length + 1, 0) / count
    within = np.full(count, 0.5) if rng is None else rng.random(count)
    first = ((np.arange(count) + within) * part).astype(np.int64)
    first = np.minimum(first, max(frames - length, 0))  # floating point may round up to the end of the last part
    indices: Indices = np.minimum(first[:, None] + np.arange(length), frames - 1).reshape(-1)
    return indices


def strided(frames: int, count: int = 16, stride: int = 4, rng: np.random.Generator | None = None) -> Indices:
    """Every ``stride``-th frame, ``count`` of them, as MAE-DFER trains (Sun et al. 2023): (count,) indices.

    They begin anywhere in training and in testing so that they lie in the clip's middle. Short clips begin at their
    first frame and end with their last one repeated.
    """
    room = max(frames - (count - 1) * stride, 1)
    start = room // 2 if rng is None else int(rng.integers(room))
    return np.minimum(start + stride * np.arange(count), frames - 1)


def views(frames: int, count: int = 16, stride: int = 4, number: int = 2) -> list[Indices]:
    """MAE-DFER's temporal test views: ``number`` runs as in ``strided``, spread from the clip's begin to its end.

    The answers to them are averaged. Its two spatial views are one here: aligned faces are square, and of a square
    frame the official code takes the same crop twice.
    """
    taken = np.arange(0, frames, stride)
    taken = np.pad(taken, (0, max(count - len(taken), 0)), mode="edge")
    room = len(taken) - count
    starts = [room * k // max(number - 1, 1) for k in range(number)]
    return [taken[start : start + count] for start in starts]
