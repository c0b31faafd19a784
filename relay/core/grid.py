"""The grid: which viewers are shown to the others by name, and whether with their labels. Pure: time is passed in.

Shown is who asked for that on this connection, while the streamer allows it. Labels are told by the rule of the mood,
applied to those who are not shown: what is left of the mood without the people who are must be nobody, or a crowd that
might have a mood of its own. So whoever subtracts the people from the mood learns no more than that crowd's mood.

That crowd is a network larger than the mood's, since whoever looks may be one of it: with ``min_viewers`` less one
networks of their own, they still have two others before them, and with fewer also after one of those has left, whose
label the mood tells by the difference.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from relay.common.printable import UNSEEN, is_printable, is_seen
from relay.core.audience import Audience, Member
from relay.core.limits import ALONE, Ledger
from relay.core.mood import KINDS, SHOW_AFTER_S, Visibility
from relay.core.snapshot import Natural, Network, Networks, Snapshot
from relay.protocol import EXPRESSIONS, MOST_PEOPLE, PEOPLE_S, People, PersonShown

MOST_HIDDEN = 200
"""Names that the admin hides in a channel."""
_SOON_S = 0.5
"""After somebody is shown no more, all are told as soon as this, and not more often."""
NAME_LENGTH = 40

Unix = Annotated[float, Meta(ge=0, le=1e10)]
_Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """Somebody who is shown, as nodes tell each other. Those who came first are shown first, the same on all nodes."""

    since: Unix
    name: _Name
    network: Network
    expression: Annotated[int, Meta(ge=0, lt=KINDS)] | None
    """Of the current label, an index of ``EXPRESSIONS``."""


class GridPart(msgspec.Struct, array_like=True, frozen=True):
    """A node's part of the grid, taken at the same moment as the node's ``Snapshot``."""

    grant: Unix
    """The time since which the grid is allowed, for which the people chose it."""
    people: Annotated[tuple[Entry, ...], Meta(max_length=MOST_PEOPLE)]
    """The first ones."""
    more: Natural
    """How many would be shown as well."""
    unshown: Natural
    """Viewers with a current label who are not among the people."""
    networks: Annotated[Networks, Meta(max_length=100_000)]
    """Theirs: all, or ``least_unshown`` of them."""


class Hidden(msgspec.Struct, array_like=True, frozen=True):
    """The names that the admin does not want shown, as ``key`` has them. Of two, the newer holds on all nodes."""

    stamp: Unix = 0.0
    names: Annotated[tuple[_Name, ...], Meta(max_length=MOST_HIDDEN)] = ()

    def then(self, name: str, hidden: bool, unix: float) -> "Hidden":
        """With a name more, or less, at a Unix time.

        Raises:
            ValueError: as many as can be are hidden already.
        """
        names = [other for other in self.names if other != key(name)]
        if hidden and len(names) >= MOST_HIDDEN:
            raise ValueError(f"{MOST_HIDDEN} names are hidden, and that is the most: show another one again first.")
        return Hidden(max(unix, self.stamp + 1e-5), (*names, key(name)) if hidden else tuple(names))


def newer(one: Hidden, other: Hidden | None) -> Hidden:
    """Which of the two holds."""
    return max(one, other, key=lambda hidden: (hidden.stamp, hidden.names)) if other else one


def least_unshown(min_viewers: int) -> int:
    """From so many networks people must share without being shown, if anybody does, for labels to be told."""
    return min_viewers + 1


def key(name: str) -> str:
    """What is the same for names that a reader takes for the same, but for letters that only look alike."""
    seen = UNSEEN.sub("", unicodedata.normalize("NFKC", name).replace("\u2800", " "))
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split())[:NAME_LENGTH] or "-"


def name_of(text: str) -> str:
    """A display name as it can be shown; empty where it can't, or where nothing of it would be seen, or where marks are
    piled up so high that they cover the names above it."""
    name = text.strip()
    is_fine = len(name) <= NAME_LENGTH and is_printable(name) and is_seen(name)
    return name if is_fine else ""


class _Person(NamedTuple):
    name: str
    key: str
    since: float


class Roster:
    """The viewers of a channel on this node who chose to be shown, in the order in which they did."""

    __slots__ = ("_grant", "_houses", "_keys", "_networks", "_people", "_since")

    def __init__(self, house_weight: int, ledger: Ledger = ALONE) -> None:
        """``house_weight``: how many of one house, or of one network, are shown. ``ledger``: the channel's."""
        self._since = self._grant = 0.0
        self._people: dict[Member, _Person] = {}
        self._keys: Counter[str] = Counter()
        self._houses = ledger.places("shown of a house", house_weight)
        self._networks = ledger.places("shown of a network", house_weight)

    def __len__(self) -> int:
        """How many."""
        return len(self._people)

    def show(self, member: Member, name: str, grant: float, unix: float) -> bool:
        """Show a viewer by a name from now on; returns False where the house or network has no place left.

        ``grant``: since when the grid is allowed. Who chose it for another time is not shown.
        """
        self.keep(grant)
        if member in self._people:
            return True
        if not self._houses.take(member.house):
            return False
        if not self._networks.take(member.network):
            self._houses.free(member.house)
            return False
        self._since = max(unix, self._since)
        person = self._people[member] = _Person(name, key(name), self._since)
        self._keys[person.key] += 1
        return True

    def hide(self, member: Member) -> None:
        """Show a viewer no more, who need not be shown."""
        if person := self._people.pop(member, None):
            self._keys[person.key] -= 1
            if not self._keys[person.key]:
                del self._keys[person.key]
            self._houses.free(member.house)
            self._networks.free(member.network)

    def keep(self, grant: float) -> None:
        """Since then the grid is allowed, 0: it is not. Nobody stays who chose it for another time."""
        if grant != self._grant:
            self._grant = grant
            for member in list(self._people):
                self.hide(member)

    def part(self, audience: Audience, hidden: Hidden, networks: int) -> GridPart | None:
        """This node's part of the grid; None where it is not allowed. ``networks``: so many are named at most."""
        if not self._grant:
            return None
        out_of_sight = frozenset(hidden.names)
        shown: dict[Member, Entry] = {}
        for member, person in self._people.items():
            if person.key not in out_of_sight:
                shown[member] = Entry(person.since, person.name, member.network, member.expression)
                if len(shown) == MOST_PEOPLE:
                    break
        more = len(self._people) - sum(self._keys[name] for name in out_of_sight) - len(shown)
        unshown, theirs = audience.apart_from(shown, networks)
        return GridPart(self._grant, tuple(shown.values()), more, unshown, theirs)


class View(NamedTuple):
    """What a node's lookers may be told."""

    people: tuple[Entry, ...] = ()
    more: int = 0
    tells: bool = False
    """Whether labels are told, too."""

    @property
    def names(self) -> set[tuple[float, str, bytes]]:
        """Who is there."""
        return {(person.since, person.name, person.network) for person in self.people}

    def message(self) -> People:
        """As the lookers get it."""
        people = [
            PersonShown(
                name=person.name,
                emotion=EXPRESSIONS[person.expression] if self.tells and person.expression is not None else None,
            )
            for person in self.people
        ]
        return People(people=people, more=self.more)


class Rounds:
    """Decides when the lookers are told: every two seconds, and soon after somebody is shown no more."""

    __slots__ = ("_every", "_told_at", "told")

    def __init__(self, every: float = PEOPLE_S) -> None:
        self._every = every
        self.told = View()
        """What was told last."""
        self._told_at = -math.inf

    def update(self, view: View, allowed: bool, now: float) -> bool:
        """Whether the ``view`` is to be told to all lookers at ``now``.

        Where the grid is not ``allowed``, they are told once that nobody is there, if they were told of somebody.
        """
        if now - self._told_at < (self._every if self.holds(view) else min(self._every, _SOON_S)):
            return False
        if not (allowed or self.told.people):
            return False
        self.told, self._told_at = view, now
        return True

    def holds(self, view: View) -> bool:
        """Whether all who were told of are still there, so that who comes to look may be told of them."""
        return self.told.names <= view.names


class GridRule:
    """Decides what the lookers of a channel on this node are told."""

    __slots__ = ("_house_weight", "_least", "_tells")

    def __init__(self, min_viewers: int, house_weight: int, show_after: float = SHOW_AFTER_S) -> None:
        """``show_after``: seconds for which enough must be unshown before labels are told again."""
        self._house_weight, self._least = house_weight, least_unshown(min_viewers)
        self._tells = Visibility(self._least, show_after)

    def update(
        self, parts: Iterable[tuple[Snapshot, GridPart | None]], grant: float, hidden: Hidden, visible: bool, now: float
    ) -> View:
        """What may be told at ``now``, of the audience that the mood of this moment is made from.

        ``parts``: of all nodes. ``grant``: since when the grid is allowed. ``visible``: whether the mood is.
        """
        candidates: list[Entry] = []
        more = unshown = 0
        networks: set[bytes] = set()
        for snapshot, part in parts:
            if part is None or part.grant != grant:
                unshown += snapshot.counts.sharing
                networks.update(network for share in snapshot.shares for network in share.networks)
            else:
                candidates += part.people
                more += part.more
                unshown += part.unshown
                networks.update(part.networks)
        shown, others = self._choose(candidates, hidden)
        sharing = [person for person in others if person.expression is not None]
        unshown += len(sharing)
        networks.update(person.network for person in sharing)
        more += sum(not _is_hidden(person, hidden) for person in others)
        is_crowd = self._tells.update(len(networks) if unshown else self._least, now)
        return View(shown, more, is_crowd and visible)

    def clear(self) -> View:
        """Nobody is shown, as in a pause; labels are told again only after a while."""
        self._tells.update(0, 0.0)
        return View()

    def _choose(self, candidates: list[Entry], hidden: Hidden) -> tuple[tuple[Entry, ...], list[Entry]]:
        """Those who are shown, and the others."""
        shown: list[Entry] = []
        others: list[Entry] = []
        of_network: Counter[Hashable] = Counter()
        for person in sorted(candidates, key=lambda person: (person.since, person.name, person.network)):
            is_shown = (
                len(shown) < MOST_PEOPLE
                and of_network[person.network] < self._house_weight
                and not _is_hidden(person, hidden)
            )
            of_network[person.network] += is_shown
            (shown if is_shown else others).append(person)
        return tuple(shown), others


def _is_hidden(person: Entry, hidden: Hidden) -> bool:
    return bool(hidden.names) and key(person.name) in hidden.names
