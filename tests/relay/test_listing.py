"""The list of channels: who stands in it, what it tells of them, and what it never tells."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import app
from relay.core.limits import ALONE
from relay.http import listing
from relay.http.listing import MOST_CHANNELS, ChannelList, Counted, most_viewed
from relay.store import database
from relay.store.channels import Channels
from tests.redis_server import RedisServer
from tests.relay.nodes import Cluster, channel_arrives, running
from tests.support import audience, leave, request, wait_until


@pytest.fixture
async def http(relay: app.Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


async def listed(url: str, **headers: str) -> Any:
    async with aiohttp.ClientSession(url) as session, session.get("/v1/channels", headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def opened(relay: app.Relay, channel: str, **values: bool) -> Any:
    """What the relay answers to the admin of a new channel who sets these."""
    keys = relay.create_channel(channel)
    code, body = await request(relay.url, "PATCH", channel, keys.admin_key, values)
    assert code == 200, body
    return keys


# --- what is counted -------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(0, 1000), max_size=300))
def test_those_with_the_most_viewers_come_first_and_no_exact_number_is_told(viewers: dict[str, int]) -> None:
    found = most_viewed(viewers, viewers.__getitem__)
    assert len(found) == min(MOST_CHANNELS, len(viewers))
    assert [one.viewers for one in found] == sorted((number // 5 * 5 for number in viewers.values()), reverse=True)[
        : len(found)
    ]
    for before, after in itertools.pairwise(found):  # nor does the order tell what rounding hides
        assert before.viewers > after.viewers or before.name < after.name


def test_it_is_counted_once_in_a_while_however_many_ask() -> None:
    kept, counts = ChannelList(ALONE), iter(range(10))

    def count() -> list[Counted]:
        return [Counted("demo", next(counts))]

    assert [kept.counted(now, count)[0].viewers for now in (0.0, 1.0, 2.9, 3.0, 5.9, 6.1)] == [0, 0, 0, 1, 1, 2]


# --- what is told ----------------------------------------------------------------------------------------------------


async def test_a_new_channel_is_listed_nowhere(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    assert (await listed(relay.url))["channels"] == []
    about = {"channel": "demo", "listed": False, "grid": False, "cameras": True, "notice": "", "password": False}
    assert await request(relay.url, "GET", "demo", keys.admin_key) == (200, about)


async def test_a_listed_channel_tells_its_name_its_crowd_and_whether_it_has_a_password(relay: app.Relay) -> None:
    keys = await opened(relay, "demo", listed=True)
    assert await listed(relay.url) == {
        "channels": [{"name": "demo", "viewers": 0, "password": False}], "may_create": True
    }  # fmt: skip
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
    assert (await listed(relay.url))["channels"][0]["password"]


async def test_viewers_are_rounded_down(relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "KEPT_S", 0.0)
    await opened(relay, "demo", listed=True)
    await opened(relay, "other", listed=True)
    viewers = await audience(relay.url, "other", ["happy"] * 9)
    assert [(row["name"], row["viewers"]) for row in (await listed(relay.url))["channels"]] == [
        ("other", 5), ("demo", 0)
    ]  # fmt: skip
    await leave(viewers)


async def test_what_is_unlisted_is_gone_at_once_though_the_list_is_kept(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "KEPT_S", 3600.0)
    keys = await opened(relay, "demo", listed=True)
    others = await opened(relay, "other", listed=True)
    assert [row["name"] for row in (await listed(relay.url))["channels"]] == ["demo", "other"]
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"listed": False}))[1]["listed"] is False
    assert [row["name"] for row in (await listed(relay.url))["channels"]] == ["other"]
    await request(relay.url, "DELETE", "other", others.admin_key)
    relay.create_channel("other")  # which nobody has listed
    assert (await listed(relay.url))["channels"] == []


async def test_nothing_looks_at_a_channel_that_is_not_listed(relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """So no time is spent on it, either."""
    monkeypatch.setattr(listing, "KEPT_S", 0.0)
    asked: list[str] = []
    monkeypatch.setattr(relay._hub.members, "viewers", lambda name: asked.append(name) or 0)
    await opened(relay, "demo", listed=True)
    for number in range(20):
        relay.create_channel(f"secret-{number}")
    body = await listed(relay.url)
    assert "secret" not in str(body)
    assert asked == ["demo"]


@pytest.mark.relay(create_key="k" * 40, proxies=1, hosts="mood.example.org")
async def test_who_is_not_on_the_relays_own_machine_may_not_create(relay: app.Relay) -> None:
    assert (await listed(relay.url))["may_create"] is False


@pytest.mark.relay(proxies=1)
async def test_a_house_that_asks_too_often_is_told_when_to_come_back(relay: app.Relay) -> None:
    async with aiohttp.ClientSession(relay.url) as session:
        codes = []
        for _ in range(32):
            async with session.get("/v1/channels", headers={"X-Forwarded-For": "192.0.2.1"}) as response:
                codes.append(response.status)
        assert codes == [200] * 30 + [429] * 2
        assert 1 <= int(response.headers["Retry-After"]) <= 2
        async with session.get("/v1/channels", headers={"X-Forwarded-For": "192.0.2.2"}) as response:
            assert response.status == 200


@pytest.mark.relay(origins="https://friends.example")
async def test_pages_of_origins_may_read_the_list(http: aiohttp.ClientSession) -> None:
    for origin, status in (("https://friends.example", 200), ("https://evil.example", 403)):
        async with http.get("/v1/channels", headers={"Origin": origin}) as response:
            assert response.status == status
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if status == 200 else None)


# --- who sets it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"listed": None}, {"listed": 1}, {"grid": "true"}, []])
async def test_a_body_that_is_none(relay: app.Relay, body: object) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, body))[0] == 400
    assert (await request(relay.url, "GET", "demo", keys.admin_key))[1]["listed"] is False


async def test_one_is_set_and_the_other_stays(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    for body, state in (
        ({"grid": True}, (False, True)), ({"listed": True}, (True, True)), ({}, (True, True)),
        ({"grid": False}, (True, False)), ({"listed": False, "grid": True}, (False, True)),
    ):  # fmt: skip
        code, answer = await request(relay.url, "PATCH", "demo", keys.admin_key, body)
        assert (code, answer["listed"], answer["grid"]) == (200, *state)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_the_display_key_sees_and_sets_nothing(relay: app.Relay, method: str) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, method, "demo", keys.display_key, {"listed": True}))[0] == 403
    assert (await request(relay.url, method, "nobody", keys.admin_key, {"listed": True}))[0] == 404
    assert (await request(relay.url, "GET", "demo", keys.admin_key))[1]["listed"] is False


# --- what is stored --------------------------------------------------------------------------------------------------


def test_it_outlives_a_restart_and_ends_with_the_channel(tmp_path: Path, database_url: str) -> None:
    place = database.prepare(str(tmp_path), database_url)
    channels = Channels(place)
    channels.create("demo")
    channels.open_up("demo", listed=True, grid=True, cameras=False, notice="Bitte lächeln?")
    again = Channels(place)
    assert (again.listed(), again.grid("demo")) == (("demo",), channels.grid("demo"))
    assert again.grid("demo") > 0
    assert (again.cameras("demo"), again.notice("demo")) == (False, "Bitte lächeln?")
    again.delete("demo")
    again.create("demo")
    assert channels.reload() != []
    for known in (again, channels, Channels(place)):
        assert (known.listed(), known.grid("demo")) == ((), 0.0)
        assert (known.cameras("demo"), known.notice("demo")) == (True, "")


def test_a_grid_that_was_taken_back_and_given_again_is_another(tmp_path: Path) -> None:
    channels = Channels(database.prepare(str(tmp_path)))
    channels.create("demo")
    times = []
    for grid in (True, True, None, False, True):
        channels.open_up("demo", listed=None, grid=grid)
        times.append(channels.grid("demo"))
    first, second, third, off, last = times
    assert first == second == third > 0 == off < last != first


def test_what_another_relay_changed_meanwhile_stays(tmp_path: Path) -> None:
    place = database.prepare(str(tmp_path))
    channels, others = Channels(place), Channels(place)
    channels.create("demo")
    others.reload()
    others.open_up("demo", grid=True, notice="Hello")
    channels.open_up("demo", listed=True, cameras=False)
    assert (channels.is_listed("demo"), channels.grid("demo")) == (True, others.grid("demo"))
    assert (channels.cameras("demo"), channels.notice("demo")) == (False, "Hello")
    others.delete("demo")
    with pytest.raises(KeyError):
        channels.open_up("demo", listed=True, grid=True)


async def test_on_all_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "KEPT_S", 0.0)
    with RedisServer.started() as redis:
        async with running(tmp_path, redis.url) as cluster:
            await told_by_all(cluster)


async def told_by_all(cluster: Cluster) -> None:
    a, b = await cluster.add(), await cluster.add()
    keys = a.create_channel("demo")
    await channel_arrives(b)
    await request(a.url, "PATCH", "demo", keys.admin_key, {"listed": True})
    viewers = await audience(a.url, "demo", ["happy"] * 3) + await audience(b.url, "demo", ["sad"] * 3)
    for node in (a, b):
        expected = [{"name": "demo", "viewers": 5, "password": False}]

        async def told(url: str = node.url, expected: Any = expected) -> bool:
            return bool((await listed(url))["channels"] == expected)

        await wait_until(told)
    await request(b.url, "PATCH", "demo", keys.admin_key, {"listed": False})
    assert (await listed(b.url))["channels"] == []

    async def gone() -> bool:
        return not (await listed(a.url))["channels"]

    await wait_until(gone)
    await leave(viewers)
