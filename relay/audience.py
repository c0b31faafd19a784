"""Who of a channel's viewers shows what. Pure: time is passed in, in seconds of a steady clock."""

import itertools
from collections.abc import Hashable

from relay.limits import HOUSE_WEIGHT, Places
from relay.mood import KINDS
from relay.protocol import EXPRESSIONS, LABEL_TTL_S, NEUTRAL, Expression
from relay.snapshot import Share

INDEX = {name: index for index, name in enumerate(EXPRESSIONS)}
WINDOW_S = 2.0
"""Changes to one expression within this time belong together."""


class Group:
    """The viewers who see the stream with one delay."""

    __slots__ = ("counts", "delay", "viewers")

    def __init__(self, delay: int) -> None:
        self.delay = delay
        self.viewers = 0
        self.counts = [0] * KINDS


class Member:
    """A viewer, as far as the audience is concerned, who keeps this up to date."""

    __slots__ = ("expression", "group", "heard", "house", "watched")

    def __init__(self, house: Hashable | None = None) -> None:
        """``house``: as ``limits.house``; None has no limit."""
        self.house = house
        self.group: Group | None = None
        """None: not in the audience."""
        self.expression: int | None = None
        """The current label, an index of ``EXPRESSIONS``."""
        self.heard = 0.0
        """When it last sent a label."""
        self.watched = False
        """Whether it stands in the list of labels that may expire."""


class Changes:
    """Who changed to which expression within the last ``WINDOW_S``.

    Each viewer counts once however often its label flickers, and of one house only so many. A change costs O(1).
    """

    __slots__ = ("_changes",)

    def __init__(self, house_weight: int = HOUSE_WEIGHT) -> None:
        """``house_weight``: viewers of a house (see ``relay.limits``) that count for an expression."""
        self._changes: tuple[tuple[dict[Member, float], Places], ...] = tuple(
            ({}, Places(house_weight)) for _ in EXPRESSIONS
        )

    def add(self, member: Member, expression: int, now: float) -> None:
        """A viewer's label became this one (an index of ``EXPRESSIONS``).

        Not for a viewer's first label: when a thousand viewers reconnect, they react to nothing. Neutral is the absence
        of a reaction and is not counted.
        """
        if expression == NEUTRAL:
            return
        times, places = self._changes[expression]
        if member in times:
            del times[member]  # so that the order stays the order of time
        elif not places.take(member.house):
            return
        times[member] = now

    def forget(self, member: Member) -> None:
        """A viewer left. It counts no more, or one who comes again and again would be many."""
        for times, places in self._changes:
            if times.pop(member, None) is not None:
                places.free(member.house)

    def counts(self, now: float) -> tuple[int, ...]:
        """Viewers per expression."""
        for times, places in self._changes:
            old = list(itertools.takewhile(lambda member: times[member] < now - WINDOW_S, times))  # noqa: B023
            for member in old:
                del times[member]
                places.free(member.house)
        return tuple(len(times) for times, _ in self._changes)


class Audience:
    """One current label per viewer: a new one replaces the old, silence expires it.

    Of the viewers in one house (see ``relay.limits``), only so many count, so that one house can't be the crowd: those
    who began to share first. When one of them stops, the next of the house to send a label takes the place.

    A label costs O(1) whatever the audience's size: it changes two counts and the viewer's own record. Expiry looks at
    each sharing viewer once in ``ttl`` seconds, when its label would be too old had it not been repeated.
    """

    __slots__ = ("_deadlines", "_groups", "_places", "_swept", "_ttl", "changes")

    def __init__(self, ttl: float = LABEL_TTL_S, house_weight: int = HOUSE_WEIGHT) -> None:
        """``ttl``: seconds after which a label that was not repeated expires. ``house_weight``: viewers of a house
        that count."""
        self._ttl = ttl
        self._groups: dict[int, Group] = {}
        self._places = Places(house_weight)
        self.changes = Changes(house_weight)
        self._deadlines: dict[int, list[Member]] = {}
        """By the second in which their labels may expire."""
        self._swept: int | None = None

    def join(self, member: Member, delay: int = 0) -> None:
        """The viewer is in the audience from now on and sees the stream with this delay, in whole seconds."""
        member.group = self._groups.get(delay)
        if member.group is None:
            member.group = self._groups[delay] = Group(delay)
        member.group.viewers += 1

    def leave(self, member: Member) -> None:
        """The viewer is no longer in the audience."""
        self.withdraw(member)
        self.changes.forget(member)
        group = member.group
        assert group is not None
        group.viewers -= 1
        if not group.viewers:
            del self._groups[group.delay]
        member.group = None

    def delay(self, member: Member, delay: int) -> None:
        """From now on the viewer sees the stream with this delay, in whole seconds."""
        expression, old = member.expression, member.group
        assert old is not None
        if old.delay == delay:
            return
        if expression is not None:
            old.counts[expression] -= 1
        old.viewers -= 1
        if not old.viewers:
            del self._groups[old.delay]
        self.join(member, delay)
        if expression is not None:
            assert member.group is not None
            member.group.counts[expression] += 1

    def label(self, member: Member, expression: Expression, now: float) -> None:
        """The viewer, who joined, shows ``expression`` from now on.

        ``now`` must not run backwards between calls, as ``time.monotonic`` never does. A viewer who finds no place in
        the house has no label.
        """
        member.heard = now
        before, after = member.expression, INDEX[expression]
        if before == after:
            return
        counts = member.group.counts  # type: ignore[union-attr]  # checking what always holds would cost on each label
        if before is not None:
            counts[before] -= 1
            self.changes.add(member, after, now)
        elif self._places.take(member.house):
            self._watch(member, now)
        else:
            return
        counts[after] += 1
        member.expression = after

    def withdraw(self, member: Member) -> None:
        """The viewer has no label from now on."""
        if member.expression is None:
            return
        assert member.group is not None
        member.group.counts[member.expression] -= 1
        member.expression = None
        self._places.free(member.house)

    def expire(self, now: float) -> None:
        """Withdraw the labels that are older than the time to live."""
        if self._swept is None:
            return
        current = int(now)
        for second in range(self._swept, current + 1):
            for member in self._deadlines.pop(second, ()):
                if member.expression is not None and now - member.heard <= self._ttl:
                    self._deadlines.setdefault(int(member.heard + self._ttl), []).append(member)
                    continue
                member.watched = False
                self.withdraw(member)
        self._swept = current

    @property
    def shares(self) -> tuple[Share, ...]:
        """The audience in counts."""
        return tuple(Share(group.delay, group.viewers, tuple(group.counts)) for group in self._groups.values())

    def _watch(self, member: Member, now: float) -> None:
        if self._swept is None:
            self._swept = int(now)
        if not member.watched:
            member.watched = True
            self._deadlines.setdefault(int(now + self._ttl), []).append(member)
