"""Who is learned from and who is tested on: nobody is on both sides. Pure: indices from names."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.clips.layouts import entry
from models.errors import DatasetError, RecipeError
from models.training.recipe import ClipsSection, DataSection

Indices = NDArray[np.int64]


class Fold(NamedTuple):
    """Clips to learn from and clips to test on, ascending."""

    learn: Indices
    test: Indices


def of_recipe(
    subjects: Sequence[str], official: Mapping[str, entry.OfficialFold], how: ClipsSection, data: DataSection
) -> dict[str, Fold]:
    """The folds of a recipe by their names, which are numbers from 1 or, leaving one out, subjects.

    The one fold of the protocol ``share`` has no name.

    Raises:
        DatasetError: there are too few subjects, or the layout has no official folds.
        RecipeError: ``clips.only`` names a fold that there is not.
    """
    if how.protocol == "official":
        if not official:
            raise DatasetError(f"the layout {how.layout!r} has no official folds: choose another clips.protocol")
        found = {name: Fold(np.array(fold.train), np.array(fold.test)) for name, fold in official.items()}
    else:
        found = {name: _around(held_out, len(subjects)) for name, held_out in _held_out(subjects, how, data).items()}
    if unknown := set(how.only) - found.keys():
        raise RecipeError(f"clips.only: expected folds of {', '.join(found)}, got {', '.join(sorted(unknown))}")
    return {name: fold for name, fold in found.items() if not how.only or name in how.only}


def _held_out(subjects: Sequence[str], how: ClipsSection, data: DataSection) -> dict[str, Indices]:
    if how.protocol == "leave-one-out":
        return dict(zip(sorted(set(subjects)), leave_one_out(subjects), strict=True))
    if how.protocol == "folds":
        return {str(k): held_out for k, held_out in enumerate(by_subject(subjects, how.folds, data.seed), 1)}
    groups = min(max(2, round(1 / data.validation_share)), len(set(subjects)))
    return {"": by_subject(subjects, groups, data.seed)[0]}


def _around(held_out: Indices, count: int) -> Fold:
    """The fold that tests on these of ``count`` clips."""
    return Fold(np.setdiff1d(np.arange(count), held_out), held_out)


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
    if len(names) < 2:
        raise DatasetError(
            f"expected clips of two subjects or more, one to learn from and one to test on, got {len(names)}"
        )
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
