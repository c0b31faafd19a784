"""What moves in a face from frame to frame, in 128 figures a step: the means of the optical flow over 8 x 8 blocks.

ATNet (Peng et al. 2019) reads 64 such steps around the apex. How its 128 figures are made is not published; these are
ours. What all blocks do alike is the head's motion, so each step loses its median over the blocks. Flow is told as a
speed, faces a second: sets of different rates and sizes are compared, and half the rate would double what moves from
one frame to the next.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clips import flow
from models.clips.source import Frames

GRID = 8
REACH = 32
"""Frames on each side of the apex."""
SIDE = 112
"""Of the faces that flow is sought in; larger ones are scaled down."""
NAME = f"flow-blocks-v1-{SIDE}-flow-v{flow.VERSION}"
"""For ``ClipSource.derived``."""
_RATE = 100.0
"""Frames a second where it is not known: SMIC's."""
_SCALE = 10.0
"""So that a fast muscle makes about 1."""


def block_means(frames: Frames) -> NDArray[np.float32]:
    """Mean flow (F - 1, 8, 8, 2) from each frame to the next, in shares of the face's side; to be kept as ``NAME``."""
    fields = flow.flows(np.stack([_scaled(frame) for frame in flow.grey(frames)]))
    side = fields.shape[1]
    edges = np.arange(GRID) * side // GRID
    sums = np.add.reduceat(np.add.reduceat(fields, edges, 1), edges, 2)
    sides = np.diff(np.append(edges, side))
    return np.asarray(sums / (np.outer(sides, sides)[..., None] * side), np.float32)


def _scaled(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey face of ``SIDE`` px at most."""
    if len(face) <= SIDE:
        return face
    return np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def around(moved: NDArray[np.float32], apex: int, rate: float) -> NDArray[np.float32]:
    """The 64 steps (64, 128) around the frame ``apex`` of a clip with mean flow ``moved`` (F - 1, 8, 8, 2).

    A clip that is too short repeats its first and last frame, so nothing moves there. ``rate`` is in frames a second,
    NaN where it is not known. Of a step, block by block from the top left, u (to the right) and v (down), tenths of a
    face a second.
    """
    steps = np.zeros((2 * REACH, GRID, GRID, 2), np.float32)
    first, last = max(0, apex - REACH), min(len(moved), apex + REACH)
    steps[first - apex + REACH : last - apex + REACH] = moved[first:last]
    steps -= np.median(steps, (1, 2), keepdims=True)
    return steps.reshape(2 * REACH, -1) * ((_RATE if math.isnan(rate) else rate) * _SCALE)
