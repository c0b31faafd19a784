"""Who is in a channel right now: its viewers, its subscribers and what waits for them, and its running session."""

import asyncio
import math
from collections import deque
from typing import NamedTuple

import msgspec

from relay import protocol
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.command import Command
from relay.core.countdown import Measurement
from relay.core.face import Telling
from relay.core.grid import Hidden, Rounds, View
from relay.core.timeline import Timeline
from relay.live.websocket import Socket, encode_frame
from relay.protocol import Code, Event, Expression, Mood, Status
from relay.store.channels import Right
from relay.store.history import Session

_WAITING_EVENTS = 64
"""Reactions and status events that wait for a subscriber; of moods only the latest does."""


class Viewer:
    """A viewer's connection as the hub sees it: where moods go."""

    __slots__ = (
        "full_since", "is_told", "joined", "member", "name", "shown_for", "since", "socket", "ticket", "turn",
    )  # fmt: skip

    def __init__(
        self, socket: Socket, house: str | None, network: bytes | None, ticket: str | None, name: str = ""
    ) -> None:
        """``house``, ``network``: as for ``Member``. ``ticket``: the number of the ticket it came with, if it did.
        ``name``: as its hello said, not looked at."""
        self.member = Member(house, network)
        self.name = name
        self.ticket = ticket
        self.since = 0.0
        """Unix time at which it joined."""
        self.joined = False
        """Whether what it sends counts."""
        self.socket = socket
        self.full_since: float | None = None
        self.turn = 0
        """At which of the ticks of a second it gets the mood."""
        self.shown_for = 0.0
        """Since when the grid had been allowed as it chose to be shown there; 0: it did not."""
        self.is_told = False
        """Whether it knows that its labels are not taken."""


class Streamer:
    """A streamer's connection, which shows their own face."""

    __slots__ = ("emotion", "said_at", "since", "socket", "stored")

    def __init__(self, socket: Socket, stored: bool) -> None:
        """``stored``: whether they asked for what they show to be stored."""
        self.socket = socket
        self.stored = stored
        self.since = 0.0
        """Unix time at which they came."""
        self.emotion: Expression | None = None
        """What they said last, and ..."""
        self.said_at = 0.0
        """... when, by the steady clock."""


class Packet(NamedTuple):
    """An event for subscribers, encoded once for all of them."""

    name: str
    json: bytes
    frame: bytes
    """``json`` as a WebSocket frame."""
    seq: int | None = None


class Subscriber:
    """What waits for a subscriber: the latest mood alone, and a bounded queue of the other events."""

    __slots__ = ("_is_behind", "_mood", "_others", "_wake", "code", "ended", "right", "seal", "socket")

    def __init__(self, right: Right, seal: bytes, socket: Socket | None) -> None:
        """``right``: of the key that it subscribed with. ``seal``: as ``Channels.seal``, of that key. ``socket``: None
        for Server-Sent Events."""
        self.right = right
        self.seal = seal
        self.socket = socket
        self._is_behind = False
        """Whether anything waits: then what comes has to as well."""
        self._mood: Packet | None = None
        self._others: deque[Packet] = deque(maxlen=_WAITING_EVENTS)
        self._wake = asyncio.Event()
        self.ended: Packet | None = None
        self.code = 0

    def put(self, packet: Packet) -> None:
        """Send an event at once where that is possible, else queue it.

        A mood replaces the one that waits; of too many others the oldest goes.
        """
        socket = self.socket
        if socket is not None and socket.takes and not self._is_behind:
            socket.put(packet.frame)
            return
        self._is_behind = True
        if packet.name == "mood":
            self._mood = packet
        else:
            self._others.append(packet)
        self._wake.set()

    def end(self, code: Code, bye: bytes) -> None:
        """After this nothing comes but the bye."""
        self.code, self.ended, self._is_behind = code.number, Packet("bye", bye, b""), True
        self._wake.set()

    async def next(self) -> Packet | None:
        """The next event, oldest first; None after ``end``."""
        while True:
            if self.ended:
                return None
            if self._others:
                return self._others.popleft()
            if self._mood:
                packet, self._mood = self._mood, None
                return packet
            self._is_behind = False
            self._wake.clear()
            await self._wake.wait()


class LiveChannel:
    """A channel with someone in it: its core, its sockets and its running session."""

    def __init__(self, core: Channel, people_s: float) -> None:
        """``people_s``: as ``Limits.people``."""
        self.core = core
        self.created = 0.0
        """When it was made (Unix time): one that is made anew under its name is another."""
        self.viewers: set[Viewer] = set()
        self.tickets: dict[str, Viewer] = {}
        """Who is here with which ticket."""
        self.subscribers: set[Subscriber] = set()
        self.command = Command()
        """What the streamer last said of the session."""
        self.command_stored = -math.inf
        """When it was stored last, by the steady clock."""
        self.streamers: set[Streamer] = set()
        """Those who may show themselves; of them ..."""
        self.on_stage: Streamer | None = None
        """... the one who does."""
        self.telling = Telling()
        self.face_stored = 0
        """The second of which what the streamer showed was stored last."""
        self.session: Session | None = None
        self.stored = False
        """Whether the running session is in the history yet."""
        self.warning = ""
        """A sentence for the streamer about the running session."""
        self.empty_since: float | None = None
        self.timeline: Timeline | None = None
        """Of the running session."""
        self.resumed = 0.0
        """Unix time before which nothing of the running session is told: its start, or the end of its last pause."""
        self.status: Status | None = None
        self.frame = b""
        """The mood of the last tick for viewers, as a WebSocket frame."""
        self._shown: Mood | None = None
        """That mood without what changes while nothing does, and ..."""
        self._changed = 0.0
        """... when it changed last, by the steady clock."""
        self.told: dict[int, float] = {}
        """When the last telling of viewers was planned, by their turn."""
        self.countdown: Measurement | None = None
        """The last one, also when it is over."""
        self.measured: dict[Viewer, float] = {}
        """Delays in seconds of those who answered it, until they are used."""
        self._counting = False
        self.hidden = Hidden()
        """Who the admin doesn't want shown to the others."""
        self.view = View()
        """Who was shown at the last tick, and ..."""
        self.terms = 0.0, self.hidden, False
        """... what the streamer had said of it: since when it is allowed, who is hidden, whether it is a pause."""
        self.rounds = Rounds(people_s)
        self.lookers: set[Viewer] = set()
        """Viewers who have the grid open; of them ..."""
        self.newcomers: set[Viewer] = set()
        """... those who were told nothing yet."""

    def withdraw_all(self) -> None:
        """Every label here is too old, as after the machine slept: who is still there says it anew."""
        for viewer in self.viewers:
            self.core.withdraw(viewer.member)

    def count_down(self, measurement: Measurement) -> None:
        """A countdown begins."""
        self.countdown, self._counting = measurement, True

    def use_delays(self, now: float) -> bool:
        """Use what a countdown measured when it is over: of all at once, since who changed alone would stand out in the
        history. Returns whether it ended since this was asked the last time."""
        if not self._counting or self.countdown is None or self.countdown.open_s(now):
            return False
        self._counting = False
        for viewer, delay in self.measured.items():
            self.core.delay(viewer.member, delay)
        self.measured.clear()
        return True

    def show(self, mood: Packet, now: float) -> None:
        """The tick made this mood."""
        self.frame = mood.frame
        # The trend goes on to fall for half a minute after all else came to rest.
        shown = msgspec.structs.replace(self.core.mood, seq=0, time=0.0, trend=0.0)
        if shown != self._shown:
            self._shown, self._changed = shown, now

    def has_news(self, turn: int, now: float, heartbeat: float) -> bool:
        """Whether the viewers with this turn were not told of the last change, or of anything for so many seconds."""
        told = self.told.get(turn, -math.inf)
        return self._changed > told or now - told >= heartbeat

    def senders(self) -> list[Socket]:
        """The sockets of those who send labels: the viewers, and the streamer."""
        return [*(viewer.socket for viewer in self.viewers), *(streamer.socket for streamer in self.streamers)]

    def is_empty(self, now: float) -> bool:
        """Whether nobody is here, and nothing goes on that somebody may come back to."""
        counting = self.countdown is not None and self.countdown.open_s(now) > 0
        if self.viewers or self.streamers or self.subscribers or self.session:
            return False
        return not (counting or self.command.is_fresh(now))

    def publish(self, packet: Packet) -> None:
        """Tell all subscribers, at once."""
        for subscriber in self.subscribers:
            subscriber.put(packet)


def packet(event: Event) -> Packet:
    """An event, encoded."""
    json = protocol.encode(event)
    seq = event.seq if isinstance(event, Mood) else None
    return Packet(type(event).__name__.lower(), json, encode_frame(json), seq)
