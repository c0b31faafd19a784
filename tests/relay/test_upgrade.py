"""Databases that the code of 0.1.0 made, opened by today's relay. ``tests/fixtures/make_database.py`` made them."""

import contextlib
import csv
import io
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.errors import DataFolderError
from relay.store import database
from tests import full_disk
from tests.postgres import PostgresServer
from tests.support import SOON, Viewer, request, subscribe, wait_until

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = ["database-0.1.0-first", "database-0.1.0"]


def put(name: str, folder: Path) -> Path:
    """A copy of the fixture where a relay looks for its database."""
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(FIXTURES / f"{name}.sqlite3", folder / database.FILE))


def tables(path: Path) -> list[str]:
    """All that is in a sound file, as SQL, with the version of its tables."""
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [*file.iterdump(), str(file.execute("PRAGMA user_version").fetchone())]


# --- what is kept ----------------------------------------------------------------------------------------------------


async def ask(relay: Relay, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    return await request(relay.url, method, path, key, body)


def assert_keeps(now: Any, before: Any) -> None:
    """Whatever stood in the answer stands in it still; more may have come."""
    if isinstance(before, dict):
        for key, value in before.items():
            assert_keeps(now[key], value)
    elif isinstance(before, list):
        assert len(now) == len(before)
        for one, other in zip(now, before, strict=True):
            assert_keeps(one, other)
    else:
        assert now == before


@pytest.mark.parametrize("name", FILES)
async def test_todays_relay_keeps_what_0_1_0_stored(name: str, tmp_path: Path) -> None:
    put(name, tmp_path)
    await assert_keeps_all(name, RelaySettings(port=0, data=str(tmp_path), min_viewers=1))


async def test_todays_relay_keeps_what_0_1_0_stored_on_a_server(postgres: PostgresServer) -> None:
    import psycopg

    name, url = "database-0.1.0-postgres", postgres.new_database()
    lines = (FIXTURES / f"{name}.sql").read_text().splitlines()
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as server:
        # Some lines are psql's own.
        server.execute("\n".join(line for line in lines if not line.startswith("\\")).encode())
    await assert_keeps_all(name, RelaySettings(port=0, database=url, min_viewers=1))


async def assert_keeps_all(name: str, settings: RelaySettings) -> None:
    """A relay with these settings, in front of the fixture."""
    known = json.loads((FIXTURES / f"{name}.json").read_text())
    relay = await app.start(settings, SOON)
    try:
        await assert_history(relay, known)
        await assert_keys(relay, known)
        await assert_goes_on(relay, known)
    finally:
        await relay.stop()


async def assert_history(relay: Relay, known: dict[str, Any]) -> None:
    key = known["display_key"]
    for what, path in (("sessions", "demo/sessions"), ("session", "demo/sessions/1")):
        assert_keeps((await ask(relay, "GET", path, key))[1], known[what])
    status, text = await ask(relay, "GET", "demo/sessions/1.csv", key)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (status, len(rows)) == (200, len(known["session"]["moments"]))
    if known["csv"]:  # the first code had none
        assert_keeps(rows, list(csv.DictReader(io.StringIO(known["csv"]))))
    assert (await ask(relay, "GET", "demo/sessions/1/peaks", key))[0] == 200


async def assert_keys(relay: Relay, known: dict[str, Any]) -> None:
    """Both keys and the password are worth what they were."""
    assert (await ask(relay, "GET", "demo/sessions", "wrong"))[0] == 401
    assert (await ask(relay, "PATCH", "demo/sessions/1", known["display_key"], {"name": "x"}))[0] == 403
    assert (await ask(relay, "PATCH", "demo/sessions/1", known["admin_key"], {"name": "x"}))[0] == 200
    assert (await ask(relay, "POST", "demo/tickets", "", {"password": known["password"]}))[0] == 201
    refused = (await ask(relay, "POST", "demo/tickets", "", {"password": "wrong"}))[0]
    assert refused == (403 if known["password"] else 201)


async def assert_goes_on(relay: Relay, known: dict[str, Any]) -> None:
    """What comes next is stored beside it."""
    body = {"password": known["password"]}
    ticket = (await ask(relay, "POST", "demo/tickets", "", body))[1]["ticket"]
    async with (
        await Viewer.connect(relay.url, "demo", ticket) as viewer,
        await subscribe(relay.url, "demo", known["display_key"]) as overlay,
    ):
        await viewer.label("happy")
        await overlay.mood(lambda mood: mood.visible)

        async def stored() -> bool:
            status, found = await ask(relay, "GET", "demo/sessions/current", known["display_key"])
            return status == 200 and any(
                moment["time"] > known["sessions"]["sessions"][0]["ended"] for moment in found["moments"]
            )

        await wait_until(stored)


# --- an upgrade that is interrupted ----------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from relay.store import database

left = int(sys.argv[2])
execute = database.Connection.execute


def until_killed(self, statement, values=()):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return execute(self, statement, values)


database.Connection.execute = until_killed
database.prepare(sys.argv[1])
"""
"""Upgrades the database in a folder, and is killed before its n-th statement."""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_an_upgrade_that_is_killed_leaves_the_old_database(tmp_path: Path) -> None:
    """Wherever it is killed, the next one is as if it were the first."""
    path = put("database-0.1.0", tmp_path)
    before = tables(path)
    for statements in (3, 5, 9):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(statements)]
        done = subprocess.run(command, cwd=FIXTURES.parents[1], check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert tables(path) == before
    database.prepare(str(tmp_path))
    assert tables(path)[-1] == str((database.VERSION,))


FULL = """
import shutil
from relay.errors import DataFolderError
from relay.store import database

shutil.copy(sys.argv[2], disk / database.FILE)
fill()
try:
    database.prepare(str(disk))
except DataFolderError as error:
    print(error)
shutil.copytree(disk, sys.argv[3])
(disk / "filler").unlink()
database.prepare(str(disk))
shutil.copy(disk / database.FILE, sys.argv[4])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a disk of one's own, as Linux has it")
def test_an_upgrade_on_a_full_disk_leaves_the_old_database(tmp_path: Path) -> None:
    before = tables(put("database-0.1.0", tmp_path / "before"))
    full, freed = tmp_path / "full", tmp_path / "freed.sqlite3"
    source = str(FIXTURES / "database-0.1.0.sqlite3")
    done = full_disk.run(FULL, tmp_path / "disk", "256k", source, str(full), str(freed))
    assert done.returncode == 0, done.stderr
    assert "The disk of the relay's database is full" in done.stdout
    (full / "filler").unlink()
    assert tables(full / database.FILE) == before
    assert tables(freed)[-1] == str((database.VERSION,))


def test_a_file_of_a_newer_moodcast_is_left_alone(tmp_path: Path) -> None:
    path = put("database-0.1.0", tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    before = tables(path)
    with pytest.raises(DataFolderError, match=r"made by a newer Moodcast.*update Moodcast"):
        database.prepare(str(tmp_path))
    assert tables(path) == before
