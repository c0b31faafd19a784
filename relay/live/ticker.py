"""The tick, which turns labels into events for everyone; the fan-out to viewers; and who is still there."""

import asyncio
import logging
import time
from collections.abc import Iterable

from relay.cluster.peers import Activity, Running
from relay.core.snapshot import total
from relay.live.connections import LiveChannel, Viewer, packet
from relay.live.means import Means
from relay.live.members import Members
from relay.live.recorder import Recorder
from relay.live.websocket import drop_slow

log = logging.getLogger(__name__)

CHUNK = 200
"""Sends in a row before other work gets its turn: some 2 ms."""


class Ticker:
    """Ticks for as long as the relay runs."""

    def __init__(self, means: Means, members: Members, recorder: Recorder) -> None:
        self._means, self._members, self._recorder = means, members, recorder
        self._ticks = 0

    async def run(self) -> None:
        """Tick, as long as nobody cancels it."""
        period = self._means.settings.tick_ms / 1000
        due = time.monotonic()
        while True:
            planned = due + period
            due = max(planned, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            begun = time.monotonic()
            self._means.counts.late.observe(begun - planned)
            try:
                await self.tick()
            except Exception:
                log.exception("A tick failed; the next one tries again.")
            self._means.counts.tick.observe(time.monotonic() - begun)

    async def tick(self) -> None:
        """One mood event for each channel: to all subscribers, who are few, then to those viewers whose turn it is."""
        stepped = self._means.clock.follow()
        now = time.monotonic()
        unix = self._means.clock.at(now)
        if stepped:
            log.warning("clock was set", extra={"seconds": round(stepped, 1)})
        self._means.node.tick(now)
        moods, report, wanted = [], {}, []
        for channel in list(self._members.channels.values()):
            name = channel.core.name
            if stepped:
                self._recorder.step(channel, stepped, unix)
            if stepped > self._means.limits.label_ttl:
                channel.withdraw_all()
            self._recorder.use_delays(channel, now)
            own = channel.core.snapshot(now)
            whole = total((own, self._means.node.others(name)))
            self._recorder.follow(channel, whole, unix)
            if channel.session or (whole.shares and self._means.node.running(name) is None):
                wanted.append(name)
            reactions = channel.core.tick(whole, now, unix)
            self._recorder.store(channel, whole, reactions, now, unix)
            mood = packet(channel.core.mood)
            status = self._members.status(channel)
            if status != channel.status:
                channel.status = status
                channel.publish([packet(status)])
            channel.publish([*map(packet, reactions), mood])
            moods.append((channel, mood.frame))
            session, counting = channel.session, channel.countdown and channel.countdown.open_s(now)
            if channel.viewers or session:
                report[name] = Activity(own, Running(session.number, session.started) if session else None)
            elif not (channel.subscribers or counting):
                del self._members.channels[name]
        self._means.node.report(report)
        self._means.node.want(wanted)
        self._ticks += 1
        turn = self._ticks % self._members.turns
        for channel, frame in moods:
            due = [viewer for viewer in channel.viewers if viewer.turn == turn]
            await send_to_viewers(self._members, due, channel, frame)

    async def check_connections(self) -> None:
        """Ping who has been silent, and cut off who does not answer, as when a machine lost its network."""
        while True:
            await asyncio.sleep(self._means.limits.heartbeat / 4)
            sockets = [viewer.socket for channel in self._members.channels.values() for viewer in channel.viewers]
            sockets += [
                subscriber.socket
                for channel in self._members.channels.values()
                for subscriber in channel.subscribers
                if subscriber.socket
            ]
            for number, socket in enumerate(sockets, 1):
                if number % CHUNK == 0:
                    await asyncio.sleep(0)
                socket.check(time.monotonic(), self._means.limits.heartbeat)


async def send_to_viewers(members: Members, viewers: Iterable[Viewer], channel: LiveChannel, frame: bytes) -> None:
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
        elif now - viewer.full_since > members.limits.slow_reader:
            members.leave(channel, viewer)
            members.spawn(drop_slow(viewer.socket))
