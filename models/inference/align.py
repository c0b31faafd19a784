"""Cutting a face out of a frame the way the classifier's training faces were cut.

The FER2013 tiles are square crops around upright faces. Measured with the same landmarker on 1,397 training tiles
(``benchmarks/tile_geometry.py``), the median frontal tile has its eyes 0.372 of a side apart, the line between them at
0.398 from the top, and the middle of the mouth at 0.778. The crop is the similarity transform (roll, scale, shift) that
puts the eyes and mouth of a frame at these places.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.inference.contract import CropSpec

EYES_APART, EYES_Y, MOUTH_Y = 0.372, 0.398, 0.778

RIGHT_EYE, LEFT_EYE, MOUTH = (33, 133), (362, 263), (61, 291)
"""Corners in the landmarker's mesh; the subject's right eye is left in the picture."""


def crop_matrix(landmarks: NDArray[np.float64], side: int, margin: float) -> NDArray[np.float64]:
    """The affine matrix (2, 3) that maps picture coordinates to a crop of ``side`` pixels.

    ``landmarks`` (478, 2) in pixels. The scale comes from whichever of eye distance and eye-mouth distance is longer
    for its kind, so that neither a turned nor a nodding head grows in the crop.
    """
    right, left = landmarks[list(RIGHT_EYE)].mean(0), landmarks[list(LEFT_EYE)].mean(0)
    eyes, mouth = (right + left) / 2, landmarks[list(MOUTH)].mean(0)
    across = left - right
    roll = np.arctan2(across[1], across[0])
    tile = max(np.hypot(*across) / EYES_APART, np.hypot(*(mouth - eyes)) / (MOUTH_Y - EYES_Y), 1e-6)
    centre = eyes + (mouth - eyes) * (0.5 - EYES_Y) / (MOUTH_Y - EYES_Y)
    scale = side / (tile * margin)
    cos, sin = np.cos(roll) * scale, np.sin(roll) * scale
    linear = np.array([[cos, sin], [-sin, cos]])
    # Pixel centres lie at half coordinates, so the crop's middle is at (side - 1) / 2.
    shift = (side - 1) / 2 - linear @ centre
    return np.column_stack([linear, shift])


def aligned_face(frame: NDArray[np.uint8], landmarks: NDArray[np.float64], crop: CropSpec) -> NDArray[np.uint8]:
    """The face crop of an RGB frame (H, W, 3) uint8; ``landmarks`` (478, 2) in pixels.

    Grey (size, size) uint8, or RGB (size, size, 3) for a network that reads colour.
    Large faces are warped at a multiple of the size first and then averaged down: sampling a 300 px face at 48 points
    a row would alias. Beyond the frame's edge its last pixels repeat.
    """
    matrix = crop_matrix(landmarks, crop.size, crop.margin)
    shrink = 1 / float(np.hypot(matrix[0, 0], matrix[0, 1]))
    factor = int(np.clip(np.ceil(shrink), 1, 32))
    matrix = crop_matrix(landmarks, crop.size * factor, crop.margin)
    picture = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if crop.pixels.channels == 1 else frame
    side = crop.size * factor
    large = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    face: NDArray[np.uint8] = cv2.resize(large, (crop.size, crop.size), interpolation=cv2.INTER_AREA)
    return face
