"""What a relay knows of a channel at one moment, in counts alone, so that the snapshots of several relays add up."""

from collections.abc import Iterable
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from relay.core.mood import KINDS, Counts
from relay.protocol import MAX_DELAY_S, TAPS

AGES = (0, 5, 15, 40, MAX_DELAY_S)
"""Seconds for which viewers have been here, so finely as the history needs it (see ``relay.core.timeline``)."""
LEAST_NETWORKS = 3
"""A burst needs viewers of so many networks."""

# Bounded, since snapshots also come from other nodes: nothing that arrives may spoil a sum.
Natural = Annotated[int, Meta(ge=0, le=100_000_000)]
PerExpression = Annotated[tuple[Natural, ...], Meta(min_length=KINDS, max_length=KINDS)]
PerTap = Annotated[tuple[Natural, ...], Meta(min_length=len(TAPS), max_length=len(TAPS))]
Network = Annotated[bytes, Meta(min_length=1, max_length=32)]
Networks = tuple[Network, ...]
"""Keyed hashes of networks (an IPv4 address, or an IPv6 /48), all different. The key is the installation's own."""
PerExpressionNetworks = Annotated[tuple[Networks, ...], Meta(min_length=KINDS, max_length=KINDS)]
PerTapNetworks = Annotated[tuple[Networks, ...], Meta(min_length=len(TAPS), max_length=len(TAPS))]


class Share(msgspec.Struct, array_like=True, frozen=True):
    """The viewers who see the stream with one delay, and have done so for as long."""

    delay: Annotated[int, Meta(ge=0, le=MAX_DELAY_S)]
    """Whole seconds."""
    age: Annotated[int, Meta(ge=0, le=MAX_DELAY_S)]
    """One of ``AGES``: each of them has been here for at least so many seconds, with its place in its house."""
    viewers: Natural
    """Connected ones."""
    counts: PerExpression
    """Those with a current label, per expression."""
    networks: Annotated[Networks, Meta(max_length=100_000)] = ()
    """Of those with a current label: all, or ``min_viewers`` of them, since more change nothing."""
    present: Annotated[Networks, Meta(max_length=100_000)] = ()
    """Of all who are connected, as many, where labels are not taken."""


class Whole(Protocol):
    """A channel's audience as one, of one relay or of several: all that its mood, its reactions and its history are
    made from. For what each part is, see ``Snapshot``."""

    @property
    def shares(self) -> tuple[Share, ...]: ...
    @property
    def viewers(self) -> int: ...
    @property
    def counts(self) -> Counts: ...
    @property
    def networks(self) -> int: ...
    @property
    def present(self) -> int: ...
    @property
    def changes(self) -> tuple[int, ...]: ...
    @property
    def changed(self) -> tuple[Networks, ...]: ...
    @property
    def taps(self) -> tuple[int, ...]: ...
    @property
    def tappers(self) -> tuple[int, ...]: ...
    @property
    def tapped(self) -> tuple[Networks, ...]: ...


class Snapshot(msgspec.Struct, frozen=True):
    """A ``Whole`` that has all of it at hand, as of one relay."""

    shares: tuple[Share, ...] = ()
    """One for each delay and age that someone has, in any order."""
    changes: PerExpression = (0,) * KINDS
    """Viewers who changed to each expression within ``audience.WINDOW_S``."""
    changed: PerExpressionNetworks = ((),) * KINDS
    """Networks that they belong to: all, or ``LEAST_NETWORKS`` of each relay."""
    taps: PerTap = (0,) * len(TAPS)
    """Viewers who tapped each kind since the snapshot before."""
    tappers: PerTap = (0,) * len(TAPS)
    """Viewers who tapped each kind within ``audience.WINDOW_S``."""
    tapped: PerTapNetworks = ((),) * len(TAPS)
    """Networks that they belong to, as in ``changed``."""

    @property
    def viewers(self) -> int:
        """Connected viewers."""
        return sum(share.viewers for share in self.shares)

    @property
    def counts(self) -> Counts:
        """Sharing viewers per expression."""
        return Counts(tuple(map(sum, zip(*(share.counts for share in self.shares), strict=True))) or (0,) * KINDS)

    @property
    def networks(self) -> int:
        """From how many networks somebody shares; exact up to ``min_viewers``."""
        return len({network for share in self.shares for network in share.networks})

    @property
    def present(self) -> int:
        """From how many networks somebody is connected, where labels are not taken; as exact."""
        return len({network for share in self.shares for network in share.present})


def total(states: Iterable[Snapshot], taps: PerTap | None = None) -> Snapshot:
    """The sum of the states; with ``taps`` in place of their own, where it is given."""
    states = tuple(states)
    return Snapshot(
        add_shares(state.shares for state in states),
        _sums((NOTHING.changes, *(state.changes for state in states))),
        _unions((NOTHING.changed, *(state.changed for state in states))),
        _sums((NOTHING.taps, *(state.taps for state in states))) if taps is None else taps,
        _sums((NOTHING.tappers, *(state.tappers for state in states))),
        _unions((NOTHING.tapped, *(state.tapped for state in states))),
    )


def add_shares(audiences: Iterable[Iterable[Share]]) -> tuple[Share, ...]:
    """The sum of several audiences, by delay and age."""
    together: dict[tuple[int, int], list[Share]] = {}
    for shares in audiences:
        for share in shares:
            together.setdefault((share.delay, share.age), []).append(share)
    return tuple(
        same[0] if len(same) == 1 else Share(
            delay, age, sum(share.viewers for share in same), _sums(share.counts for share in same),
            _union(share.networks for share in same), _union(share.present for share in same),
        )
        for (delay, age), same in sorted(together.items())
    )  # fmt: skip


NOTHING = Snapshot()


def _sums(numbers: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*numbers, strict=True)))


def _unions(networks: Iterable[tuple[Networks, ...]]) -> tuple[Networks, ...]:
    """Kind by kind."""
    return tuple(map(_union, zip(*networks, strict=True)))


def _union(networks: Iterable[Networks]) -> Networks:
    """Each once, sorted, so that the order of the relays does not matter."""
    return tuple(sorted(set().union(*networks)))
