"""The hub: which sockets belong to which channel, and the tick that turns labels into events for all of them."""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
from collections.abc import Coroutine, Iterable
from functools import partial

import msgspec

from relay import protocol
from relay.cluster.node import Node
from relay.cluster.peers import Activity, Dropped, Item, Joined, Published, Renamed, Running
from relay.common.deadline import within
from relay.config import RelaySettings
from relay.core.audience import NETWORK_BYTES
from relay.core.channel import Channel
from relay.core.clock import Clock
from relay.core.countdown import Measurement, late_tap
from relay.core.limits import Limits
from relay.core.snapshot import Snapshot, total
from relay.live.connections import LiveChannel, Packet, Subscriber, Viewer, packet
from relay.live.counters import Counts, log_refusals
from relay.live.drain import NEXT_NODE_S, RESTART_S, Farewell, leaving_s, send_away
from relay.live.recorder import Recorder
from relay.live.websocket import Socket, drop_slow, encode_bye, encode_frame
from relay.protocol import Countdown, Delay, Marker, Status, Welcome
from relay.store.channels import Replaced, Right
from relay.store.history import History, Session

log = logging.getLogger(__name__)

CHUNK = 200
"""Sends in a row before other work gets its turn: some 2 ms."""
LATE_COUNTDOWN_S = 2.0
"""A countdown of another node is not followed if it is heard of so late, or the nodes' clocks differ by so much."""


class Hub:
    """All channels of a relay. Everything here runs on the event loop and never waits for a disk or a slow client."""

    def __init__(
        self, settings: RelaySettings, limits: Limits, history: History, node: Node, network_key: bytes, clock: Clock
    ) -> None:
        """``network_key``: 32 bytes, the same on all nodes, that hash the viewers' networks."""
        self._settings = settings
        self._network_key = network_key
        self.clock = clock
        self.limits = limits
        self.counts = Counts()
        self.come_back_s: float | None = None
        """Set while nobody new is taken: seconds after which who comes should come back."""
        self._history = history
        self._node = node
        self._recorder = Recorder(settings, limits, history, node, clock)
        self._channels: dict[str, LiveChannel] = {}
        self._ticks, self._turns = 0, max(1, round(1000 * limits.viewer_mood / settings.tick_ms))
        self._chores: list[asyncio.Task[None]] = []
        self._farewells: set[asyncio.Task[None]] = set()
        self._someone_left = asyncio.Event()

    def start(self) -> None:
        """Start ticking, listening for who is still there and to other nodes, and deleting old sessions."""
        self._node.start(self.heard, self.replaced, self._history.learn)
        self._chores.append(asyncio.create_task(self._tick_forever(), name="tick"))
        self._chores.append(asyncio.create_task(log_refusals(self.counts, self.limits.refusals), name="refusals"))
        self._chores.append(asyncio.create_task(self._check_connections(), name="heartbeat"))
        if self._settings.retention_days:
            self._chores.append(asyncio.create_task(self._recorder.delete_old(), name="retention"))

    async def stop(self) -> None:
        """End every session, say bye (4503) to every client and wait for them to close, as long as they may take."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._node.want(())  # else the leases that the ends give back would be taken again
        for channel in self._channels.values():
            self._recorder.end(channel, self.clock.now())
        await self.drain(0)
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self.limits.close, self._until_empty())

    async def drain(self, seconds: float) -> None:
        """Take nobody new, and send everyone away within ``seconds``, each with its own time to come back."""
        channels = list(self._channels.values())
        # The overlays first: how the crowd leaves is no mood to show.
        farewells: list[Farewell] = [partial(_end, who) for channel in channels for who in channel.subscribers]
        farewells += [partial(self._part, who) for channel in channels for who in channel.viewers]
        gone = leaving_s(len(farewells), seconds)
        self.come_back_s = gone + RESTART_S if self._node.alone else NEXT_NODE_S
        await send_away(farewells, seconds, self._node.alone)

    def _part(self, viewer: Viewer, retry_after: float) -> None:
        self.spawn(viewer.socket.bye(protocol.SHUTTING_DOWN.number, _shutting_down(retry_after)))

    async def _until_empty(self) -> None:
        while any(channel.viewers or channel.subscribers for channel in self._channels.values()):
            self._someone_left.clear()
            await self._someone_left.wait()

    # --- viewers -----------------------------------------------------------------------------------------------------

    def join(self, name: str, viewer: Viewer, delay: float) -> LiveChannel:
        """A viewer said hello, who sees the stream ``delay`` seconds late. Starts a session if none runs.

        A ticket is good for one connection at a time, and the newest counts: whose network failed comes back at once,
        while the relay still waits for the old connection. The older is told to stop, else two would take turns.
        """
        channel = self.channel(name)
        if viewer.ticket is not None:
            if older := channel.tickets.get(viewer.ticket):
                self._replace(channel, older)
            channel.tickets[viewer.ticket] = viewer
            viewer.since = self.clock.now()
            self._node.announce(Joined(name, viewer.ticket, viewer.since))
        channel.viewers.add(viewer)
        channel.core.join(viewer.member, delay, time.monotonic())
        viewer.joined = True
        viewer.turn = self.counts.viewers % self._turns
        self.counts.viewers += 1
        channel.empty_since = None
        if channel.session is None and self._node.writes(name):
            self._recorder.begin(channel)
        return channel

    def network(self, name: str, network: str | None) -> bytes | None:
        """What the nodes call a network when they count those of a channel; None stays a network of its own.

        Keyed, so that who hears the nodes learns no address by trying all, and another in each channel.
        """
        if network is None:
            return None
        return hashlib.blake2b(f"{name} {network}".encode(), key=self._network_key, digest_size=NETWORK_BYTES).digest()

    def _replace(self, channel: LiveChannel, older: Viewer) -> None:
        self.leave(channel, older)
        text = "The same ticket came in again: a ticket is for one connection, and the newer one counts."
        self.spawn(older.socket.bye(protocol.REPLACED.number, encode_bye(protocol.REPLACED, text)))

    def leave(self, channel: LiveChannel, viewer: Viewer) -> None:
        """A viewer's connection ended, or counts no more. A second call does nothing."""
        if not viewer.joined:
            return
        viewer.joined = False
        channel.viewers.discard(viewer)
        if viewer.ticket is not None:
            del channel.tickets[viewer.ticket]
        channel.core.leave(viewer.member)
        if channel.countdown:
            channel.countdown.forget(viewer)
        channel.measured.pop(viewer, None)
        if not channel.viewers:
            channel.empty_since = self.clock.now()
        self._someone_left.set()

    def welcome(self, name: str) -> Welcome:
        """The answer to a viewer's hello."""
        return Welcome(
            channel=name,
            viewer=secrets.token_hex(8),
            tick_ms=self._settings.tick_ms,
            label_ttl_s=self.limits.label_ttl,
            min_viewers=self._settings.min_viewers,
            crowd=self._settings.crowd,
        )

    # --- subscribers -------------------------------------------------------------------------------------------------

    def subscribe(self, name: str, right: Right, socket: Socket | None = None) -> Subscriber:
        """A new subscriber, to whom the channel's status and current mood go first. ``socket``: its own, if any."""
        channel = self.channel(name)
        subscriber = Subscriber(right, socket)
        subscriber.put(packet(channel.status or self._status(channel)))
        subscriber.put(packet(channel.core.mood))
        now = time.monotonic()
        if channel.countdown and channel.countdown.can_be_followed(now):
            subscriber.put(packet(channel.countdown.event(now)))
        channel.subscribers.add(subscriber)
        self.counts.subscribers += 1
        return subscriber

    def unsubscribe(self, name: str, subscriber: Subscriber) -> None:
        """A subscriber's connection ended."""
        if channel := self._channels.get(name):
            channel.subscribers.discard(subscriber)
        self._someone_left.set()

    def revoke(self, name: str, right: Right) -> None:
        """The key with this right was replaced: who subscribed with the old one is closed."""
        bye = encode_bye(protocol.WRONG_KEY, "The key was replaced: ask the streamer for the new one.")
        if channel := self._channels.get(name):
            for subscriber in channel.subscribers:
                if subscriber.right == right:
                    subscriber.end(protocol.WRONG_KEY, bye)

    def channel(self, name: str) -> LiveChannel:
        """The live state of an existing channel, made on first use."""
        channel = self._channels.get(name)
        if channel is None:
            values = self._settings
            core = Channel(name, values.min_viewers, self.limits.label_ttl, values.address_weight, values.crowd)
            core.tick(Snapshot(), time.monotonic(), self.clock.now())
            channel = self._channels[name] = LiveChannel(core)
        return channel

    def connections(self, name: str) -> tuple[int, int]:
        """How many viewers and subscribers the channel has."""
        channel = self._channels.get(name)
        return (len(channel.viewers), len(channel.subscribers)) if channel else (0, 0)

    def totals(self) -> tuple[int, int, int, int]:
        """Viewers, subscribers, channels with someone in them and running sessions, all together."""
        channels = self._channels.values()
        return (
            sum(len(channel.viewers) for channel in channels),
            sum(len(channel.subscribers) for channel in channels),
            sum(1 for channel in channels if channel.viewers or channel.subscribers),
            sum(1 for channel in channels if channel.session),
        )

    def session(self, name: str) -> Session | None:
        """The channel's running session, if one runs, on this node or another."""
        channel = self._channels.get(name)
        if channel and channel.session:
            return channel.session
        if running := self._node.running(name):
            return Session(
                number=running.number, channel=name, started=running.started, ended=None,
                tick_ms=self._settings.tick_ms, min_viewers=self._settings.min_viewers,
            )  # fmt: skip
        return None

    def mark(self, name: str, text: str) -> Marker | None:
        """Mark this moment of the running session, and tell the subscribers; None where no session runs.

        A marker is the streamer's own, so it is stored also while too few viewers share.
        """
        session = self.session(name)
        if session is None:
            return None
        marker = packet(event := Marker(time=self.clock.now(), text=text))
        self._publish(name, marker)
        self._history.put_marker(session, event)
        self._node.announce(Published(name, marker.name, marker.json))
        return event

    def _publish(self, name: str, event: Packet) -> None:
        """An event that this node or another made by a request: tell the subscribers here."""
        if channel := self._channels.get(name):
            channel.publish([event])
            if event.name == "marker" and channel.session:
                self._recorder.keep(channel, channel.session)  # its markers lie in the history already

    def rename_session(self, name: str, number: int, title: str) -> None:
        """The running session learns its new name, if it is this one: it may not be in the history yet."""
        self._rename(name, number, title)
        self._node.announce(Renamed(name, number, title))

    def _rename(self, name: str, number: int, title: str) -> None:
        channel = self._channels.get(name)
        if channel and channel.session and channel.session.number == number:
            channel.session = msgspec.structs.replace(channel.session, name=title)

    def drop_session(self, name: str, number: int) -> None:
        """Where the session runs, a new one begins in its place: the history has deleted it."""
        self._drop(name, number)
        self._node.announce(Dropped(name, number))

    def _drop(self, name: str, number: int) -> bool:
        channel = self._channels.get(name)
        if channel is None or channel.session is None or channel.session.number != number:
            return False
        self._recorder.begin(channel)
        return True

    def drop_channel(self, name: str) -> None:
        """The channel was deleted: nothing more of it is stored, and everyone in it gets a bye."""
        channel = self._channels.pop(name, None)
        if channel is None:
            return
        if channel.session:
            self._history.release(name)
            channel.session = None
        bye = encode_bye(protocol.UNKNOWN_CHANNEL, f"The channel {name!r} was deleted.")
        for subscriber in channel.subscribers:
            subscriber.end(protocol.UNKNOWN_CHANNEL, bye)
        for viewer in channel.viewers:
            self.spawn(viewer.socket.bye(protocol.UNKNOWN_CHANNEL.number, bye))

    # --- other nodes -------------------------------------------------------------------------------------------------

    def heard(self, item: Item) -> None:
        """Something happened on another node."""
        if isinstance(item, Joined):
            channel = self._channels.get(item.channel)
            older = channel and channel.tickets.get(item.ticket)
            if channel and older and older.since < item.time:
                self._replace(channel, older)
        elif isinstance(item, Published):
            channel = self._channels.get(item.channel)
            if channel and item.name == "countdown":
                self._count_down_too(channel, msgspec.json.decode(item.json, type=Countdown))
            else:
                self._publish(item.channel, Packet(item.name, item.json, encode_frame(item.json)))
        elif isinstance(item, Renamed):
            self._rename(item.channel, item.number, item.title)
        elif isinstance(item, Dropped) and self._drop(item.channel, item.number):
            self._history.delete_session(item.channel, item.number)  # with what this node wrote meanwhile

    def replaced(self, change: Replaced) -> None:
        """Another relay replaced keys of a channel or deleted it."""
        channel = self._channels.get(change.channel)
        if change.deleted and channel:
            if channel.session:
                self._history.delete_channel(change.channel)  # with what this node wrote meanwhile
            self.drop_channel(change.channel)
        elif channel:
            for right in change.rights:
                self.revoke(change.channel, right)

    # --- the viewers' delay -------------------------------------------------------------------------------------------

    def countdown(self, name: str) -> Measurement | None:
        """The channel's last countdown, which may be over."""
        channel = self._channels.get(name)
        return channel.countdown if channel else None

    def least(self) -> dict[str, object]:
        """What it takes before anything is told of viewers, in the words of the contract."""
        return {"min_viewers": self._settings.min_viewers, "crowd": self._settings.crowd}

    def start_countdown(self, name: str, seconds: int) -> Countdown | None:
        """Begin to measure the viewers' delay; None while they may still answer to the last countdown."""
        channel, now = self.channel(name), time.monotonic()
        if channel.countdown and channel.countdown.open_s(now):
            return None
        self._use_delays(channel, now)
        countdown = Measurement(seconds, now, self.clock.at(now), self._settings.min_viewers)
        channel.count_down(countdown)
        event = countdown.event(now)
        self._show_countdown(channel, event)
        self._node.announce(Published(name, "countdown", protocol.encode(event)))
        return event

    def _count_down_too(self, channel: LiveChannel, event: Countdown) -> None:
        """Another node counts down: to the same zero, so that the viewers here can answer."""
        now, rest = time.monotonic(), event.zero - event.time
        if abs(self.clock.now() - event.time) < LATE_COUNTDOWN_S:
            begun, unix = now + rest - event.seconds, event.zero - event.seconds
            channel.count_down(Measurement(event.seconds, begun, unix, self._settings.min_viewers))
            self._show_countdown(channel, event)

    def _show_countdown(self, channel: LiveChannel, countdown: Countdown) -> None:
        """Tell all of the channel, subscribers first: they show it."""
        news = packet(countdown)
        channel.publish([news])
        self.spawn(self._send_to_viewers(list(channel.viewers), channel, news.frame))

    def tap_zero(self, channel: LiveChannel, viewer: Viewer, now: float) -> Delay:
        """The viewer saw the zero at ``now``: its delay, once the countdown is over.

        Raises:
            TapError: too early or too late, or there was no countdown.
        """
        if channel.countdown is None:
            raise late_tap()
        delay = channel.measured[viewer] = channel.countdown.tap(viewer, viewer.member.network, now)
        return Delay(seconds=round(delay))

    def _use_delays(self, channel: LiveChannel, now: float) -> None:
        if channel.use_delays(now):
            self._recorder.regroup(channel, self.clock.at(now))

    # --- the tick ----------------------------------------------------------------------------------------------------

    async def _tick_forever(self) -> None:
        period = self._settings.tick_ms / 1000
        due = time.monotonic()
        while True:
            planned = due + period
            due = max(planned, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            begun = time.monotonic()
            self.counts.late.observe(begun - planned)
            try:
                await self._tick()
            except Exception:
                log.exception("A tick failed; the next one tries again.")
            self.counts.tick.observe(time.monotonic() - begun)

    async def _tick(self) -> None:
        """One mood event for each channel: to all subscribers, who are few, then to those viewers whose turn it is."""
        stepped = self.clock.follow()
        now = time.monotonic()
        unix = self.clock.at(now)
        if stepped:
            log.warning("clock was set", extra={"seconds": round(stepped, 1)})
        self._node.tick(now)
        moods, report, wanted = [], {}, []
        for channel in list(self._channels.values()):
            name = channel.core.name
            if stepped:
                self._recorder.step(channel, stepped, unix)
            if stepped > self.limits.label_ttl:
                channel.withdraw_all()
            self._use_delays(channel, now)
            own = channel.core.snapshot(now)
            whole = total((own, self._node.others(name)))
            self._recorder.follow(channel, whole, unix)
            if channel.session or (whole.shares and self._node.running(name) is None):
                wanted.append(name)
            reactions = channel.core.tick(whole, now, unix)
            self._recorder.store(channel, whole, reactions, now, unix)
            mood = packet(channel.core.mood)
            status = self._status(channel)
            if status != channel.status:
                channel.status = status
                channel.publish([packet(status)])
            channel.publish([*map(packet, reactions), mood])
            moods.append((channel, mood.frame))
            session, counting = channel.session, channel.countdown and channel.countdown.open_s(now)
            if channel.viewers or session:
                report[name] = Activity(own, Running(session.number, session.started) if session else None)
            elif not (channel.subscribers or counting):
                del self._channels[name]
        self._node.report(report)
        self._node.want(wanted)
        self._ticks += 1
        turn = self._ticks % self._turns
        for channel, frame in moods:
            await self._send_to_viewers([viewer for viewer in channel.viewers if viewer.turn == turn], channel, frame)

    async def _send_to_viewers(self, viewers: Iterable[Viewer], channel: LiveChannel, frame: bytes) -> None:
        """The same bytes to all. Who has not taken the mood before is passed over, and closed after a while."""
        for number, viewer in enumerate(viewers, 1):
            if number % CHUNK == 0:
                await asyncio.sleep(0)
            if viewer.socket.offer(frame):
                viewer.full_since = None
                continue
            if viewer.socket.transport.is_closing():
                continue
            now = time.monotonic()
            if viewer.full_since is None:
                viewer.full_since = now
            elif now - viewer.full_since > self.limits.slow_reader:
                self.leave(channel, viewer)
                self.spawn(drop_slow(viewer.socket))

    async def _check_connections(self) -> None:
        """Ping who has been silent, and cut off who does not answer, as when a machine lost its network."""
        while True:
            await asyncio.sleep(self.limits.heartbeat / 4)
            sockets = [viewer.socket for channel in self._channels.values() for viewer in channel.viewers]
            sockets += [
                subscriber.socket
                for channel in self._channels.values()
                for subscriber in channel.subscribers
                if subscriber.socket
            ]
            for number, socket in enumerate(sockets, 1):
                if number % CHUNK == 0:
                    await asyncio.sleep(0)
                socket.check(time.monotonic(), self.limits.heartbeat)

    # --- chores ------------------------------------------------------------------------------------------------------

    def _status(self, channel: LiveChannel) -> Status:
        session = self.session(channel.core.name)
        return Status(
            channel=channel.core.name,
            session=session.number if session else None,
            tick_ms=self._settings.tick_ms,
            warnings=[
                *filter(None, (self._history.warning, self.clock.warning, channel.warning)),
                *self._node.warnings,
            ],
        )

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a goodbye beside everything else; ``stop`` waits for it."""
        task = asyncio.create_task(work)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def _end(subscriber: Subscriber, retry_after: float) -> None:
    if not subscriber.ended:
        subscriber.end(protocol.SHUTTING_DOWN, _shutting_down(retry_after))


def _shutting_down(retry_after: float) -> bytes:
    return encode_bye(protocol.SHUTTING_DOWN, protocol.SHUTTING_DOWN.meaning + " Come back in a moment.", retry_after)
