"""One database, several relays: only those of a cluster may share it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import moodcast
from relay import app
from relay.config import RelaySettings
from relay.errors import DatabaseInUseError, DataFolderError, PortInUseError
from relay.store import claim, database
from relay.store.claim import claim_database
from tests.postgres import PostgresServer
from tests.support import Viewer, free_port, request

ROOT = Path(__file__).parents[2]
PORTS = (8001, 8002)


@contextlib.contextmanager
def refused(match: str = "Another relay") -> Iterator[pytest.ExceptionInfo[DatabaseInUseError]]:
    """A claim is refused, and without waiting: who has the database is not about to end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim, "WAIT_S", 0.0)
        with pytest.raises(DatabaseInUseError, match=match) as error:
            yield error


@contextlib.asynccontextmanager
async def relay_process(folder: Path, url: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """``moodcast relay`` as a program that has said where it listens, or ended; and its port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "relay", "--port", str(port), "--data", str(folder), "--database", url,
        "--channel", "demo",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.readline(), 60)
        yield process, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
async def test_the_second_of_two_relays_refuses_and_names_the_first(tmp_path: Path, database_url: str) -> None:
    async with relay_process(tmp_path, database_url) as (first, port):
        assert first.returncode is None
        async with relay_process(tmp_path, database_url) as (second, _):
            assert await asyncio.wait_for(second.wait(), 60) == DatabaseInUseError.exit_code
            assert second.stderr is not None
            said = (await second.stderr.read()).decode().splitlines()[-1]
        for part in (f"process {first.pid}", f"port {port}", "stop that one", "--cluster"):
            assert part in said
        assert (await request(f"http://127.0.0.1:{port}", "GET", "demo/sessions", "wrong"))[0] == 401
        first.send_signal(signal.SIGKILL)
        await first.wait()
        async with relay_process(tmp_path, database_url) as (third, port):
            assert third.returncode is None
            assert (await request(f"http://127.0.0.1:{port}", "GET", "demo/sessions", "wrong"))[0] == 401


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_only_who_shares_gets_in_beside_who_shares(
    tmp_path: Path, database_url: str, first: bool, second: bool
) -> None:
    held = claim_database(str(tmp_path), database_url, first, PORTS[0])
    if first and second:
        claim_database(str(tmp_path), database_url, second, PORTS[1]).release()
    else:
        for port in (PORTS[1], None):
            with refused(f"process {os.getpid()} on .*, port {PORTS[0]}"):
                claim_database(str(tmp_path), database_url, second, port)
    held.release()
    claim_database(str(tmp_path), database_url, False, PORTS[1]).release()


def test_of_those_who_share_the_ones_that_are_still_there_are_named(tmp_path: Path, database_url: str) -> None:
    claim_database(str(tmp_path), database_url, False, 9000).release()
    first, second = (claim_database(str(tmp_path), database_url, True, port) for port in PORTS)
    second.release()
    with refused() as error:
        claim_database(str(tmp_path), database_url, False, None)
    assert f"port {PORTS[0]}" in str(error.value)
    assert f"port {PORTS[1]}" not in str(error.value)
    assert "port 9000" not in str(error.value)
    first.release()


@pytest.mark.slow
def test_nodes_that_were_killed_leave_few_names(tmp_path: Path) -> None:
    held = [claim_database(str(tmp_path), "", True, port) for port in range(9000, 9030)]
    with refused() as error:
        claim_database(str(tmp_path), "", False, None)
    assert "port 9029" in str(error.value)
    assert len(str(error.value)) < 1000
    for one in held:
        one.release()


def test_a_file_with_a_second_name_is_refused(tmp_path: Path) -> None:
    """A hard link: under each name SQLite would keep another list of what is new, and nobody could see the other."""
    database.prepare(str(tmp_path / "one"))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / database.FILE).hardlink_to(tmp_path / "one" / database.FILE)
    for look in (database.prepare, database.try_out):
        for folder in ("one", "two"):
            with pytest.raises(DataFolderError, match="hard link"):
                look(str(tmp_path / folder))
    (tmp_path / "two" / database.FILE).unlink()
    database.prepare(str(tmp_path / "one"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators")
@pytest.mark.parametrize("linked", ["folder", "file"])
def test_a_link_leads_to_the_same_file(tmp_path: Path, linked: str) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    database.prepare(str(real))
    if linked == "folder":
        link.symlink_to(real)
    else:
        link.mkdir()
        (link / database.FILE).symlink_to(real / database.FILE)
    held = claim_database(str(real), "", False, PORTS[0])
    with refused():
        claim_database(str(link), "", False, PORTS[1])
    held.release()


FORKS = """
import os, sys, time
from relay.store.claim import claim_database
held = claim_database(sys.argv[1], "", False, 1)
child = os.fork()
if not child:
    time.sleep(600)
print(child, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_that_outlives_the_relay_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", FORKS, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            with refused():
                claim_database(str(tmp_path), "", False, PORTS[0])
            parent.kill()
            parent.wait()
            claim_database(str(tmp_path), "", False, PORTS[0]).release()
        finally:
            os.kill(child, signal.SIGKILL)


async def test_a_relay_that_ends_or_never_starts_leaves_it_free(tmp_path: Path, database_url: str) -> None:
    settings = RelaySettings(port=0, data=str(tmp_path), database=database_url)
    relay = await app.start(settings)
    with refused():
        await app.start(settings)
    port = int(relay.url.rsplit(":", 1)[1])
    with pytest.raises(PortInUseError):
        await app.start(RelaySettings(port=port, data=str(tmp_path / "other")))
    await relay.stop()
    await (await app.start(settings)).stop()


def test_the_check_says_so(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["relay", "--check", "--port", "0", "--data", str(tmp_path), "--database", database_url]
    held = claim_database(str(tmp_path), database_url, False, PORTS[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim, "WAIT_S", 0.0)
        assert moodcast.main(options) == 2
    assert f"problem: Another relay (process {os.getpid()}" in capsys.readouterr().out
    held.release()
    assert moodcast.main(options) == 0


async def test_a_server_that_cuts_the_connection_costs_the_hold_alone(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path), database=url, min_viewers=1, tick_ms=50))
    keys = relay.create_channel("demo")
    with database.opened(url) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE ?",
            (f"process {os.getpid()} on %",),
        )
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 200
    await relay.stop()
