"""What the history survives: kill -9 at any time, and a full disk."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from relay import app
from relay.config import RelaySettings
from relay.protocol import Status
from relay.store import database
from tests.relay import history_writer
from tests.support import SOON, Client, Viewer, audience, free_port, leave, request, subscribe, wait_until

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills, limits and mounts as Linux has them")

KILLS = 50


@pytest.mark.slow
def test_a_kill_at_any_time_loses_a_second_at_most_and_harms_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([history_writer.__name__, "relay.store.history"])
    generator = random.Random(1)
    for kill in range(KILLS):
        receiver, sender = context.Pipe(duplex=False)
        writer = context.Process(target=history_writer.write_until_killed, args=(str(tmp_path), sender))
        writer.start()
        sender.close()
        told = [receiver.recv()]
        # Most are killed soon; some run for long enough that a second can be lost.
        until = told[0][2] + (1.3 if kill % 10 == 9 else generator.uniform(0, 0.1))
        while told[-1][2] < until:
            told.append(receiver.recv())
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        killed = time.monotonic()
        writer.join()
        with contextlib.suppress(EOFError):
            while True:
                told.append(receiver.recv())
        receiver.close()
        assert_whole(tmp_path / database.FILE, told, killed)


def assert_whole(path: Path, told: list[tuple[int, int, float]], killed: float) -> None:
    """What was put longer than a second before the kill is stored, without a hole, in a sound file."""
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = file.execute("SELECT time FROM moments WHERE session = ? ORDER BY time", (told[0][0],)).fetchall()
        stored = [time - history_writer.START for (time,) in rows]
    assert stored == list(range(len(stored)))
    assert len(stored) >= sum(at < killed - 1.0 for _, _, at in told)


# --- a full disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no right to mount: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


async def warned(client: Client, expected: bool) -> None:
    await client.receive_until(lambda message: isinstance(message, Status) and bool(message.warnings) == expected)


async def moments(url: str, key: str) -> list[int]:
    status, body = await request(url, "GET", "demo/sessions/1", key)
    return [moment["time"] for moment in body["moments"]] if status == 200 else []


async def goes_live_only(
    url: str, key: str, viewers: list[Viewer], fill: Callable[[], None], free: Callable[[], None]
) -> None:
    """Fill the disk: the mood goes on, with a warning. Free it: what was missed is stored."""

    async def stored(least: int) -> bool:
        return len(await moments(url, key)) >= least

    async with await subscribe(url, "demo", key) as client:
        await wait_until(lambda: stored(1))
        fill()
        await warned(client, True)
        last = await client.mood()
        await viewers[0].label("surprise")
        seen = await client.mood(lambda mood: mood.counts[5] == 1)
        assert seen.seq > last.seq
        free()
        await warned(client, False)
    times = await moments(url, key)
    assert times == list(range(times[0], times[-1] + 1))
    assert times[-1] >= int(seen.time)


@pytest.mark.slow
async def test_a_full_disk_means_live_only_until_there_is_space(small_disk: Path) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(small_disk), tick_ms=50, min_viewers=2), SOON)
    key = relay.create_channel("demo").display_key
    viewers = await audience(relay.url, "demo", ["happy", "sad"])
    ballast = small_disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 512)

    await goes_live_only(relay.url, key, viewers, fill, ballast.unlink)
    await leave(viewers)
    await relay.stop()


async def test_a_full_disk_is_told_to_whoever_changes_a_channel(small_disk: Path) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(small_disk)))
    keys = relay.create_channel("demo")
    with (small_disk / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)

    async def refused(path: str, body: object) -> bool:
        """Until the space is used up that the file has within itself."""
        status, answer = await request(relay.url, "POST", path, keys.admin_key, body)
        assert status in (200, 503)
        return status == 503 and "disk of the relay's database is full" in answer["error"]["message"]

    await wait_until(lambda: refused("demo/keys", {"rotate": "display"}))
    status, answer = await request(relay.url, "GET", "demo/sessions", keys.admin_key)
    assert status == 200 or "is full" in answer["error"]["message"]
    (small_disk / "ballast").unlink()
    assert (await request(relay.url, "POST", "demo/keys", keys.admin_key, {"rotate": "display"}))[0] == 200
    await relay.stop()


@contextlib.asynccontextmanager
async def relay_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """``moodcast relay`` as a program: the process, its address and the display key of its channel `demo`."""
    port = free_port()
    options = ["--data", str(folder), "--channel", "demo", "--tick-ms", "50", "--min-viewers", "2"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "relay", "--port", str(port), *options, stdout=asyncio.subprocess.PIPE,
        cwd=Path(app.__file__).parents[1],
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while b"Display key" not in (line := await process.stdout.readline()):
            assert line, "the relay did not start"
        yield process, f"http://127.0.0.1:{port}", line.decode().split()[-1]
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.slow
async def test_files_that_may_not_grow_mean_live_only(tmp_path: Path) -> None:
    """As a quota does it, and a file system with a small largest file."""
    async with relay_process(tmp_path) as (process, url, key):
        viewers = await audience(url, "demo", ["happy", "sad"])
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        await goes_live_only(
            url, key, viewers,
            lambda: limit(process.pid, (4096, unlimited[1])),
            lambda: limit(process.pid, unlimited),
        )  # fmt: skip
        await leave(viewers)


def limit(pid: int, sizes: tuple[int, int]) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, sizes)
