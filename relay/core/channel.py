"""One channel's state: the pure core behind the sockets. Time is passed in, as a steady clock and as Unix time."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from relay.core.audience import Audience, Member
from relay.core.grid import GridPart, GridRule, Hidden, Roster, View, least_unshown
from relay.core.limits import ALONE, HOUSE_WEIGHT, Ledger
from relay.core.moments import Moments, Noticed
from relay.core.mood import KINDS, SHOW_AFTER_S, Counts, Trend, Visibility
from relay.core.reactions import Burst, Bursts, Taps, least_changes, tapped
from relay.core.snapshot import Snapshot, Whole
from relay.core.timeline import median_delay, median_delay_of_all
from relay.protocol import MAX_DELAY_S, Crowd, Expression, Moment, Mood, Reaction, Tap

RECENT_S = 4.0
"""Reactions stay in ``Channel.recent`` for this long: the time they float over the overlay."""


class Channel:
    """Labels and taps in; a mood and reactions out at each tick."""

    __slots__ = (
        "_audience", "_bursts", "_crowd", "_grid_rule", "_min_viewers", "_moments", "_resumed", "_sharing",
        "_show_after", "_taps", "_trend", "_visibility", "cameras", "grid", "label", "late", "moment", "mood", "name",
        "paused", "recent", "roster",
    )  # fmt: skip

    def __init__(
        self, name: str, min_viewers: int, label_ttl: float, house_weight: int = HOUSE_WEIGHT,
        crowd: Crowd = "networks", show_after: float = SHOW_AFTER_S, ledger: Ledger = ALONE,
    ) -> None:  # fmt: skip
        """``crowd``: what the members' networks are; only told, since who makes the members knows. ``show_after``: as
        for ``Visibility``. ``ledger``: where houses and networks are counted."""
        ledger = ledger.of(name)
        self.name = name
        self.recent: deque[Reaction] = deque()
        self._min_viewers, self._crowd = min_viewers, crowd
        self._sharing = 0
        self._audience = Audience(label_ttl, house_weight, min_viewers, ledger)
        self.label: Callable[[Member, Expression, float], None] = self._audience.label
        """As ``Audience.label``, without a step in between: this is called for each label. Does nothing in a pause.
        Not to be called while there are no ``cameras``."""
        self.paused = False
        """While the streamer has paused, nothing that viewers do is taken or shown."""
        self._resumed = -math.inf
        """When the last pause ended, by the steady clock."""
        self.grid = 0.0
        """Since when (Unix time) the streamer allows viewers to be shown to each other; 0: not at all."""
        self.cameras = True
        """Whether labels are taken; see ``take_cameras``."""
        self.late = 0
        """By how many seconds the audience sees the stream late, as the median, while reactions are told without
        ``cameras``."""
        self.roster = Roster(house_weight, ledger)
        self._grid_rule = GridRule(min_viewers, house_weight, show_after)
        self._bursts = Bursts()
        self._moments = Moments()
        self.moment: Moment | None = None
        """That of the last tick, if it had one."""
        self._taps = Taps(house_weight, ledger)
        self._trend = Trend()
        self._show_after = show_after
        self._visibility = Visibility(min_viewers, show_after)
        self.mood = self._hidden(0, 0.0, Snapshot())

    def join(self, member: Member, delay: float, now: float) -> None:
        """A viewer came, who sees the stream this many seconds late."""
        self._audience.join(member, _whole(delay), now)

    def leave(self, member: Member) -> None:
        """A viewer left."""
        self._audience.leave(member)
        self._taps.forget(member)
        self.roster.hide(member)

    def close(self) -> None:
        """The channel is live no more: nothing of what those do counts who are still leaving."""
        self.paused = True
        self._taps.close()

    def delay(self, member: Member, delay: float) -> None:
        """A viewer sees the stream this many seconds late. See ``Audience.delay`` on when this may be."""
        self._audience.delay(member, _whole(delay))

    def tap(self, member: Member, tap: Tap, now: float) -> None:
        """The viewer tapped."""
        if not self.paused:
            self._taps.tap(member, tap, now)

    def pause(self, members: Iterable[Member]) -> None:
        """Forget what the viewers show, and take nothing of theirs until ``resume``."""
        self.paused, self.label = True, _ignore
        for member in members:
            self._audience.withdraw(member)

    def resume(self, now: float) -> None:
        """Take labels and taps again from ``now`` (of a steady clock) on, and begin with bursts and visibility anew."""
        self.paused, self.label = False, self._audience.label
        self._resumed = now
        self._bursts = Bursts()
        self._visibility = Visibility(self._min_viewers, self._show_after)

    def take_cameras(self, allowed: bool, members: Iterable[Member]) -> None:
        """From now on labels are taken, or not: then those of the ``members``, who are all, count no more at once."""
        self.cameras, self._audience.tells_present = allowed, not allowed
        self._visibility = Visibility(self._min_viewers, self._show_after)
        for member in () if allowed else members:
            self._audience.withdraw(member)

    def withdraw(self, member: Member) -> None:
        """The viewer is away: its label counts no more."""
        self._audience.withdraw(member)

    def snapshot(self, now: float) -> Snapshot:
        """The audience at ``now`` (of a steady clock), with the taps since the snapshot before."""
        self._audience.expire(now)
        changes, taps = self._audience.changes, self._taps.take(now)
        tappers = self._taps.recent
        return Snapshot(
            self._audience.shares, changes.counts(self._sharing), changes.networks, taps,
            tappers.counts(self._sharing), tappers.networks,
        )  # fmt: skip

    def grid_part(self, hidden: Hidden) -> GridPart | None:
        """Those of the audience who are shown to each other, at the moment of the last ``snapshot``."""
        self.roster.keep(self.grid)
        return self.roster.part(self._audience, hidden, least_unshown(self._min_viewers))

    def view(self, parts: Sequence[tuple[Snapshot, GridPart | None]], hidden: Hidden, now: float) -> View:
        """What may be told of them beside the ``mood`` of this ``tick``. ``parts``: as for ``GridRule.update``."""
        if self.paused or not self.grid:
            return self._grid_rule.clear()
        return self._grid_rule.update(parts, self.grid, hidden, self.mood.visible, now)

    def tick(self, whole: Whole, now: float, unix: float) -> list[Reaction]:
        """Bring ``mood``, ``moment`` and ``recent`` up to date; returns the new reactions.

        ``whole``: the audience. ``now``: of a steady clock. ``unix``: the same moment for the messages.
        """
        if self.paused:  # also what nodes tell that have not heard of it yet
            return self._hide(unix, whole)
        if not self.cameras:
            return self._tell_taps(whole, now, unix)
        counts = whole.counts
        sharing = self._sharing = counts.sharing
        # Else none of them is asked for its networks, which on several nodes are many.
        may_burst = max(whole.changes) >= least_changes(sharing)
        of = [len(networks) for networks in whole.changed] if may_burst else (0,) * KINDS
        bursts = self._bursts.update(whole.changes, of, sharing, now)
        taps = tapped(whole.taps, sharing)
        if not self._visibility.update(whole.networks, now):
            return self._hide(unix, whole)
        self.mood = self._shown(self.mood.seq + 1, unix, whole, counts, self._trend.update(counts.valence, now))
        noticed = self._moments.update(whole, counts, sharing, now)
        self._notice(noticed, now, unix, median_delay(whole.shares, self._min_viewers) if noticed else 0)
        reactions = [_reaction(unix, "expression", burst) for burst in bursts]
        return self._remember([*reactions, *(_reaction(unix, "tap", tap) for tap in taps)], unix)

    def _tell_taps(self, whole: Whole, now: float, unix: float) -> list[Reaction]:
        """As ``tick``, where labels are not taken: there is no mood, and taps are told once people of enough networks
        are connected, since any of them may have tapped."""
        if not self._visibility.update(whole.present, now):
            return self._hide(unix, whole)
        self._trend.reset()
        self._sharing = whole.viewers
        self.mood = self._hidden(self.mood.seq + 1, unix, whole)
        self.late = median_delay_of_all(whole.shares, self._min_viewers)
        self._notice(self._moments.update(whole, Counts(), whole.viewers, now), now, unix, self.late)
        return self._remember([_reaction(unix, "tap", tap) for tap in tapped(whole.taps, whole.viewers)], unix)

    def _notice(self, noticed: Noticed | None, now: float, unix: float, late: int) -> None:
        self.moment = noticed and _moment(noticed, now, unix, late)
        if self.moment and now - self.moment.ago < self._resumed:  # it happened in a pause
            self.moment = None

    def _remember(self, reactions: list[Reaction], unix: float) -> list[Reaction]:
        while self.recent and self.recent[0].time < unix - RECENT_S:
            self.recent.popleft()
        self.recent.extend(reactions)
        return reactions

    def _hide(self, unix: float, whole: Whole) -> list[Reaction]:
        self._trend.reset()
        self._moments.hide()
        self.moment = None
        self.recent.clear()
        self.mood = self._hidden(self.mood.seq + 1, unix, whole)
        return []

    def _hidden(self, seq: int, unix: float, whole: Whole) -> Mood:
        return Mood(
            seq=seq, time=unix, visible=False, viewers=whole.viewers, sharing=0, min_viewers=self._min_viewers,
            crowd=self._crowd, counts=[0] * KINDS, shares=[0.0] * KINDS, valence=0.0, resonance=0.0, trend=0.0,
            paused=self.paused, grid=bool(self.grid), cameras=self.cameras,
        )  # fmt: skip

    def _shown(self, seq: int, unix: float, whole: Whole, counts: Counts, trend: float) -> Mood:
        return Mood(
            seq=seq, time=unix, visible=True, viewers=whole.viewers, sharing=counts.sharing,
            min_viewers=self._min_viewers, crowd=self._crowd, counts=list(counts.values),
            shares=[round(share, 4) for share in counts.shares],
            valence=round(counts.valence, 4), resonance=round(counts.resonance, 4), trend=round(trend, 4),
            grid=bool(self.grid), cameras=self.cameras,
        )  # fmt: skip


def _reaction(unix: float, kind: Literal["expression", "tap"], burst: Burst) -> Reaction:
    return Reaction(time=unix, kind=kind, name=burst.name, strength=round(burst.strength, 4), count=burst.count)


def _ignore(member: Member, expression: Expression, now: float) -> None:
    """What becomes of a label in a pause."""


def _moment(noticed: Noticed, now: float, unix: float, delay: int) -> Moment:
    """``delay``: by which the audience sees the stream late, in seconds."""
    ago = now - noticed.since + delay
    return Moment(
        time=round(unix - ago, 3), ago=round(ago, 3), kind=noticed.kind, name=noticed.name,
        share=round(noticed.share, 4), rise=round(noticed.rise, 4), score=round(noticed.score, 2),
    )  # fmt: skip


def _whole(delay: float) -> int:
    return round(min(max(delay, 0.0), MAX_DELAY_S))
