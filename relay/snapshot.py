"""What a node tells of a channel: whole numbers that add up, so that snapshots of separate audiences are one."""

from typing import Annotated

import msgspec
from msgspec import Meta

from relay.protocol import EXPRESSIONS, TAPS

KINDS = len(EXPRESSIONS)

# A node takes nothing from another that could spoil its figures, so what may come is bounded.
Count = Annotated[int, Meta(ge=0, le=100_000_000)]
Seven = Annotated[tuple[Count, ...], Meta(min_length=KINDS, max_length=KINDS)]
Five = Annotated[tuple[Count, ...], Meta(min_length=len(TAPS), max_length=len(TAPS))]


class Share(msgspec.Struct, array_like=True, frozen=True):
    """The viewers who see the stream with one delay."""

    delay: Annotated[int, Meta(ge=0, le=120)]
    """Whole seconds, 0 to 120."""
    viewers: Count
    """Connected."""
    counts: Seven
    """Sharing viewers per expression, seven numbers."""


class Snapshot(msgspec.Struct, array_like=True, frozen=True):
    """A channel's audience at one moment."""

    shares: Annotated[tuple[Share, ...], Meta(max_length=121)] = ()
    """One for each delay that some viewer has, in order of delay."""
    changes: Seven = (0,) * KINDS
    """Viewers who changed to each expression within ``reactions.WINDOW_S``."""
    taps: Five = (0,) * len(TAPS)
    """Viewers who tapped each kind since the tick before."""

    def __add__(self, other: "Snapshot") -> "Snapshot":
        by_delay = {share.delay: share for share in self.shares}
        for share in other.shares:
            mine = by_delay.get(share.delay)
            if mine is not None:
                share = Share(share.delay, mine.viewers + share.viewers, _sum(mine.counts, share.counts))
            by_delay[share.delay] = share
        return Snapshot(
            tuple(by_delay[delay] for delay in sorted(by_delay)),
            _sum(self.changes, other.changes),
            _sum(self.taps, other.taps),
        )

    @property
    def viewers(self) -> int:
        """Connected viewers of all delays."""
        return sum(share.viewers for share in self.shares)


def _sum(mine: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(mine, theirs, strict=True))
