"""The relay as a program: start, stop, run, and what goes wrong."""

import asyncio
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from relay import app, protocol
from relay.app import Relay
from relay.config import RelaySettings
from relay.core import qr
from relay.errors import AddressError, DataFolderError, PortInUseError
from relay.store.database import FILE
from tests.support import HANG_S, Viewer, free_port, request, subscribe, wait_until
from tests.terminals import open_terminal


async def test_a_busy_port_is_named(relay: Relay, tmp_path: Path) -> None:
    port = int(relay.url.rsplit(":", 1)[1])
    with pytest.raises(PortInUseError, match=f"port {port}") as error:
        await app.start(RelaySettings(port=port, data=str(tmp_path / "other")))
    assert error.value.exit_code == 33
    assert "--port" in str(error.value)


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
async def test_an_address_of_another_machine_is_named(tmp_path: Path, host: str) -> None:
    with pytest.raises(AddressError, match=host):
        await app.start(RelaySettings(host=host, port=0, data=str(tmp_path)))


@pytest.mark.parametrize("broken", ["a file for a folder", "no database", "a newer database"])
async def test_an_unusable_data_folder_is_named(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "data"
    if broken == "a file for a folder":
        folder.write_text("x")
    else:
        folder.mkdir()
    if broken == "no database":
        (folder / FILE).write_text("this is no database, however long one looks at it" * 100)
    if broken == "a newer database":
        with sqlite3.connect(folder / FILE) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    port = free_port()
    with pytest.raises(DataFolderError) as error:
        await app.start(RelaySettings(port=port, data=str(folder)))
    assert error.value.exit_code == 34
    assert str(folder) in str(error.value)
    assert "--data" in str(error.value)
    await (await app.start(RelaySettings(port=port, data=str(tmp_path / "good")))).stop()  # the port is free again


async def test_the_data_folder_is_private(relay: Relay, tmp_path: Path) -> None:
    assert (tmp_path / "relay").stat().st_mode & 0o077 == 0


async def test_channels_and_keys_survive_a_restart(tmp_path: Path) -> None:
    settings = RelaySettings(port=0, data=str(tmp_path), tick_ms=50)
    relay = await app.start(settings)
    keys = relay.create_channel("demo")
    await relay.stop()
    await relay.stop()  # a second time does nothing
    relay = await app.start(settings)
    assert relay.has_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        await client.mood()
    await relay.stop()


async def test_ipv6(tmp_path: Path) -> None:
    try:
        relay = await app.start(RelaySettings(host="::1", port=0, data=str(tmp_path)))
    except AddressError:
        pytest.skip("no IPv6 on this machine")
    async with aiohttp.ClientSession() as session, session.get(relay.url + "/healthz") as response:
        assert response.status == 200
    await relay.stop()


RUN = "import sys; from relay import program; from relay.config import RelaySettings; " \
    "sys.exit(program.run(RelaySettings(port=int(sys.argv[1]), data=sys.argv[2], channel='demo')))"  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_program_tells_its_addresses_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async def run() -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, "0", str(tmp_path / "data"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdout
        first = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        url = next(word for word in first.split() if word.startswith("http"))
        async with aiohttp.ClientSession() as session, session.get(url + "/healthz") as response:
            assert (await response.json())["status"] == "ok"
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        assert b"Traceback" not in err
        return first + out.decode()

    first = await run()
    key = next(line.split()[-1] for line in first.splitlines() if "Display key" in line)
    assert f"/overlay?channel=demo#key={key}" in first
    again = await run()
    assert key not in again
    assert "demo" in again


SLOWLY = "import sys; from relay.program import run; from relay.live import drain; drain.COME_BACK_PER_S = 0.01; " \
    "from relay.config import RelaySettings; " \
    "sys.exit(run(RelaySettings(port=0, data=sys.argv[1], channel='demo', drain_seconds=100)))"  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
async def test_sigterm_drains_and_a_second_signal_stops_at_once(tmp_path: Path, second: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLOWLY, str(tmp_path / "data"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout
    first = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    url = next(word for word in first.split() if word.startswith("http"))
    async with await Viewer.connect(url) as one, await Viewer.connect(url) as other, aiohttp.ClientSession() as session:
        process.send_signal(signal.SIGTERM)
        told, _ = await asyncio.wait(
            [asyncio.create_task(_goodbye(viewer)) for viewer in (one, other)], return_when=asyncio.FIRST_COMPLETED
        )
        assert len(told) == 1  # the other's turn comes in 50 seconds
        async with session.get(url + "/readyz") as response:
            assert response.status == 503
        async with session.get(url + "/healthz") as response:
            assert response.status == 200
        process.send_signal(second)
        _, err = await asyncio.wait_for(process.communicate(), 60)
        await wait_until(lambda: one.close_code == other.close_code == protocol.SHUTTING_DOWN.number)
    assert process.returncode == 0
    assert b"Traceback" not in err


async def _goodbye(viewer: Viewer) -> None:
    while await viewer.receive(30) is not None:
        pass


INVITING = "import sys; from relay.program import run; from relay.config import RelaySettings; " \
    "sys.exit(run(RelaySettings(port=0, data=sys.argv[1], channel='demo', proxies=1, hosts='mood.example.org', " \
    "public_url=sys.argv[2])))"  # fmt: skip
LINK = "https://mood.example.org/join/demo"
DRAWN = "\n".join(qr.terminal(LINK))


def introduced(data: Path, public_url: str, screen: tuple[int, int] | None = None, **environ: str) -> str:
    """What the program prints, to a pipe or to a terminal (``screen``), until it has said all."""
    process = subprocess.Popen(
        [sys.executable, "-c", INVITING, str(data), public_url],
        stdout=screen[1] if screen else subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "80"} | environ,
    )  # fmt: skip
    try:
        text = b""
        source = screen[0] if screen else process.stdout.fileno()  # type: ignore[union-attr]
        while (b"keep them." if public_url else b"reach it by.") not in text:
            assert select.select([source], [], [], HANG_S)[0], text
            text += os.read(source, 65536)
    finally:
        process.kill()
        process.communicate()
    return text.decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="select takes sockets alone")
def test_the_program_tells_the_channels_invitation(tmp_path: Path) -> None:
    told = introduced(tmp_path / "one", "https://mood.example.org")
    assert f"  Invitation   {LINK}\n" in told
    assert "\u2588" not in told  # a file has no use for a picture
    assert "Only this machine" not in told
    told = introduced(tmp_path / "other", "")
    assert re.search(r"  Invitation   http://127.0.0.1:\d+/join/demo\n", told)
    assert "Only this machine can open the invitation" in told
    assert "--public-url" in told


def test_a_terminal_shows_the_invitation_as_a_picture_before_the_keys(tmp_path: Path) -> None:
    ours, theirs = open_terminal()
    told = introduced(tmp_path / "wide", "https://mood.example.org", (ours, theirs))
    assert told.index(DRAWN) < told.index("Admin key") < told.index(LINK)
    for name, public_url, environ in (
        ("narrow", "https://mood.example.org", {"COLUMNS": "30"}),
        ("old", "https://mood.example.org", {"PYTHONIOENCODING": "latin-1"}),
        ("alone", "", {}),  # no phone gets there
    ):
        assert "\u2588" not in introduced(tmp_path / name, public_url, (ours, theirs), **environ), name
    os.close(ours)
    os.close(theirs)


async def test_an_invitation_without_the_channels_password_says_so(relay: Relay) -> None:
    key = relay.create_channel("demo").admin_key
    assert [note for note in relay.invitation("demo")[1] if "password" in note] == []
    await request(relay.url, "PUT", "demo/password", key, {"password": "sesame"})
    link, notes = relay.invitation("demo")
    assert link == f"{relay.url}/join/demo"
    assert [note for note in notes if "viewers are asked for it" in note]
