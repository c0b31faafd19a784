"""How the crowd is sent away, and let in nowhere any more."""

import asyncio
import itertools

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.app import Relay
from relay.live.drain import COME_BACK_PER_S, NEXT_NODE_S, RESTART_S, goodbyes
from relay.protocol import Bye, Hello, Status, Subscribe
from tests.support import SOON, Client, Viewer, request, server_sent_events, subscribe, wait_until

CROWDS = st.integers(0, 3000)
SECONDS = st.floats(0, 60)


@given(CROWDS, SECONDS, st.booleans())
def test_everyone_leaves_in_time_and_in_order(count: int, seconds: float, alone: bool) -> None:
    times = [when for when, _ in goodbyes(count, seconds, alone)]
    assert len(times) == count
    assert times == sorted(times)
    assert all(0 <= when <= seconds for when in times)


@given(CROWDS, SECONDS, st.booleans())
def test_the_crowd_comes_back_no_faster_than_a_relay_can_take(count: int, seconds: float, alone: bool) -> None:
    back = [when + retry_after for when, retry_after in goodbyes(count, seconds, alone)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(back)]
    assert all(gap >= 0.999 / COME_BACK_PER_S for gap in gaps)


@given(CROWDS, SECONDS)
def test_to_a_relay_that_is_alone_nobody_comes_back_before_it_can_be_there(count: int, seconds: float) -> None:
    plan = list(goodbyes(count, seconds, alone=True))
    last = max((when for when, _ in plan), default=0.0)
    assert all(when + retry_after >= last + RESTART_S - 1e-6 for when, retry_after in plan)


@given(CROWDS, SECONDS)
def test_to_other_nodes_the_first_come_back_at_once(count: int, seconds: float) -> None:
    plan = list(goodbyes(count, seconds, alone=False))
    assert all(retry_after >= NEXT_NODE_S - 1e-6 for _, retry_after in plan)
    assert all(retry_after <= NEXT_NODE_S + count / COME_BACK_PER_S + 1e-6 for _, retry_after in plan)


def test_a_small_audience_is_not_kept_waiting() -> None:
    plan = list(goodbyes(50, 30.0, alone=True))
    assert plan[-1][0] < 0.1
    assert plan[-1][1] < RESTART_S + 0.1


async def _ready(url: str, query: str = "") -> tuple[int, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz{query}") as response:
        return response.status, (await response.json())["reasons"]


async def test_everyone_is_told_when_to_come_back(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewer = await Viewer.connect(relay.url)
    client = await subscribe(relay.url, "demo", keys.display_key)
    events = server_sent_events(relay.url, "demo", keys.display_key)
    assert (await anext(events)).name == "status"
    assert await _ready(relay.url) == (200, {})
    await relay.drain(0.1)
    for receiver in (viewer, client):
        bye = await receiver.receive_until(lambda message: isinstance(message, Bye))
        assert bye.code == protocol.SHUTTING_DOWN.number
        assert bye.retry_after_s >= RESTART_S
        assert await receiver.receive() is None  # the bye is the last word
        assert receiver.close_code == protocol.SHUTTING_DOWN.number
        await receiver.close()
    assert [event.name async for event in events][-1] == "bye"
    await wait_until(lambda: relay.connections("demo") == (0, 0))


async def test_nobody_new_is_taken(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    await relay.drain(0.0)
    assert set((await _ready(relay.url))[1]) == {"draining"}
    assert (await _ready(relay.url, "?exclude=history"))[0] == 503
    for path in ("/v1/channels/demo/viewer", "/v1/channels/demo/mood"):
        async with await Client.open(relay.url, path) as client:
            bye = await client.receive()
            assert isinstance(bye, Bye)
            assert (bye.code, bye.retry_after_s > 0) == (protocol.SHUTTING_DOWN.number, True)
    for method, path in (("POST", "demo/tickets"), ("GET", "demo/mood")):
        status, body = await request(relay.url, method, path, keys.display_key, {} if method == "POST" else None)
        assert (status, body["error"]["code"]) == (503, protocol.SHUTTING_DOWN.number)
    assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 200  # what is stored is shown


@pytest.mark.parametrize("path", ["viewer", "mood"])
async def test_nor_is_who_came_before_and_says_hello_now(relay: Relay, path: str) -> None:
    """It would be told of no stop, and be cut off without a time to come back."""
    keys = relay.create_channel("demo")
    first = Hello(agent="test") if path == "viewer" else Subscribe(key=keys.display_key)
    async with await Client.open(relay.url, f"/v1/channels/demo/{path}") as client:
        await relay.drain(0.0)
        await client.send(first)
        bye = await client.receive()
        assert isinstance(bye, Bye)
        assert (bye.code, bye.retry_after_s > 0) == (protocol.SHUTTING_DOWN.number, True)
        assert await client.receive() is None
    assert relay.connections("demo") == (0, 0)


@pytest.mark.relay(limits=SOON._replace(close=0.1))
async def test_who_does_not_close_is_cut_off_by_stop(relay: Relay) -> None:
    relay.create_channel("demo")
    silent = await Viewer.connect(relay.url)
    async with silent:
        await relay.drain(0.0)
        await asyncio.wait_for(relay.stop(), 60)


@pytest.mark.relay(min_viewers=1)
async def test_ready_says_when_the_history_is_not_stored(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    from relay.store import database, history

    keys = relay.create_channel("demo")
    real = database.connect

    def refuse(place: database.Place) -> database.Connection:
        raise database.DatabaseError("disk full", "The disk is full.")

    monkeypatch.setattr(history, "RETRY_S", 0.05)
    monkeypatch.setattr(database, "connect", refuse)
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as client,
    ):
        await viewer.label("happy")
        await client.receive_until(lambda message: isinstance(message, Status) and bool(message.warnings))
        status, reasons = await _ready(relay.url)
        assert (status, set(reasons)) == (503, {"history"})
        assert await _ready(relay.url, "?exclude=history") == (200, {})
        monkeypatch.setattr(database, "connect", real)
        await client.receive_until(lambda message: isinstance(message, Status) and not message.warnings)
        assert (await _ready(relay.url))[0] == 200
