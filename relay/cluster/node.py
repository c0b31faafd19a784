"""This relay among others: alone, or a node of a cluster. The hub asks it, and does not know which."""

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from relay.cluster import peers
from relay.cluster.bus import SILENT, Bus
from relay.cluster.peers import Activity, Changed, Goodbye, Identity, Item, News, Peers, Running
from relay.cluster.reload_queue import Stale
from relay.common.deadline import within
from relay.config import RelaySettings
from relay.core.command import Told
from relay.core.face import Shown
from relay.core.grid import GridPart, Hidden
from relay.core.limits import Ledger, Limits
from relay.core.snapshot import Snapshot, Whole
from relay.protocol import CHANNEL_PATTERN
from relay.store import database
from relay.store.channels import Channels, Replaced
from relay.store.database import Connection, DatabaseError
from relay.store.leases import Leases
from relay.workers.seat import Seat

log = logging.getLogger(__name__)

PREFIX = "moodcast:3"
"""Of the topic. The number changes when nodes of two versions would not understand each other."""
_GATHER_S = 0.02
"""News wait for this long, so that those of a crowd travel together."""
_ITEMS_AT_ONCE = 500
_GRACE_S = 1.0
"""A bus that is down for less than this, as at the start, is not worth a warning."""
_LOOKS_PER_S, _LOOKS_AT_ONCE = 1.0, 20.0
"""For one house: unknown channels that are looked up in the database."""


class Standing(NamedTuple):
    """How a node stands in its cluster, in figures."""

    nodes: int
    """That are heard, this one included."""
    missing: int
    """That went silent within the last minute without a goodbye."""
    report_age_s: float
    """Of the oldest report of another node that counts; 0 where there is none."""
    is_partial: bool
    """Whether the mood is that of a part of the audience."""
    is_connected: bool
    """Whether Redis passes messages on."""
    rejected: int
    """Messages, or parts of them, that could not be understood, since the start."""


class Node:
    """A relay that is alone: nobody else counts, and all history is its own to write."""

    report_age = 0.0
    """Seconds by which what is known of viewers on other nodes may be old."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Item | Replaced] = asyncio.Queue()
        """What happened on other nodes, and what other relays changed in channels: for who takes it, in this order."""

    async def stop(self) -> None:
        """Say goodbye to the others."""

    def close(self) -> None:
        """Give up the leases, once the history is written. Blocks."""

    def tick(self, now: float) -> float:
        """To be called at the begin of each tick; returns the seconds that merging has taken since the one before."""
        return 0.0

    def whole(self, channel: str, own: Snapshot) -> Whole:
        """The channel's audience on all nodes. ``own``: on this one."""
        return own

    def viewers(self, channel: str) -> int:
        """How many the channel has on all other nodes."""
        return 0

    def running(self, channel: str) -> Running | None:
        """The channel's session, where another node writes it."""
        return None

    def commands(self) -> Iterable[tuple[str, Told]]:
        """What other nodes have told since this was asked the last time: channels, and what the streamer said."""
        return ()

    def shown(self, channel: str) -> Shown | None:
        """The channel's streamer, where another node has them."""
        return None

    def parts(self, channel: str) -> list[tuple[Snapshot, GridPart | None]]:
        """The channel's audience on each of the other nodes, and who of it is shown to the others."""
        return []

    def hidden(self, channel: str) -> Hidden | None:
        """Who is not to be shown, as other nodes were told."""
        return None

    def report(self, channels: Mapping[str, Activity]) -> None:
        """Tell the others what is here, at the end of each tick."""

    def announce(self, item: Item) -> None:
        """Tell the others what happened here."""

    def look_again(self, channel: str) -> None:
        """Something was deleted of the channel, and perhaps the channel: see in the database, soon."""

    def writes(self, channel: str) -> bool:
        """Whether this node may write the channel's history."""
        return True

    def want(self, channels: Iterable[str]) -> None:
        """Ask to write the history of these channels, and of no others."""

    @property
    def alone(self) -> bool:
        """Whether no other node takes the clients while this one restarts."""
        return True

    @property
    def cut_off(self) -> bool:
        """Whether there are others who can't be heard."""
        return False

    @property
    def standing(self) -> Standing | None:
        """How it stands among others, where it is one of several."""
        return None

    @property
    def warnings(self) -> list[str]:
        """Sentences for the streamer."""
        return []

    async def look_up(self, channel: str, house: str | None) -> None:
        """A channel is asked for that is not known here: see whether another node has just made it."""


class _ClusterNode(Node):
    """One of several nodes that share a database and a Redis."""

    def __init__(
        self,
        identity: Identity,
        *,
        url: str,
        topic: str,
        silence: float,
        least: int,
        lease_s: float,
        place: database.Place,
        channels: Channels,
        taken: Callable[[Connection, str, float], None],
        ledger: Ledger,
    ) -> None:
        """``url``: of Redis. ``topic``: a name that the nodes share. ``silence``: seconds after which a node that tells
        nothing is gone. ``least``: networks from which a mood is shown. ``lease_s``: length of a lease. ``taken``: is
        told of a new one, as by ``Leases``.

        Raises:
            SettingsError: the URL can't be used, or the driver is missing.
        """
        super().__init__()
        self.report_age = silence
        self._peers = Peers(identity, silence, least)
        self._channels = channels
        self._looks = ledger.rates("looks", _LOOKS_PER_S, _LOOKS_AT_ONCE)
        self._seq = 0
        self._merging = 0.0
        """Seconds of reading and adding up reports since the last tick."""
        self._news: list[Item] = []
        self._stale = Stale(time.monotonic())
        self._told = asyncio.Event()
        self._connections = 0
        loop = asyncio.get_running_loop()

        def changed(channel: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self.announce, Changed(channel))

        self._bus = Bus(url, f"{PREFIX}:{topic}", silence, self._receive)
        self._leases = Leases(place, identity.holder, lease_s, taken)
        channels.on_change = changed
        self._reloading = asyncio.create_task(self._reload_forever(), name="reload")

    async def stop(self) -> None:
        self._reloading.cancel()
        await asyncio.gather(self._reloading, return_exceptions=True)
        self._tell()  # what waited for company
        self._seq += 1
        await self._bus.stop(peers.encode(Goodbye(node=self._peers.node, epoch=self._peers.epoch, seq=self._seq)))

    def close(self) -> None:
        self._leases.stop()

    # --- counts ------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> float:
        self._peers.tick(now)
        took, self._merging = self._merging, 0.0
        return took

    def whole(self, channel: str, own: Snapshot) -> Whole:
        began = time.perf_counter()
        whole = self._peers.whole(channel, own)
        self._merging += time.perf_counter() - began
        return whole

    def viewers(self, channel: str) -> int:
        return self._peers.viewers(channel)

    def running(self, channel: str) -> Running | None:
        return self._peers.running(channel)

    def commands(self) -> Iterable[tuple[str, Told]]:
        return self._peers.commands()

    def shown(self, channel: str) -> Shown | None:
        return self._peers.shown(channel)

    def parts(self, channel: str) -> list[tuple[Snapshot, GridPart | None]]:
        return self._peers.parts(channel)

    def hidden(self, channel: str) -> Hidden | None:
        return self._peers.hidden(channel)

    def report(self, channels: Mapping[str, Activity]) -> None:
        self._seq += 1
        self._bus.put_state(self._peers.report(self._seq, channels))

    @property
    def alone(self) -> bool:
        return not self._peers.elsewhere

    @property
    def cut_off(self) -> bool:
        return not self._bus.connected.is_set()

    @property
    def standing(self) -> Standing | None:
        known, now = self._peers, time.monotonic()
        is_partial = self.cut_off or known.missing > 0
        return Standing(
            1 + known.present, known.missing, known.lag(now), is_partial, not self.cut_off, known.rejected
        )  # fmt: skip

    @property
    def warnings(self) -> list[str]:
        if self.cut_off:
            if time.monotonic() - self._bus.down_since < _GRACE_S:
                return []
            why = self._bus.trouble or SILENT
            return [f"partial: {why}, so only the viewers of this one of the relay's nodes are shown until it does."]
        if self._peers.missing:
            return ["partial: one of the relay's nodes went silent, and its viewers are missing until they come back."]
        return []

    # --- leases ------------------------------------------------------------------------------------------------------

    def writes(self, channel: str) -> bool:
        return self._leases.held(channel)

    def want(self, channels: Iterable[str]) -> None:
        self._leases.want(channels)

    # --- news --------------------------------------------------------------------------------------------------------

    def announce(self, item: Item) -> None:
        if not self._news:
            asyncio.get_running_loop().call_later(_GATHER_S, self._tell)
        self._news.append(item)

    def _tell(self) -> None:
        news, self._news = self._news, []
        for first in range(0, len(news), _ITEMS_AT_ONCE):
            self._seq += 1
            items = news[first : first + _ITEMS_AT_ONCE]
            message = News(node=self._peers.node, epoch=self._peers.epoch, seq=self._seq, items=items)
            self._bus.put_news(peers.encode(message))

    def _receive(self, data: bytes) -> None:
        if self._connections != self._bus.connections:  # who knows what was not heard
            self._connections = self._bus.connections
            self._stale.all(time.monotonic())
            self._told.set()
        began = time.perf_counter()
        items = self._peers.receive(data, time.monotonic())
        self._merging += time.perf_counter() - began
        for item in items:
            if isinstance(item, Changed):
                self.look_again(item.channel)
            else:
                self.heard.put_nowait(item)

    # --- channels ----------------------------------------------------------------------------------------------------

    def look_again(self, channel: str) -> None:
        self._stale.name(channel, time.monotonic())
        self._told.set()

    async def _reload_forever(self) -> None:
        """Read what changed from the database."""
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._stale.due_in(time.monotonic()), self._told.wait())
            self._told.clear()
            for name in self._stale.take(time.monotonic()):
                await self._read_channel(name)

    async def _read_channel(self, name: str | None) -> None:
        """Read one channel, or all for None."""
        try:
            lost = await asyncio.to_thread(self._channels.reload, name)
        except DatabaseError as error:
            log.warning("What other nodes changed in channels can't be read: %s", error)
            self._stale.failed(time.monotonic())
            return
        for change in lost:
            self.heard.put_nowait(change)

    async def look_up(self, channel: str, house: str | None) -> None:
        if re.fullmatch(CHANNEL_PATTERN, channel) and not self._looks.spend(house, time.monotonic()):
            await self._read_channel(channel)


def new_identity(port: int, seat: Seat | None = None) -> Identity:
    """Of a relay that begins to run now and listens on the port of this machine, or of a worker of one."""
    name = f"{socket.gethostname()[:100]}:{port}"
    return Identity(name if seat is None else f"{name}/{seat.number}", time.time_ns())


async def join(
    settings: RelaySettings,
    limits: Limits,
    identity: Identity | None,
    place: database.Place,
    channels: Channels,
    taken: Callable[[Connection, str, float], None],
    ledger: Ledger,
) -> Node:
    """This relay among the others of its cluster, or alone where it has no ``identity``.

    Raises:
        SettingsError: the settings of the cluster can't be used, or the driver is missing.
        DatabaseError: the database can't be written.
    """
    if identity is None:
        return Node()
    # Two installations on one Redis have two topics, since each has its own database.
    topic = (await asyncio.to_thread(database.secret, place, "cluster")).hex()[:16]
    return _ClusterNode(
        identity,
        url=settings.cluster,
        topic=topic,
        silence=max(limits.node_silence, 4 * settings.tick_ms / 1000),
        least=settings.min_viewers,
        lease_s=limits.lease,
        place=place,
        channels=channels,
        taken=taken,
        ledger=ledger,
    )
