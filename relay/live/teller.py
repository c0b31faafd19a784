"""Tells viewers the mood: when it changed, and as often as there is time for, since this is what a crowd costs most.

Labels and subscribers come first. A viewer's turn is once a second, and those whose turn it is are told a few at a
time, spread over the tick. Where there is no time for all of them it takes longer, and who waits gets the newest mood.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from relay.live.connections import LiveChannel, Viewer
from relay.live.fan_out import send_now
from relay.live.means import Means
from relay.live.members import Members

log = logging.getLogger(__name__)

_STEP_S = 0.005
"""Sends go out in steps, so far apart where there is time."""
_LEAST, _MOST = 16, 64
"""Sends of a step, of some 10 us each: fewer cost more, and more keep labels waiting."""
_SPREAD = 0.9
"""Of a tick, over which its sends go out."""
_EARLY = 7 / 8
"""Of the time between two turns: a heartbeat that is due within this goes out now, since the next turn is too late."""


class _Row(NamedTuple):
    """Those viewers of a channel who are told together."""

    channel: LiveChannel
    number: int


class Teller:
    """Tells for as long as the relay runs."""

    def __init__(self, means: Means, members: Members) -> None:
        tick_s = means.settings.tick_ms / 1000
        self._members = members
        self._heartbeat = means.limits.mood_heartbeat - _EARLY * members.turns * tick_s
        self._spread = _SPREAD * min(tick_s, means.limits.viewer_mood)
        self._counts = means.counts
        self._waiting: dict[_Row, None] = {}
        """Whose turn it is; the oldest first."""
        self._wake = asyncio.Event()

    def plan(self, channels: Sequence[LiveChannel], number: int, now: float) -> None:
        """Have the viewers with this turn told, in those channels that have news for them."""
        for channel in channels:
            if channel.has_news(number, now, self._heartbeat):
                channel.told[number] = now
                self._waiting.setdefault(_Row(channel, number))
        self._wake.set()

    async def run(self) -> None:
        """Tell, as long as nobody cancels it."""
        while True:
            await self._wake.wait()
            begun = time.monotonic()
            try:
                while self._waiting:
                    await self._tell(list(self._waiting), begun)
            except Exception:
                log.exception("Viewers could not be told; the next tick tries again.")
            self._wake.clear()
            self._counts.tell.observe(time.monotonic() - begun)

    async def _tell(self, rows: list[_Row], begun: float) -> None:
        """Tell these, in steps: each when its share of the tick that began then has gone by, or at once if it has."""
        crowd = [self._due(row) for row in rows]
        most, done, told = max(1, sum(map(len, crowd))), 0, 0
        size = min(_MOST, max(_LEAST, math.ceil(most * _STEP_S / self._spread)))
        for (channel, number), viewers in zip(rows, crowd, strict=True):
            del self._waiting[_Row(channel, number)]
            for first in range(0, len(viewers), size):
                if not self._members.has(channel):
                    break
                some = viewers[first : first + size]
                send_now(self._members, some, channel, channel.frame)
                done += len(some)
                if done - told >= size:
                    told = done
                    await asyncio.sleep(max(0.0, begun + self._spread * done / most - time.monotonic()))

    @staticmethod
    def _due(row: _Row) -> list[Viewer]:
        return [viewer for viewer in row.channel.viewers if viewer.turn == row.number]
