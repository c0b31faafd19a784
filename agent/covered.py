"""Whether a face's mouth is covered, or the face on its head though the landmarker drew it upright: two linear scores.

The landmarker draws a mouth wherever one should be, on a mask too, and a network reads a mask as neutral. What is there
is told by where the grey crop has edges of which direction, and where it is dark; colour is not needed. The weights
are fitted on portraits with drawn masks and on FER2013's training faces by ``python -m benchmarks.unsure --fit``. Pure.
"""

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.inference.contract import CropSpec

CROP = CropSpec(48, margin=1.0)
"""What is looked at: the default network's crop, which it costs nothing to share."""
WEIGHTS = Path(__file__).with_name("covered.npy")
"""(2, 529) float32: of the mouth covered, of the face on its head; the last column is added."""
_MIDDLE = np.s_[4:44, 6:42]
"""Of the crop, rows and columns: what is face in nearly all. Its light and contrast are taken out."""

Grey = NDArray[np.uint8]
Array = NDArray[np.float32]


def scores(face: Grey) -> tuple[float, float]:
    """Of a grey crop (48, 48): that the mouth is covered, and that the face is on its head, if above 0."""
    weights = _weights()
    covered, turned = weights[:, :-1] @ measured(face) + weights[:, -1]
    return float(covered), float(turned)


def measured(face: Grey) -> Array:
    """What the scores weigh (528,): edges of six kinds in 8 by 8 cells of the crop, and its light in 12 by 12."""
    middle = face[_MIDDLE]
    light = ((face - middle.mean(dtype=np.float32)) / (middle.std(dtype=np.float32) + 0.5)).astype(np.float32)
    edges = np.zeros((6, *face.shape), np.float32)
    across = light[1:-1, 2:] - light[1:-1, :-2]
    down = light[2:, 1:-1] - light[:-2, 1:-1]
    kinds = (across, -across, down, -down, np.abs(across + down) / np.sqrt(2), np.abs(across - down) / np.sqrt(2))
    edges[:, 1:-1, 1:-1] = np.maximum(kinds, 0)
    told = np.sqrt(edges.reshape(6, 8, 6, 8, 6).mean((2, 4)))
    return np.concatenate([told.ravel(), light.reshape(12, 4, 12, 4).mean((1, 3)).ravel()])


@functools.cache
def _weights() -> Array:
    found: Array = np.load(WEIGHTS, allow_pickle=False)
    return found
