"""Who of a channel's viewers shows what. Pure: time is passed in, in seconds of a steady clock."""

import itertools
import secrets
from collections import Counter, deque
from collections.abc import Hashable, Iterable

from relay.core.limits import ALONE, HOUSE_WEIGHT, Ledger, Ranks
from relay.core.mood import KINDS
from relay.core.snapshot import AGES, LEAST_NETWORKS, Networks, Share
from relay.protocol import EXPRESSIONS, LABEL_TTL_S, NEUTRAL, Expression

_INDEX = {name: index for index, name in enumerate(EXPRESSIONS)}
WINDOW_S = 2.0
"""Changes to one expression, and taps of one kind, within this time belong together."""
_LEAST_CHANGES, _CHANGES_SHARE = 2, 0.1
"""Of one network so many changes to an expression count, or such a share of those sharing, whichever is more."""
NETWORK_BYTES = 8
"""Length of a network's keyed hash."""


class _Group:
    """The viewers who see the stream with one delay, and have done so for as long (one of ``AGES``)."""

    __slots__ = ("age", "counts", "delay", "networks", "present", "viewers")

    def __init__(self, delay: int, age: int) -> None:
        self.delay, self.age = delay, age
        self.viewers = 0
        self.counts = [0] * KINDS
        self.networks: dict[bytes, int] = {}
        """How many of each network have a current label, and ..."""
        self.present: dict[bytes, int] = {}
        """... how many are here."""

    def enter(self, member: "Member") -> None:
        """Count a viewer in, with its label if it has one."""
        member.group = self
        self.viewers += 1
        _add(self.present, member.network)
        if member.expression is not None:
            self.counts[member.expression] += 1
            self.begin(member.network)

    def exit(self, member: "Member") -> None:
        """Count it out again."""
        member.group = None
        self.viewers -= 1
        _take(self.present, member.network)
        if member.expression is not None:
            self.counts[member.expression] -= 1
            self.end(member.network)

    def begin(self, network: bytes) -> None:
        """One more of the network has a label."""
        _add(self.networks, network)

    def end(self, network: bytes) -> None:
        """One less."""
        _take(self.networks, network)


def _add(networks: dict[bytes, int], network: bytes) -> None:
    networks[network] = networks.get(network, 0) + 1


def _take(networks: dict[bytes, int], network: bytes) -> None:
    left = networks.pop(network) - 1
    if left:
        networks[network] = left


class Member:
    """A viewer, as far as the audience is concerned, who keeps this up to date."""

    __slots__ = ("expression", "group", "heard", "house", "network", "placed", "since", "watched")

    def __init__(self, house: Hashable | None = None, network: bytes | None = None) -> None:
        """``house``: as ``limits.house``; None has no limit. ``network``: hash of what ``min_viewers`` counts this
        viewer in; None: it is a network of its own."""
        self.house = house
        self.network = secrets.token_bytes(NETWORK_BYTES) if network is None else network
        self.group: _Group | None = None
        """None: not in the audience."""
        self.expression: int | None = None
        """The current label, an index of ``EXPRESSIONS``."""
        self.heard = 0.0
        """When it last sent a label."""
        self.placed = False
        """Whether it has one of its house's places, as its labels count."""
        self.since = 0.0
        """Since when it is here, or has its place."""
        self.watched = False
        """Whether it stands in the list of labels that may expire."""


class _Changed:
    """Who did one thing of late, as changing to an expression, and of which networks they are."""

    __slots__ = ("networks", "sizes", "times")

    def __init__(self) -> None:
        self.times: dict[Member, float] = {}
        """In the order of time."""
        self.networks: dict[bytes, int] = {}
        """How many of each network."""
        self.sizes: Counter[int] = Counter()
        """Of how many networks there are so many, so that counting does not look at each network."""

    def add(self, member: Member, now: float) -> None:
        if self.times.pop(member, None) is None:
            self._resize(member.network, 1)
        self.times[member] = now

    def drop(self, member: Member) -> None:
        if self.times.pop(member, None) is not None:
            self._resize(member.network, -1)

    def _resize(self, network: bytes, by: int) -> None:
        before = self.networks.pop(network, 0)
        if before:
            self.sizes[before] -= 1
            if not self.sizes[before]:
                del self.sizes[before]
        if before + by:
            self.networks[network] = before + by
            self.sizes[before + by] += 1

    def counted(self, most: int) -> int:
        """How many they are, of each network ``most``."""
        return sum(min(most, size) * networks for size, networks in self.sizes.items())


class _RankedChanged(_Changed):
    """As ``_Changed``, where other processes have viewers of the channel as well.

    A viewer counts if it came to do this as one of the first ``most`` of its network, on whichever process: of those no
    more than ``most`` are there at once.
    """

    __slots__ = ("_of_rank", "_rank", "_ranks")

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self._ranks = ranks
        self._rank: dict[Member, int] = {}
        self._of_rank: Counter[int] = Counter()
        """How many have the rank."""

    def add(self, member: Member, now: float) -> None:
        if member not in self.times and (rank := self._ranks.take(member.network)) is not None:
            self._rank[member] = rank
            self._of_rank[rank] += 1
        super().add(member, now)

    def drop(self, member: Member) -> None:
        super().drop(member)
        rank = self._rank.pop(member, None)
        if rank is not None:
            self._ranks.free(member.network)
            self._of_rank[rank] -= 1
            if not self._of_rank[rank]:
                del self._of_rank[rank]

    def counted(self, most: int) -> int:
        return sum(members for rank, members in self._of_rank.items() if rank <= most)


class Recent:
    """Who did which of some kinds of things within the last ``WINDOW_S``.

    Each viewer counts once for a kind, and of one network only so many. Adding one costs O(1).
    """

    __slots__ = ("_changed", "_house_weight")

    def __init__(self, name: str, kinds: int, house_weight: int = HOUSE_WEIGHT, ledger: Ledger = ALONE) -> None:
        """``name``: of the things. ``house_weight``: viewers of a network who count for a kind at most, however many
        share. ``ledger``: the channel's."""
        self._house_weight = house_weight
        ranks = (ledger.ranks(f"{name} {kind}") for kind in range(kinds))
        self._changed = tuple(_Changed() if each is None else _RankedChanged(each) for each in ranks)

    def add(self, member: Member, kind: int, now: float) -> None:
        """A viewer did this (0 to ``kinds`` - 1)."""
        self._changed[kind].add(member, now)

    def forget(self, member: Member) -> None:
        """A viewer left. It counts no more, or one who comes again and again would be many."""
        for changed in self._changed:
            changed.drop(member)

    def expire(self, now: float) -> None:
        """Forget what is older than ``WINDOW_S``."""
        for changed in self._changed:
            times = changed.times
            for member in list(itertools.takewhile(lambda member: times[member] < now - WINDOW_S, times)):  # noqa: B023
                changed.drop(member)

    def counts(self, sharing: int) -> tuple[int, ...]:
        """Viewers per kind. ``sharing``: those who share in all, of whom one network can be a tenth at most."""
        most = min(self._house_weight, max(_LEAST_CHANGES, int(_CHANGES_SHARE * sharing)))
        return tuple(changed.counted(most) for changed in self._changed)

    @property
    def networks(self) -> tuple[Networks, ...]:
        """Networks per kind, ``LEAST_NETWORKS`` of each at most."""
        return tuple(tuple(itertools.islice(changed.networks, LEAST_NETWORKS)) for changed in self._changed)


class Changes(Recent):
    """Who changed to which expression of late, each once however often its label flickers."""

    __slots__ = ()

    def __init__(self, house_weight: int = HOUSE_WEIGHT, ledger: Ledger = ALONE) -> None:
        """``house_weight``, ``ledger``: as for ``Recent``."""
        super().__init__("changes", KINDS, house_weight, ledger)

    def add(self, member: Member, expression: int, now: float) -> None:
        """A viewer's label became this one (an index of ``EXPRESSIONS``).

        Not for a viewer's first label: when a thousand viewers reconnect, they react to nothing. Neutral is the absence
        of a reaction and is not counted.
        """
        if expression != NEUTRAL:
            super().add(member, expression, now)


class Audience:
    """One current label per viewer: a new one replaces the old, silence expires it.

    Of the viewers in one house (see ``core.limits``), only so many count, so that one house can't be the crowd: those
    who began to share first. Each keeps its place until it leaves, else viewers who take turns would all count for one
    moment of the stream, which reaches them at different times.

    A label costs O(1) whatever the audience's size: it changes two counts and the viewer's own record. Expiry looks at
    each sharing viewer once in ``ttl`` seconds, when its label would be too old had it not been repeated.
    """

    __slots__ = ("_deadlines", "_groups", "_least", "_places", "_swept", "_ttl", "_young", "changes", "tells_present")

    def __init__(
        self, ttl: float = LABEL_TTL_S, house_weight: int = HOUSE_WEIGHT, least: int = 1, ledger: Ledger = ALONE
    ) -> None:
        """``ttl``: seconds after which a label that was not repeated expires. ``house_weight``: viewers of a house
        that count. ``least``: networks that ``shares`` name of each group at most. ``ledger``: the channel's."""
        self._ttl = ttl
        self._least = least
        self._groups: dict[tuple[int, int], _Group] = {}
        """By delay and age."""
        self.tells_present = False
        """Whether ``shares`` tell of which networks those are who have no label, too."""
        self._places = ledger.places("votes", house_weight)
        self.changes = Changes(house_weight, ledger)
        self._young: tuple[deque[tuple[float, Member]], ...] = tuple(deque() for _ in AGES[1:])
        """Who will be old enough for the next of ``AGES``, with its ``since`` of then: in the order of time."""
        self._deadlines: dict[int, list[Member]] = {}
        """By the second in which their labels may expire."""
        self._swept: int | None = None

    def join(self, member: Member, delay: int, now: float) -> None:
        """The viewer is in the audience from now on and sees the stream with this delay, in whole seconds."""
        member.since = now
        self._young[0].append((now, member))
        self._move(member, delay, AGES[0])

    def leave(self, member: Member) -> None:
        """The viewer is no longer in the audience."""
        self.withdraw(member)
        self.changes.forget(member)
        self._exit(member)
        if member.placed:
            member.placed = False
            self._places.free(member.house)

    def delay(self, member: Member, delay: int) -> None:
        """From now on the viewer sees the stream with this delay, in whole seconds.

        It is no newcomer by that, so no second of the history may be put together from what was shown before and after
        (``Recorder.use_delays``).
        """
        assert member.group is not None
        self._move(member, delay, member.group.age)

    def label(self, member: Member, expression: Expression, now: float) -> None:
        """The viewer, who joined, shows ``expression`` from now on.

        ``now`` must not run backwards between calls, as ``time.monotonic`` never does. A viewer who finds no place in
        the house has no label.
        """
        member.heard = now
        before, after = member.expression, _INDEX[expression]
        if before == after:
            return
        if before is not None:
            member.group.counts[before] -= 1  # type: ignore[union-attr]  # checking what always holds costs on each label
            self.changes.add(member, after, now)
        elif member.placed or self._place(member, now):
            self._watch(member, now)
            member.group.begin(member.network)  # type: ignore[union-attr]
        else:
            return
        member.group.counts[after] += 1  # type: ignore[union-attr]
        member.expression = after

    def withdraw(self, member: Member) -> None:
        """The viewer has no label from now on."""
        if member.expression is None:
            return
        assert member.group is not None
        member.group.counts[member.expression] -= 1
        member.group.end(member.network)
        member.expression = None

    def expire(self, now: float) -> None:
        """Withdraw the labels that are older than the time to live, forget old changes, and let the viewers age."""
        self._age(now)
        self.changes.expire(now)
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
        return tuple(
            Share(
                group.delay, group.age, group.viewers, tuple(group.counts),
                tuple(itertools.islice(group.networks, self._least)),
                tuple(itertools.islice(group.present, self._least)) if self.tells_present else (),
            )
            for group in self._groups.values()
        )  # fmt: skip

    def apart_from(self, members: Iterable[Member], most: int) -> tuple[int, tuple[bytes, ...]]:
        """How many others than these ``members``, who are all different, have a current label; and of which networks
        they are, ``most`` of them named."""
        theirs = Counter((id(member.group), member.network) for member in members if member.expression is not None)
        left = sum(sum(group.counts) for group in self._groups.values()) - theirs.total()
        networks = (
            network
            for group in self._groups.values()
            for network, count in group.networks.items()
            if count > theirs[id(group), network]
        )
        found: dict[bytes, None] = {}
        for network in networks:
            found[network] = None
            if len(found) == most:
                break
        return left, tuple(found)

    def _place(self, member: Member, now: float) -> bool:
        """Give the viewer one of the house's places, if one is left: as with one who has come just now."""
        if not self._places.take(member.house):
            return False
        member.placed = True
        assert member.group is not None
        self.join(member, member.group.delay, now)
        return True

    def _age(self, now: float) -> None:
        """Move those who have been here for long enough to the next of ``AGES``."""
        for number, (young, age) in enumerate(zip(self._young, AGES[1:], strict=True)):
            while young and young[0][0] <= now - age:
                since, member = young.popleft()
                if member.group is None or member.since != since:  # left, or began anew
                    continue
                self._move(member, member.group.delay, age)
                if number + 1 < len(self._young):
                    self._young[number + 1].append((since, member))

    def _move(self, member: Member, delay: int, age: int) -> None:
        if member.group is not None:
            self._exit(member)
        group = self._groups.get((delay, age))
        if group is None:
            group = self._groups[delay, age] = _Group(delay, age)
        group.enter(member)

    def _exit(self, member: Member) -> None:
        group = member.group
        assert group is not None
        group.exit(member)
        if not group.viewers:
            del self._groups[group.delay, group.age]

    def _watch(self, member: Member, now: float) -> None:
        if self._swept is None:
            self._swept = int(now)
        if not member.watched:
            member.watched = True
            self._deadlines.setdefault(int(now + self._ttl), []).append(member)
