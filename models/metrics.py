"""Figures of merit of a classifier, from plain arrays. Pure: no files, no network, no clock.

Throughout, ``labels`` and ``predictions`` are (N,) integer class numbers and ``probabilities`` is (N, K), rows summing
to 1. A confusion matrix is (K, K) int64: rows are the true classes, columns the predicted ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CALIBRATION_BINS = 15
"""As in Guo et al. 2017, "On Calibration of Modern Neural Networks"."""
_Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


def confusion(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How often each class was taken for each; entries of both arrays are in 0..classes-1."""
    flat = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def recalls(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of each class that was found (K,); NaN for a class that does not occur."""
    occur = matrix.sum(1)
    return np.where(occur > 0, np.diag(matrix) / np.maximum(occur, 1), np.nan)


def accuracy(matrix: NDArray[np.int64]) -> float:
    """The share that is right. The weighted average recall (WAR) is the same number."""
    return float(np.trace(matrix) / matrix.sum())


def uar(matrix: NDArray[np.int64]) -> float:
    """Unweighted average recall: the mean of the recalls of the classes that occur."""
    return float(np.nanmean(recalls(matrix)))


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """The mean of the classes' F1 over the classes that occur or are predicted; F1 is 0 where either never happens."""
    either = matrix.sum(0) + matrix.sum(1)
    return float((2 * np.diag(matrix)[either > 0] / either[either > 0]).mean())


def scores(labels: NDArray[np.int64], predictions: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """All of the above, ready for JSON; there must be at least one row, and class k is called ``names[k]``.

    Keys: ``count``; ``accuracy`` and ``war`` (one number), ``uar``, ``macro_f1`` in 0..1; ``recall``, by name, null
    for a class that does not occur; ``confusion``, a list of rows (true class), each a list of columns (predicted).
    """
    matrix = confusion(labels, predictions, len(names))
    found = recalls(matrix)
    return {
        "count": int(matrix.sum()),
        "accuracy": accuracy(matrix),
        "war": accuracy(matrix),
        "uar": uar(matrix),
        "macro_f1": macro_f1(matrix),
        "recall": {name: None if np.isnan(r) else float(r) for name, r in zip(names, found, strict=True)},
        "confusion": matrix.tolist(),
    }


@dataclass(frozen=True)
class Reliability:
    """How far confidences can be trusted, over equal bins of confidence (lowest first).

    ``counts`` (B,) int64; ``confidence`` and ``accuracy`` (B,) float64, the means in each bin, 0 in an empty one.
    ``ece`` is the expected calibration error in 0..1: the mean distance of the two, weighted by the counts.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float


def reliability(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], bins: int = _CALIBRATION_BINS
) -> Reliability:
    """Guo et al. 2017, eq. 2 and 3; the confidence is the largest probability, and bin m holds ((m-1)/B, m/B]."""
    confidence = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    mean_confidence = np.bincount(place, confidence, bins) / filled
    mean_accuracy = np.bincount(place, right.astype(np.float64), bins) / filled
    ece = float((counts * np.abs(mean_confidence - mean_accuracy)).sum() / len(labels))
    return Reliability(counts.astype(np.int64), mean_confidence, mean_accuracy, ece)


def negative_log_likelihood(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Mean of -log p(label), natural logarithm; probabilities below 1e-12 count as that."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def wilson(successes: int, trials: int, z: float = _Z_95) -> tuple[float, float]:
    """Wilson's score interval (1927) of a proportion; (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z * np.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
