"""Figures of the study of persons from what its heads have answered. Pure; docs/personal.md lists the keys.

An accuracy is that of all answers together, over users and draws. Its interval is a bootstrap over users (Efron 1979):
users are drawn with replacement, and all clips of a user come along, since they resemble each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.personal.cells import Cell
from models.personal.protocols import HeadTask

_RESAMPLES = 2000
ALL = "80%"
"""What the JSON calls all of a user's clips to learn from."""

Matrices = Mapping[str, NDArray[np.int64]]
"""By user, a confusion matrix (K, K): rows are true."""


def summarise(
    found: Sequence[tuple[HeadTask, Cell]], labels: NDArray[np.int64], subjects: Sequence[str], classes: Sequence[str]
) -> dict[str, Any]:
    """The figures of one network and one head."""
    ask = _Answers(found, labels, subjects, len(classes))
    before, after = ask.universal(), ask.of("personal", None)
    counts = sorted({task.clips for task, _ in found if task.kind == "personal" and task.clips is not None})
    return {
        "random_split": accuracy(ask.split("random")),
        "actor_split": accuracy(ask.split("universal")),
        "universal": accuracy(before),
        "curve": [_step(ask, count) for count in (*counts, None)],
        "users": {
            user: {
                "universal": _share(before[user]),
                "personal": _share(after[user]),
                "answers": int(after[user].sum()),
            }
            for user in after
        },
        "confusion": {"before": _total(before).tolist(), "after": _total(after).tolist()},
        "equation_5": _floored(cell for _, cell in found),
    }


def _step(ask: "_Answers", count: int | None) -> dict[str, Any]:
    """A point of the curves. Differences are in accuracy, above 0 where the first is better."""
    universal, personal, common = ask.universal(), ask.of("personal", count), ask.of("common", count)
    return {
        "clips": ALL if count is None else count,
        "personal": accuracy(personal),
        "common": accuracy(common) if common else None,
        "personal_over_universal": difference(personal, universal),
        "personal_over_common": difference(personal, common) if common else None,
    }


class _Answers:
    """What heads answered, user by user."""

    def __init__(
        self,
        found: Sequence[tuple[HeadTask, Cell]],
        labels: NDArray[np.int64],
        subjects: Sequence[str],
        classes: int,
    ) -> None:
        self._found, self._labels, self._classes = found, labels, classes
        self._subjects = np.asarray(subjects, str)

    def of(self, kind: str, clips: int | None) -> Matrices:
        """Of heads that learned from so many clips; empty where there is none."""
        return self._matrices(cell for task, cell in self._found if (task.kind, task.clips) == (kind, clips))

    def split(self, kind: str) -> Matrices:
        """Of the universal heads, with all that they were asked about."""
        return self._matrices(cell for task, cell in self._found if task.kind == kind)

    def universal(self) -> Matrices:
        """Of the universal head, about what the personal ones are asked."""
        (cell,) = (cell for task, cell in self._found if task.kind == "universal")
        answer = dict(zip(cell.asked, cell.answers, strict=True))
        asked = [cell.asked for task, cell in self._found if task.kind == "personal" and task.clips is None]
        return self._matrices(Cell(clips, tuple(answer[i] for i in clips)) for clips in asked)

    def _matrices(self, cells: Iterable[Cell]) -> Matrices:
        total: dict[str, NDArray[np.int64]] = {}
        for cell in cells:
            asked, answers = np.array(cell.asked, np.int64), np.array(cell.answers, np.int64)
            for user in np.unique(self._subjects[asked]).tolist():
                of_user = self._subjects[asked] == user
                matrix = metrics.confusion(self._labels[asked[of_user]], answers[of_user], self._classes)
                total[user] = total.get(user, 0) + matrix
        return total


def accuracy(matrices: Matrices) -> dict[str, Any]:
    """``accuracy`` in 0..1, its 95 % ``interval`` (null with one user), ``answers``: how many there were."""
    right, asked = _right(matrices, matrices), _asked(matrices)
    return {
        "accuracy": float(right.sum() / asked.sum()),
        "interval": _bootstrap(right, asked),
        "answers": int(asked.sum()),
    }


def difference(first: Matrices, second: Matrices) -> dict[str, Any]:
    """``difference`` of two accuracies on the same clips, -1..1, and its 95 % ``interval`` (null with one user)."""
    gain, asked = _right(first, first) - _right(second, first), _asked(first)
    return {"difference": float(gain.sum() / asked.sum()), "interval": _bootstrap(gain, asked)}


def _right(matrices: Matrices, users: Iterable[str]) -> NDArray[np.int64]:
    return np.array([np.trace(matrices[user]) for user in users])


def _asked(matrices: Matrices) -> NDArray[np.int64]:
    return np.array([matrix.sum() for matrix in matrices.values()])


def _bootstrap(amounts: NDArray[np.int64], asked: NDArray[np.int64]) -> tuple[float, float] | None:
    """95 % interval of the sum of ``amounts`` (users,) by that of ``asked``; of one user nothing varies."""
    users = len(asked)
    if users < 2:
        return None
    drawn = np.random.default_rng(0).multinomial(users, np.full(users, 1 / users), _RESAMPLES)
    low, high = np.quantile((drawn @ amounts) / (drawn @ asked), (0.025, 0.975))
    return float(low), float(high)


def _share(matrix: NDArray[np.int64]) -> float:
    return float(np.trace(matrix) / matrix.sum())


def _total(matrices: Matrices) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.sum(list(matrices.values()), axis=0)
    return total


def _floored(cells: Iterable[Cell]) -> dict[str, int] | None:
    """How often equation (5) had too small a sum in all trainings; null for heads without that equation."""
    every = list(cells)
    floored, sums = sum(cell.floored for cell in every), sum(cell.sums for cell in every)
    return {"floored": floored, "sums": sums} if sums else None
