"""A database that refuses: every address answers 503 with what is wrong, and the log has no traceback."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.errors import DataFolderError
from relay.http.endpoints import DATABASE_RETRY_S
from relay.protocol import Status
from relay.store import database
from relay.store.channels import ChannelKeys
from relay.store.database import DatabaseError
from tests.postgres import PostgresServer
from tests.support import audience, leave, request, subscribe, wait_until

CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "", {"channel": "new"}),
    ("POST", "/demo/keys", {"rotate": "admin"}),
    ("POST", "/demo/keys", {"rotate": "display"}),
    ("PUT", "/demo/password", {"password": "sesame"}),
    ("PUT", "/demo/password", {"password": ""}),
    ("PATCH", "/demo/sessions/1", {"name": "Opening night"}),
    ("DELETE", "/demo/sessions/1", None),
    ("DELETE", "/demo", None),
]
READS = [f"/demo/sessions{rest}" for rest in ("", "/1", "/1.csv", "/1.json", "/1/peaks")]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a lock."""
    monkeypatch.setattr(database, "WAIT_S", 0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay" / database.FILE


@pytest.fixture
async def keys(relay: Relay) -> ChannelKeys:
    """Of a channel with a session that has a moment."""
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"])

    async def stored() -> bool:
        return (await request(relay.url, "GET", "demo/sessions/1", keys.display_key))[0] == 200

    await wait_until(stored)
    await leave(viewers)
    return keys


@contextlib.contextmanager
def locked(path: Path, readers_too: bool = False) -> Iterator[None]:
    """Another program writes the file, for as long as the block lasts."""
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as other:
        if readers_too:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


async def answer(relay: Relay, keys: ChannelKeys, method: str, path: str, body: Any) -> tuple[int, str, str]:
    """Status, sentence and Retry-After."""
    headers = {"Authorization": f"Bearer {keys.admin_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{relay.url}/v1/channels{path}", json=body) as response,
    ):
        text = "" if response.status < 400 else (await response.json())["error"]["message"]
        return response.status, text, response.headers.get("Retry-After", "")


@pytest.mark.parametrize(("method", "address", "body"), CHANGES)
async def test_a_locked_file_is_called_locked(
    relay: Relay, keys: ChannelKeys, path: Path, method: str, address: str, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(path):
        status, sentence, retry = await answer(relay, keys, method, address, body)
    assert (status, retry) == (503, str(DATABASE_RETRY_S))
    assert "holds the lock" in sentence
    assert "disk" not in sentence
    assert [record for record in caplog.records if record.exc_info] == []
    assert (await answer(relay, keys, "GET", "/demo/sessions", None))[0] == 200  # the admin key still opens


async def test_reading_and_marking_go_on_beside_a_writer(relay: Relay, keys: ChannelKeys, path: Path) -> None:
    viewers = await audience(relay.url, "demo", ["happy"])
    with locked(path):
        for address in READS:
            assert (await answer(relay, keys, "GET", address, None))[0] == 200
        assert (await answer(relay, keys, "POST", "/demo/tickets", {}))[0] == 201
        assert (await answer(relay, keys, "POST", "/demo/markers", {"text": "here"}))[0] == 201

    async def marked() -> bool:
        _, body = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
        return [marker["text"] for marker in body["markers"]] == ["here"]

    await wait_until(marked)  # as soon as there is no lock
    await leave(viewers)


async def test_a_file_that_nobody_else_may_read_is_called_locked(relay: Relay, path: Path) -> None:
    keys = relay.create_channel("demo")
    with locked(path, readers_too=True):
        for address in READS:
            status, sentence, retry = await answer(relay, keys, "GET", address, None)
            assert (status, retry) == (503, str(DATABASE_RETRY_S))
            assert "holds the lock" in sentence


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: sqlite3.connect(f"file:{path}?mode=ro", uri=True), "may only read"),
        (lambda path: sqlite3.connect(path.parent / "none" / "file"), "can't open"),
        (lambda path: _small(path), "is full"),
        (lambda path: _damaged(path), "is damaged"),
    ],
)
def test_the_reason_is_told_and_no_path(tmp_path: Path, make: Callable[[Path], sqlite3.Connection], told: str) -> None:
    """With SQLite's own errors."""
    path = database.prepare(str(tmp_path))
    assert isinstance(path, Path)
    with (
        pytest.raises(DatabaseError) as error,
        database.errors_of(sqlite3),
        contextlib.closing(make(path)) as file,
    ):
        file.execute("INSERT INTO markers VALUES ('demo', 1, 1.0, ?)", ("x" * 10**6,))
    assert told in error.value.sentence
    assert str(tmp_path) not in error.value.sentence


def _small(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path)
    file.execute("PRAGMA max_page_count = 20")
    return file


def _damaged(path: Path) -> sqlite3.Connection:
    path.write_bytes(b"no database" * 1000)
    return sqlite3.connect(path)


async def test_a_server_that_is_away_is_called_that(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    relay = await app.start(RelaySettings(port=0, database=url, data=str(tmp_path)))
    keys = relay.create_channel("demo")
    await asyncio.to_thread(postgres.stop)
    try:
        for method, address, body in [*CHANGES, *(("GET", address, None) for address in READS)]:
            status, sentence, retry = await answer(relay, keys, method, address, body)
            assert (status, retry) == (503, str(DATABASE_RETRY_S))
            assert "database server refuses or does not answer" in sentence
            assert "127.0.0.1" not in sentence
    finally:
        await asyncio.to_thread(postgres.start)
    assert (await answer(relay, keys, "POST", "/demo/keys", {"rotate": "display"}))[0] == 200
    await relay.stop()


def test_at_the_start_the_reason_is_told_as_well(tmp_path: Path) -> None:
    path = database.prepare(str(tmp_path))
    assert isinstance(path, Path)
    for look in (database.prepare, database.try_out):
        with locked(path), pytest.raises(DataFolderError, match="holds the lock") as error:
            look(str(tmp_path))
        assert "writable" not in str(error.value)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DataFolderError, match="is damaged") as error:
        database.prepare(str(tmp_path))
    assert "writable" not in str(error.value)


async def test_a_first_channel_that_a_lock_keeps_out(relay: Relay, path: Path) -> None:
    with locked(path), pytest.raises(DataFolderError, match="holds the lock"):
        relay.create_channel("demo")


@pytest.mark.slow
async def test_the_streamer_is_warned_of_a_lock_and_not_of_a_full_disk(
    relay: Relay, keys: ChannelKeys, path: Path
) -> None:
    viewers = await audience(relay.url, "demo", ["happy"])
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        with locked(path):
            status = await client.receive_until(lambda message: isinstance(message, Status) and bool(message.warnings))
        assert "holds the lock" in status.warnings[0]
        assert "space" not in status.warnings[0]
        await client.receive_until(lambda message: isinstance(message, Status) and not message.warnings)
    await leave(viewers)
