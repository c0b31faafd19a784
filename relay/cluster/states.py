"""A channel's audience as nodes tell it to each other, in a form of which thousands are added up in milliseconds.

Its counts lie side by side, in 32 bits each, and are read as one large integer: one addition adds all counts of two
nodes (as in Fisher and Dietz 1998, "Compiling for SIMD within a register"). No node tells of 2^23, so no sum runs over
into the next count. What else belongs to a channel lies behind them, and is taken apart only where it is asked for:
its networks until there are enough, and the shares by delay and age once a second, for the history.
"""

import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from relay.core.mood import KINDS, Counts
from relay.core.snapshot import (
    AGES,
    LEAST_NETWORKS,
    NOTHING,
    Networks,
    PerExpressionNetworks,
    PerTapNetworks,
    Share,
    Snapshot,
    add_shares,
)
from relay.protocol import MAX_DELAY_S, TAPS

MOST_NODES = 256
"""More are not listened to, and their counts would not fit."""

_STATE, _TAPS = 1 + 2 * KINDS + len(TAPS), len(TAPS)
"""Counts that say how it is: viewers, viewers by expression, changes, tappers. Then those of taps, which happened."""
_COUNTS = struct.Struct(f"<{_STATE + _TAPS}I")
_STATE_BITS = 32 * _STATE
_STATE_MOST = (1 << _STATE_BITS) - 1
_TAPS_MOST = (1 << 32 * _TAPS) - 1
_TOO_LARGE = int.from_bytes(b"\x00\x00\x80\xff" * (_STATE + _TAPS), "little")
"""The bits that no count of one node has."""
_TAPS_AT = slice(4 * _STATE, _COUNTS.size)
_NO_TAPS = bytes(4 * _TAPS)


class _Details(msgspec.Struct, array_like=True, frozen=True):
    """What lies behind the counts."""

    networks: Networks = ()
    """Of all shares together: all, or as many as are needed for a mood to be shown; so with ``present``."""
    present: Networks = ()
    changed: PerExpressionNetworks = NOTHING.changed
    tapped: PerTapNetworks = NOTHING.tapped
    shares: msgspec.Raw = msgspec.Raw(b"\x90")


_Shares = Annotated[tuple[Share, ...], Meta(max_length=len(AGES) * (MAX_DELAY_S + 1))]

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_encode = msgspec.msgpack.Encoder().encode
_read_details = msgspec.msgpack.Decoder(_Details).decode
_read_shares: Callable[[bytes | msgspec.Raw], tuple[Share, ...]] = msgspec.msgpack.Decoder(_Shares).decode


def encode_state(snapshot: Snapshot, least: int) -> bytes:
    """A node's audience of one channel, for the others. ``least``: networks from which a mood is shown."""
    shares = snapshot.shares
    details = _Details(
        _some((share.networks for share in shares), least), _some((share.present for share in shares), least),
        snapshot.changed, snapshot.tapped, msgspec.Raw(_encode(shares)),
    )  # fmt: skip
    return _COUNTS.pack(*_numbers(snapshot), *snapshot.taps) + _encode(details)


def viewers_in(state: bytes) -> int:
    """How many viewers a state tells of."""
    return int.from_bytes(state[:4], "little") & 0x7FFFFF


class States:
    """The newest states of one channel, of all other nodes."""

    __slots__ = ("_arrived", "_counts", "_states", "_taps")

    def __init__(self) -> None:
        self._states: dict[object, bytes] = {}
        """By node, and ..."""
        self._counts: dict[object, int] = {}
        """... their counts, without taps, as one integer."""
        self._arrived = self._taps = 0
        """Taps since the last ``tick``, and between the two before."""

    def put(self, node: object, state: bytes | None) -> bool:
        """A report of the node came, with this state of the channel, or none; returns False if it is none that counts.

        One that says what the one before said costs a comparison.
        """
        before = self._states.get(node)
        if state is None:
            if before is not None:
                del self._states[node], self._counts[node]
            return True
        if state == before and state[_TAPS_AT] == _NO_TAPS:
            return True
        counts = int.from_bytes(state[: _COUNTS.size], "little")
        if counts & _TOO_LARGE or len(state) < _COUNTS.size:
            self.put(node, None)
            return False
        if counts > _STATE_MOST:
            self._arrived += counts >> _STATE_BITS
            counts &= _STATE_MOST
        self._states[node], self._counts[node] = state, counts
        return True

    def tick(self) -> None:
        """From now on the taps that came until now are told, and no others."""
        self._taps, self._arrived = self._arrived & _TAPS_MOST, 0

    def with_own(self, own: Snapshot, least: int, rejected: Callable[[], None]) -> "Merged":
        """The audience of all nodes. ``own``: of this one. ``least``: as for ``encode_state``. ``rejected``: called for
        each state that can't be read."""
        counts = sum(self._counts.values()) + (self._taps << _STATE_BITS)
        return Merged(own, counts, tuple(self._states.values()), least, rejected)


class Merged:
    """The audience of all nodes at one moment: a ``relay.core.snapshot.Whole``.

    Its counts are there at once, and all else is what the plain sum would have, as far as it decides anything: of
    networks as many as ``least``, or ``LEAST_NETWORKS`` of those who changed or tapped.
    """

    def __init__(
        self, own: Snapshot, counts: int, states: Sequence[bytes], least: int, rejected: Callable[[], None]
    ) -> None:
        """``counts``: of all other nodes as one integer. ``states``, ``rejected``: see ``States``."""
        numbers = _COUNTS.unpack(counts.to_bytes(_COUNTS.size, "little"))
        mine = (*_numbers(own), *own.taps)
        numbers = tuple([here + there for here, there in zip(mine, numbers, strict=True)])
        self.viewers: int = numbers[0]
        self.counts = Counts(numbers[1 : 1 + KINDS])
        self.changes = numbers[1 + KINDS : 1 + 2 * KINDS]
        self.tappers = numbers[1 + 2 * KINDS : _STATE]
        self.taps = numbers[_STATE:]
        self._own, self._states, self._least, self._rejected = own, states, least, rejected

    @property
    def networks(self) -> int:
        """From how many networks somebody shares; exact up to ``least``."""
        mine = (share.networks for share in self._own.shares)
        return self._count(mine, lambda details: details.networks)

    @property
    def present(self) -> int:
        """From how many networks somebody is connected, where labels are not taken; as exact."""
        mine = (share.present for share in self._own.shares)
        return self._count(mine, lambda details: details.present)

    @functools.cached_property
    def changed(self) -> tuple[Networks, ...]:
        """Networks of those who changed, by expression: all, or ``LEAST_NETWORKS`` at least."""
        return self._some(self._own.changed, self.changes, lambda details: details.changed)

    @functools.cached_property
    def tapped(self) -> tuple[Networks, ...]:
        """Networks of those who tapped, by tap: as many."""
        return self._some(self._own.tapped, self.tappers, lambda details: details.tapped)

    @functools.cached_property
    def shares(self) -> tuple[Share, ...]:
        """The audience by delay and age: the plain sum."""
        return add_shares([self._own.shares, *(read_shares(state, self._rejected) for state in self._states)])

    def _count(self, mine: Iterable[Networks], theirs: Callable[[_Details], Networks]) -> int:
        found: set[bytes] = set().union(*mine)
        for state in self._states:
            if len(found) >= self._least:
                break
            found.update(theirs(_details(state, self._rejected)))
        return len(found)

    def _some(
        self, mine: Sequence[Networks], counts: Sequence[int], theirs: Callable[[_Details], Sequence[Networks]]
    ) -> tuple[Networks, ...]:
        found: list[set[bytes]] = [set(networks) for networks in mine]
        missing = [kind for kind, count in enumerate(counts) if count and len(found[kind]) < LEAST_NETWORKS]
        for state in self._states:
            if not missing:
                break
            networks = theirs(_details(state, self._rejected))
            for kind in missing:
                found[kind].update(networks[kind])
            missing = [kind for kind in missing if len(found[kind]) < LEAST_NETWORKS]
        return tuple(map(tuple, found))


def read_shares(state: bytes, rejected: Callable[[], None]) -> tuple[Share, ...]:
    """A node's audience by delay and age; nobody, and a call of ``rejected``, where it can't be read."""
    try:
        return _read_shares(_details(state, rejected).shares)
    except _UNREADABLE:
        rejected()
        return ()


def _details(state: bytes, rejected: Callable[[], None]) -> _Details:
    try:
        return _read_details(memoryview(state)[_COUNTS.size :])
    except _UNREADABLE:
        rejected()
        return _Details()


def _numbers(snapshot: Snapshot) -> tuple[int, ...]:
    return (snapshot.viewers, *snapshot.counts.values, *snapshot.changes, *snapshot.tappers)


def _some(networks: Iterable[Networks], most: int) -> Networks:
    """Their union; where it is more than ``most``, only some of it."""
    found: dict[bytes, None] = {}
    for some in networks:
        found.update(dict.fromkeys(some))
        if len(found) >= most:
            break
    return tuple(found)
