"""Why a face makes no vote. Pure: plain values in, with the time passed in, and nothing is kept but the last of them.

A face that can't be read is like no face: nothing is sent of it, and after two seconds the viewer is away. The reason
stays on the viewer's machine. Thresholds are measured by ``python -m benchmarks.unsure``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent import covered
from agent.face import FoundFace
from agent.unread import Unread
from models.inference import smile
from models.inference.align import LEFT_EYE, RIGHT_EYE, aligned_face
from models.inference.blendshapes import BLENDSHAPES
from models.inference.contract import CropSpec

Frame = NDArray[np.uint8]


_CHIN_OUT = 0.2
"""Of the face's height: how far outside the picture the chin may be. The lips are cut from 0.22 on."""
_POINTS_OUT = 0.25
"""Share of the landmarks that may be outside the picture. With 40 % of a side cut it is 0.27 and more."""
_ROLL_DEG = 105.0
"""A head can lie on its side; from 120 degrees on the landmarker turns its mesh the wrong way, if it finds the face."""
_SURE = 0.52
"""Probability from which on an answer counts, with happy and neutral as one: whether a smile is a small one or none at
all is the most frequent doubt, and it is no reason to say nothing."""
_FROZEN_S = 10.0
_STILL_S, _LIFELESS_S = 10.0, 60.0
_STILL = 0.01
"""Of the face's height: a face whose landmarks are all together (root mean square) nearer to where they were has not
moved. A photograph before a noisy camera stays below 0.009, people who hold still pass 0.013 in two seconds, 0.05 in
five."""
_BLINK = 0.2
"""A change of the eyelids' blendshapes by this much is a movement: noise makes up to 0.15 of it, a blink 0.24 or
more."""

_FOREHEAD, _CHIN = 10, 152
_MESH = 468
"""Points of the face itself; the last ten lie on the irises."""
_LIDS = [BLENDSHAPES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]


class Readability:
    """What of one source's frames can be read. ``live``: a camera or screen, in which nothing may stand still."""

    def __init__(self, live: bool, crop: CropSpec) -> None:
        """``crop``: how the faces are cut out that ``of_face`` gets."""
        self._crop = crop
        self._frozen = _Frozen() if live else None
        self._lifeless = _Lifeless() if live else None

    @property
    def is_still(self) -> bool:
        """Whether a live face has not moved for so long that a blink is wanted to tell that it is none on a wall."""
        return self._lifeless is not None and self._lifeless.unmoved_s >= _STILL_S

    def of_frame(self, frame: Frame, time: float) -> Unread | None:
        """What is wrong with a frame (H, W, 3) at ``time`` (seconds, never decreasing), face or none."""
        return Unread.FROZEN if self._frozen and self._frozen.update(frame, time) else None

    def of_face(self, face: FoundFace, frame: Frame, crop: Frame, time: float) -> Unread | None:
        """What is wrong with the frame's face; ``crop`` is cut out of the frame."""
        if self._lifeless and self._lifeless.update(face, time):
            return Unread.LIFELESS
        if reason := placed(face, frame.shape[1], frame.shape[0]):
            return reason
        return uncovered(crop if self._crop == covered.CROP else aligned_face(frame, face.points, covered.CROP))


def uncovered(face: covered.Grey) -> Unread | None:
    """Whether the mouth is to be seen where the landmarks say, in the crop that ``covered.CROP`` describes."""
    mouth, turned = covered.scores(face)
    if max(mouth, turned) <= 0:
        return None
    return Unread.UPSIDE_DOWN if turned > mouth else Unread.COVERED


def placed(face: FoundFace, width: int, height: int) -> Unread | None:
    """Whether the face lies in the picture (pixels) well enough: the first reason against it."""
    points = face.points
    across = points[list(LEFT_EYE)].mean(0) - points[list(RIGHT_EYE)].mean(0)
    if abs(np.degrees(np.arctan2(across[1], across[0]))) > _ROLL_DEG:
        return Unread.UPSIDE_DOWN
    outside = np.maximum(-points, points - (width, height)).max(1)
    if outside[_CHIN] > _CHIN_OUT * _height(points):
        return Unread.CHIN_CUT
    return Unread.FACE_CUT if (outside[:_MESH] > 0).mean() > _POINTS_OUT else None


def unsure(probabilities: Sequence[float]) -> Unread | None:
    """Whether none of the seven probabilities, in the order of ``EXPRESSIONS``, is large enough."""
    smile_or_none = probabilities[smile.HAPPY] + probabilities[smile.NEUTRAL]
    return Unread.UNSURE if max(smile_or_none, *probabilities) < _SURE else None


class _Frozen:
    """A frame of before, and since when all were the same."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._since = 0.0

    def update(self, frame: Frame, time: float) -> bool:
        """Whether each pixel has been the same for ``_FROZEN_S``."""
        if self._frame is None or not _same(self._frame, frame):
            self._frame, self._since = frame, time
        return time - self._since >= _FROZEN_S


class _Lifeless:
    """A face of before, and since when it has not moved. That it was lost in between is no movement."""

    def __init__(self) -> None:
        self._face: FoundFace | None = None
        self._since = 0.0
        self.unmoved_s = 0.0

    def update(self, face: FoundFace, time: float) -> bool:
        """Whether it has not moved for ``_LIFELESS_S``."""
        if self._face is None or _moved(self._face, face):
            self._face, self._since = face, time
        self.unmoved_s = time - self._since
        return self.unmoved_s >= _LIFELESS_S


def _same(one: Frame, other: Frame) -> bool:
    """A few rows tell nearly all frames apart."""
    few = slice(None, None, 16)
    return one.shape == other.shape and np.array_equal(one[few], other[few]) and np.array_equal(one, other)


def _moved(one: FoundFace, other: FoundFace) -> bool:
    shift, blink = movement(one, other)
    return shift > _STILL or blink > _BLINK


def movement(one: FoundFace, other: FoundFace) -> tuple[float, float]:
    """How far the landmarks are from where they were (root mean square, in heights of the face), and the eyelids."""
    shift = np.sqrt(((one.points - other.points) ** 2).sum(1).mean()) / _height(one.points)
    return float(shift), float(np.abs(one.shapes[_LIDS] - other.shapes[_LIDS]).max())


def _height(points: NDArray[np.float64]) -> float:
    """Pixels from the forehead to the chin."""
    return float(np.hypot(*(points[_CHIN] - points[_FOREHEAD])))
