"""From a curve over a film to micro-expressions: where each begins and ends, and its strongest frame. Pure.

A curve has one number a frame, at equal times. That of ``spot-cnn`` is a probability; those of the plain methods are
how much a face has moved. Frame numbers count from the film's first, and both ends of an interval belong to it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.clips.source import Frames

Curve = NDArray[np.float64]
"""(T,)."""

_SUREST = 4.0
"""No single frame says more than this log-odds: one that is sure of itself would outvote all others."""


@dataclass(frozen=True)
class Spotted:
    """A micro-expression that was spotted: its frames ``onset`` to ``offset``, the strongest of them, and a score."""

    onset: int
    apex: int
    offset: int
    score: float


@dataclass(frozen=True)
class Durations:
    """How long micro-expressions last, in seconds: log-normal around ``typical``, none below or beyond the limits.

    Half a second is where they end by definition (Yan et al. 2013); the rest is for intervals that are found a little
    too long. ``spread`` is the standard deviation of the logarithm.
    """

    shortest: float = 0.1
    typical: float = 0.35
    longest: float = 0.6
    spread: float = 0.4

    def frames(self, rate: float) -> NDArray[np.int64]:
        """The lengths that there can be at ``rate`` frames a second, ascending; one at least."""
        fewest = max(1, math.ceil(self.shortest * rate))
        return np.arange(fewest, max(fewest, math.floor(self.longest * rate)) + 1)

    def log_prior(self, frames: NDArray[np.int64], rate: float) -> Curve:
        """Of these lengths, 0 for the typical one and less for others."""
        off: Curve = np.log(frames / rate / self.typical) / self.spread
        return -0.5 * off * off


MICRO = Durations()


def intervals(inside: Curve, apex: Curve, rate: float, durations: Durations = MICRO, cost: float = 0) -> list[Spotted]:
    """The disjoint intervals that a curve speaks for most, in their order.

    ``inside`` is the probability that a frame lies in a micro-expression, ``apex`` that it is the strongest one.
    Windows of all lengths slide over the log-odds of ``inside``: a window's worth is their sum in it, plus the log
    prior of its length, less ``cost``. Of all sets of disjoint windows the one that is worth most is taken (dynamic
    programming, as in a semi-Markov model), so two humps of one movement become one interval where one is likelier
    than two. The score is the mean of ``inside``.
    """
    count = len(inside)
    odds = np.clip(np.log(np.clip(inside, 1e-9, 1)) - np.log(np.clip(1 - inside, 1e-9, 1)), -_SUREST, _SUREST)
    until = np.concatenate([[0.0], np.cumsum(odds)])
    lengths = durations.frames(rate)
    prior = durations.log_prior(lengths, rate) - cost
    best, taken = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    for end in range(1, count + 1):
        best[end] = best[end - 1]
        fitting = lengths[lengths <= end]
        worth = best[end - fitting] + until[end] - until[end - fitting] + prior[: len(fitting)]
        if len(fitting) and worth.max() > best[end]:
            best[end], taken[end] = worth.max(), fitting[worth.argmax()]
    found, end = [], count
    while end:
        if length := int(taken[end]):
            first = end - length
            top = first + int(apex[first:end].argmax())
            found.append(Spotted(first, top, end - 1, float(inside[first:end].mean())))
            end = first
        else:
            end -= 1
    return found[::-1]


def in_film(found: Sequence[Spotted], at: NDArray[np.int64], count: int) -> list[Spotted]:
    """What was spotted in a curve, in frames of its film of ``count``, of which ``at`` (T,) are the curve's; ascending.

    An interval ends before the frame that the curve's next number is from, so that neighbours share none at ten frames
    a second or more.
    """
    after = np.append(at, count)
    moved = []
    for one in found:
        onset = int(at[one.onset])
        offset = max(onset, int(after[one.offset + 1]) - 1)
        moved.append(Spotted(onset, min(int(at[one.apex]), offset), offset, one.score))
    return moved


def peaks(curve: Curve, rate: float, share: float, durations: Durations = MICRO) -> list[Spotted]:
    """The peaks of a plain curve, in their order, each with the typical duration around it.

    A peak is higher than ``mean + share * (maximum - mean)`` (Moilanen et al. 2014), and no frame within the typical
    duration of it is higher.
    """
    least = curve.mean() + share * (curve.max() - curve.mean())
    length = min(max(1, round(durations.typical * rate)), len(curve))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(curve, length, constant_values=-np.inf), 2 * length + 1)
    tops = np.flatnonzero((curve == around.max(1)) & (curve > least))
    found: list[Spotted] = []
    for top in tops.tolist():
        if not found or top - found[-1].apex > length:  # two frames may be equally high
            first = min(max(top - length // 2, 0), len(curve) - length)
            found.append(Spotted(first, top, first + length - 1, float(curve[top])))
    return found


def difference(frames: Frames) -> Curve:
    """How far each frame is from the first: the mean difference of their pixels, in grey levels.

    Its maximum is the apex of those who have nothing better, and a blink's where somebody blinks.
    """
    first = frames[0].astype(np.int16)
    return np.array([np.abs(frame - first).mean() for frame in frames])
