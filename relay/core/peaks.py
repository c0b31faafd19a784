"""The strongest moments of a session, so that highlights need no watching. Pure.

What makes a moment, and how strong it is, says ``relay.core.moments``: the live ones follow the same rule. Here the
seconds are those of the stream, as the history has them.
"""

import bisect
import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence

import msgspec

from relay.core.moments import BASELINE_S, MERGE_S, Kind, Rise, rise_of
from relay.core.timeline import Slice
from relay.protocol import EXPRESSIONS, NEUTRAL

MOST = 20
"""Highlights of a session."""
SHARE = 2
"""Places among them that each expression, and the taps together, have for their own strongest."""
ALL = 400
"""Peaks of a session that are told where all are asked for."""
KEPT = 5 * ALL
"""Of a signal: each of ``ALL`` can hide three of it at most, those within ``MERGE_S``."""


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that stands out. ``time`` in Unix seconds; ``name`` is an expression or a tap, as ``kind`` says."""

    time: int
    kind: Kind
    name: str
    share: float
    """Of the sharing viewers, 0 to 1, who showed or tapped it in this second."""
    strength: float
    """By how much that is more than the median of the minute before; 0 to 1."""
    score: float
    """As ``moments.Rise.score``."""


def find_peaks(slices: Iterable[Slice]) -> list[Peak]:
    """The session's peaks, the strongest first, ``ALL`` at most. It needs no more memory for a longer session.

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
    )[:ALL]


def highlights(peaks: Sequence[Peak]) -> list[Peak]:
    """The ``MOST`` of a session's ``peaks`` that a streamer looks at first; of both the strongest first.

    Of each expression the ``SHARE`` strongest are among them, and of the taps: else one sad scene could fill the list.
    The other places are those of the strongest that are left.
    """
    of_group = Counter[str]()
    shared, others = list[Peak](), list[Peak]()
    for peak in peaks:
        group = peak.name if peak.kind == "expression" else peak.kind
        of_group[group] += 1
        (shared if of_group[group] <= SHARE else others).append(peak)
    return sorted(shared + others[: max(0, MOST - len(shared))], key=_weakest_last)


class _Signal:
    """A share of the audience, second by second, and its peaks: of each run of outliers the first of the strongest."""

    def __init__(self, kind: Kind, name: str) -> None:
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
        if found := rise_of(ordered, share, count):
            self._note(time, share, found)
        window.append((time, share))
        bisect.insort(ordered, share)

    def _note(self, time: int, share: float, found: Rise) -> None:
        peak = Peak(
            time=time, kind=self._kind, name=self._name,
            share=round(share, 4), strength=round(found.rise, 4), score=round(found.score, 2),
        )  # fmt: skip
        if time - self._last > MERGE_S:
            if len(self.peaks) > 2 * KEPT:
                self.peaks = sorted(self.peaks, key=_weakest_last)[:KEPT]
            self.peaks.append(peak)
        elif peak.score > self.peaks[-1].score:
            self.peaks[-1] = peak
        self._last = time


def _weakest_last(peak: Peak) -> tuple[float, float, int]:
    return -peak.score, -peak.strength, peak.time


def _merged(peaks: list[Peak]) -> list[Peak]:
    """Strongest first, without those that stand close to a stronger one."""
    kept: list[Peak] = []
    times: list[int] = []  # theirs, in order
    for peak in sorted(peaks, key=_weakest_last):
        at = bisect.bisect_left(times, peak.time - MERGE_S)
        if at == len(times) or times[at] > peak.time + MERGE_S:
            times.insert(at, peak.time)
            kept.append(peak)
    return kept
