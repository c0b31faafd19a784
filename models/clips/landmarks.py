"""Where a face's features are: 68 of the landmarker's 478 points, as most papers number them, and what they tell.

The 68 are those of Sagonas et al. 2013 ("300 Faces in-the-Wild Challenge"): jaw 17, brows 10, nose 9, eyes 12,
mouth 20. The mesh has other points than that scheme was drawn for; these lie nearest to them.
"""

import numpy as np
from numpy.typing import NDArray

from models.inference import align

Points = NDArray[np.float32]
"""Landmarks of one face (478, 2), or places of some of them (K, 2)."""

_JAW = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
_BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_MOUTH = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
INNER = (*_BROWS, *_NOSE, *_EYES, *_MOUTH)
"""The 51 without the jaw, which turns with the head and is cut off at a face's rim."""
POINTS = (*_JAW, *INNER)

_SIDES = (
    *zip(_JAW[:8], reversed(_JAW[9:]), strict=True),
    *zip(_BROWS[:5], reversed(_BROWS[5:]), strict=True),
    *((75, 305), (97, 326)),
    *((33, 263), (160, 387), (158, 385), (133, 362), (153, 380), (144, 373)),
    *((61, 291), (39, 269), (37, 267), (181, 405), (84, 314), (78, 308), (82, 312), (87, 317)),
)
"""Of points beside the middle, the one in the picture's left half and its twin in the other."""
_TWIN = dict(_SIDES) | {right: left for left, right in _SIDES}


def mirrored(points: tuple[int, ...]) -> NDArray[np.int64]:
    """For each of these points, where in ``points`` the one is that takes its place in a mirror image."""
    return np.array([points.index(_TWIN.get(point, point)) for point in points])


def placed(landmarks: Points, points: tuple[int, ...], side: int, margin: float) -> Points:
    """Where some points (K, 2) are in the face that ``align.aligned_face`` cuts at ``side`` px and ``margin``.

    Roll, size and place of the face are gone then. Landmarks that all lie in one point give K equal places.
    """
    matrix = align.crop_matrix(landmarks.astype(np.float64), side, margin)
    found: Points = (landmarks[list(points)] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return found


def distances(landmarks: Points) -> NDArray[np.float32]:
    """How far each of the 68 points is from their centre of gravity (68,), in sides of the aligned face."""
    places = placed(landmarks, POINTS, 1, 1.0)
    found: NDArray[np.float32] = np.linalg.norm(places - places.mean(0), axis=1).astype(np.float32)
    return found
