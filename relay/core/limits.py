"""How much a client may do. Pure: time is passed in, in seconds of a steady clock, and no socket is in sight.

A *house* is what an address stands for: who shares one can be one household, or one person with many connections.
"""

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from typing import NamedTuple, Protocol

from relay import protocol
from relay.core.hosts import Address, address
from relay.core.mood import SHOW_AFTER_S
from relay.core.tickets import TICKET_TTL_S
from relay.core.uplink import Uplink
from relay.protocol import MAX_LABELS_PER_S

BURST = 120.0
"""Frames that may come at once: a minute of labels, as when a stalled network catches up."""
DEBT = 120.0
"""Frames beyond those, after which the client is closed."""
_TOKEN_S = 1 / MAX_LABELS_PER_S
_BURST_S, _DEBT_S = BURST * _TOKEN_S, DEBT * _TOKEN_S
TAP_COST = 0.2
"""Of a label: ten taps a second are as fast as fingers go."""
BAD_FRAME_COST = 10.0
HOUSE_WEIGHT = 8
"""Viewers of a house that count by default: families do, crowds behind one connection do not."""
_PORT = re.compile(r"(:[0-9]{1,5})?", re.ASCII)
"""What may follow an address in ``X-Forwarded-For``."""


class Limits(NamedTuple):
    """Times in seconds that are part of the contract or of good manners; tests shorten them."""

    hello: float = protocol.HELLO_TIMEOUT_S
    request: float = 10.0
    """A request's head may take this long, and its body as well."""
    label_ttl: float = protocol.LABEL_TTL_S
    show_after: float = SHOW_AFTER_S
    """Enough networks must share for this long before a hidden mood is shown again."""
    viewer_mood: float = 1.0
    """A viewer gets a mood this often while it changes, if there is time: at each tick, the moods to so many would cost
    far more than the labels."""
    mood_heartbeat: float = protocol.MOOD_HEARTBEAT_S
    """A viewer gets a mood at least this often, also where nothing changed."""
    people: float = protocol.PEOPLE_S
    """Who looks at the grid is told this often who is shown there."""
    slow_reader: float = 10.0
    """A client whose buffer stays full for this long is closed."""
    stalled: float = 20.0
    """Who takes nothing of the answer to a request for this long is cut off."""
    close: float = 2.0
    """A client has this long to answer a close frame."""
    heartbeat: float = 30.0
    """A WebSocket is pinged when nothing was heard for this long, and dropped without an answer for half of it."""
    session_gap: float = 300.0
    """A session ends after this long without viewers."""
    ticket_ttl: int = TICKET_TTL_S
    node_silence: float = 3.0
    """A node of a cluster that tells nothing for this long counts no more (but at least four ticks)."""
    lease: float = 10.0
    """Another node writes a channel's history this long after the one that did it fell silent."""
    clock_even: float = 600.0
    """Old sessions are deleted by a clock that was not set for so long."""
    refusals: float = 60.0
    """Between two lines in the log on who was turned away."""


class Pace(IntEnum):
    """What to do about a client's speed. Anything but FINE is true."""

    FINE = 0
    WARN = 1
    CLOSE = 2


FINE = Pace.FINE  # an enum's member costs a look-up that the way of each label should not pay


class Meter:
    """A token bucket that goes into debt: within it frames pass, with the first debt comes a warning, then the close.

    It holds ``BURST`` tokens and refills at the rate that labels may have; a label costs one token. Kept as the time
    at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371), which is one number to move.
    """

    __slots__ = ("_full_at", "_warned")

    def __init__(self, now: float) -> None:
        self._full_at, self._warned = now, False

    def spend(self, now: float, cost: float = 1.0) -> Pace:
        """Pay for a frame. WARN comes once, until the bucket is full again."""
        full_at = self._full_at
        if full_at <= now:
            full_at = now
            self._warned = False
        self._full_at = full_at = full_at + cost * _TOKEN_S
        if full_at - now <= _BURST_S:
            return FINE
        if full_at - now > _BURST_S + _DEBT_S:
            return Pace.CLOSE
        if self._warned:
            return FINE
        self._warned = True
        return Pace.WARN

    def afford(self, now: float, cost: float = 1.0) -> bool:
        """Pay for a frame if that is FINE; returns whether it is. If not, nothing is paid, and ``spend`` tells more."""
        full_at = self._full_at
        if full_at <= now:
            full_at = now
            self._warned = False
        full_at += cost * _TOKEN_S
        if full_at - now > _BURST_S:
            return False
        self._full_at = full_at
        return True


class Places:
    """So many places for each group, and no more. Taking and freeing one is O(1); empty groups cost nothing."""

    __slots__ = ("_most", "_taken")

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[Hashable, int] = {}

    def take(self, group: Hashable | None) -> bool:
        """Whether there was a place in the group; the group None has no limit."""
        if group is None:
            return True
        taken = self._taken.get(group, 0)
        if taken >= self._most:
            return False
        self._taken[group] = taken + 1
        return True

    def free(self, group: Hashable | None) -> None:
        """Give back a place that ``take`` gave."""
        if group is None:
            return
        taken = self._taken[group] - 1
        if taken:
            self._taken[group] = taken
        else:
            del self._taken[group]

    def has_room(self, group: Hashable) -> bool:
        """Whether ``take`` would find a place now."""
        return self._taken.get(group, 0) < self._most

    def elsewhere(self, group: Hashable) -> int:
        """How many of the group's places other processes have taken."""
        return 0


class Rates:
    """A token bucket for each house. One that is full again is forgotten, so that memory follows the last minutes."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate, self._burst = per_second, burst
        self._houses: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many houses are remembered."""
        return len(self._houses)

    def spent(self, house: Hashable | None, now: float) -> float:
        """How far the house's bucket is from full; 0 for None."""
        return self._burst - self._tokens(house, now)

    def spend(self, house: Hashable | None, now: float, cost: float = 1.0) -> float:
        """Pay, and return 0; or pay nothing, and return the seconds until there is enough. A refund costs below 0.

        ``cost`` is at most the burst. None has no limit.
        """
        if house is None:
            return 0.0
        while self._houses:
            _, then = next(iter(self._houses.values()))
            if now - then < self._burst / self._rate:
                break
            self._houses.popitem(last=False)
        tokens = self._tokens(house, now)
        if tokens < cost:
            return (cost - tokens) / self._rate
        self._houses[house] = min(self._burst, tokens - cost), now
        self._houses.move_to_end(house)
        return 0.0

    def _tokens(self, house: Hashable | None, now: float) -> float:
        tokens, then = self._houses.get(house, (self._burst, now))
        return min(self._burst, tokens + (now - then) * self._rate)


class Ranks(Protocol):
    """So many have taken of each group, without end; who takes one is told the how manieth it is."""

    def take(self, group: Hashable) -> int | None:
        """How many are taken now, this one included; None where it can't be counted, and is not taken."""

    def free(self, group: Hashable) -> None:
        """Give back one that ``take`` counted."""


class Ledger:
    """Where it is counted what clients have taken: here by this process alone, in ``workers.ledger`` together with
    others that are the same relay. What is counted under one name is one count, whoever asks for it."""

    workers = 1
    """Processes that count here."""

    def of(self, channel: str) -> "Ledger":
        """What is counted of a channel, apart from all others."""
        return self

    def places(self, name: str, most: int) -> Places:
        """So many places for each group."""
        return Places(most)

    def ranks(self, name: str) -> Ranks | None:
        """Ranks; None where who asks counts all there are."""
        return None

    def rates(self, name: str, per_second: float, burst: float) -> Rates:
        """A token bucket for each group."""
        return Rates(per_second, burst)

    def uplink(self, rate: float) -> Uplink:
        """The rate, in bytes a second, that all downloads share."""
        return Uplink(rate)

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Work of which there is one at a time among the processes, not within one. Blocks until it is its turn."""
        return nullcontext()


ALONE = Ledger()


class Connections:
    """The open connections of a relay, counted as a whole, per channel and per house."""

    def __init__(self, total: int, per_channel: int, per_house: int, ledger: Ledger = ALONE) -> None:
        self._limits = total, per_channel, per_house
        self._total = ledger.places("relay", total)
        self._channels, self._houses = ledger.places("channel", per_channel), ledger.places("house", per_house)

    def arrive(self, channel: str, house: str | None) -> str | None:
        """Count a connection with its house (None), or say which limit keeps it out. ``house``: None has no limit.

        Who has not said yet who it is takes no place of the channel and of the relay: strangers would fill both.
        """
        per_house = self._limits[2]
        if not self._houses.take(house):
            return f"Your network has the {per_house} connections that one may have: close another one first."
        full = self._full(self._channels.has_room(channel), self._total.has_room("all"), channel)
        if full:
            self._houses.free(house)
        return full

    def depart(self, house: str | None) -> None:
        """Count out a connection that ``arrive`` counted."""
        self._houses.free(house)

    def enter(self, channel: str) -> str | None:
        """Count one in that arrived and is let in (None), or say which limit keeps it out."""
        has_place = self._channels.take(channel)
        if has_place and self._total.take("all"):
            return None
        if has_place:
            self._channels.free(channel)
        return self._full(has_place, False, channel)

    def _full(self, of_channel: bool, of_relay: bool, channel: str) -> str | None:
        """Which limit keeps a connection out, where there is no place of the channel or the relay."""
        total, per_channel, _ = self._limits
        if not of_channel:
            return f"The channel {channel!r} has the {per_channel} connections that one may have: come back later."
        if not of_relay:
            return f"The relay has the {total} connections that it takes: come back later."
        return None

    def leave(self, channel: str) -> None:
        """Count out a connection that ``enter`` counted in."""
        self._total.free("all")
        self._channels.free(channel)

    def elsewhere(self) -> int:
        """How many other processes have let in."""
        return self._total.elsewhere("all")


def client_address(remote: str | None, forwarded_for: str, proxies: int) -> str | None:
    """The client's address behind ``proxies`` proxies that each append whom they heard to ``X-Forwarded-For``.

    What stands further left in the header was written by the client, who may write anything. Where the header has fewer
    parts than there are proxies, or no address at that place, it is the peer's address (``remote``).
    """
    hops = forwarded_for.split(",")
    if not proxies or len(hops) < proxies:
        return remote
    found = _hop(hops[-proxies].strip().strip('"'))
    return remote if found is None else str(found)


def told_address(values: Iterable[str]) -> str | None:
    """The client's address as a tunnel tells it in its one header: the last value of all lines that have it.

    None where there is none, or that is no address: whoever asks then is in nobody's house, the peer's neither.
    """
    found = _hop(",".join(values).rpartition(",")[2].strip())
    return None if found is None else str(found)


def _hop(text: str) -> Address | None:
    """The address in a part of the header. Some proxies add the port, and brackets to an address of IPv6."""
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        return address(inside) if bracket and _PORT.fullmatch(port) else None
    host, colon, port = text.partition(":")
    return address(host) if colon and _PORT.fullmatch(colon + port) else address(text)


def house(client: str | None) -> str:
    """The group that an address is counted in: itself, or the /64 of an IPv6 address, which one customer has for sure.

    Loopback is one group, and so is what is no address: nobody is without limits for what their address looks like.
    """
    return _group(client, 64)


def network(client: str | None) -> str:
    """The network of an address, of which a crowd has several: as ``house``, but the /48 of an IPv6 address.

    That is what one customer can have (RFC 6177), and so all of it may be one person.
    """
    return _group(client, 48)


def _group(text: str | None, prefix: int) -> str:
    parsed = address(text or "")
    if parsed is None:
        return "unknown"
    if parsed.is_loopback:
        return "loopback"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    spare = 128 - prefix
    return str(ipaddress.IPv6Address(int(parsed) >> spare << spare))
