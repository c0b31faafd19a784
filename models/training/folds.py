"""Cross-validation by subject: nobody who is learned from is tested on. Pure: indices from names."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError

Indices = NDArray[np.int64]


def leave_one_out(subjects: Sequence[str]) -> list[Indices]:
    """The clips of each subject in turn, ascending, in the order of the subjects' names.

    Raises:
        DatasetError: there are fewer than two subjects.
    """
    return by_subject(subjects, len(set(subjects)), None)


def by_subject(subjects: Sequence[str], folds: int, seed: int | None) -> list[Indices]:
    """The clips held out in each of ``folds`` folds, ascending; together all of them, and no subject in two.

    Large subjects are dealt first, each to the fold that is smallest so far; ``seed`` shuffles those of one size, None
    leaves them in the order of their names.

    Raises:
        DatasetError: there are fewer subjects than folds, or fewer than two.
    """
    names, subject_of = np.unique(np.asarray(subjects, str), return_inverse=True)
    if not 2 <= folds <= len(names):
        raise DatasetError(f"expected 2 to {len(names)} folds for clips of {len(names)} subjects, got {folds}")
    sizes = np.bincount(subject_of, minlength=len(names))
    order = np.arange(len(names)) if seed is None else np.random.default_rng(seed).permutation(len(names))
    if folds < len(names):
        order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold_of = np.zeros(folds, np.int64), np.zeros(len(names), np.int64)
    for subject in order:
        fold_of[subject] = filled.argmin()
        filled[fold_of[subject]] += sizes[subject]
    return [np.flatnonzero(fold_of[subject_of] == fold) for fold in range(folds)]
