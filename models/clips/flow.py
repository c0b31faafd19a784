"""Dense optical flow between frames of a face, and optical strain.

The flow is OpenCV's DIS (Kroeger et al. 2016) down to the single pixel, with its variational refinement (Brox et al.
2004) begun anew a few times from where it ended. How exact that is: ``python -m benchmarks.flow``.

Flow (S, S, 2) is to the right and down, in pixels: what is at p in the first picture is at p + flow[p] in the second.
"""

from collections.abc import Iterable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""A face (S, S)."""
Flow = NDArray[np.float32]

VERSION = 1
"""Of how flow is made: another number computes all stored flow anew."""
PASSES = 4
"""Of the refinement, each on the second picture as the flow so far brings it back."""
SMOOTH = 80.0
"""Weight of a smooth flow in the refinement: four times OpenCV's, since skin hangs together."""


def grey(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Faces (F, S, S), of RGB (F, S, S, 3) or grey already; the weights are those of ITU-R BT.601."""
    if frames.ndim == 3:
        return frames
    return np.stack([np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames])


class FlowFinder:
    """Finds the flow between two pictures. One for each thread: it keeps what it works with."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._dis.setFinestScale(0)
        self._refine = cv2.VariationalRefinement.create()
        self._refine.setAlpha(SMOOTH)

    def __call__(self, first: Grey, second: Grey) -> Flow:
        """The flow (S, S, 2)."""
        flow = self._dis.calc(first, second, None)
        for _ in range(PASSES):
            flow = self._refine.calc(first, second, flow)
        return np.asarray(flow, np.float32)


def flows(frames: NDArray[np.uint8]) -> Flow:
    """Flow (F - 1, S, S, 2) from each frame to the next; ``frames`` as in ``grey``, F at least 1."""
    faces = grey(frames)
    return _found(faces, pairwise(faces))


def flows_from_onset(frames: NDArray[np.uint8]) -> Flow:
    """Flow (F - 1, S, S, 2) from the first frame, the onset, to each of the others; else as ``flows``."""
    faces = grey(frames)
    return _found(faces, ((faces[0], face) for face in faces[1:]))


def _found(faces: NDArray[np.uint8], pairs: Iterable[tuple[Grey, Grey]]) -> Flow:
    find = FlowFinder()
    found = [find(first, second) for first, second in pairs]
    return np.stack(found) if found else np.zeros((0, *faces.shape[1:], 2), np.float32)


def strain(flow: Flow) -> NDArray[np.float32]:
    """Optical strain magnitude (..., S, S) of flow (..., S, S, 2): how much the skin is stretched, per pixel.

    sqrt(e_xx^2 + e_yy^2 + e_xy^2 + e_yx^2) of e = (grad u + (grad u)^T) / 2, by central differences (Shreve et al.
    2011, "Macro- and micro-expression spotting in long videos using spatio-temporal strain"; as a feature: Liong et
    al. 2014, "Optical strain based recognition of subtle emotions"). A shift or a turn of the whole face has none.
    """
    u_y, u_x = np.gradient(flow[..., 0], axis=(-2, -1))
    v_y, v_x = np.gradient(flow[..., 1], axis=(-2, -1))
    return np.asarray(np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2), np.float32)
