"""How a streamer's face and voice become one answer: numpy alone, for the agent and for the study that measured it."""

import numpy as np
from numpy.typing import NDArray

from models.inference.softmax import Matrix, softmax

WEIGHT = 0.9
"""Of the voice, 0..1. On RAVDESS' posteriors the folds choose 0.9 to 1, whichever network looks at the face
(``moodcast models fuse``): the least of these, since witnesses who repeat each other would make it too sure."""
_FLOOR = 1e-3
"""No probability counts as less: one network that is too sure has no veto."""


def with_voice(
    face: NDArray[np.floating],
    voice: NDArray[np.floating],
    weight: float = WEIGHT,
    known: NDArray[np.bool_] | None = None,
) -> Matrix:
    """Of the probabilities (N, K) of both, calibrated each for itself: (N, K), each row 0..1 with the sum 1.

    It is face * voice^weight, brought to the sum 1: with weight 1 Bayes' rule for two witnesses who know nothing of
    each other, where all classes are as likely beforehand; less for witnesses who repeat each other; 0 is the face
    alone. A voice that says the same of all classes changes nothing, and neither does such a face. ``known`` (K,) are
    the classes that the voice can say, by default all: of the others it is taken to say what it says of these on
    average.
    """
    heard = voice if known is None else np.where(known, voice, 1 / known.sum())
    logarithms = [np.log(np.maximum(np.asarray(found, np.float64), _FLOOR)) for found in (face, heard)]
    return softmax(logarithms[0] + weight * logarithms[1])
