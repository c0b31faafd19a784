"""A linear support vector machine as the last layer of a network: arrays, as any other layer's weights are."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError

COST = 1.0
"""C of the SVM, scikit-learn's default."""
_NEVER = -100.0
"""The margin of a class that nobody has shown it: below all others, whose margins are a few units."""


class LinearSvm(NamedTuple):
    """One against all others: the margins of features x are ``weight @ x + bias``, the largest is the answer.

    ``weight`` (K, D), ``bias`` (K,), float32. The features' standardisation is folded in.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def margins(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, D) to (N, K)."""
        found: NDArray[np.float32] = features @ self.weight.T + self.bias
        return found


def fit(features: NDArray[np.float32], labels: NDArray[np.int64], classes: int) -> LinearSvm:
    """scikit-learn's ``LinearSVC`` of standardised features (N, D), for labels (N,) in 0..classes-1.

    Features that are the same everywhere have no say. A class that does not occur is never answered.

    Raises:
        DatasetError: all labels are the same.
    """
    from sklearn.svm import LinearSVC

    if len(there := np.unique(labels)) < 2:
        raise DatasetError("expected clips of two classes or more for a support vector machine, got one")
    mean, std = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
    scale = np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 0.0)
    machine = LinearSVC(C=COST, dual=True, max_iter=20_000, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it stopped before the last digit: near enough, and the same each time
        machine.fit((features - mean) * scale, labels)
    found, offset = machine.coef_, machine.intercept_
    if len(there) == 2:  # scikit-learn has one row for the second of them
        found, offset = np.concatenate([-found, found]), np.concatenate([-offset, offset])
    weight, bias = np.zeros((classes, features.shape[1])), np.full(classes, _NEVER)
    weight[there] = found * scale
    bias[there] = offset - weight[there] @ mean
    return LinearSvm(weight.astype(np.float32), bias.astype(np.float32))
