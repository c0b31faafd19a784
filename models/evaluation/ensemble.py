"""The study's ensemble: what a clip network and a network of single faces (POSTER V2) say, weighed."""

import numpy as np
from numpy.typing import NDArray


def blend(ours: NDArray[np.floating], poster: NDArray[np.floating], weight: float) -> NDArray[np.floating]:
    """``ours * weight + poster * (1 - weight)``: probabilities (..., classes), as both are, in one order of classes.

    The study takes 0.8 and 0.6. POSTER V2's probabilities of a clip are the mean over the frames it was shown.

    Raises:
        ValueError: the shapes differ, or the weight is not in 0..1.
    """
    if ours.shape != poster.shape:
        raise ValueError(f"expected probabilities of one shape, got {ours.shape} and {poster.shape}")
    if not 0 <= weight <= 1:
        raise ValueError(f"expected a weight in 0..1, got {weight}")
    return ours * weight + poster * (1 - weight)
