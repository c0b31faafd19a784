"""A relay of two workers: what is promised of an address, a channel and the relay holds for both together.

Both run in this event loop, each at a port of its own, so that a test can choose whom it asks.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.protocol import Reaction
from relay.workers.seat import Seat
from tests.redis_server import RedisServer
from tests.relay.nodes import Cluster, running
from tests.relay.test_metrics import scrape
from tests.support import Client, Viewer, audience, count_of, leave, request, subscribe, wait_until

OPTIONS: dict[str, Any] = {"proxies": 1, "hosts": "127.0.0.1", "require_tickets": "off", "metrics_key": "k" * 16}
"""Behind a proxy, which tells the addresses."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer.started() as server:
        yield server


class Workers:
    """Two workers and the keys of their channel."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self._folder = cluster, folder
        self.urls: list[str] = []
        self.relays: list[app.Relay] = []

    async def start(self) -> "Workers":
        for number in range(2):
            self.relays.append(await self.seat(number))
        self.keys = self.relays[0].create_channel("demo")
        await wait_until(lambda: all(relay.has_channel("demo") for relay in self.relays))
        self.urls = [relay.url for relay in self.relays]
        return self

    async def seat(self, number: int) -> app.Relay:
        return await self.cluster.add(Seat(number, 2, self._folder))


@pytest.fixture
async def workers(tmp_path: Path, redis: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[Workers]:
    mark = request.node.get_closest_marker("relay")
    options = OPTIONS | (mark.kwargs if mark else {})
    (tmp_path / "seat").mkdir()
    async with running(tmp_path, redis.url, **options) as cluster:
        yield await Workers(cluster, tmp_path / "seat").start()


async def asked(url: str, path: str, address: str, body: Any, key: str = "") -> int:
    """What a request is answered, of a client that has this address as the proxy says."""
    headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {key}"} if key else {})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/v1/channels/demo/{path}", json=body) as response,
    ):
        return response.status


async def refusal(url: str, address: str) -> int | None:
    """The code with which a viewer is turned away."""
    async with await Client.open(url, "/v1/channels/demo/viewer", address) as client:
        await client.send(protocol.Hello(agent="moodcast-tests/1"))
        bye = await client.receive()
        assert isinstance(bye, protocol.Bye), bye
        return bye.code


def addresses(number: int) -> list[str]:
    return [f"192.0.2.{last}" for last in range(1, number + 1)]


# --- who gets in -----------------------------------------------------------------------------------------------------


@pytest.mark.relay(max_per_address=3)
async def test_an_address_has_its_connections_on_both_together(workers: Workers) -> None:
    first, second = workers.urls
    inside = [await Viewer.connect(url, address="192.0.2.1") for url in (first, second, first)]
    for url in workers.urls:
        assert await refusal(url, "192.0.2.1") == protocol.FULL.number
        async with await Viewer.connect(url, address="192.0.2.2"):
            pass
    await inside.pop().close()
    await wait_until(lambda: workers.relays[0].connections("demo")[0] == 1)
    inside.append(await Viewer.connect(second, address="192.0.2.1"))
    await leave(inside)


@pytest.mark.relay(max_per_channel=3, max_connections=4)
async def test_channel_and_relay_have_theirs_on_both_together(workers: Workers) -> None:
    first, second = workers.urls
    workers.relays[1].create_channel("other")
    inside = [
        await Viewer.connect(url, address=one) for url, one in zip((first, second, first), addresses(3), strict=True)
    ]
    assert [await refusal(url, "192.0.2.9") for url in workers.urls] == [protocol.FULL.number] * 2
    inside.append(await Viewer.connect(second, "other", address="192.0.2.4"))
    await leave(inside[:1])
    await wait_until(lambda: workers.relays[0].connections("demo")[0] == 1)
    inside.append(await Viewer.connect(second, "other", address="192.0.2.5"))
    assert [await refusal(url, "192.0.2.9") for url in workers.urls] == [protocol.FULL.number] * 2, "the relay is full"
    await leave(inside[1:])


@pytest.mark.relay(proxies=0, host="0.0.0.0", max_per_address=2)
async def test_connections_that_ask_nothing_are_counted_on_both_together(workers: Workers) -> None:
    ports = [int(url.rpartition(":")[2]) for url in workers.urls]
    silent = [await asyncio.open_connection("127.0.0.1", port) for port in (ports[0], ports[1], ports[1], ports[0])]
    for port in ports:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert b" 503 " in await reader.readline()
        writer.close()
    for _, writer in silent:
        writer.close()

    async def is_let_in() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{workers.urls[1]}/healthz") as response:
            return response.status == 200

    await wait_until(is_let_in)


async def test_tickets_of_an_address_and_wrong_passwords_are_counted_on_both_together(workers: Workers) -> None:
    found = [await asked(workers.urls[turn % 2], "tickets", "192.0.2.1", {}) for turn in range(130)]
    assert found[:120] == [201] * 120
    assert 429 in found[120:], "one more each second"
    assert found.count(201) < 125
    assert await asked(workers.urls[0], "tickets", "192.0.2.2", {}) == 201
    code, _ = await request(workers.urls[0], "PUT", "demo/password", workers.keys.admin_key, {"password": "sesame"})
    assert code == 200
    await wait_until(lambda: workers.relays[1]._channels.has_password("demo"))
    guesses = [
        await asked(workers.urls[turn % 2], "tickets", "192.0.2.3", {"password": f"{turn}"}) for turn in range(8)
    ]
    assert guesses == [403] * 6 + [429] * 2


async def test_many_guesses_at_both_workers_are_all_answered(workers: Workers) -> None:
    await request(workers.urls[0], "PUT", "demo/password", workers.keys.admin_key, {"password": "sesame"})
    await wait_until(lambda: workers.relays[1]._channels.has_password("demo"))
    wrong = [asked(workers.urls[turn % 2], "tickets", f"192.0.2.{turn}", {"password": "no"}) for turn in range(12)]
    right = [asked(url, "tickets", "192.0.2.99", {"password": "sesame"}) for url in workers.urls]
    assert await asyncio.gather(*wrong, *right) == [403] * 12 + [201] * 2


async def test_what_a_channel_may_do_is_counted_on_both_together(workers: Workers) -> None:
    key = workers.keys.admin_key
    found = [await asked(workers.urls[turn % 2], "rehearsal", "192.0.2.1", {}, key) for turn in range(12)]
    assert found[:10] == [201] * 10
    assert found[10:].count(429) >= 1


# --- who counts ------------------------------------------------------------------------------------------------------


@pytest.mark.relay(address_weight=2)
async def test_an_address_has_its_votes_on_both_together(workers: Workers) -> None:
    house = [await Viewer.connect(workers.urls[number % 2], address="192.0.2.1") for number in range(5)]
    for viewer in house:
        await viewer.label("happy")
    other = await Viewer.connect(workers.urls[1], address="192.0.2.2")
    await other.label("sad")
    for url in workers.urls:
        async with await subscribe(url, "demo", workers.keys.display_key) as client:
            mood = await client.mood(
                lambda mood: mood.viewers == 6 and count_of(mood, "sad") == 1 and mood.sharing >= 3
            )
            assert (mood.sharing, count_of(mood, "happy")) == (3, 2)
    await leave([other, *house])


async def test_a_ticket_is_for_one_connection_on_either(workers: Workers) -> None:
    _, body = await request(workers.urls[0], "POST", "demo/tickets", "", {})
    first = await Viewer.connect(workers.urls[0], ticket=body["ticket"], address="192.0.2.1")
    await first.label("happy")
    second = await Viewer.connect(workers.urls[1], ticket=body["ticket"], address="192.0.2.1")
    bye = await first.receive_until(lambda message: isinstance(message, protocol.Bye))
    assert bye.code == protocol.REPLACED.number
    await second.label("sad")
    async with await subscribe(workers.urls[0], "demo", workers.keys.display_key) as client:
        await client.mood(lambda mood: mood.viewers == mood.sharing == count_of(mood, "sad") == 1)
    again = await Viewer.connect(workers.urls[0], ticket=body["ticket"], address="192.0.2.1")
    assert (await second.receive_until(lambda message: isinstance(message, protocol.Bye))).code == bye.code
    await leave([first, second, again])


async def test_a_network_taps_at_once_as_often_on_both_as_on_one(workers: Workers) -> None:
    viewers = [await Viewer.connect(workers.urls[number % 2], address="192.0.2.1") for number in range(8)]
    for viewer in viewers:
        await viewer.label("happy")
    async with await subscribe(workers.urls[0], "demo", workers.keys.display_key) as client:
        await client.mood(lambda mood: mood.visible and mood.sharing == 8)
        for viewer in viewers:
            await viewer.tap("heart")
        told: list[Reaction] = []
        while sum(reaction.count for reaction in told) < 4:
            told.append(await client.receive_until(lambda message: isinstance(message, Reaction)))
        assert sum(reaction.count for reaction in told) == 4
        moods = [await client.mood() for _ in range(4)]
        assert moods[-1].sharing == 8
    await leave(viewers)


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.relay(proxies=0, hosts="")
async def test_whichever_worker_is_asked_tells_of_both(workers: Workers) -> None:
    crowd = await audience(workers.urls[0], "demo", ["happy"] * 3) + await audience(
        workers.urls[1], "demo", ["sad"] * 2
    )
    async with await subscribe(workers.urls[1], "demo", workers.keys.display_key) as client:
        await client.mood(lambda mood: mood.sharing == 5)

        async def both_know() -> bool:
            found = [await scrape(url) for url in workers.urls]
            return all(one["moodcast_viewers"] == 5 and one["moodcast_labels_total"] == 5 for one in found)

        await wait_until(both_know)
        for url in workers.urls:
            found = await scrape(url)
            assert (found["moodcast_workers"], found["moodcast_workers_silent"]) == (2, 0)
            assert (found["moodcast_channels"], found["moodcast_channels_live"], found["moodcast_sessions"]) == (
                1,
                1,
                1,
            )
            assert found["moodcast_subscribers"] == found["moodcast_subscribers_joined_total"] == 1
            assert found['moodcast_tick_seconds_bucket{le="+Inf"}'] == found["moodcast_tick_seconds_count"]
            assert {f'process_open_fds{{worker="{number}"}}' for number in range(2)} <= set(found)
            assert sum(1 for name in found if name.startswith("moodcast_build_info")) == 1
        before = found["moodcast_labels_total"]
    await leave(crowd)
    await workers.relays[1].stop()
    again = await workers.seat(1)
    async with await Viewer.connect(again.url) as viewer:
        await viewer.label("happy")

        async def is_counted_on() -> bool:
            return all(
                [(await scrape(url))["moodcast_labels_total"] == before + 1 for url in (workers.urls[0], again.url)]
            )

        await wait_until(is_counted_on)


async def test_whichever_worker_is_asked_knows_how_both_are(workers: Workers) -> None:
    async def health(url: str, path: str = "/healthz") -> Any:
        async with aiohttp.ClientSession() as session, session.get(url + path) as response:
            return await response.json()

    async def whole() -> bool:
        return all([(await health(url))["silent"] == 0 for url in workers.urls])

    await wait_until(whole)
    workers.relays[1]._history.warning = "The history is not stored."

    async def told() -> bool:
        return (await health(workers.urls[0], "/readyz"))["reasons"] == {"history": "The history is not stored."}

    await wait_until(told)


async def test_a_countdown_of_one_worker_is_the_only_one_also_where_nobody_is_yet(workers: Workers) -> None:
    first, second = workers.urls
    assert await asked(first, "countdown", "192.0.2.1", {}, workers.keys.display_key) == 201
    await wait_until(lambda: "demo" in workers.relays[1]._hub.members.channels)
    assert await asked(second, "countdown", "192.0.2.1", {}, workers.keys.display_key) == 409
    async with await Viewer.connect(second, address="192.0.2.1") as viewer:
        await viewer.receive_until(lambda message: isinstance(message, protocol.Countdown))
