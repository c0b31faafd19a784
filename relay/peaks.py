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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Reaction
from relay.reactions import LEAST_SHARE, LEAST_VIEWERS

BASELINE_S = 60
"""A second is compared with those of this time before it."""
LEAST_SECONDS = 10
"""Of a baseline: before that, nothing is known to be unusual."""
THRESHOLD = 5.0
MERGE_S = 10
"""Peaks closer than this are one moment: the strongest names it."""
MOST = 20

LEAST_UNIT = LEAST_SHARE / THRESHOLD
MAD_TO_DEVIATION = 1.4826
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


def find_peaks(moments: Sequence[Mapping[str, Any]], reactions: Iterable[Reaction]) -> list[Peak]:
    """The session's peaks, the strongest first, ``MOST`` at most.

    ``moments``: as of ``History.session``, by time (``time``, ``sharing``, ``counts``). ``reactions``: of these the
    taps count; bursts are what the expressions' shares show anyway.
    """
    tapped: dict[tuple[str, int], float] = {}
    for reaction in reactions:
        if reaction.kind == "tap":
            key = reaction.name, int(reaction.time)
            tapped[key] = min(1.0, tapped.get(key, 0.0) + reaction.strength)
    times = [int(moment["time"]) for moment in moments]
    sharing = [max(1, int(moment["sharing"])) for moment in moments]
    found: list[Peak] = []
    for index, name in enumerate(EXPRESSIONS):
        if index != NEUTRAL:
            shares = [moment["counts"][index] / count for moment, count in zip(moments, sharing, strict=True)]
            found += _episodes(_outliers("expression", name, times, sharing, shares))
    for tap in TAPS:
        shares = [tapped.get((tap, time), 0.0) for time in times]
        if any(shares):
            found += _episodes(_outliers("tap", tap, times, sharing, shares))
    return _merged(found)[:MOST]


def _outliers(
    kind: Literal["expression", "tap"], name: str, times: list[int], sharing: list[int], shares: list[float]
) -> Iterator[Peak]:
    """The seconds that stand out in one signal."""
    window: deque[tuple[int, float]] = deque()
    ordered: list[float] = []  # the window's values by size: a median costs nothing, and each is needed
    for time, count, share in zip(times, sharing, shares, strict=True):
        while window and window[0][0] < time - BASELINE_S:
            del ordered[bisect.bisect_left(ordered, window.popleft()[1])]
        if len(ordered) >= LEAST_SECONDS:
            usual = _median(ordered)
            rise = share - usual
            if rise >= LEAST_SHARE and rise * count >= LEAST_VIEWERS:
                score = rise / _unit(ordered, usual, count)
                if score >= THRESHOLD:
                    yield Peak(
                        time=time, kind=kind, name=name,
                        share=round(share, 4), strength=round(rise, 4), score=round(score, 2),
                    )  # fmt: skip
        window.append((time, share))
        bisect.insort(ordered, share)


def _unit(ordered: list[float], usual: float, count: int) -> float:
    deviation = MAD_TO_DEVIATION * _median(sorted(abs(share - usual) for share in ordered))
    chance = (usual * count + 0.5) / (count + 1)  # after Jeffreys: what was seen 0 of n times is not impossible
    return max(deviation, math.sqrt(chance * (1 - chance) / count), LEAST_UNIT)


def _median(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _episodes(outliers: Iterable[Peak]) -> list[Peak]:
    """The first of the strongest seconds of each run of outliers without a longer pause."""
    best: list[Peak] = []
    last = -math.inf
    for outlier in outliers:
        if outlier.time - last > MERGE_S:
            best.append(outlier)
        elif outlier.score > best[-1].score:
            best[-1] = outlier
        last = outlier.time
    return best


def _merged(peaks: list[Peak]) -> list[Peak]:
    """Strongest first, without those that stand close to a stronger one."""
    kept: list[Peak] = []
    for peak in sorted(peaks, key=lambda peak: (-peak.score, -peak.strength, peak.time)):
        if all(abs(peak.time - other.time) > MERGE_S for other in kept):
            kept.append(peak)
    return kept
