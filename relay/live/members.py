"""Who is in which channel: viewers and subscribers come and go, and channels are made for them and end."""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from typing import NamedTuple

from relay import protocol
from relay.cluster.peers import Joined
from relay.core.channel import Channel
from relay.core.snapshot import Snapshot
from relay.live.connections import LiveChannel, Streamer, Subscriber, Viewer, packet
from relay.live.means import Means
from relay.live.recorder import Recorder
from relay.live.websocket import Socket, encode_bye
from relay.protocol import Code, Status, Welcome
from relay.store.channels import Right
from relay.store.history import Session


class Totals(NamedTuple):
    """Of the whole relay."""

    viewers: int
    subscribers: int
    channels: int
    """With someone in them."""
    sessions: int
    """That run here."""
    shown: int
    """Viewers who are shown to the others."""
    lookers: int
    """Viewers who have the grid open."""


class Members:
    """The live channels by their name, and everyone in them."""

    def __init__(self, means: Means, recorder: Recorder) -> None:
        self._settings, self.limits, self._clock = means.settings, means.limits, means.clock
        self._counts, self._history, self._node = means.counts, means.history, means.node
        self._channels, self._ledger = means.channels, means.ledger
        self._recorder = recorder
        self.channels: dict[str, LiveChannel] = {}
        self.turns = max(1, round(1000 * means.limits.viewer_mood / means.settings.tick_ms))
        """Viewers get the mood in turns, at one of so many ticks each."""
        self._farewells: set[asyncio.Task[None]] = set()
        self._someone_left = asyncio.Event()

    # --- viewers -----------------------------------------------------------------------------------------------------

    def join(self, name: str, viewer: Viewer, delay: float) -> LiveChannel:
        """A viewer said hello, who sees the stream ``delay`` seconds late. Starts a session if none runs.

        A ticket is good for one connection at a time, and the newest counts: whose network failed comes back at once,
        while the relay still waits for the old connection. The older is told to stop, else two would take turns.
        """
        channel = self.channel(name)
        if viewer.ticket is not None:
            if older := channel.tickets.get(viewer.ticket):
                self.replace(channel, older)
            channel.tickets[viewer.ticket] = viewer
            viewer.since = self._clock.now()
            self._node.announce(Joined(name, viewer.ticket, viewer.since))
        channel.viewers.add(viewer)
        channel.core.join(viewer.member, delay, time.monotonic())
        viewer.joined = True
        viewer.turn = self._counts.viewers % self.turns
        self._counts.viewers += 1
        channel.empty_since = None
        if channel.session is None:
            self._recorder.obey(channel, channel.command.state(time.monotonic()), True, self._clock.now())
        return channel

    def replace(self, channel: LiveChannel, older: Viewer) -> None:
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
        channel.lookers.discard(viewer)
        channel.newcomers.discard(viewer)
        if channel.countdown:
            channel.countdown.forget(viewer)
        channel.measured.pop(viewer, None)
        if not channel.viewers:
            channel.empty_since = self._clock.now()
        self._someone_left.set()

    def welcome(self, name: str, via: str = "") -> Welcome:
        """The answer to a viewer's hello. ``via``: who can read what it sends, as ``Gate.reader``."""
        granted = self._channels.grid(name)
        return Welcome(
            channel=name,
            viewer=secrets.token_hex(8),
            tick_ms=self._settings.tick_ms,
            label_ttl_s=self.limits.label_ttl,
            min_viewers=self._settings.min_viewers,
            crowd=self._settings.crowd,
            grid=bool(granted),
            granted=granted,
            cameras=self._channels.cameras(name),
            notice=self._channels.notice(name),
            via=via,
        )

    # --- the streamer, see Stage -------------------------------------------------------------------------------------

    def part(self, channel: LiveChannel, streamer: Streamer) -> None:
        """A streamer's connection ended, or counts no more. A second call does nothing."""
        channel.streamers.discard(streamer)
        if channel.on_stage is streamer:
            channel.on_stage = None
        self._someone_left.set()

    def put_off(self, channel: LiveChannel, streamer: Streamer, code: Code, text: str) -> None:
        """Show a streamer no more, and tell them why."""
        self.part(channel, streamer)
        self.spawn(streamer.socket.bye(code.number, encode_bye(code, text)))

    # --- subscribers -------------------------------------------------------------------------------------------------

    def subscribe(self, name: str, right: Right, socket: Socket | None = None) -> Subscriber:
        """A new subscriber, to whom the channel's status and current mood go first. ``socket``: its own, if any."""
        channel = self.channel(name)
        subscriber = Subscriber(right, self._channels.seal(name, right), socket)
        subscriber.put(packet(channel.status or self.status(channel)))
        subscriber.put(packet(channel.core.mood))
        if channel.telling.last:
            subscriber.put(packet(channel.telling.last))
        now = time.monotonic()
        if channel.countdown and channel.countdown.can_be_followed(now):
            subscriber.put(packet(channel.countdown.event(now)))
        channel.subscribers.add(subscriber)
        self._counts.subscribers += 1
        return subscriber

    def unsubscribe(self, name: str, subscriber: Subscriber) -> None:
        """A subscriber's connection ended."""
        if channel := self.channels.get(name):
            channel.subscribers.discard(subscriber)
        self._someone_left.set()

    def revoke(self, name: str, right: Right) -> None:
        """The key with this right was replaced: who came with the old one is closed."""
        text = "The key was replaced: ask the streamer for the new one."
        bye = encode_bye(protocol.WRONG_KEY, text)
        if channel := self.channels.get(name):
            for streamer in list(channel.streamers) if right == "admin" else ():
                self.put_off(channel, streamer, protocol.WRONG_KEY, text)
            for subscriber in channel.subscribers:
                # Who came with the new key before the news of it, as another node's may, is one of now.
                if subscriber.right == right and subscriber.seal != self._channels.seal(name, right):
                    subscriber.end(protocol.WRONG_KEY, bye)

    def channel(self, name: str) -> LiveChannel:
        """The live state of an existing channel, made on first use."""
        channel = self.channels.get(name)
        if channel is None:
            values = self._settings
            core = Channel(
                name, values.min_viewers, self.limits.label_ttl, values.address_weight, values.crowd,
                self.limits.show_after, self._ledger,
            )  # fmt: skip
            core.grid = self._channels.grid(name)
            core.take_cameras(self._channels.cameras(name), ())
            core.tick(Snapshot(), time.monotonic(), self._clock.now())
            channel = self.channels[name] = LiveChannel(core, self.limits.people)
            channel.created = self._channels.created(name)
        return channel

    def follow_cameras(self, name: str) -> None:
        """What the admin says of cameras holds from now on."""
        if channel := self.channels.get(name):
            allowed = self._channels.cameras(name)
            if allowed != channel.core.cameras:
                channel.core.take_cameras(allowed, (viewer.member for viewer in channel.viewers))

    def has(self, channel: LiveChannel) -> bool:
        """Whether this is still the live channel of its name: it may be over, or deleted and made anew."""
        return self.channels.get(channel.core.name) is channel

    def connections(self, name: str) -> tuple[int, int]:
        """How many viewers and subscribers the channel has."""
        channel = self.channels.get(name)
        return (len(channel.viewers), len(channel.subscribers)) if channel else (0, 0)

    def viewers(self, name: str) -> int:
        """How many viewers the channel has on all nodes."""
        return self.connections(name)[0] + self._node.viewers(name)

    def totals(self) -> Totals:
        """How many there are of each."""
        channels = self.channels.values()
        return Totals(
            viewers=sum(len(channel.viewers) for channel in channels),
            subscribers=sum(len(channel.subscribers) for channel in channels),
            channels=sum(1 for channel in channels if channel.viewers or channel.subscribers),
            sessions=sum(1 for channel in channels if channel.session),
            shown=sum(len(channel.core.roster) for channel in channels),
            lookers=sum(len(channel.lookers) for channel in channels),
        )

    def session(self, name: str) -> Session | None:
        """The channel's running session, if one runs, on this node or another."""
        channel = self.channels.get(name)
        if channel and channel.session:
            return channel.session
        running = self._node.running(name)
        # What runs elsewhere may have been ended by a word that the node has not heard yet.
        ended = channel and channel.command.state(time.monotonic()) == "ended"
        if running and not ended and running.started >= (channel.command.since if channel else 0.0):
            return Session(
                number=running.number, channel=name, started=running.started, ended=None,
                tick_ms=self._settings.tick_ms, min_viewers=self._settings.min_viewers,
                created=channel.created if channel else self._channels.created(name),
            )  # fmt: skip
        return None

    def drop_channel(self, name: str) -> None:
        """The channel was deleted: nothing more of it is stored, and everyone in it gets a bye."""
        channel = self.channels.pop(name, None)
        if channel is None:
            return
        channel.core.close()
        if channel.session:
            self._history.release(name)
            channel.session = None
        bye = encode_bye(protocol.UNKNOWN_CHANNEL, f"The channel {name!r} was deleted.")
        for subscriber in channel.subscribers:
            subscriber.end(protocol.UNKNOWN_CHANNEL, bye)
        for socket in channel.senders():
            self.spawn(socket.bye(protocol.UNKNOWN_CHANNEL.number, bye))

    # --- for all -----------------------------------------------------------------------------------------------------

    def status(self, channel: LiveChannel) -> Status:
        """What the subscribers are told of the relay, as it is now."""
        session = self.session(channel.core.name)
        return Status(
            channel=channel.core.name,
            session=session.number if session else None,
            state=channel.command.state(time.monotonic()),
            tick_ms=self._settings.tick_ms,
            warnings=[
                *filter(None, (self._history.warning, self._clock.warning, channel.warning)),
                *self._node.warnings,
            ],
        )

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a goodbye beside everything else; ``stop`` waits for it."""
        task = asyncio.create_task(work)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def until_all_left(self) -> None:
        """Wait until nobody is here."""
        while any(channel.viewers or channel.streamers or channel.subscribers for channel in self.channels.values()):
            self._someone_left.clear()
            await self._someone_left.wait()
