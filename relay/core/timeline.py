"""The audience by the stream's own clock: at each second, what viewers showed when they saw it. Pure.

A viewer with a delay of ten seconds shows now what the streamer did ten seconds ago, so its label belongs there. But
who sees the live mood as well sees by how far the history moves each change: were each viewer moved by its own delay,
that would tell the few with a delay of their own from all others. Therefore

- delays are used in groups of neighbours, each of at least ``min_viewers`` networks, all with the group's median,
- a second of the stream is told once, when the label of the last group has come, and never changes,
- a second for which a group has shown too little, or whose mood was hidden to some, is not told at all.

So a change can be put down to one of a group, and to none of those in it. Where viewers are shown to each other with
their labels, it could be put down to the one of a group who is not: then there are no groups, and all are moved by the
median.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

import msgspec

from relay.core.mood import Counts
from relay.core.snapshot import Share, Whole
from relay.protocol import MAX_DELAY_S, Expression, Marker, Reaction

LONGEST_GAP_S = 10
"""Seconds without a tick, as on a busy machine, through which the mood stayed as the last tick showed it."""


class Second(NamedTuple):
    """One second of the stream."""

    time: int
    """Unix time at the streamer's."""
    viewers: int
    counts: Counts


class StoredMoment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A second of a stored session, as clients get it."""

    time: int
    viewers: int
    sharing: int
    counts: tuple[int, ...]
    """Viewers per expression."""
    valence: float
    resonance: float


class StoredFace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the streamer showed in a second, stored because they asked for it."""

    time: int
    emotion: Expression


Part = Literal["moments", "reactions", "markers", "streamer"]
PARTS: tuple[Part, ...] = get_args(Part)
"""Of what is stored of a session."""
AUDIENCE: tuple[Part, ...] = ("moments", "reactions", "markers")
"""Those that each session may have."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Of a stored session some whole seconds, each part by time."""

    moments: Sequence[StoredMoment] = ()
    reactions: Sequence[Reaction] = ()
    markers: Sequence[Marker] = ()
    streamer: Sequence[StoredFace] = ()

    def part(self, name: Part) -> Sequence[StoredMoment | Reaction | Marker | StoredFace]:
        """The part of this name."""
        parts: dict[Part, Sequence[StoredMoment | Reaction | Marker | StoredFace]] = {
            "moments": self.moments, "reactions": self.reactions, "markers": self.markers, "streamer": self.streamer,
        }  # fmt: skip
        return parts[name]


class _Crowd(NamedTuple):
    """Those who share with one delay."""

    delay: int
    sharing: int
    networks: frozenset[bytes]
    """All, or at least ``min_viewers``."""


class _Group(NamedTuple):
    """Neighbours in delay, who are moved together."""

    crowds: list[_Crowd]
    delay: int
    """Their median, in seconds."""


class _Shown(NamedTuple):
    """The audience at one tick, where its mood was visible."""

    at: float
    """By the steady clock."""
    shares: dict[int, list[Share]]
    """By their delay."""


class Timeline:
    """The seconds of a session, told one after the other.

    Nobody counts twice in a second, also who changes its delay or comes again and again: of a group that sees it later,
    those count who had their delay, and their place in their house, already when the first group saw it. So the sum is
    never more than were there at that moment.
    """

    def __init__(self, start: float, min_viewers: int, report_age: float = 0.0) -> None:
        """``start``: Unix time; nothing goes before it. ``min_viewers``: as in the settings. ``report_age``: seconds by
        which what is known of viewers on other nodes may be old."""
        self.delay = 0
        """By which the audience as a whole sees the stream late: the median, in seconds."""
        self._next = int(start)
        self._min_viewers = min_viewers
        self._report_age = report_age
        self._shown: dict[int, _Shown] = {}
        """By the second in which it was, from ``_next`` on."""
        self._last: tuple[float, Whole] | None = None
        """The audience at the last tick, and when that was."""
        self._second: int | None = None
        """That of the last tick, and ..."""
        self._newest = -1
        """... the last that the mood was visible in."""
        self._together_until = -math.inf
        """Until then (by the steady clock) all are moved by the same delay."""

    def add(self, now: float, at: float, whole: Whole | None, together: bool = False) -> list[Second]:
        """The audience at the Unix time ``now``, which is ``at`` by the steady clock; None while the mood is hidden.

        ``together``: move all by the same delay, also afterwards for as long as a label of now may be told.
        To be called at each tick. Returns the seconds of the stream that can now be told, in their order.
        """
        if together:
            self._together_until = at + MAX_DELAY_S + LONGEST_GAP_S
        second, told = int(now), list[Second]()
        if self._second is not None and self._last and 1 < second - self._second <= LONGEST_GAP_S:
            stayed = _shown(self._last[0], self._last[1].shares)
            self._shown.update((missed, stayed) for missed in range(self._second + 1, second))
        self._second = second
        self._last = None if whole is None else (at, whole)
        self._next = max(self._next, second - MAX_DELAY_S)
        if whole is not None and second > self._newest and whole.shares:  # the first that was shown in this second
            self._newest = second
            shown = self._shown[second] = _shown(at, whole.shares)
            told = self._tell(second, _crowds(shown, self._min_viewers), at < self._together_until)
        self._shown = {time: shown for time, shown in self._shown.items() if time >= self._next}
        return told

    def _tell(self, second: int, crowds: list[_Crowd], together: bool) -> list[Second]:
        self.delay = _median(crowds, self._min_viewers)
        groups = [_Group(crowds, self.delay)] if together else self._groups(crowds)
        due = second - max(group.delay for group in groups)
        told = [self._moment(time, groups) for time in range(self._next, due + 1)]
        self._next = max(self._next, due + 1)
        return [moment for moment in told if moment]

    def _groups(self, crowds: list[_Crowd]) -> list[_Group]:
        """The fewest neighbours, from the shortest delay on, that are ``min_viewers`` networks together; and so on."""
        enough, networks = [], set[bytes]()
        for crowd in crowds:
            networks |= crowd.networks
            enough.append(len(networks) >= self._min_viewers)
            if enough[-1]:
                networks.clear()
        return self._joined([[crowd] for crowd in crowds], enough)

    def _joined(self, groups: list[list[_Crowd]], enough: list[bool]) -> list[_Group]:
        """Each that has not enough joins the next one, and the last one the one before it."""
        joined: list[list[_Crowd]] = []
        rest: list[_Crowd] = []
        for group, has_enough in zip(groups, enough, strict=True):
            rest = rest + group
            if has_enough:
                joined.append(rest)
                rest = []
        if rest:
            joined[-1:] = [[*(joined[-1] if joined else ()), *rest]]
        return [_Group(group, _median(group, self._min_viewers)) for group in joined]

    def _moment(self, time: int, groups: list[_Group]) -> Second | None:
        """A second of the stream; None where it can't be told."""
        while True:
            shown = [one for group in groups if (one := self._shown.get(time + group.delay))]
            if len(shown) < len(groups):
                return None
            first = min(one.at for one in shown)
            parts, low = [], 0
            for number, (group, one) in enumerate(zip(groups, shown, strict=True), 1):
                high = group.crowds[-1].delay if number < len(groups) else MAX_DELAY_S
                least = one.at - first + self._report_age if one.at > first else 0.0
                near = (share for delay in range(low, high + 1) for share in one.shares.get(delay, ()))
                parts.append([share for share in near if share.age >= least])
                low = high + 1
            enough = [len(_networks(part, self._min_viewers)) >= self._min_viewers for part in parts]
            if all(enough):
                return _sum(time, [share for part in parts for share in part])
            if len(groups) == 1:
                return None
            groups = self._joined([group.crowds for group in groups], enough)


def median_delay(shares: Iterable[Share], min_viewers: int) -> int:
    """By how many seconds those who share see the stream late, as the median; the same on all nodes."""
    return _median(_crowds(_shown(0.0, shares), min_viewers), min_viewers)


def median_delay_of_all(shares: Iterable[Share], min_viewers: int) -> int:
    """The same of all who are connected, where nobody shares since labels are not taken."""
    crowds = (_Crowd(share.delay, share.viewers, frozenset(share.present)) for share in shares)
    return _median(sorted(crowds, key=lambda crowd: crowd.delay), min_viewers)


def _median(crowds: Iterable[_Crowd], min_viewers: int) -> int:
    """Their (lower) median delay in seconds.

    Where a delay has fewer than ``min_viewers`` networks, each counts once however many viewers it has: else one
    network could move the whole of a small audience.
    """
    seen: set[bytes] = set()
    weights: list[tuple[int, int]] = []
    for crowd in crowds:
        many = len(crowd.networks) >= min_viewers
        weights.append((crowd.delay, crowd.sharing if many else len(crowd.networks - seen)))
        seen |= crowd.networks
    left = sum(weight for _, weight in weights) / 2
    for delay, weight in weights:
        left -= weight
        if left <= 0:
            return delay
    return 0


def _shown(at: float, shares: Iterable[Share]) -> _Shown:
    by_delay: dict[int, list[Share]] = {}
    for share in shares:
        by_delay.setdefault(share.delay, []).append(share)
    return _Shown(at, by_delay)


def _crowds(shown: _Shown, most: int) -> list[_Crowd]:
    """Those who share, by their delay, with about ``most`` networks of each."""
    return [
        _Crowd(delay, sum(sum(share.counts) for share in shares), networks)
        for delay, shares in sorted(shown.shares.items())
        if (networks := _networks(shares, most))
    ]


def _networks(shares: Iterable[Share], most: int) -> frozenset[bytes]:
    """Their networks: all, or at least ``most``."""
    found: set[bytes] = set()
    for share in shares:
        found.update(share.networks)
        if len(found) >= most:
            break
    return frozenset(found)


def _sum(time: int, shares: list[Share]) -> Second:
    counts = map(sum, zip(*(share.counts for share in shares), strict=True))
    return Second(time, sum(share.viewers for share in shares), Counts(tuple(counts)))
