"""The tick, which turns labels into events for everyone; and who is still there."""

import asyncio
import logging
import time
from typing import NamedTuple

from relay.cluster.peers import Activity, Besides, Running
from relay.core.face import Shown
from relay.core.grid import GridPart
from relay.core.snapshot import Snapshot
from relay.live.broadcasts import Broadcasts
from relay.live.connections import LiveChannel, Packet, packet
from relay.live.fairly import fairly, few_at_a_time
from relay.live.gallery import Gallery
from relay.live.means import Means
from relay.live.members import Members
from relay.live.recorder import Recorder
from relay.live.stage import Stage
from relay.live.teller import Teller

log = logging.getLogger(__name__)


class _Told(NamedTuple):
    """What a tick has to tell of a channel."""

    channel: LiveChannel
    own: Snapshot
    """Its audience on this node."""
    shown: Shown | None
    """Its streamer on this node."""
    part: GridPart | None
    """Its grid on this node."""
    wanted: bool
    """Whether this node would write its history."""
    packets: list[Packet]
    """For its subscribers, the mood last."""


class Ticker:
    """Ticks for as long as the relay runs."""

    def __init__(
        self,
        means: Means,
        members: Members,
        recorder: Recorder,
        broadcasts: Broadcasts,
        stage: Stage,
        gallery: Gallery,
        teller: Teller,
    ) -> None:
        self._means, self._members, self._recorder, self._broadcasts = means, members, recorder, broadcasts
        self._stage, self._gallery, self._teller = stage, gallery, teller
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
        """One mood event for each channel: to all subscribers, who are few. Its viewers are the teller's.

        Each channel is summed up at one moment. From one channel to the next, and while moods go out, other work gets
        its turn, by which anyone may come or go, and channels too.
        """
        members, node = self._members, self._means.node
        if stepped := self._means.clock.follow():
            self._step(stepped)
        self._means.counts.merge.observe(node.tick(time.monotonic()))
        for name, command in node.commands():
            self._broadcasts.hear(name, command)
        told = []
        async for channel in fairly(list(members.channels.values())):
            if members.has(channel):  # it may have been deleted meanwhile
                told.append(one := self._sum_up(channel))
                async for subscribers in few_at_a_time(list(channel.subscribers)):
                    for event in one.packets:
                        for subscriber in subscribers:
                            subscriber.put(event)
        told = [one for one in told if members.has(one.channel)]
        activities = ((one.channel, _activity(one, time.monotonic())) for one in told)
        node.report({channel.core.name: known for channel, known in activities if channel.viewers or known.is_told})
        wanted = {one.channel.core.name for one in told if one.wanted}
        node.want(wanted | {name for name, channel in members.channels.items() if channel.session})  # also new ones
        self._ticks += 1
        self._teller.plan([one.channel for one in told], self._ticks % members.turns, time.monotonic())
        async for one in fairly(told):
            await self._gallery.tell(one.channel, time.monotonic())

    def _step(self, seconds: float) -> None:
        """The clock was set by so many seconds. Each channel hears of it before anything else happens."""
        log.warning("clock was set", extra={"seconds": round(seconds, 1)})
        unix = self._means.clock.now()
        for channel in self._members.channels.values():
            self._recorder.step(channel, seconds, unix)
            if seconds > self._means.limits.label_ttl:
                channel.withdraw_all()

    def _sum_up(self, channel: LiveChannel) -> _Told:
        """Bring a channel up to date, and write its history. One in which nobody is left ends."""
        node, name = self._means.node, channel.core.name
        now = time.monotonic()
        unix = self._means.clock.at(now)
        self._members.follow_cameras(name)
        self._recorder.use_delays(channel, now)
        own = channel.core.snapshot(now)
        part = self._gallery.part(channel)
        whole = node.whole(name, own)
        state = self._broadcasts.follow(channel, now, unix)
        self._recorder.follow(channel, whole, state, unix)
        wanted = self._recorder.wants(channel, whole, state)
        reactions = channel.core.tick(whole, now, unix)
        self._recorder.store(channel, whole, reactions, now, unix)
        self._gallery.tick(channel, own, part, now)
        own_face = self._stage.shown(channel, now)
        shown, face = self._stage.tick(channel, own_face, whole, state, now, unix)
        self._recorder.store_face(channel, shown, unix)
        events = (face, *reactions, channel.core.moment, channel.core.mood)
        packets = [packet(event) for event in events if event]
        channel.show(packets[-1], now)
        status = self._members.status(channel)
        if status != channel.status:
            channel.status = status
            packets.insert(0, packet(status))
        if channel.is_empty(now):
            self._members.channels.pop(name).core.close()
        return _Told(channel, own, own_face, part, wanted, packets)

    async def check_connections(self) -> None:
        """Ping who has been silent, and cut off who does not answer, as when a machine lost its network."""
        while True:
            await asyncio.sleep(self._means.limits.heartbeat / 4)
            sockets = [socket for channel in self._members.channels.values() for socket in channel.senders()]
            sockets += [
                subscriber.socket
                for channel in self._members.channels.values()
                for subscriber in channel.subscribers
                if subscriber.socket
            ]
            async for socket in fairly(sockets):
                socket.check(time.monotonic(), self._means.limits.heartbeat)


def _activity(told: _Told, now: float) -> Activity:
    session, command = told.channel.session, told.channel.command
    return Activity(
        told.own,
        Besides(
            Running(session.number, session.started) if session else None,
            command.told(now, told.channel.created) if command.is_fresh(now) else None,
            told.shown,
            told.part,
            told.channel.hidden if told.channel.hidden.stamp else None,
        ),
    )
