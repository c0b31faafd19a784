"""What makes a moment: the rule that live moments and a session's peaks share, and the live ones. Pure.

The signals are, second by second, the share of the audience that shows each expression but neutral, and the share that
taps each tap. A second is a moment where its share is ``LEAST_SHARE`` and ``LEAST_VIEWERS`` above the median of the
minute before, as for a burst, and stands out of the spread: by ``_THRESHOLD`` standard errors of a share among so few
viewers, and by ``_THRESHOLD`` times 1.4826 median absolute deviations. That is the modified z-score of Iglewicz and
Hoaglin ("How to Detect and Handle Outliers", ASQC Quality Press 1993). Median and deviation stay what they are until
half of the minute is unusual, so a moment does not hide itself or the next one. Their threshold of 3.5 is for small
samples: a session has thousands of seconds and eleven signals, and chance alone would pass it, so it is 5 here.

What varies more, as laughter does, must rise higher by that, but not without end: the deviation counts as
``_MOST_SPREAD`` at most, so a large audience's rise of 25 % always stands out. And moments are ranked by their rise:
the spread may change the rank by a tenth at most. Else only what is seldom seen were one.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple

from relay.core.audience import WINDOW_S
from relay.core.mood import Counts
from relay.core.reactions import LEAST_SHARE, LEAST_VIEWERS
from relay.core.snapshot import LEAST_NETWORKS, Networks, Whole
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS

BASELINE_S = 60
"""A second is compared with those of this time before it."""
_LEAST_SECONDS = 10
"""Of a baseline: before that, nothing is known to be unusual."""
_THRESHOLD = 5.0
MERGE_S = 10
"""What is no further apart than this is one moment."""
_LEAST_UNIT = LEAST_SHARE / _THRESHOLD
"""By this the rise is divided for the score where the audience is still."""
_MOST_UNIT = 1.1 * _LEAST_UNIT
"""And by this where it varies most."""
_MOST_SPREAD = 0.05

_MAD_TO_DEVIATION = 1.4826
"""The standard deviation of normally distributed values is this many times their median absolute deviation."""
_CHANGED_S = 10.0
"""Viewers who changed to the expression within this time may have made the rise: delays and dispositions differ."""
_TELL_AFTER_S = 1.0
"""A moment is told so long after it was noticed, by then it is near its height, and the strongest names it."""

Kind = Literal["expression", "tap"]


class Rise(NamedTuple):
    """How far a share stands out."""

    rise: float
    """Above the median of what was before; 0 to 1."""
    score: float
    """``_THRESHOLD`` or more for an audience that is still, a tenth less for one that varies."""


def rise_of(before: Sequence[float], share: float, sharing: int) -> Rise | None:
    """How far the ``share`` of ``sharing`` viewers stands out of those ``before``, sorted; None where it doesn't."""
    if len(before) < _LEAST_SECONDS:
        return None
    usual = median(before)
    rise = share - usual
    if rise < LEAST_SHARE or rise * sharing < LEAST_VIEWERS:
        return None
    deviation = _MAD_TO_DEVIATION * median(sorted(abs(other - usual) for other in before))
    often = before[3 * len(before) // 4]  # of what few show, the median is 0 for long
    chance = (often * sharing + 1) / (sharing + 2)  # after Laplace: what was seen 0 of n times is not impossible
    error = math.sqrt(chance * (1 - chance) / sharing)
    if rise < _THRESHOLD * max(error, min(deviation, _MOST_SPREAD)):
        return None
    return Rise(rise, rise / min(max(error, deviation, _LEAST_UNIT), _MOST_UNIT))


def median(ordered: Sequence[float]) -> float:
    """Of at least one number, sorted."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Noticed(NamedTuple):
    """A moment as the live audience shows it."""

    since: float
    """When it was noticed, by the steady clock."""
    kind: Kind
    name: str
    share: float
    rise: float
    score: float


class _Second(NamedTuple):
    """What is remembered of a second."""

    at: float
    """By the steady clock."""
    sharing: int
    counts: tuple[int, ...]
    """Viewers per expression, then taps of each kind."""
    changes: tuple[int, ...]
    """Viewers who changed to each expression, or tapped each tap, within ``WINDOW_S``: of one network only so many."""
    changed: tuple[Networks, ...]
    """Networks that they belong to."""


_SIGNALS: tuple[tuple[int, Kind, str], ...] = (
    *((index, "expression", name) for index, name in enumerate(EXPRESSIONS) if index != NEUTRAL),
    *((len(EXPRESSIONS) + index, "tap", name) for index, name in enumerate(TAPS)),
)


class Moments:
    """The moments of a live audience, each told once: after one, none is for ``MERGE_S``.

    As with a burst, who made the rise must be so many viewers of at least three networks, of one network only so many.
    It remembers a minute, second by second.
    """

    __slots__ = ("_best", "_outlier", "_silent_until", "_taps", "_window")

    def __init__(self) -> None:
        self._window: deque[_Second] = deque()
        self._taps = [0] * len(TAPS)
        """Since the last second that is remembered."""
        self._outlier = dict.fromkeys((index for index, _, _ in _SIGNALS), -math.inf)
        """When each signal last stood out."""
        self._best: Noticed | None = None
        self._silent_until = -math.inf

    def update(self, whole: Whole, counts: Counts, of: int, now: float) -> Noticed | None:
        """The moment to tell at ``now``, if there is one; call at each tick while reactions are told.

        ``counts``: those of the audience ``whole``. ``of``: so many might have shown it, or tapped. ``now``: of a
        steady clock.
        """
        self._taps = [before + new for before, new in zip(self._taps, whole.taps, strict=True)]
        if self._window and int(now) == int(self._window[-1].at):
            return None
        while self._window and self._window[0].at < now - BASELINE_S:
            self._window.popleft()
        second = _Second(
            now, of, (*counts.values, *self._taps),
            (*whole.changes, *whole.tappers), (*whole.changed, *whole.tapped),
        )  # fmt: skip
        self._taps = [0] * len(TAPS)
        best = self._best
        for index, kind, name in _SIGNALS:
            found = self._standing_out(second, index)
            if found is None:
                continue
            is_new = now - self._outlier[index] > MERGE_S
            self._outlier[index] = now
            grows = best is not None and best.name == name
            if now >= self._silent_until and (is_new or grows) and (best is None or found.score > best.score):
                since = best.since if best else now
                best = Noticed(since, kind, name, _share(second, index), found.rise, found.score)
        self._best = best
        self._window.append(second)
        if best is None or now - best.since < _TELL_AFTER_S - 0.5:  # the first tick of the next second
            return None
        self._best, self._silent_until = None, now + MERGE_S
        return best

    def hide(self) -> None:
        """The mood is hidden: what was noticed is not told."""
        self._best = None
        self._taps = [0] * len(TAPS)

    def _standing_out(self, second: _Second, index: int) -> Rise | None:
        share = _share(second, index)
        if share < LEAST_SHARE or second.counts[index] < LEAST_VIEWERS:  # nor can the rise be more
            return None
        found = rise_of(sorted(_share(other, index) for other in self._window), share, second.sharing)
        return found if found and self._is_shared(second, index) else None

    def _is_shared(self, second: _Second, index: int) -> bool:
        """Whether so many have made the rise that no network and no house can have."""
        least = max(LEAST_VIEWERS, LEAST_SHARE * second.sharing)
        if index >= len(EXPRESSIONS):  # of the same second, as a tap does not last: who goes on tapping is no crowd
            return second.changes[index] >= least and len(second.changed[index]) >= LEAST_NETWORKS
        viewers, networks, until = 0, set[bytes](), math.inf
        for one in (second, *reversed(self._window)):
            if one.at < second.at - _CHANGED_S:
                break
            networks.update(one.changed[index])
            if one.at < until:  # else it counts those again whom a later second has counted
                viewers += one.changes[index]
                until = one.at - WINDOW_S
        return viewers >= least and len(networks) >= LEAST_NETWORKS


def _share(second: _Second, index: int) -> float:
    return min(1.0, second.counts[index] / max(1, second.sharing))
