"""One channel's state: the pure core behind the sockets. Time is passed in, as a steady clock and as Unix time."""

from collections import deque
from collections.abc import Hashable
from typing import Literal

from relay.limits import HOUSE_WEIGHT
from relay.mood import KINDS, Audience, Counts, Trend, Visibility
from relay.protocol import EXPRESSIONS, Expression, Mood, Reaction, Tap
from relay.reactions import Burst, Bursts, Taps

INDEX = {name: index for index, name in enumerate(EXPRESSIONS)}
RECENT_S = 4.0
"""Reactions stay in ``Channel.recent`` for this long: the time they float over the overlay."""


class Channel:
    """Labels and taps in; a mood and reactions out at each tick."""

    __slots__ = ("_audience", "_bursts", "_min_viewers", "_taps", "_trend", "_visibility", "mood", "name", "recent")

    def __init__(self, name: str, min_viewers: int, label_ttl: float, house_weight: int = HOUSE_WEIGHT) -> None:
        self.name = name
        self.recent: deque[Reaction] = deque()
        self._min_viewers = min_viewers
        self._audience = Audience(label_ttl, house_weight)
        self._bursts = Bursts(house_weight)
        self._taps = Taps(house_weight)
        self._trend = Trend()
        self._visibility = Visibility(min_viewers)
        self.mood = self._hidden(seq=0, unix=0.0, viewers=0, sharing=0)

    def label(self, viewer: Hashable, expression: Expression, now: float, house: Hashable | None = None) -> None:
        """The viewer, of a house of which only so many count, shows ``expression`` from now on."""
        after = INDEX[expression]
        self._bursts.change(viewer, self._audience.label(viewer, after, now, house), after, now, house)

    def tap(self, viewer: Hashable, tap: Tap, now: float, house: Hashable | None = None) -> None:
        """The viewer tapped."""
        self._taps.tap(viewer, tap, now, house)

    def withdraw(self, viewer: Hashable) -> None:
        """The viewer is away or left: its label counts no more."""
        self._audience.remove(viewer)

    def tick(self, viewers: int, now: float, unix: float) -> list[Reaction]:
        """Bring ``mood`` and ``recent`` up to date; returns the new reactions.

        ``viewers``: how many are connected. ``now``: of a steady clock. ``unix``: the same moment for the messages.
        """
        self._audience.expire(now)
        counts = self._audience.counts
        sharing = counts.sharing
        bursts = self._bursts.update(sharing, now)
        taps = self._taps.update(sharing, now)
        seq = self.mood.seq + 1
        if not self._visibility.update(sharing, now):
            self._trend.reset()
            self.recent.clear()
            self.mood = self._hidden(seq, unix, viewers, sharing)
            return []
        self.mood = self._shown(seq, unix, viewers, counts, self._trend.update(counts.valence, now))
        reactions = [_reaction(unix, "expression", burst) for burst in bursts]
        reactions += [_reaction(unix, "tap", tap) for tap in taps]
        while self.recent and self.recent[0].time < unix - RECENT_S:
            self.recent.popleft()
        self.recent.extend(reactions)
        return reactions

    def _hidden(self, seq: int, unix: float, viewers: int, sharing: int) -> Mood:
        return Mood(
            seq=seq, time=unix, visible=False, viewers=viewers, sharing=sharing, min_viewers=self._min_viewers,
            counts=[0] * KINDS, shares=[0.0] * KINDS, valence=0.0, resonance=0.0, trend=0.0,
        )  # fmt: skip

    def _shown(self, seq: int, unix: float, viewers: int, counts: Counts, trend: float) -> Mood:
        return Mood(
            seq=seq, time=unix, visible=True, viewers=viewers, sharing=counts.sharing, min_viewers=self._min_viewers,
            counts=list(counts.values), shares=[round(share, 4) for share in counts.shares],
            valence=round(counts.valence, 4), resonance=round(counts.resonance, 4), trend=round(trend, 4),
        )  # fmt: skip


def _reaction(unix: float, kind: Literal["expression", "tap"], burst: Burst) -> Reaction:
    return Reaction(time=unix, kind=kind, name=burst.name, strength=round(burst.strength, 4), count=burst.count)
