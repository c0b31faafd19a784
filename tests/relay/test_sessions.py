"""What a streamer does with sessions over HTTP: mark, export, name, delete."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.protocol import Bye, Hello, Marker, Status, Subscribe
from relay.store import database
from relay.store.channels import ChannelKeys
from tests.support import Client, Viewer, audience, leave, request, subscribe, wait_until


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> database.Place:
    """Of the relay's database: these tests run with SQLite and with PostgreSQL."""
    return database_url or tmp_path / "relay" / database.FILE


@pytest.fixture
def keys(database_url: str, relay: Relay) -> ChannelKeys:
    return relay.create_channel("demo")


async def stored_session(relay: Relay, keys: ChannelKeys) -> list[Viewer]:
    """Two viewers whose session has a moment in the history."""
    viewers = await audience(relay.url, "demo", ["happy", "sad"])

    async def stored() -> bool:
        status, body = await request(relay.url, "GET", "demo/sessions/current", keys.display_key)
        return status == 200 and bool(body["moments"])

    await wait_until(stored)
    return viewers


async def listed(relay: Relay, keys: ChannelKeys) -> list[dict[str, Any]]:
    status, body = await request(relay.url, "GET", "demo/sessions", keys.display_key)
    assert status == 200
    rows: list[dict[str, Any]] = body["sessions"]
    return rows


async def test_a_marker_is_stored_and_told(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await stored_session(relay, keys)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        before = time.time()
        status, marker = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": " Großes Tor "})
        assert status == 201
        assert (marker["type"], marker["text"]) == ("marker", "Großes Tor")
        assert before <= marker["time"] <= time.time()
        told = await client.receive_until(lambda message: isinstance(message, Marker))
        assert (told.text, told.time) == (marker["text"], marker["time"])

    async def stored() -> bool:
        _, body = await request(relay.url, "GET", "demo/sessions/current", keys.display_key)
        return bool(body["markers"] == [marker])

    await wait_until(stored)
    await leave(viewers)


@pytest.mark.relay(min_viewers=5)
async def test_a_marker_is_stored_also_while_too_few_share(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await audience(relay.url, "demo", ["happy"])
    assert (await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "hello?"}))[0] == 201

    async def stored() -> bool:
        _, body = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
        assert body["moments"] == []
        return [marker["text"] for marker in body["markers"]] == ["hello?"]

    await wait_until(stored)
    await leave(viewers)


@pytest.mark.parametrize(
    "body", [{}, {"text": 3}, {"text": " "}, {"text": "x" * 201}, {"text": "a\nb"}, {"text": "\0"}]
)
async def test_a_marker_that_is_none(relay: Relay, keys: ChannelKeys, body: Any) -> None:
    status, answer = await request(relay.url, "POST", "demo/markers", keys.admin_key, body)
    assert status == 400
    assert "Expected" in answer["error"]["message"]


async def test_without_a_session_there_is_nothing_to_mark(relay: Relay, keys: ChannelKeys) -> None:
    status, answer = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "now"})
    assert (status, answer["error"]["name"]) == (404, "not_found")


async def test_exports_are_files(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await stored_session(relay, keys)
    headers = {"Authorization": f"Bearer {keys.display_key}"}
    url = f"{relay.url}/v1/channels/demo/sessions/"
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(url + "1.csv") as response:
            assert (response.status, response.content_type, response.charset) == (200, "text/csv", "utf-8")
            assert response.headers["Content-Disposition"] == 'attachment; filename="demo-session-1.csv"'
            row = next(csv.DictReader(io.StringIO(await response.text(), newline="")))
        async with http.get(url + "current.json") as response:
            assert response.headers["Content-Disposition"] == 'attachment; filename="demo-session-1.json"'
            found = await response.json()
        async with http.get(url + "2.csv") as response:
            assert response.status == 404
    first = found["moments"][0]
    assert (row["time"], row["sharing"]) == (str(first["time"]), str(first["sharing"]))
    assert found["session"]["number"] == 1
    await leave(viewers)


async def test_peaks_of_a_session(tmp_path: Path, database_url: str) -> None:
    insert = "INSERT INTO moments VALUES ('demo', ?, ?, 100, 100, 0, 0, 0, ?, 0, 0, ?, 0, 0)"
    with database.opened(database.prepare(str(tmp_path), database_url)) as file:
        file.execute("INSERT INTO sessions VALUES ('demo', 1, 1000, 1100, 250, 5, '')")
        file.execute("INSERT INTO sessions VALUES ('demo', 2, 2000, 4500, 250, 5, '')")
        for second in range(1000, 1100):
            happy = 80 if 1070 <= second < 1075 else 5
            file.execute(insert, (1, second, happy, 100 - happy))
        for second in range(2000, 4500):
            happy = 80 if second % 100 == 50 else 5
            file.execute(insert, (2, second, happy, 100 - happy))
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path), database=database_url))
    keys = relay.create_channel("demo")
    status, body = await request(relay.url, "GET", "demo/sessions/1/peaks", keys.display_key)
    (peak,) = body["peaks"]
    assert (status, peak["time"], peak["kind"], peak["name"]) == (200, 1070, "expression", "happy")
    assert (peak["share"], peak["strength"]) == (0.8, 0.75)
    assert (await request(relay.url, "GET", "demo/sessions/3/peaks", keys.display_key))[0] == 404
    for query, count in (("", 20), ("?all=1", 25)):
        status, body = await request(relay.url, "GET", f"demo/sessions/2/peaks{query}", keys.display_key)
        assert (status, len(body["peaks"])) == (200, count)
    await relay.stop()


async def test_a_session_gets_a_name(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await stored_session(relay, keys)
    path = "demo/sessions/1"
    assert (await request(relay.url, "PATCH", path, keys.admin_key, {"name": " Opening night "})) == (
        200, {"number": 1, "name": "Opening night"},
    )  # fmt: skip
    assert [row["name"] for row in await listed(relay, keys)] == ["Opening night"]
    await leave(viewers)
    assert [row["name"] for row in await listed(relay, keys)] == ["Opening night"]
    assert (await request(relay.url, "PATCH", path, keys.admin_key, {"name": "x" * 101}))[0] == 400
    assert (await request(relay.url, "PATCH", "demo/sessions/7", keys.admin_key, {"name": "x"}))[0] == 404
    assert (await request(relay.url, "PATCH", path, keys.admin_key, {"name": ""}))[0] == 200
    assert [row["name"] for row in await listed(relay, keys)] == [""]


@pytest.mark.relay(min_viewers=2)
async def test_a_name_given_before_anything_is_stored_stays(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await audience(relay.url, "demo", ["happy"])
    assert (await request(relay.url, "PATCH", "demo/sessions/current", keys.admin_key, {"name": "Early"}))[0] == 200
    viewers += await stored_session(relay, keys)
    assert [row["name"] for row in await listed(relay, keys)] == ["Early"]
    await leave(viewers)


async def test_deleting_the_running_session_begins_a_new_one(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    viewers = await stored_session(relay, keys)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        assert (await request(relay.url, "DELETE", "demo/sessions/1", keys.admin_key)) == (204, "")
        assert (await request(relay.url, "GET", "demo/sessions/1", keys.display_key))[0] == 404
        await client.receive_until(lambda message: isinstance(message, Status) and message.session == 2)
    await wait_until(lambda: numbers(relay, keys, [2]))
    await leave(viewers)
    with database.opened(place) as file:
        for table in ("moments", "reactions", "markers"):
            assert file.execute(f"SELECT count(*) FROM {table} WHERE session = 1").fetchone() == (0,)


async def numbers(relay: Relay, keys: ChannelKeys, expected: list[int]) -> bool:
    return [row["number"] for row in await listed(relay, keys)] == expected


async def test_deleting_a_channel_leaves_nothing_of_it(relay: Relay, keys: ChannelKeys, place: database.Place) -> None:
    other = relay.create_channel("other")
    viewers = await stored_session(relay, keys)
    subscriber = await subscribe(relay.url, "demo", keys.display_key)
    await subscriber.mood()
    late = await Client.open(relay.url, "/v1/channels/demo/viewer")
    reader = await Client.open(relay.url, "/v1/channels/demo/mood")
    assert (await request(relay.url, "DELETE", "demo", keys.admin_key)) == (204, "")
    for client in (*viewers, subscriber):
        assert isinstance(client, Client)
        while await client.receive() is not None:
            pass
        assert client.close_code is not None
    assert viewers[0].close_code == subscriber.close_code == 4404
    await late.send(Hello())
    await reader.send(Subscribe(key=keys.display_key))
    for client in (late, reader):
        await client.receive_until(lambda message: isinstance(message, Bye) and message.code == 4404)
        await client.close()
    await leave(viewers)
    await subscriber.close()
    assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 404
    with database.opened(place) as file:
        for table in ("sessions", "moments", "reactions", "markers"):
            assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert file.execute("SELECT name FROM channels").fetchall() == [("other",)]
    assert (await request(relay.url, "GET", "other/sessions", other.display_key))[0] == 200
    again = relay.create_channel("demo")
    assert await listed(relay, again) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "demo"), ("DELETE", "demo/sessions/1"), ("PATCH", "demo/sessions/1"), ("POST", "demo/markers")],
)
async def test_only_the_admin_key_changes_anything(relay: Relay, keys: ChannelKeys, method: str, path: str) -> None:
    for key, status, name in ((keys.display_key, 403, "forbidden"), ("wrong", 401, "wrong_key")):
        answer = await request(relay.url, method, path, key, {})
        assert (answer[0], answer[1]["error"]["name"]) == (status, name)
    assert await listed(relay, keys) == []


async def test_old_sessions_are_deleted(tmp_path: Path, database_url: str) -> None:
    with database.opened(database.prepare(str(tmp_path), database_url)) as file:
        now = time.time()
        for number, days in ((1, 30), (2, 8), (3, 6)):
            ended = now - days * 86_400
            file.execute(
                "INSERT INTO sessions (channel, number, started, ended, tick_ms, min_viewers) "
                "VALUES (?, ?, ?, ?, 250, 5)",
                ("demo", number, ended - 60, ended),
            )
            file.execute("INSERT INTO markers VALUES ('demo', ?, ?, 'here')", (number, ended))
    settings = RelaySettings(port=0, data=str(tmp_path), database=database_url, retention_days=7)
    relay = await app.start(settings, Limits(clock_even=0))
    keys = relay.create_channel("demo")
    await wait_until(lambda: numbers(relay, keys, [3]))
    await relay.stop()
    with database.opened(database_url or tmp_path / database.FILE) as file:
        assert file.execute("SELECT session FROM markers").fetchall() == [(3,)]
