"""The audience by the stream's own clock: at each second, what viewers showed when they saw it. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from relay.mood import Counts
from relay.protocol import MAX_DELAY_S
from relay.snapshot import Share

LONGEST_GAP_S = 10
"""Seconds that the ticks may leave out: the audience is taken to have stayed as it was."""


class Moment(NamedTuple):
    """One second of the stream."""

    time: int
    """Unix time at the streamer's."""
    viewers: int
    counts: Counts


class Timeline:
    """The last two minutes of a session, second by second.

    A viewer with a delay of ten seconds shows now what the streamer did ten seconds ago, so its label belongs there.
    Each second of the stream therefore goes on growing until it has reached those with the longest delay.
    """

    def __init__(self, start: float, min_viewers: int) -> None:
        """``start``: Unix time of the session's begin; nothing goes before it. ``min_viewers``: as in the settings."""
        self._start = int(start)
        self._min_viewers = min_viewers
        self._moments: dict[int, Moment] = {}
        self._last: int | None = None

    def add(self, now: int, shares: Iterable[Share]) -> list[Moment]:
        """What the audience shows at ``now`` (a Unix time in whole seconds), where it may be shown at all.

        Returns the moments that grew and that at least ``min_viewers`` have a part in; none for a second that was
        added before.
        """
        if self._last is not None and now <= self._last:
            return []
        first = now if self._last is None or now - self._last > LONGEST_GAP_S else self._last + 1
        self._last = now
        grown = {
            second - share.delay: self._grow(second - share.delay, share)
            for second in range(first, now + 1)
            for share in shares
            if second - share.delay >= self._start
        }
        for time in [time for time in self._moments if time < now - MAX_DELAY_S]:
            del self._moments[time]
        return [moment for _, moment in sorted(grown.items()) if moment.counts.sharing >= self._min_viewers]

    def _grow(self, time: int, share: Share) -> Moment:
        before = self._moments.get(time, Moment(time, 0, Counts()))
        moment = Moment(time, before.viewers + share.viewers, before.counts + Counts(share.counts))
        self._moments[time] = moment
        return moment
