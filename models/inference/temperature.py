"""A temperature for a classifier's answers, chosen on examples that it did not learn from.

With its probabilities p, the answer is softmax(log p / T). It works behind a mean over several views; of a single one
it is temperature scaling as published (Guo et al. 2017, "On Calibration of Modern Neural Networks"), since log p
differs from the logits by a constant. T changes no answer, only how sure it is.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.inference.softmax import softmax

SMALLEST = 1e-9
"""Added to probabilities, so that their logarithm is finite; one that is no number stays so, for all to see."""
_LEAST, _MOST = 0.1, 10.0
_PRECISION = 1e-3

_Real = TypeVar("_Real", bound=np.floating[Any])


def tempered(probabilities: NDArray[_Real], temperature: float) -> NDArray[_Real]:
    """Probabilities (N, K) of a classifier's own (N, K), with ``temperature`` > 0."""
    return softmax(np.log(probabilities + probabilities.dtype.type(SMALLEST)) / probabilities.dtype.type(temperature))


def fit_temperature(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """The temperature in 0.1..10 under which the labels (N,) are most likely, to a thousandth of its inverse.

    The likelihood is concave in 1/T, so a golden-section search finds its maximum.
    """
    logarithms = np.log(np.asarray(probabilities, np.float64) + SMALLEST)
    logarithms -= logarithms.max(1, keepdims=True)
    of_labels = logarithms[np.arange(len(labels)), labels]

    def loss(inverse: float) -> float:
        # Without the floor of metrics.negative_log_likelihood, under which what is very wrong would have no slope.
        return float((np.log(np.exp(logarithms * inverse).sum(1)) - of_labels * inverse).mean())

    low, high, golden = 1 / _MOST, 1 / _LEAST, (5**0.5 - 1) / 2
    while high - low > _PRECISION:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return 2 / (low + high)
