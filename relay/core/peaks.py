"""The strongest moments of a session, so that highlights need no watching. Pure.

The signals are, second by second, the share of the audience that shows each expression but neutral, and the share that
taps each tap. How far a second stands out of the minute before it is the modified z-score of Iglewicz and Hoaglin ("How
to Detect and Handle Outliers", ASQC Quality Press 1993): the distance from the median in units of 1.4826 times the
median absolute deviation. Median and deviation stay what they are until half of the minute is unusual, so a moment
does not hide itself or the next one. Their threshold of 3.5 is for small samples: a session has thousands of seconds
and eleven signals, and chance alone would pass it, so it is 5 here.

The unit has two lower bounds, or a still audience would make a peak of anything: the standard error of a share among so
few viewers, and what makes a rise by ``LEAST_SHARE`` of a large, still audience just a peak: the same as for a burst.
"""

import bisect
import math
from collections import deque
from collections.abc import Iterable
from typing import Literal

import msgspec

from relay.core.reactions import LEAST_SHARE, LEAST_VIEWERS
from relay.core.timeline import Slice
from relay.protocol import EXPRESSIONS, NEUTRAL

BASELINE_S = 60
"""A second is compared with those of this time before it."""
_LEAST_SECONDS = 10
"""Of a baseline: before that, nothing is known to be unusual."""
THRESHOLD = 5.0
MERGE_S = 10
"""Peaks no further apart than this are one moment: the strongest names it."""
MOST = 20
KEPT = 5 * MOST
"""Of a signal: each of the ``MOST`` can hide three of it at most, those within ``MERGE_S``."""

_LEAST_UNIT = LEAST_SHARE / THRESHOLD
_MAD_TO_DEVIATION = 1.4826
"""The standard deviation of normally distributed values is this many times their median absolute deviation."""


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that stands out. ``time`` in Unix seconds; ``name`` is an expression or a tap, as ``kind`` says."""

    time: int
    kind: Literal["expression", "tap"]
    name: str
    share: float
    """Of the sharing viewers, 0 to 1, who showed or tapped it in this second."""
    strength: float
    """By how much that is more than the median of the minute before; 0 to 1."""
    score: float
    """The robust z-score, ``THRESHOLD`` or more."""


def find_peaks(slices: Iterable[Slice]) -> list[Peak]:
    """The session's peaks, the strongest first, ``MOST`` at most. It needs no more memory for a longer session.

    Of the reactions the taps count; bursts are what the expressions' shares show anyway.
    """
    expressions = [(index, _Signal("expression", name)) for index, name in enumerate(EXPRESSIONS) if index != NEUTRAL]
    taps: dict[str, _Signal] = {}
    recent: deque[int] = deque()
    for part in slices:
        tapped: dict[tuple[str, int], float] = {}
        for reaction in part.reactions:
            if reaction.kind == "tap":
                key = reaction.name, int(reaction.time)
                tapped[key] = min(1.0, tapped.get(key, 0.0) + reaction.strength)
                if reaction.name not in taps:  # nobody tapped it before
                    taps[reaction.name] = _Signal("tap", reaction.name)
                    for time in recent:
                        taps[reaction.name].add(time, 1, 0.0)
        for moment in part.moments:
            time, sharing = moment.time, max(1, moment.sharing)
            for index, signal in expressions:
                signal.add(time, sharing, moment.counts[index] / sharing)
            for name, signal in taps.items():
                signal.add(time, sharing, tapped.get((name, time), 0.0))
            recent.append(time)
            while recent[0] < time - BASELINE_S:
                recent.popleft()
    return _merged(
        [peak for _, signal in expressions for peak in signal.peaks]
        + [peak for signal in taps.values() for peak in signal.peaks]
    )[:MOST]


class _Signal:
    """A share of the audience, second by second, and its peaks: of each run of outliers the first of the strongest."""

    def __init__(self, kind: Literal["expression", "tap"], name: str) -> None:
        self._kind, self._name = kind, name
        self._window: deque[tuple[int, float]] = deque()
        self._ordered: list[float] = []  # the window's values by size: a median costs nothing, and each is needed
        self._last = -math.inf
        self.peaks: list[Peak] = []

    def add(self, time: int, count: int, share: float) -> None:
        """The next second; of so many sharing viewers, this share."""
        window, ordered = self._window, self._ordered
        while window and window[0][0] < time - BASELINE_S:
            del ordered[bisect.bisect_left(ordered, window.popleft()[1])]
        if len(ordered) >= _LEAST_SECONDS:
            usual = _median(ordered)
            rise = share - usual
            if rise >= LEAST_SHARE and rise * count >= LEAST_VIEWERS:
                score = rise / _unit(ordered, usual, count)
                if score >= THRESHOLD:
                    self._note(time, share, rise, score)
        window.append((time, share))
        bisect.insort(ordered, share)

    def _note(self, time: int, share: float, rise: float, score: float) -> None:
        peak = Peak(
            time=time, kind=self._kind, name=self._name,
            share=round(share, 4), strength=round(rise, 4), score=round(score, 2),
        )  # fmt: skip
        if time - self._last > MERGE_S:
            if len(self.peaks) > 2 * KEPT:
                self.peaks = sorted(self.peaks, key=_weakest_last)[:KEPT]
            self.peaks.append(peak)
        elif peak.score > self.peaks[-1].score:
            self.peaks[-1] = peak
        self._last = time


def _unit(ordered: list[float], usual: float, count: int) -> float:
    deviation = _MAD_TO_DEVIATION * _median(sorted(abs(share - usual) for share in ordered))
    chance = (usual * count + 0.5) / (count + 1)  # after Jeffreys: what was seen 0 of n times is not impossible
    return max(deviation, math.sqrt(chance * (1 - chance) / count), _LEAST_UNIT)


def _median(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _weakest_last(peak: Peak) -> tuple[float, float, int]:
    return -peak.score, -peak.strength, peak.time


def _merged(peaks: list[Peak]) -> list[Peak]:
    """Strongest first, without those that stand close to a stronger one."""
    kept: list[Peak] = []
    for peak in sorted(peaks, key=_weakest_last):
        if all(abs(peak.time - other.time) > MERGE_S for other in kept):
            kept.append(peak)
    return kept
