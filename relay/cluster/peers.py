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

from relay.cluster.states import MOST_NODES, States, encode_state, read_shares, viewers_in
from relay.common import discreet
from relay.core import grid
from relay.core.command import Told, newest
from relay.core.face import Shown, newer
from relay.core.grid import GridPart, Hidden
from relay.core.snapshot import Snapshot, Whole
from relay.protocol import CHANNEL_PATTERN

PART_BYTES = 64 * 1024
"""A longer report goes out in parts of about this size."""
MOST_PARTS = 1024
REMEMBERED_S = 60.0
"""A node that is gone is remembered for this long: late reports of it count no more, and its absence is told."""

Name = Annotated[str, Meta(pattern=CHANNEL_PATTERN)]
NodeName = Annotated[str, Meta(min_length=1, max_length=128)]


class Running(msgspec.Struct, array_like=True, frozen=True):
    """The session that a node writes."""

    number: int
    started: float
    """Unix time."""


class Besides(msgspec.Struct, array_like=True, frozen=True):
    """What a node tells of a channel beside its audience, which of most channels is nothing."""

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


_NOTHING_ELSE = Besides()


class Activity(NamedTuple):
    """A channel as one node has it."""

    snapshot: Snapshot
    besides: Besides = _NOTHING_ELSE

    @property
    def is_told(self) -> bool:
        """Whether it is to be told even where nobody watches. The grid alone is not: it is made of viewers."""
        besides = self.besides
        return any((besides.running, besides.command, besides.shown, besides.hidden))


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
    states: dict[str, bytes]
    """By channel; see ``relay.cluster.states``. Names are compared with those of channels that are known, no more."""
    besides: dict[Name, Besides]


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
    started: float
    """Unix time: by it a session is known from one of a channel that was made anew under the same name."""


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


def encode_report(node: str, epoch: int, seq: int, channels: Mapping[str, Activity], least: int = 1) -> list[bytes]:
    """A report, in parts if it is long. ``least``: as for ``encode_state``."""
    states = {name: encode_state(activity.snapshot, least) for name, activity in channels.items()}
    besides = {name: activity.besides for name, activity in channels.items() if activity.besides != _NOTHING_ELSE}
    whole = _encode(Report(node=node, epoch=epoch, seq=seq, states=states, besides=besides))
    parts = min(MOST_PARTS, len(states), math.ceil(len(whole) / PART_BYTES))
    if parts <= 1:
        return [whole]
    names = list(states)
    return [
        _encode(
            Report(
                node=node, epoch=epoch, seq=seq, part=part, parts=parts,
                states={name: states[name] for name in names[part::parts]},
                besides={name: besides[name] for name in names[part::parts] if name in besides},
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
        self.states: dict[str, bytes] = {}
        self.besides: dict[str, Besides] = {}
        self.arriving_seq = -1
        self.arriving: dict[int, Report] = {}

    @property
    def present(self) -> bool:
        return not (self.left or self.silent)

    def take(self, report: Report) -> bool:
        """Take a part of a report; returns whether a report is now complete that is newer than the last one."""
        if report.seq <= self.seq or report.seq < self.arriving_seq or report.part >= report.parts:
            return False
        if report.seq > self.arriving_seq:
            self.arriving_seq, self.arriving = report.seq, {}
        self.arriving[report.part] = report
        if len(self.arriving) < report.parts:
            return False
        self.states, self.besides = report.states, report.besides
        for part in self.arriving.values() if report.parts > 1 else ():
            self.states.update(part.states)
            self.besides.update(part.besides)
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
    happen once: those of each report are handed out once. A channel that nobody has asked for lies as it came.
    """

    def __init__(self, identity: Identity, silence: float, least: int) -> None:
        """``identity``: this run's own. ``silence``: seconds after which a node that says nothing is gone. ``least``:
        networks from which a mood is shown."""
        self.node, self.epoch = identity
        self.rejected = 0
        """Messages, or parts of them, that could not be understood."""
        self._own_name, self._own_start = identity.node, self._start()
        self._silence, self._least = silence, least
        self._peers: dict[str, _Peer] = {}
        self._channels: dict[str, States] = {}
        """Those that live here, and ..."""
        self._asked: set[str] = set()
        """... those that were asked for since the last tick."""
        self._besides: dict[str, list[Besides]] | None = None
        """By channel, as all nodes tell it; None until it is asked for."""
        self._commands: dict[str, Told] = {}

    def report(self, seq: int, channels: Mapping[str, Activity]) -> list[bytes]:
        """What this node tells the others of its own channels."""
        return encode_report(self.node, self.epoch, seq, channels, self._least)

    def _start(self) -> bytes:
        """By which a report of this node is known before it is read."""
        empty = encode(Report(node=self.node, epoch=self.epoch, seq=0, states={}, besides={}))
        return empty[:-5]  # the rest are its numbers and tables, a byte each

    def receive(self, data: bytes, now: float) -> list[Item]:
        """Take a message of any node, this one's own included; returns the news in it that are new."""
        if data.startswith(self._own_start):
            return []
        try:
            message = _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.reject()
            return []
        if message.node == self.node:
            if message.epoch > self.epoch:  # another relay goes by the same name: both are needed
                self.node = f"{self._own_name}~{self.epoch}"
                self._own_start = self._start()
            return []
        peer = self._peer(message, now)
        if peer is None:
            return []
        if isinstance(message, Goodbye):
            peer.left = True
            self._forget(peer)
            return []
        if isinstance(message, News):
            if message.seq <= peer.news_seq:
                return []
            peer.news_seq = message.seq
            return message.items
        if peer.take(message):
            peer.heard, peer.silent = now, False
            self._spread(peer)
        return []

    def reject(self) -> None:
        """Count what could not be understood."""
        self.rejected += 1

    def _spread(self, peer: _Peer) -> None:
        """What a peer now tells takes the place of what it told before."""
        states = peer.states
        for name, channel in self._channels.items():
            if not channel.put(peer, states.get(name)):
                self.reject()
        self._besides = None
        for name, besides in peer.besides.items():
            if besides.command:
                self._commands[name] = newest(self._commands.get(name), besides.command)

    def _forget(self, peer: _Peer) -> None:
        peer.states, peer.besides = {}, {}
        self._spread(peer)

    def _peer(self, message: NodeMessage, now: float) -> _Peer | None:
        """Who says it; None if it does not count."""
        peer = self._peers.get(message.node)
        if peer is None and len(self._peers) >= MOST_NODES:
            self.reject()
            return None
        if peer is None or message.epoch > peer.epoch:
            if peer is not None:
                self._forget(peer)
            peer = self._peers[message.node] = _Peer(message.epoch, now)
        return None if message.epoch < peer.epoch or peer.left else peer

    def tick(self, now: float) -> None:
        """Let silent nodes go, and hand out the taps that came since the tick before."""
        for node, peer in list(self._peers.items()):
            quiet = now - peer.heard
            if quiet > self._silence and peer.present:
                peer.silent = True
                self._forget(peer)
            if quiet > REMEMBERED_S:
                del self._peers[node]
        for name in self._channels.keys() - self._asked:
            del self._channels[name]
        self._asked.clear()
        for channel in self._channels.values():
            channel.tick()

    def whole(self, channel: str, own: Snapshot) -> Whole:
        """The channel's audience on all nodes; the other ones' taps are those handed out at the last ``tick``.

        ``own``: what this node counts.
        """
        states = self._channels.get(channel)
        if states is None:
            states = self._channels[channel] = States()
            for peer in self._peers.values():
                if not states.put(peer, peer.states.get(channel)):
                    self.reject()
        self._asked.add(channel)
        return states.with_own(own, self._least, self.reject)

    def viewers(self, channel: str) -> int:
        """How many the channel has on the other nodes; in the list of channels that is asked of each of them."""
        return sum(viewers_in(state) for peer in self._peers.values() if (state := peer.states.get(channel)))

    def _told(self, channel: str) -> list[Besides]:
        """What the other nodes tell of a channel beside its audience, where they do."""
        if self._besides is None:
            self._besides = {}
            for peer in self._peers.values():
                for name, besides in peer.besides.items():
                    self._besides.setdefault(name, []).append(besides)
        return self._besides.get(channel, [])

    def running(self, channel: str) -> Running | None:
        """The channel's session as another node writes it."""
        return next((besides.running for besides in self._told(channel) if besides.running), None)

    def commands(self) -> list[tuple[str, Told]]:
        """What has come since this was asked the last time: channels, and what the streamer said of each."""
        found, self._commands = list(self._commands.items()), {}
        return found

    def shown(self, channel: str) -> Shown | None:
        """The streamer, as the other nodes have them."""
        return functools.reduce(newer, (besides.shown for besides in self._told(channel)), None)

    def parts(self, channel: str) -> list[tuple[Snapshot, GridPart | None]]:
        """The channel's audience on each of the other nodes, by delay and age alone, and who of it is shown."""
        return [
            (
                Snapshot(read_shares(state, self.reject)),
                besides.grid if (besides := peer.besides.get(channel)) else None,
            )
            for peer in self._peers.values()
            if (state := peer.states.get(channel))
        ]

    def hidden(self, channel: str) -> Hidden | None:
        """The newest word of the other nodes on who is not to be shown."""
        found = [besides.hidden for besides in self._told(channel) if besides.hidden]
        return functools.reduce(grid.newer, found) if found else None

    @property
    def present(self) -> int:
        """How many other nodes there are."""
        return sum(peer.present for peer in self._peers.values())

    @property
    def elsewhere(self) -> int:
        """How many of these are no workers of the same relay, which stop together."""
        relay, worker, _ = self._own_name.rpartition("/")
        siblings = relay + worker
        return sum(peer.present and not (worker and name.startswith(siblings)) for name, peer in self._peers.items())

    @property
    def missing(self) -> int:
        """How many nodes went silent in the last minute without a goodbye."""
        return sum(peer.silent and not peer.left for peer in self._peers.values())

    def lag(self, now: float) -> float:
        """Seconds since the oldest report that counts; 0 where there are no other nodes."""
        return max((now - peer.heard for peer in self._peers.values() if peer.present), default=0.0)
