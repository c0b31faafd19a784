"""How a face got to its apex and away from it, in 128 figures a step: optical flow, as means over 8 x 8 blocks.

ATNet (Peng et al. 2019) reads 64 such steps, 32 frames on each side of the apex. How its 128 figures are made is not
published; these are ours. Each step is the flow from the apex to one of the frames. From one frame to the next nearly
nothing moves in a micro-expression, and twice as much at half the rate; what is missing to the apex is as large as the
expression, at every rate. What all blocks do alike is the head's motion, so each step loses its median over the blocks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clips import flow
from models.clips.source import Frames

GRID = 8
_REACH = 32
"""Frames on each side of the apex."""
SIDE = 112
"""Of the faces that flow is sought in; larger ones are scaled down."""
NAME = f"flow-blocks-v1-{SIDE}-flow-v{flow.VERSION}"
"""For ``ClipSource.derived``; what stands behind it says the apex."""


def around(frames: Frames, apex: int) -> NDArray[np.float32]:
    """The 64 steps (64, 128) around the frame ``apex``, in hundredths of the face's side.

    First the frames before it, in their order, then those after it; a clip that is too short repeats its first and last
    one. Of a step, block by block from the top left, u (to the right) and v (down).
    """
    reach = np.arange(1, _REACH + 1)
    seen, place = np.unique(
        np.clip(apex + np.concatenate([-reach[::-1], reach]), 0, len(frames) - 1), return_inverse=True
    )
    faces = flow.grey(frames[[apex, *seen]])
    if len(faces[0]) > SIDE:
        faces = np.stack([cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for face in faces])
    steps = 100 * _block_means(flow.flows_from_onset(faces))
    steps -= np.median(steps, (1, 2), keepdims=True)
    return steps.reshape(len(seen), -1)[place]


def _block_means(fields: flow.Flow) -> NDArray[np.float32]:
    """Flow (F, S, S, 2) in pixels as means (F, 8, 8, 2), in shares of the side."""
    side = fields.shape[1]
    edges = np.arange(GRID) * side // GRID
    sums = np.add.reduceat(np.add.reduceat(fields, edges, 1), edges, 2)
    sides = np.diff(np.append(edges, side))
    return np.asarray(sums / (np.outer(sides, sides)[..., None] * side), np.float32)
