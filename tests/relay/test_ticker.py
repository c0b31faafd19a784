"""A tick lets others have their turn, and tells the same whatever they do meanwhile.

The clients are those of a real relay whose own ticks are too far apart to be in the way; ``TURN_S`` of 0 gives others a
turn after each channel and every few clients.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest

from relay import app
from relay.cluster.peers import Activity
from relay.core.limits import Limits
from relay.live import fairly
from relay.live.connections import Viewer as Connection
from relay.live.ticker import Ticker
from relay.protocol import Bye, Mood, Status
from tests.support import Client, Viewer, audience, leave, stored, subscribe, wait_until

pytestmark = pytest.mark.relay(tick_ms=3_600_000, min_viewers=1, crowd="viewers", limits=Limits(show_after=0.0))

CHANNELS = 30


@pytest.fixture
def ticker(relay: app.Relay) -> Ticker:
    return relay._hub.ticker


@contextlib.contextmanager
def meanwhile(do: Callable[[int], object]) -> Iterator[None]:
    """Calls ``do`` with 0, 1, 2, ... whenever other work has its turn."""
    turns = iter(range(1_000_000))

    async def work() -> None:
        while True:
            do(next(turns))
            await asyncio.sleep(0)

    task = asyncio.ensure_future(work())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()


@pytest.fixture
async def crowd(relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Client]]:
    """A subscriber in each of many channels, each with a viewer who smiles."""
    monkeypatch.setattr(fairly, "TURN_S", 0.0)
    names = [f"demo{number}" for number in range(CHANNELS)]
    keys = {name: relay.create_channel(name) for name in names}
    clients = {name: await subscribe(relay.url, name, keys[name].display_key) for name in names}
    viewers = [viewer for name in names for viewer in await audience(relay.url, name, ["happy"])]
    for name in names:
        await wait_until(lambda: relay.connections(name) == (1, 1))  # noqa: B023
        await wait_until(lambda: _labels(relay, name) == 1)  # noqa: B023
    yield clients
    await leave(viewers)
    for client in clients.values():
        await client.close()


def _labels(relay: app.Relay, name: str) -> int:
    viewers = relay._hub.members.channels[name].viewers
    return sum(viewer.member.expression is not None for viewer in viewers)


async def first_moods(clients: dict[str, Client]) -> None:
    """What each is told when it comes."""
    for client in clients.values():
        assert isinstance(await client.receive(), Status)
        assert isinstance(await client.receive(), Mood)


async def test_others_have_their_turn_between_channels(ticker: Ticker, crowd: dict[str, Client]) -> None:
    turns: list[int] = []
    with meanwhile(turns.append):
        await ticker.tick()
    assert len(turns) >= CHANNELS


async def test_others_have_their_turn_while_subscribers_are_told(
    relay: app.Relay, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairly, "TURN_S", 0.0)
    relay.create_channel("demo")
    members = relay._hub.members
    subscribers = [members.subscribe("demo", "display") for _ in range(10 * fairly.AT_ONCE)]
    turns: list[int] = []
    with meanwhile(turns.append):
        await ticker.tick()
    assert len(turns) >= 9
    for subscriber in subscribers:
        members.unsubscribe("demo", subscriber)


async def test_everyone_is_told_once_and_in_order(ticker: Ticker, crowd: dict[str, Client]) -> None:
    await first_moods(crowd)
    for _ in range(3):
        await ticker.tick()
    for client in crowd.values():
        found = [await client.receive() for _ in range(4)]
        moods = [message for message in found if isinstance(message, Mood)]
        assert [type(message).__name__ for message in found] == ["Status", "Mood", "Mood", "Mood"]
        assert [mood.seq for mood in moods] == [moods[0].seq + number for number in range(3)]
        assert {mood.viewers for mood in moods} == {1}


async def test_who_comes_and_goes_during_a_tick_counts_at_the_next(
    relay: app.Relay, ticker: Ticker, crowd: dict[str, Client]
) -> None:
    await first_moods(crowd)
    more: list[Viewer] = []

    async def come_and_go() -> None:
        for name in crowd:
            here, there = await audience(relay.url, name, ["sad", "sad"])
            await here.close()
            more.append(there)

    coming = asyncio.create_task(come_and_go())
    while not coming.done():
        await ticker.tick()
    await coming
    for name in crowd:
        await wait_until(lambda: relay.connections(name) == (2, 1) and _labels(relay, name) == 2)  # noqa: B023
    await ticker.tick()
    for client in crowd.values():
        mood = await client.mood(lambda mood: mood.viewers == mood.sharing == 2)
        assert mood.counts == [0, 0, 0, 1, 1, 0, 0]
    await leave(more)


@pytest.mark.parametrize(("number", "turn"), [(CHANNELS - 1, 3), (0, CHANNELS)], ids=["before", "after"])
async def test_a_channel_deleted_during_a_tick_leaves_nothing(
    relay: app.Relay, ticker: Ticker, crowd: dict[str, Client], monkeypatch: pytest.MonkeyPatch, number: int, turn: int
) -> None:
    """Neither in the history nor with other nodes, whether it was summed up already or not; all others are told."""
    await first_moods(crowd)
    name, parts = f"demo{number}", relay._hub
    reports: list[Mapping[str, Activity]] = []
    wanted: list[str] = []
    monkeypatch.setattr(relay._node, "report", reports.append)
    monkeypatch.setattr(relay._node, "want", wanted.extend)

    def delete(now: int) -> None:
        if now == turn:
            assert parts.members.channels[name].core.mood.visible == (number == 0)
            parts.members.drop_channel(name)
            relay._history.delete_channel(name)

    with meanwhile(delete):
        await ticker.tick()
    others = crowd.keys() - {name}
    assert parts.members.channels.keys() == reports[0].keys() == set(wanted) == others
    for other in others:
        assert (await crowd[other].mood()).sharing == 1
    assert isinstance(await crowd[name].receive_until(lambda message: not isinstance(message, Mood)), Bye | Status)
    await relay.stop()
    assert [channel for channel in crowd if stored(relay._history._place, channel, 1)] == sorted(
        others, key=list(crowd).index
    )


async def test_a_session_that_begins_during_a_tick_keeps_its_lease(
    relay: app.Relay, ticker: Ticker, crowd: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a channel that was summed up when nobody was in it, and in one that was deleted and made anew."""
    await ticker.tick()
    parts, wanted = relay._hub, set[str]()
    monkeypatch.setattr(relay._node, "want", wanted.update)
    coming: dict[str, Connection] = {}
    for name in ("demo0", "demo1"):
        channel = parts.members.channels[name]
        (gone,) = channel.viewers
        parts.members.leave(channel, gone)
        parts._recorder.end(channel, parts.clock.now())
        coming[name] = Connection(gone.socket, None, None, None)

    def come(turn: int) -> None:
        if turn == CHANNELS // 2:
            parts.members.drop_channel("demo1")
            for name, viewer in coming.items():
                parts.members.join(name, viewer, 0.0)

    with meanwhile(come):
        await ticker.tick()
    assert all(parts.members.channels[name].session for name in crowd)
    assert wanted == crowd.keys()
    for name, viewer in coming.items():
        parts.members.leave(parts.members.channels[name], viewer)
