"""The streamer's own face: what is told of it, and when. Pure: time is passed in.

It is part of no count: nothing here touches the audience, and ``min_viewers`` does not hide it, since whom it shows has
asked for that.
"""

import msgspec

from relay.protocol import HEARTBEAT_S, Expression, Face


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """The streamer who is shown, as one node has them."""

    since: float
    """Unix time at which they connected: of two, the newer counts."""
    emotion: Expression | None
    """None while they show none."""
    stored: bool = False
    """Whether they asked for their expression to be stored."""


def newer(one: Shown | None, other: Shown | None) -> Shown | None:
    """Who counts of those on two nodes. Of two that connected at the same time every node takes the same."""
    return max((found for found in (one, other) if found), default=None, key=_order)


def _order(shown: Shown) -> tuple[float, str, bool]:
    return shown.since, shown.emotion or "", shown.stored


class Telling:
    """Decides when subscribers are told."""

    def __init__(self) -> None:
        self.last: Face | None = None
        """What who subscribes now is told; None while there is no streamer."""
        self._told_at = 0.0

    def is_due(self, shown: Shown | None, now: float) -> bool:
        """Whether subscribers are to be told at ``now`` (of a steady clock)."""
        emotion = shown.emotion if shown else None
        before = self.last.emotion if self.last else None
        return emotion != before or (shown is not None and (not self.last or now - self._told_at >= HEARTBEAT_S))

    def update(self, shown: Shown | None, delay: int, now: float, unix: float) -> Face | None:
        """The message that is due at ``now`` (of a steady clock), which is ``unix`` for others, if one is.

        ``delay``: as in ``Face``.
        """
        emotion = shown.emotion if shown else None
        face = Face(time=unix, emotion=emotion, delay=delay) if self.is_due(shown, now) else None
        if face:
            self._told_at = now
        self.last = None if shown is None else face or self.last
        return face
