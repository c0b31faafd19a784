"""Who is told the mood, and when: at each change, else now and then, and labels never wait for it."""

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from relay import app
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.limits import Limits
from relay.live import teller
from relay.live.connections import LiveChannel, packet
from relay.live.teller import Teller
from relay.protocol import LABEL_TTL_S, MOOD_HEARTBEAT_S, Mood
from tests.support import Viewer, leave, wait_until

BY_HAND = pytest.mark.relay(
    tick_ms=3_600_000, min_viewers=1, crowd="viewers", limits=Limits(show_after=0.0, mood_heartbeat=1e9)
)
"""The only ticks are those of the test, and nobody is told without news."""


@pytest.fixture
def channel() -> LiveChannel:
    return LiveChannel(Channel("demo", 1, LABEL_TTL_S, crowd="viewers", show_after=0.0), 5.0)


def tick(channel: LiveChannel, now: float, viewers: int = 0) -> None:
    for _ in range(viewers):
        channel.core.join(Member(), 0.0, now)
    channel.core.tick(channel.core.snapshot(now), now, 1000.0 + now)
    channel.show(packet(channel.core.mood), now)


def test_a_mood_is_news_once_when_it_changed_and_again_after_a_while(channel: LiveChannel) -> None:
    tick(channel, 1.0)
    assert channel.has_news(0, 1.0, 2.0)
    channel.told[0] = 1.1
    for now in (1.25, 2.0, 3.0):
        tick(channel, now)
        assert not channel.has_news(0, now, 2.0)
        assert channel.has_news(1, now, 2.0)  # who has another turn was not told yet
    assert channel.has_news(0, 3.1, 2.0)
    tick(channel, 3.2, viewers=1)
    channel.told[0] = 3.15
    assert channel.has_news(0, 3.2, 2.0)


def test_the_trend_alone_is_no_news(channel: LiveChannel) -> None:
    """It falls for half a minute after all else came to rest."""
    channel.core.mood = Mood(
        seq=1, time=1.0, visible=True, viewers=2, sharing=2, min_viewers=1, counts=[2, 0, 0, 0, 0, 0, 0],
        shares=[1.0, 0, 0, 0, 0, 0, 0], valence=-1.0, resonance=1.0, trend=-1.0,
    )  # fmt: skip
    channel.show(packet(channel.core.mood), 1.0)
    channel.told[0] = 1.1
    for number, change in enumerate(({"trend": -0.5}, {"seq": 2, "time": 9.0}, {"paused": True}, {"grid": True})):
        channel.core.mood = msgspec.structs.replace(channel.core.mood, **change)
        channel.show(packet(channel.core.mood), 1.2)
        assert channel.has_news(0, 1.2, 2.0) == (number > 1)


@pytest.mark.parametrize("tick_ms", [100, 250, 300, 400, 700, 1000, 1500, 2000, 5000])
async def test_who_rests_is_told_every_two_seconds(
    channel: LiveChannel, monkeypatch: pytest.MonkeyPatch, tick_ms: int
) -> None:
    """Also those who come last in a round, when most of the tick has gone by."""
    turns = max(1, round(1000 / tick_ms))
    period = turns * tick_ms / 1000
    means: Any = SimpleNamespace(settings=SimpleNamespace(tick_ms=tick_ms), limits=Limits(), counts=None)
    members: Any = SimpleNamespace(turns=turns, has=lambda channel: True)
    one, told = Teller(means, members), []
    tick(channel, 0.0)
    for number in range(1, turns * 12):
        now = number * tick_ms / 1000
        monkeypatch.setattr(teller, "time", SimpleNamespace(monotonic=lambda: now + 0.9 * tick_ms / 1000))  # noqa: B023
        one.plan([channel], number % turns, now)
        told += [now] if one._waiting and number % turns == 0 else []
        await one._tell(list(one._waiting), now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(told)]
    assert max(gaps) <= max(MOOD_HEARTBEAT_S, period) + period / 8
    assert min(gaps) + period > MOOD_HEARTBEAT_S


@BY_HAND
async def test_who_comes_is_told_at_once_and_then_of_changes_alone(relay: app.Relay) -> None:
    relay.create_channel("demo")
    ticker = relay._hub.ticker
    async with await Viewer.connect(relay.url) as viewer:
        assert (await viewer.mood()).viewers == 0  # as of the last tick
        live = relay._hub.members.channels["demo"]
        for label in ("happy", "sad"):
            await viewer.label(label)
            await wait_until(lambda: live.core._audience.shares[0].counts[("happy", "sad").index(label) + 3])  # noqa: B023
            await ticker.tick()
            assert (await viewer.mood()).seq == live.core.mood.seq
            for _ in range(3):
                await ticker.tick()
                await wait_until(lambda: not relay._hub.teller._waiting)


@BY_HAND
async def test_others_have_their_turn_while_viewers_are_told(relay: app.Relay) -> None:
    """As labels have, which come in meanwhile."""
    relay.create_channel("demo")
    viewers = [await Viewer.connect(relay.url) for _ in range(50)]
    for viewer in viewers:
        await viewer.mood()
    turns, told = 0, asyncio.gather(*(viewer.mood() for viewer in viewers))
    await relay._hub.ticker.tick()
    assert relay._hub.teller._waiting
    while not told.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 2
    assert {mood.viewers for mood in await told} == {50}
    await leave(viewers)
