"""Several nodes as one relay: what they tell each other, and what a node knows of the others. Pure: time is passed in.

Each node tells the whole of what it counts, again and again (a state, as in a state-based CRDT: Shapiro et al. 2011,
"Conflict-free replicated data types"). So a report that is lost, doubled or late does no harm: the next one repairs it.
"""

import functools
import math
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from relay.common import discreet
from relay.core import grid
from relay.core.command import Told
from relay.core.face import Shown, newer
from relay.core.grid import GridPart, Hidden
from relay.core.snapshot import Snapshot, total
from relay.protocol import CHANNEL_PATTERN, TAPS

PART_BYTES = 64 * 1024
"""A longer report goes out in parts of about this size."""
MOST_PARTS = 1024
MOST_NODES = 256
REMEMBERED_S = 60.0
"""A node that is gone is remembered for this long: late reports of it count no more, and its absence is told."""

_NO_TAPS = (0,) * len(TAPS)

Name = Annotated[str, Meta(pattern=CHANNEL_PATTERN)]
NodeName = Annotated[str, Meta(min_length=1, max_length=128)]


class Running(msgspec.Struct, array_like=True, frozen=True):
    """The session that a node writes."""

    number: int
    started: float
    """Unix time."""


class Activity(msgspec.Struct, array_like=True, frozen=True):
    """A channel as one node has it."""

    snapshot: Snapshot
    running: Running | None = None
    """Told by the node that writes the channel's history."""
    command: Told | None = None
    """Of the streamer, as far as the node knows."""
    shown: Shown | None = None
    """The streamer, where they are on this node."""
    grid: GridPart | None = None
    """Those of its viewers who are shown to each other, where that is allowed."""
    hidden: Hidden | None = None
    """Whom the admin doesn't want shown among them."""


# --- messages --------------------------------------------------------------------------------------------------------


class NodeMessage(msgspec.Struct, array_like=True, frozen=True, tag=True, kw_only=True):
    """Base of what travels between nodes. A run of a node is known by its name and its epoch."""

    node: NodeName
    epoch: int
    """When this run of the node began: later runs have larger ones."""
    seq: int
    """Grows with each message of its kind in this run."""


class Report(NodeMessage, tag="report", frozen=True, kw_only=True):
    """All channels that have someone on this node, or a part of them."""

    part: Annotated[int, Meta(ge=0)] = 0
    parts: Annotated[int, Meta(ge=1, le=MOST_PARTS)] = 1
    channels: dict[Name, Activity]


class Joined(msgspec.Struct, array_like=True, frozen=True, tag="joined"):
    """A viewer came in with a ticket: an older connection with the same one is closed."""

    __repr__ = discreet.shown

    channel: Name
    ticket: str
    time: float


class Changed(msgspec.Struct, array_like=True, frozen=True, tag="changed"):
    """The channel, its keys or its password are not what they were: the database knows."""

    channel: Name


class Published(msgspec.Struct, array_like=True, frozen=True, tag="published"):
    """An event for the channel's subscribers on all nodes, as JSON."""

    channel: Name
    name: Annotated[str, Meta(pattern="^[a-z]{1,32}$")]
    json: bytes


class Renamed(msgspec.Struct, array_like=True, frozen=True, tag="renamed"):
    """The session has a new name."""

    channel: Name
    number: int
    title: str


class Dropped(msgspec.Struct, array_like=True, frozen=True, tag="dropped"):
    """The session was deleted."""

    channel: Name
    number: int


Item = Joined | Changed | Published | Renamed | Dropped


class News(NodeMessage, tag="news", frozen=True, kw_only=True):
    """What happened on a node."""

    items: list[Item]


class Goodbye(NodeMessage, tag="goodbye", frozen=True, kw_only=True):
    """The node stops: what it counted is gone."""


_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Report | News | Goodbye] = msgspec.msgpack.Decoder(Report | News | Goodbye)


def encode(message: Report | News | Goodbye) -> bytes:
    """A message as it travels (MessagePack)."""
    return _encode(message)


def encode_report(node: str, epoch: int, seq: int, channels: Mapping[str, Activity]) -> list[bytes]:
    """A report, in parts if it is long."""
    names = list(channels)
    whole = _encode(Report(node=node, epoch=epoch, seq=seq, channels=dict(channels)))
    parts = min(MOST_PARTS, len(names), math.ceil(len(whole) / PART_BYTES))
    if parts <= 1:
        return [whole]
    return [
        _encode(
            Report(
                node=node, epoch=epoch, seq=seq, part=part, parts=parts,
                channels={name: channels[name] for name in names[part::parts]},
            )
        )
        for part in range(parts)
    ]  # fmt: skip


# --- the other nodes -------------------------------------------------------------------------------------------------


class _Peer:
    """What is known of a run of another node."""

    def __init__(self, epoch: int, now: float) -> None:
        self.epoch = epoch
        self.heard = now
        self.left = self.silent = False
        self.seq = self.news_seq = -1
        self.channels: dict[str, Activity] = {}
        self.commands: dict[str, Told] = {}
        self.arriving_seq = -1
        self.arriving: dict[int, dict[str, Activity]] = {}

    @property
    def present(self) -> bool:
        return not (self.left or self.silent)

    def take(self, report: Report) -> bool:
        """Take a part of a report; returns whether a report is now complete that is newer than the last one."""
        if report.seq <= self.seq or report.seq < self.arriving_seq or report.part >= report.parts:
            return False
        if report.seq > self.arriving_seq:
            self.arriving_seq, self.arriving = report.seq, {}
        self.arriving[report.part] = report.channels
        if len(self.arriving) < report.parts:
            return False
        self.channels = {name: activity for part in self.arriving.values() for name, activity in part.items()}
        self.commands = {name: activity.command for name, activity in self.channels.items() if activity.command}
        self.seq, self.arriving = report.seq, {}
        return True


class Identity(NamedTuple):
    """By which the others know this run of this node."""

    node: str
    epoch: int

    @property
    def holder(self) -> str:
        """Whose leases allow to write history, as for ``History``."""
        return f"{self.node}/{self.epoch}"


class Peers:
    """The other nodes, as their reports tell. Reports may come late, twice, in any order or not at all.

    Of each node the newest report counts, as a whole: a channel that is missing from it is gone. Taps are no state but
    happen once: those of each report are handed out once.
    """

    def __init__(self, identity: Identity, silence: float) -> None:
        """``identity``: this run's own. ``silence``: seconds after which a node that says nothing is gone."""
        self.node, self.epoch = identity
        self.rejected = 0
        """Messages that could not be understood."""
        self._own_name = identity.node
        self._silence = silence
        self._peers: dict[str, _Peer] = {}
        self._arrived: dict[str, tuple[int, ...]] = {}
        self._taps: dict[str, tuple[int, ...]] = {}

    def receive(self, data: bytes, now: float) -> list[Item]:
        """Take a message of any node, this one's own included; returns the news in it that are new."""
        try:
            message = _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.rejected += 1
            return []
        if message.node == self.node:
            if message.epoch > self.epoch:  # another relay goes by the same name: both are needed
                self.node = f"{self._own_name}~{self.epoch}"
            return []
        peer = self._peer(message, now)
        if peer is None:
            return []
        if isinstance(message, Goodbye):
            peer.left, peer.channels = True, {}
            return []
        if isinstance(message, News):
            if message.seq <= peer.news_seq:
                return []
            peer.news_seq = message.seq
            return message.items
        if peer.take(message):
            peer.heard, peer.silent = now, False
            for name, activity in peer.channels.items():
                if any(activity.snapshot.taps):
                    before = self._arrived.get(name, _NO_TAPS)
                    self._arrived[name] = tuple(a + b for a, b in zip(before, activity.snapshot.taps, strict=True))
        return []

    def _peer(self, message: NodeMessage, now: float) -> _Peer | None:
        """Who says it; None if it does not count."""
        peer = self._peers.get(message.node)
        if peer is None and len(self._peers) >= MOST_NODES:
            self.rejected += 1
            return None
        if peer is None or message.epoch > peer.epoch:
            peer = self._peers[message.node] = _Peer(message.epoch, now)
        return None if message.epoch < peer.epoch or peer.left else peer

    def tick(self, now: float) -> None:
        """Let silent nodes go, and hand out the taps that came since the tick before."""
        for node, peer in list(self._peers.items()):
            quiet = now - peer.heard
            if quiet > self._silence and peer.present:
                peer.silent, peer.channels = True, {}
            if quiet > REMEMBERED_S:
                del self._peers[node]
        self._taps, self._arrived = self._arrived, {}

    def snapshot(self, channel: str) -> Snapshot:
        """The channel's audience on the other nodes together; the taps are those handed out at the last ``tick``."""
        states = [peer.channels[channel].snapshot for peer in self._peers.values() if channel in peer.channels]
        return total(states, self._taps.get(channel, _NO_TAPS))

    def viewers(self, channel: str) -> int:
        """How many the channel has on the other nodes; in the list of channels that is asked of each of them."""
        found = [peer.channels[channel] for peer in self._peers.values() if channel in peer.channels]
        return sum(activity.snapshot.viewers for activity in found)

    def running(self, channel: str) -> Running | None:
        """The channel's session as another node writes it."""
        for peer in self._peers.values():
            if (activity := peer.channels.get(channel)) and activity.running:
                return activity.running
        return None

    def commands(self) -> list[tuple[str, Told]]:
        """What has come since this was asked the last time: channels, and what the streamer said of each."""
        found = [command for peer in self._peers.values() for command in peer.commands.items()]
        for peer in self._peers.values():
            peer.commands = {}
        return found

    def shown(self, channel: str) -> Shown | None:
        """The streamer, as the other nodes have them."""
        found = None
        for peer in self._peers.values():
            if activity := peer.channels.get(channel):
                found = newer(found, activity.shown)
        return found

    def parts(self, channel: str) -> list[tuple[Snapshot, GridPart | None]]:
        """The channel's audience on each of the other nodes, and who of it is shown."""
        found = [peer.channels[channel] for peer in self._peers.values() if channel in peer.channels]
        return [(activity.snapshot, activity.grid) for activity in found]

    def hidden(self, channel: str) -> Hidden | None:
        """The newest word of the other nodes on who is not to be shown."""
        found = [activity.hidden for peer in self._peers.values() if (activity := peer.channels.get(channel))]
        return functools.reduce(grid.newer, filter(None, found), Hidden()) if any(found) else None

    @property
    def present(self) -> int:
        """How many other nodes there are."""
        return sum(peer.present for peer in self._peers.values())

    @property
    def missing(self) -> int:
        """How many nodes went silent in the last minute without a goodbye."""
        return sum(peer.silent and not peer.left for peer in self._peers.values())
