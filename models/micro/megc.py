"""The measures of the Micro-Expression Grand Challenge (MEGC; Li et al. 2022, Davison et al. 2023). Pure.

An interval that was spotted is a hit where it shares half of its union with a true one that no other has hit. Hits are
counted over all films, and F1, recall and precision come from the sums. With a recogniser, what it says of the hits
gives a second F1, unweighted over the classes, and STRS (spot-then-recognise score) is the product of both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models import metrics

Span = tuple[int, int]
"""First and last frame, both within."""
ENOUGH = 0.5
"""Intersection over union of a hit."""


def overlap(one: Span, other: Span) -> float:
    """Intersection over union, in 0..1."""
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    if shared <= 0:
        return 0.0
    return shared / (one[1] - one[0] + 1 + other[1] - other[0] + 1 - shared)


def hits(found: Sequence[Span], true: Sequence[Span]) -> list[tuple[int, int]]:
    """Pairs of indices into both, the best overlaps first; nobody is in two pairs."""
    pairs = [(overlap(one, other), i, j) for i, one in enumerate(found) for j, other in enumerate(true)]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    matched: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for shared, i, j in pairs:
        if shared >= ENOUGH and i not in taken[0] and j not in taken[1]:
            matched.append((i, j))
            taken[0].add(i)
            taken[1].add(j)
    return matched


@dataclass(frozen=True)
class Tally:
    """How many intervals were found, how many there are, and how many of both are hits."""

    found: int
    true: int
    hits: int

    @property
    def precision(self) -> float:
        """Share of what was found; 0 where nothing was."""
        return self.hits / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of what there is; 0 where there is nothing."""
        return self.hits / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both: 2 hits / (found + true)."""
        return 2 * self.hits / (self.found + self.true) if self.found + self.true else 0.0


def total(films: Iterable[Tally]) -> Tally:
    """All films together, as the challenge counts."""
    every = list(films)
    return Tally(sum(one.found for one in every), sum(one.true for one in every), sum(one.hits for one in every))


def recognition_f1(labels: Sequence[int], answers: Sequence[int], classes: int) -> float:
    """F1 of a recogniser on the hits, unweighted over the classes that occur or are answered; 0 without a hit."""
    if not labels:
        return 0.0
    return metrics.macro_f1(metrics.confusion(np.asarray(labels, np.int64), np.asarray(answers, np.int64), classes))


def strs(spotting: float, recognition: float) -> float:
    """Spot-then-recognise score of two F1, in 0..1."""
    return spotting * recognition
