"""Figures with intervals over people: the clips of one person resemble each other, so people are drawn, not clips.

Pure. Throughout, ``matrices`` are (S, K, K) int64: the confusion matrix of each of S subjects, rows are true. Intervals
are 95 % percentiles of a bootstrap (Efron 1979); there is none with one subject.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import metrics

FIGURES: Mapping[str, Callable[[NDArray[np.int64]], float]] = MappingProxyType(
    {"uar": metrics.uar, "war": metrics.accuracy, "macro_f1": metrics.macro_f1}
)
_RESAMPLES = 2000

Matrices = NDArray[np.int64]


def matrices(labels: NDArray[np.int64], answers: NDArray[np.int64], subjects: Sequence[str], classes: int) -> Matrices:
    """The confusion matrices of the subjects, in the order of their names, of labels and answers (N,)."""
    names, subject_of = np.unique(np.asarray(subjects, str), return_inverse=True)
    return np.stack(
        [metrics.confusion(labels[subject_of == i], answers[subject_of == i], classes) for i in range(len(names))]
    )


def figures(found: Matrices) -> dict[str, Any]:
    """UAR, WAR and macro F1 in 0..1, each ``value`` and ``interval``; and the ``confusion`` of all."""
    total, drawn = found.sum(0), _resampled(found)
    return {
        **{name: _figure(of(total), _of_each(drawn, of)) for name, of in FIGURES.items()},
        "confusion": total.tolist(),
    }


def gain(first: Matrices, second: Matrices, names: Collection[str] = tuple(FIGURES)) -> dict[str, Any]:
    """By how much the first is better on the same clips: of each figure named, ``value`` and ``interval`` in -1..1."""
    totals, drawn = (first.sum(0), second.sum(0)), (_resampled(first), _resampled(second))
    return {
        name: _figure(of(totals[0]) - of(totals[1]), _of_each(drawn[0], of) - _of_each(drawn[1], of))
        for name, of in FIGURES.items()
        if name in names
    }


def _resampled(found: Matrices) -> Matrices:
    """The sums (R, K, K) of as many subjects, drawn with replacement, always the same; none of one subject."""
    subjects = len(found)
    rounds = _RESAMPLES if subjects > 1 else 0
    drawn = np.random.default_rng(0).multinomial(subjects, np.full(subjects, 1 / subjects), rounds)
    return np.tensordot(drawn, found, 1)


def _of_each(drawn: Matrices, of: Callable[[NDArray[np.int64]], float]) -> NDArray[np.float64]:
    return np.array([of(matrix) for matrix in drawn])


def _figure(value: float, resampled: NDArray[np.float64]) -> dict[str, Any]:
    if not len(resampled):
        return {"value": value, "interval": None}
    low, high = np.quantile(resampled, (0.025, 0.975))
    return {"value": value, "interval": (float(low), float(high))}
