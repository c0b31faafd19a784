"""Whether the picture comes squeezed or stretched, told by the faces in it, and undoing it.

A camera, or a program that passes it on, may show 16:9 as 4:3 or the other way round. The network knows faces as they
are: squeezed to three quarters, half of the smiles are lost.

A head that turns, nods or tilts changes no proportion that a picture can be wrong by: all points of a stiff face lie
in a picture as ``picture = A @ face + shift``, where ``A`` (2, 3) is scale times two rows of a rotation. Both rows are
as long, until the picture is squeezed. So ``A`` is fitted to points that no expression moves much, with the shape of
the average face, and the lengths of its rows tell the stretch (``face_width``). What is left is how people differ: the
points were chosen for differing little, on the portraits of ``benchmarks/stretched.py``, which tells how well it works.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.inference.boxes import Points

_MIDDLE = {2: (2.09, -6.06), 4: (0.46, -7.59), 168: (-3.27, -5.24)}
"""Below the nose, its tip, between the eyes: y and z (down, and away from the camera) in cm."""
_SIDES = {
    (25, 255): (4.47, -2.42, -3.16),
    (29, 259): (3.75, -3.17, -3.97),
    (33, 263): (4.45, -2.66, -3.17),
    (35, 265): (5.80, -2.35, -2.20),
    (124, 353): (5.59, -3.21, -2.69),
    (130, 359): (4.67, -2.66, -3.08),
    (137, 366): (7.16, 0.81, 0.07),
    (143, 372): (6.41, -2.24, -1.56),
    (162, 389): (7.56, -4.11, 0.99),
    (226, 446): (5.17, -2.54, -2.67),
    (247, 467): (4.53, -2.91, -3.34),
}
"""Around the outer corners of the eyes, the temples, the cheeks: left and right in the picture; x of the right one."""
# Both from the canonical face model in MediaPipe's face_landmarker.task (Apache-2.0).
_POINTS = [*_MIDDLE, *(left for left, _ in _SIDES), *(right for _, right in _SIDES)]
_SHAPE = np.array(
    [(0, y, z) for y, z in _MIDDLE.values()]
    + [(-x, y, z) for x, y, z in _SIDES.values()]
    + [(x, y, z) for x, y, z in _SIDES.values()]
)
_FIT = np.linalg.pinv(np.column_stack([_SHAPE, np.ones(len(_SHAPE))]))[:3]

_STEP = 4 / 3
"""The one mistake looked for, either way: 16:9 for 4:3. Smaller ones are within what people differ by."""
DIFFERENT = 0.12
"""Logarithm of ``face_width`` from which on it is not the person who differs. Of 60 people the undistorted lie between
-0.06 and 0.10, squeezed below -0.13, stretched above 0.20; half a metre before a camera all lie 0.02 lower."""
_TURNED, _TILTED = math.sin(math.radians(20)), math.sin(math.radians(20))
"""Sines. A turned head hides what its own shape would have to tell; of a tilted one the landmarker makes an upright one
before it looks, and what was squeezed is then slanted, which it smoothes away."""
_SMALLEST = 3.0
"""Pixels a centimetre of the face, which is then about 50 high: of smaller ones the landmarker guesses the average."""
_FACES = 60
"""Frontal faces, at most one a second, that it takes to learn."""


class Proportions:
    """Learns over a minute of frontal faces how the picture comes, and undoes it.

    It is the camera's doing, so it stays learned when somebody else sits down; every further minute is looked at the
    same way, so that a face that is narrower than others can't be taken for a squeezed one for good.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._widths: list[float] = []
        self._second = -1
        self._last: Points | None = None

    @property
    def stretch(self) -> float:
        """How wide the picture comes, against how wide it should be: 0.75, 1 or 1.33."""
        return _STEP**self._steps

    def undone(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame (H, W, 3) with the proportions it should have; the side that is too short grows."""
        if not self._steps:
            return frame
        across, down = (_STEP, 1.0) if self._steps < 0 else (1.0, _STEP)
        return np.asarray(cv2.resize(frame, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR), np.uint8)

    def learn(self, seconds: float, points: Points) -> None:
        """The landmarks (478, 2) of a face in what ``undone`` gave, at a time that grows from call to call."""
        # The very same points are the same picture once more, such as a file's.
        if int(seconds) == self._second or (self._last is not None and np.array_equal(points, self._last)):
            return
        width = face_width(points)
        if width is None:
            return
        self._second, self._last = int(seconds), points
        self._widths.append(math.log(width))
        if len(self._widths) == _FACES:
            different = float(np.median(self._widths))
            self._widths.clear()
            if abs(different) > DIFFERENT:
                self._steps = max(-1, min(1, self._steps + (1 if different > 0 else -1)))


def face_width(points: Points) -> float | None:
    """How wide a face is in a picture, against the average face; None of one that does not look at the camera, nearly
    upright and near enough.

    ``points`` (478, 2) in pixels. The distance, the place, and within these limits the pose make no difference.
    """
    fitted: NDArray[np.float64] = (_FIT @ points[_POINTS]).T
    lengths = np.linalg.norm(fitted, axis=1)
    if not lengths.min() >= _SMALLEST:
        return None
    rows = fitted / lengths[:, None]
    if np.hypot(*rows[:, 2]) > _TURNED or abs(rows[1, 0]) > _TILTED or rows[1, 1] < 0:
        return None
    return float(lengths[0] / lengths[1])
