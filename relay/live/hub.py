"""The hub: the parts of the live room put together. See each of them for what it does."""

import asyncio
import contextlib
from functools import partial

from relay import protocol
from relay.common.deadline import within
from relay.live.broadcasts import Broadcasts
from relay.live.connections import Subscriber
from relay.live.countdowns import Countdowns
from relay.live.counters import log_refusals
from relay.live.drain import NEXT_NODE_S, RESTART_S, Farewell, leaving_s, send_away
from relay.live.gallery import Gallery
from relay.live.means import Means
from relay.live.members import Members
from relay.live.news import Newsroom
from relay.live.recorder import Recorder
from relay.live.stage import Stage
from relay.live.teller import Teller
from relay.live.ticker import Ticker
from relay.live.websocket import Socket, encode_bye


class Hub:
    """All channels of a relay. Everything here runs on the event loop and never waits for a disk or a slow client."""

    def __init__(self, means: Means) -> None:
        self.limits, self.counts, self.clock = means.limits, means.counts, means.clock
        self.come_back_s: float | None = None
        """Set while nobody new is taken: seconds after which who comes should come back."""
        self._means = means
        self._recorder = Recorder(means)
        self.members = Members(means, self._recorder)
        self.countdowns = Countdowns(means, self.members, self._recorder)
        self.broadcasts = Broadcasts(means, self.members, self._recorder)
        self.stage = Stage(means, self.members)
        self.gallery = Gallery(means, self.members)
        self.news = Newsroom(
            means, self.members, self._recorder, self.countdowns, self.broadcasts, self.stage, self.gallery
        )
        self.teller = Teller(means, self.members)
        self.ticker = Ticker(
            means, self.members, self._recorder, self.broadcasts, self.stage, self.gallery, self.teller
        )
        self._chores: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to tick, to listen for who is still there and to other nodes, and to delete old sessions."""
        self.broadcasts.take_up()
        self._chores.append(asyncio.create_task(self.ticker.run(), name="tick"))
        self._chores.append(asyncio.create_task(self.teller.run(), name="tell"))
        self._chores.append(asyncio.create_task(log_refusals(self.counts, self.limits.refusals), name="refusals"))
        self._chores.append(asyncio.create_task(self.ticker.check_connections(), name="heartbeat"))
        self._chores.append(asyncio.create_task(self.news.listen(), name="news"))
        self._chores.append(asyncio.create_task(self.broadcasts.look_up(), name="commands"))
        if self._means.settings.retention_days:
            self._chores.append(asyncio.create_task(self._recorder.delete_old(), name="retention"))

    async def stop(self) -> None:
        """End every session, say bye (4503) to every client and wait for them to close, as long as they may take."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._means.node.want(())  # else the leases that the ends give back would be taken again
        for channel in self.members.channels.values():
            self._recorder.end(channel, self.clock.now())
        await self.drain(0)
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self.limits.close, self.members.until_all_left())

    async def drain(self, seconds: float) -> None:
        """Take nobody new, and send everyone away within ``seconds``, each with its own time to come back."""
        channels, alone = list(self.members.channels.values()), self._means.node.alone
        # The overlays first: how the crowd leaves is no mood to show.
        farewells: list[Farewell] = [partial(_end, who) for channel in channels for who in channel.subscribers]
        farewells += [partial(self._part, who) for channel in channels for who in channel.senders()]
        gone = leaving_s(len(farewells), seconds)
        self.come_back_s = gone + RESTART_S if alone else NEXT_NODE_S
        await send_away(farewells, seconds, alone)

    def _part(self, socket: Socket, retry_after: float) -> None:
        self.members.spawn(socket.bye(protocol.SHUTTING_DOWN.number, _shutting_down(retry_after)))


def _end(subscriber: Subscriber, retry_after: float) -> None:
    if not subscriber.ended:
        subscriber.end(protocol.SHUTTING_DOWN, _shutting_down(retry_after))


def _shutting_down(retry_after: float) -> bytes:
    return encode_bye(protocol.SHUTTING_DOWN, protocol.SHUTTING_DOWN.meaning + " Come back in a moment.", retry_after)
