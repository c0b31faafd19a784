"""A temperature for a classifier's answers, chosen on examples that it did not learn from.

With its probabilities p, the answer is softmax(log p / T). It works behind a mean over several views; of a single one
it is temperature scaling as published (Guo et al. 2017, "On Calibration of Modern Neural Networks"), since log p
differs from the logits by a constant. T changes no answer, only how sure it is.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.inference.softmax import softmax

SMALLEST = 1e-9
"""Added to probabilities, so that their logarithm is finite; one that is no number stays so, for all to see."""
_LEAST, _MOST = 0.1, 10.0
_PRECISION = 1e-3

Probabilities = NDArray[np.floating[Any]]


def tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Probabilities (N, K) of a classifier's own (N, K), with ``temperature`` > 0."""
    return softmax(np.log(probabilities + probabilities.dtype.type(SMALLEST)) / probabilities.dtype.type(temperature))


def fit_temperature(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """The temperature in 0.1..10 under which the labels (N,) are most likely, to a thousandth of its inverse.

    The likelihood is concave in 1/T, so a golden-section search finds its maximum.
    """

    def loss(inverse: float) -> float:
        return metrics.negative_log_likelihood(tempered(probabilities, 1 / inverse), labels)

    low, high, golden = 1 / _MOST, 1 / _LEAST, (5**0.5 - 1) / 2
    while high - low > _PRECISION:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return 2 / (low + high)
