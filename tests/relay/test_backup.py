"""Backups, made while a relay writes, and what a relay finds in them: ours, pg_dump's, and plain copies."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import moodcast
from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.errors import BackupError, DataFolderError
from relay.store import database
from relay.store.channels import ChannelKeys, Channels
from tests import full_disk
from tests.postgres import PostgresServer
from tests.support import SOON, Viewer, free_port, request, subscribe, wait_until

ROOT = Path(__file__).parents[2]
PASSWORD = "open sesame"


class Evening(NamedTuple):
    """A relay in the middle of a session, and what is known of its channel ``demo``."""

    relay: Relay
    keys: ChannelKeys


@contextlib.asynccontextmanager
async def evening(settings: RelaySettings) -> AsyncIterator[Evening]:
    """A relay with viewers who go on sharing, another expression at each tick; its session has two seconds so far."""
    relay = await app.start(settings, SOON)
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": PASSWORD})
    viewers = [await Viewer.connect(relay.url, "demo", await ticket(relay)) for _ in range(3)]

    async def share() -> None:
        while True:
            for viewer in viewers:
                await viewer.label("happy")
                await viewer.tap("clap")
            await asyncio.sleep(0.1)
            for viewer in viewers:
                await viewer.label("sad")
            await asyncio.sleep(0.1)

    sharing = asyncio.create_task(share())
    try:

        async def stored() -> bool:
            return len(await moments(relay, keys)) >= 2

        await wait_until(stored)
        marked, _ = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "here"})
        assert marked == 201
        yield Evening(relay, keys)
    finally:
        sharing.cancel()
        for viewer in viewers:
            await viewer.close()
        await relay.stop()


async def ticket(relay: Relay) -> str:
    status, body = await request(relay.url, "POST", "demo/tickets", "", {"password": PASSWORD})
    assert status == 201
    return str(body["ticket"])


async def moments(relay: Relay, keys: ChannelKeys) -> list[dict[str, Any]]:
    status, body = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
    return list(body["moments"]) if status == 200 else []


async def assert_restored(settings: RelaySettings, before: Evening, old_ticket: str, least: int) -> None:
    """A relay on the copy knows the channel, keys and password; its history is the original's up to the copy."""
    relay = await app.start(settings, SOON)
    try:
        kept = await moments(relay, before.keys)
        assert len(kept) >= least
        assert kept == (await moments(before.relay, before.keys))[: len(kept)]
        assert (await request(relay.url, "GET", "demo/sessions", "another"))[0] == 401
        named = await request(relay.url, "PATCH", "demo/sessions/1", before.keys.admin_key, {"name": "Restored"})
        assert named[0] == 200
        assert (await request(relay.url, "POST", "demo/tickets", "", {"password": "another"}))[0] == 403
        status, text = await request(relay.url, "GET", "demo/sessions/1.csv", before.keys.display_key)
        assert (status, len(text.splitlines())) == (200, len(kept) + 1)
        # A ticket from before opens it, and a new one.
        for each in (old_ticket, await ticket(relay)):
            async with (
                await Viewer.connect(relay.url, "demo", each) as viewer,
                await subscribe(relay.url, "demo", before.keys.display_key) as overlay,
            ):
                await viewer.label("happy")
                await overlay.mood(lambda mood: mood.visible)
    finally:
        await relay.stop()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# --- SQLite ----------------------------------------------------------------------------------------------------------


async def command(*arguments: str) -> tuple[int, str]:
    """``moodcast relay`` with these arguments as a process: exit code, and all that it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "moodcast",
        "relay",
        *arguments,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def options(folder: Path, **more: Any) -> RelaySettings:
    return RelaySettings(port=0, data=str(folder), tick_ms=50, min_viewers=1, **more)


async def test_a_copy_made_while_the_relay_writes_is_whole(tmp_path: Path) -> None:
    data, restored = tmp_path / "relay", tmp_path / "restored"
    restored.mkdir()
    async with evening(options(data)) as before:
        old_ticket, least = await ticket(before.relay), len(await moments(before.relay, before.keys))
        code, said = await command("--data", str(data), "--backup", str(restored / database.FILE))
        assert (code, "is copied to" in said) == (0, True), said
        assert (restored / database.FILE).stat().st_mode & 0o077 == 0
        assert names(restored) == [database.FILE]
        await assert_restored(options(restored), before, old_ticket, least)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3: install the package sqlite3")
async def test_so_is_one_of_sqlites_own_program(tmp_path: Path) -> None:
    data, restored = tmp_path / "relay", tmp_path / "restored"
    restored.mkdir()
    async with evening(options(data)) as before:
        old_ticket, least = await ticket(before.relay), len(await moments(before.relay, before.keys))
        backup = ["sqlite3", str(data / database.FILE), f".backup {restored / database.FILE}"]
        await asyncio.to_thread(subprocess.run, backup, check=True, timeout=60)
        await assert_restored(options(restored), before, old_ticket, least)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_a_plain_copy_of_the_whole_folder_is_one_once_the_relay_is_gone(tmp_path: Path) -> None:
    """Of one that was killed, the newest seconds stand beside the file: without ``-wal`` they are lost."""
    data = tmp_path / "relay"
    keys = Channels(database.prepare(str(data))).create("demo")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "relay", "--data", str(data), "--port", str(port), "--min-viewers", "1",
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    async def runs() -> bool:
        with contextlib.suppress(OSError):
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            return True
        return False

    await wait_until(runs)
    async with await Viewer.connect(url, "demo") as viewer:
        await viewer.label("happy")

        async def stored() -> bool:
            status, body = await request(url, "GET", "demo/sessions/1", keys.display_key)
            return status == 200 and len(body["moments"]) >= 1

        await wait_until(stored)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    alone, whole = tmp_path / "alone", tmp_path / "whole"
    alone.mkdir()
    shutil.copy(data / database.FILE, alone)
    shutil.copytree(data, whole)

    def seconds(folder: Path) -> int:
        with database.opened(database.prepare(str(folder))) as file:
            return int(file.execute("SELECT count(*) FROM moments").fetchone()[0])

    assert seconds(alone) == 0
    assert seconds(whole) >= 1


def test_a_backup_overwrites_nothing_and_is_of_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, there = tmp_path / "relay", tmp_path / "there"
    arguments = ["relay", "--data", str(data), "--backup"]
    assert moodcast.main([*arguments, str(there)]) == BackupError.exit_code
    assert f"no database in {data}" in capsys.readouterr().err
    assert not data.exists()
    database.prepare(str(data))
    there.write_text("last week's")
    assert moodcast.main([*arguments, str(there)]) == BackupError.exit_code
    assert "overwrites nothing" in capsys.readouterr().err
    assert there.read_text() == "last week's"
    assert moodcast.main([*arguments, str(tmp_path / "nowhere" / "copy")]) == BackupError.exit_code
    assert "a folder that is there" in capsys.readouterr().err
    url = "postgresql://h/x"
    assert moodcast.main([*arguments, str(tmp_path / "copy"), "--database", url]) == BackupError.exit_code
    assert "pg_dump" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="a disk of one's own, as Linux has it")
def test_of_a_backup_that_finds_no_room_nothing_is_left(tmp_path: Path) -> None:
    place = database.prepare(str(tmp_path / "relay"))
    code = """
import moodcast

fill()
code = moodcast.main(["relay", "--data", sys.argv[2], "--backup", str(disk / "copy")])
print(code, [path.name for path in disk.iterdir()])
"""
    done = full_disk.run(code, tmp_path / "disk", "64k", str(tmp_path / "relay"))
    assert done.stdout.split(maxsplit=1) == [str(BackupError.exit_code), "['filler']\n"], done
    assert f"{place} can't be copied" in done.stderr
    assert "has room for it" in done.stderr


# --- what a relay says of a copy that is none ------------------------------------------------------------------------


def spoil(path: Path) -> None:
    """Overwrite the middle of the table of moments, as a disk does that fails."""
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = DELETE")  # all is in the file now
        size = file.execute("PRAGMA page_size").fetchone()[0]
        page = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'moments'").fetchone()[0]
    with path.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xa5" * size)


async def test_a_damaged_history_is_told_by_the_relay_and_by_the_next_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not found at the start, since that reads no history: channels go on, their past is missing."""
    place = database.prepare(str(tmp_path))
    assert isinstance(place, Path)
    keys = Channels(place).create("demo")
    with database.opened(place) as file:
        file.execute("INSERT INTO sessions VALUES ('demo', 1, 100, 160, 250, 5, '')")
    spoil(place)
    relay = await app.start(options(tmp_path), SOON)
    status, body = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
    await relay.stop()
    assert (status, "restore a backup" in str(body)) == (503, True)
    copy = tmp_path / "copy"
    assert moodcast.main(["relay", "--data", str(tmp_path), "--backup", str(copy)]) == BackupError.exit_code
    assert "damaged: restore a backup" in capsys.readouterr().err
    assert not [name for name in names(tmp_path) if "copy" in name]


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = database.prepare(str(tmp_path))
    assert isinstance(path, Path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataFolderError, match=r"damaged: restore a backup"):
        database.prepare(str(tmp_path))


STRANGER = """
import os, sys
from relay.errors import DataFolderError
from relay.store import database

if not os.geteuid():  # may do everything
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    database.prepare(sys.argv[1])
except DataFolderError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes as POSIX has them")
@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_is_another_users_is_told(mode: int) -> None:
    """As after a restore by root: the relay's own user may not write it, or not even read it."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o777)
        place = database.prepare(folder)
        assert isinstance(place, Path)
        place.chmod(mode)
        program = [sys.executable, "-c", STRANGER, folder]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "can't keep its data" in done.stdout
    assert "writable" in done.stdout


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


async def test_a_dump_made_while_the_relay_writes_is_whole(postgres: PostgresServer, tmp_path: Path) -> None:
    if shutil.which("pg_dump") is None or shutil.which("pg_restore") is None:
        pytest.skip("no pg_dump: install the package postgresql-client")
    url, restored = postgres.new_database(), postgres.new_database()
    dump = str(tmp_path / "moodcast.dump")
    async with evening(options(tmp_path, database=url)) as before:
        old_ticket, least = await ticket(before.relay), len(await moments(before.relay, before.keys))
        for arguments in (
            ["pg_dump", "--format=custom", "--file", dump, url],
            ["pg_restore", "--clean", "--if-exists", "--dbname", restored, dump],
        ):
            await asyncio.to_thread(subprocess.run, arguments, check=True, timeout=60)
        await assert_restored(options(tmp_path, database=restored), before, old_ticket, least)
