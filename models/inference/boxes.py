"""Faces by the boxes around their landmarks: how large they are, and whether two are one."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Landmarks (K, 2) in pixels."""

SAME_FACE = 0.3
"""Overlap from which on two faces are one: found twice in a picture, or once each in neighbouring frames."""


def area(points: Points) -> float:
    """Of the box, in square pixels."""
    return float(np.ptp(points, axis=0).prod())


def overlap(a: Points, b: Points) -> float:
    """Intersection over union of two boxes, 0..1."""
    sides = np.minimum(a.max(0), b.max(0)) - np.maximum(a.min(0), b.min(0))
    shared = float(sides.clip(0).prod())
    return shared / (area(a) + area(b) - shared) if shared else 0.0
