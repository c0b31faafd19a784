"""The relay that the OBS script starts: real processes, which end with who started them."""

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_relay
from obs_plugin.moodcast_relay import INSTALLED, LocalRelay, Result
from relay import app
from relay.common.leash import LONGEST_RELEASE_S, Leash
from tests.support import HANG_S, free_port, wait_until

ROOT = Path(__file__).parents[2]
RELAY = [sys.executable, "-m", "moodcast"]
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode(), end="", flush=True)
time.sleep(600)
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a script that was installed, on a machine with a free port and a data folder of its own."""
    monkeypatch.setenv("MOODCAST_PORT", str(free_port()))
    monkeypatch.setenv("MOODCAST_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / INSTALLED).write_text(json.dumps({"version": "1", "command": RELAY}))
    return tmp_path


def leave(script: LocalRelay) -> None:
    """Unload the script."""
    for thread in script.stop():
        thread.join(HANG_S)
        assert not thread.is_alive()


@pytest.fixture
def local(machine: Path) -> Iterator[LocalRelay]:
    script = LocalRelay(machine)
    yield script
    script.end()
    leave(script)
    for process in moodcast_relay._kept.ending:
        process.wait(HANG_S)
    script.end()  # which buries them
    assert moodcast_relay._kept.ending == []


async def result_of(script: LocalRelay) -> Result:
    """What became of what was asked for last."""
    taken: list[Result] = []

    def came() -> bool:
        taken.extend(script.take())
        return bool(taken)

    await wait_until(came)
    return taken[0]


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_relay_is_started_takes_a_channel_and_ends(local: LocalRelay) -> None:
    assert (local.state, local.url, local.lines()) == ("none", "", [])
    local.start()
    assert local.state == "starting"
    started = await result_of(local)
    assert started.relay == f"http://127.0.0.1:{os.environ['MOODCAST_PORT']}", started.sentence
    assert (local.state, local.url) == ("running", started.relay)
    assert local.lines() == [f"The relay on this machine runs at {started.relay} and ends with OBS."]
    local.create_channel(started.relay, "mine")
    made = await result_of(local)
    assert (made.relay, made.channel) == (started.relay, "mine")
    assert made.display_key
    assert made.admin_key
    local.create_channel(started.relay, "mine")
    again = await result_of(local)
    assert again == Result('The relay has a channel "mine" already: enter its keys, or choose another name.')
    pid = moodcast_relay._kept.process.pid
    local.end()
    assert local.state == "none"
    await wait_until(lambda: gone(pid))


async def test_a_script_that_is_loaded_again_goes_on_with_its_relay(machine: Path, local: LocalRelay) -> None:
    """For another scene collection the module stays; "reload scripts" runs it anew."""
    local.start()
    address = (await result_of(local)).relay
    process = moodcast_relay._kept.process
    leave(local)
    importlib.reload(moodcast_relay)
    later = moodcast_relay.LocalRelay(machine)
    try:
        assert later.url == address
        assert process.poll() is None
    finally:
        later.end()
    assert await asyncio.to_thread(process.wait, HANG_S) == 0


async def test_the_relay_ends_some_time_after_its_script(local: LocalRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moodcast_relay, "RELEASE_S", 0.1)
    local.start()
    await result_of(local)
    process = moodcast_relay._kept.process
    leave(local)
    assert await asyncio.to_thread(process.wait, HANG_S) == 0


async def test_a_relay_that_dies_is_told_and_can_be_started_again(local: LocalRelay) -> None:
    local.start()
    await result_of(local)
    process = moodcast_relay._kept.process
    process.kill()
    await asyncio.to_thread(process.wait, HANG_S)
    asked = [asyncio.to_thread(local.lines) for _ in range(8)]
    told = {line for lines in await asyncio.gather(*asked) for line in lines}
    assert told == {f"The relay on this machine does not run: it ended with exit code {process.returncode}."}
    local.start()
    assert (await result_of(local)).relay
    assert local.state == "running"


async def test_why_a_relay_does_not_start_is_told(
    machine: Path, local: LocalRelay, relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = relay.url.rsplit(":", 1)[1]
    monkeypatch.setenv("MOODCAST_PORT", port)
    monkeypatch.setattr(moodcast_relay, "ADDRESS", f"http://127.0.0.1:{free_port()}")  # no relay of the tester's own
    local.start()
    result = await result_of(local)
    assert not result.relay
    assert f"Another program listens on port {port}" in result.sentence
    assert local.state == "failed"
    assert f"Another program listens on port {port}" in local.lines()[0]


async def test_a_relay_that_runs_already_is_taken(
    local: LocalRelay, relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODCAST_PORT", relay.url.rsplit(":", 1)[1])
    monkeypatch.setattr(moodcast_relay, "ADDRESS", relay.url)
    local.start()
    assert await result_of(local) == Result(f"A relay runs on this machine already, at {relay.url}.", relay=relay.url)
    assert local.state == "none"


async def test_without_moodcast_it_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moodcast_relay, "command", lambda folder, environ: [])
    script = LocalRelay(tmp_path)
    script.start()
    result = await result_of(script)
    assert not result.relay
    assert "There is no Moodcast on this machine" in result.sentence
    assert "moodcast relay" in result.sentence
    leave(script)


@pytest.mark.skipif(sys.platform == "win32", reason="every file may be run there")
async def test_a_command_that_can_not_be_run_is_told(machine: Path, local: LocalRelay) -> None:
    (machine / INSTALLED).write_text(json.dumps({"command": [str(machine / INSTALLED)]}))
    local.start()
    result = await result_of(local)
    assert not result.relay
    assert "Moodcast can't be started here" in result.sentence
    assert local.state == "failed"


async def test_channels_of_other_relays_are_told_why_not(local: LocalRelay) -> None:
    local.create_channel("http://127.0.0.1:1", "no name")
    assert "Enter a name for the channel first" in (await result_of(local)).sentence
    local.create_channel(f"http://127.0.0.1:{free_port()}", "demo")
    assert "The relay is unreachable" in (await result_of(local)).sentence


@pytest.mark.parametrize(
    ("status", "error", "part"),
    [
        (403, {"code": 4403, "message": "no"}, "from its own machine only"),
        (401, {"code": 4401, "message": "no"}, "with its create key only"),
        (429, {"code": 4505, "message": "later\0"}, "The relay says: later"),
        (404, None, "is no Moodcast relay (HTTP 404)"),
    ],
)
def test_a_refusal_is_explained(status: int, error: object, part: str) -> None:
    assert part in moodcast_relay._no_channel("http://r", "demo", status, error)


async def test_a_relay_that_never_answers_holds_nothing_up(local: LocalRelay) -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        local.create_channel(f"http://127.0.0.1:{port}", "demo")
        await asyncio.wait_for(asked.wait(), HANG_S)
        await asyncio.to_thread(leave, local)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
async def test_the_relay_ends_when_who_started_it_is_killed(machine: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, *RELAY, "obs", "relay", stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    said = (await asyncio.wait_for(parent.stdout.readline(), HANG_S)).decode().split()
    pid, address = int(said[0]), said[1]
    assert address == f"http://127.0.0.1:{os.environ['MOODCAST_PORT']}"
    assert not gone(pid)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await wait_until(lambda: gone(pid))


def test_it_tells_its_address_alone(machine: Path) -> None:
    done = subprocess.run([*RELAY, "obs", "relay"], input=b"", capture_output=True, timeout=HANG_S, check=True)
    assert done.stdout.decode().split() == [f"http://127.0.0.1:{os.environ['MOODCAST_PORT']}"]


async def test_its_exit_code_says_that_the_port_is_in_use(machine: Path, relay: app.Relay) -> None:
    os.environ["MOODCAST_PORT"] = relay.url.rsplit(":", 1)[1]
    process = await asyncio.create_subprocess_exec(
        *RELAY, "obs", "relay", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), HANG_S)
    assert (process.returncode, output) == (33, b"")
    assert "\nmoodcast: Another program listens on port" in "\n" + errors.decode()


def test_the_command_is_the_installed_one_else_that_on_the_path(tmp_path: Path) -> None:
    found = tmp_path / ("moodcast.exe" if os.name == "nt" else "moodcast")
    found.write_text("")
    found.chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    assert moodcast_relay.command(tmp_path, environ) == [str(found), "obs", "relay"]
    for note in ("", "[]", '{"command": []}', '{"command": ["/no/such/python"]}', '{"command": [1]}'):
        (tmp_path / INSTALLED).write_text(note)
        assert moodcast_relay.command(tmp_path, environ) == [str(found), "obs", "relay"]
    (tmp_path / INSTALLED).write_text(json.dumps({"command": RELAY}))
    assert moodcast_relay.command(tmp_path, environ) == [*RELAY, "obs", "relay"]


@given(st.lists(st.binary(max_size=300)))
def test_a_leash_takes_any_bytes(chunks: list[bytes]) -> None:
    leash = Leash()
    for chunk in chunks:
        leash.feed(chunk, 0.0)
        assert len(leash._rest) < 500
        assert leash.until >= 0


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_leash_is_let_go_and_taken_up(cut: int) -> None:
    leash, text = Leash(), b"release 20\n"
    for piece in (text[:cut], text[cut:]):
        leash.feed(piece, 5.0)
    assert leash.until == 25.0
    leash.feed(b"nonsense\nrelease -1\nrelease nan\nrelease 1e9\n", 6.0)
    assert leash.until == 25.0
    leash.feed(b"hold\n", 7.0)
    assert leash.until > LONGEST_RELEASE_S
