"""Dense optical flow between frames of a face, and optical strain.

The flow is OpenCV's DIS (Kroeger et al. 2016) down to the single pixel, twice: a smooth flow makes a turned or nearer
head move too little, so the head's motion is taken out of the second picture, and what is left is sought again. How
exact that is: ``python -m benchmarks.flow``.

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

VERSION = 2
"""Of how flow is made: what is kept under another number is computed anew."""
_EVERY = 4
"""The head's motion is that of every so many-th pixel in both directions,"""
_TOGETHER = 0.5
"""and of the pixels that move with it to so many pixels."""


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

    def __call__(self, first: Grey, second: Grey) -> Flow:
        """The flow (S, S, 2)."""
        flow = np.asarray(self._dis.calc(first, second, None), np.float32)
        place = np.stack(np.meshgrid(*map(np.arange, first.shape[::-1])), 2).astype(np.float32)
        head = _affine(place, flow)
        if head is None:
            return flow
        moved = _applied(head, place)
        # What has left the second picture stays as it was, so that nothing is found there but the head's motion.
        back = cv2.remap(second, moved[..., 0], moved[..., 1], cv2.INTER_LANCZOS4, first.copy(), cv2.BORDER_TRANSPARENT)
        rest = np.asarray(self._dis.calc(first, back, None), np.float32)
        return _applied(head, place + rest) - place


def _affine(place: Flow, flow: Flow) -> NDArray[np.float32] | None:
    """The affine motion (2, 3) that most of a picture shares, by RANSAC; None where there is none."""
    start = place[::_EVERY, ::_EVERY].reshape(-1, 2)
    end = start + flow[::_EVERY, ::_EVERY].reshape(-1, 2)
    matrix, _ = cv2.estimateAffine2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_TOGETHER)
    return None if matrix is None else np.asarray(matrix, np.float32)


def _applied(affine: NDArray[np.float32], points: Flow) -> Flow:
    return np.asarray(points @ affine[:, :2].T + affine[:, 2], np.float32)


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
