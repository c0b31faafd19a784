"""What a relay knows of a channel at one moment, in counts alone, so that the snapshots of several relays add up."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from relay.mood import KINDS, Counts
from relay.protocol import MAX_DELAY_S, TAPS

# Bounded, since snapshots also come from other nodes: nothing that arrives may spoil a sum.
Natural = Annotated[int, Meta(ge=0, le=100_000_000)]
PerExpression = Annotated[tuple[Natural, ...], Meta(min_length=KINDS, max_length=KINDS)]
PerTap = Annotated[tuple[Natural, ...], Meta(min_length=len(TAPS), max_length=len(TAPS))]


class Share(msgspec.Struct, array_like=True, frozen=True):
    """The viewers who see the stream with one delay."""

    delay: Annotated[int, Meta(ge=0, le=MAX_DELAY_S)]
    """Whole seconds."""
    viewers: Natural
    """Connected ones."""
    counts: PerExpression
    """Those with a current label, per expression."""


class Snapshot(msgspec.Struct, array_like=True, frozen=True):
    """All that the mood, the reactions and the history of a channel are made from."""

    shares: Annotated[tuple[Share, ...], Meta(max_length=MAX_DELAY_S + 1)] = ()
    """One for each delay that someone has, in any order."""
    changes: PerExpression = (0,) * KINDS
    """Viewers who changed to each expression within ``audience.WINDOW_S``."""
    taps: PerTap = (0,) * len(TAPS)
    """Viewers who tapped each kind since the snapshot before."""

    def __add__(self, other: "Snapshot") -> "Snapshot":
        groups = {share.delay: share for share in self.shares}
        for share in other.shares:
            mine = groups.get(share.delay)
            groups[share.delay] = (
                Share(share.delay, mine.viewers + share.viewers, _sum(mine.counts, share.counts)) if mine else share
            )
        return Snapshot(tuple(groups.values()), _sum(self.changes, other.changes), _sum(self.taps, other.taps))

    @property
    def viewers(self) -> int:
        """Connected viewers."""
        return sum(share.viewers for share in self.shares)

    @property
    def counts(self) -> Counts:
        """Sharing viewers per expression."""
        return Counts(tuple(map(sum, zip(*(share.counts for share in self.shares), strict=True))) or (0,) * KINDS)

    @property
    def delay(self) -> int:
        """The median delay of those who share, in seconds; 0 where nobody does."""
        groups = sorted((share.delay, sum(share.counts)) for share in self.shares)
        left = sum(sharing for _, sharing in groups) / 2
        for delay, sharing in groups:
            left -= sharing
            if sharing and left <= 0:
                return delay
        return 0


def _sum(mine: Iterable[int], theirs: Iterable[int]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(mine, theirs, strict=True))
