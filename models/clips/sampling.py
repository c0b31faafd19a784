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

    Its two spatial views come from ``crops``; the answers to all four are averaged.
    """
    taken = np.arange(0, frames, stride)
    taken = np.pad(taken, (0, max(count - len(taken), 0)), mode="edge")
    room = len(taken) - count
    starts = [room * k // max(number - 1, 1) for k in range(number)]
    return [taken[start : start + count] for start in starts]


def crops(height: int, width: int, size: int, number: int = 2) -> list[tuple[int, int]]:
    """Top and left of ``number`` square crops of ``size`` px, spread from the upper left corner to the lower right.

    In a frame that is as high as a crop these are VideoMAE's test crops, along the longer side. Faces that are square
    and no larger than a crop have one view only: the official MAE-DFER scales every frame to that and so counts the
    same crop twice.
    """
    down, right = height - size, width - size
    if down < 0 or right < 0:
        raise ValueError(f"expected frames of at least {size} x {size} px, got {width} x {height}")
    steps = max(number - 1, 1)
    return list(dict.fromkeys((down * k // steps, right * k // steps) for k in range(number)))


def onset_difference(clip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The motion input of the study: the mean over the frames (F, S, S, 3) of frame minus first frame: (S, S, 3).

    In -255..255. As the mean is linear, it equals that of frames normalised by (x - m) / s after a division by s.
    """
    difference: NDArray[np.float32] = clip.mean(0, dtype=np.float32) - clip[0].astype(np.float32)
    return difference
