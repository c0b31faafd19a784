"""The eyes' process: it always ends, and gives the camera back, whatever it is at, and whoever started it dies."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import cameras
from agent.app import looking, sight
from agent.app.looking import CameraWatch, EyesProcess, Retries
from agent.app.sight import Begin, Failed, FromEyes, Sight
from relay.common import ourselves
from tests.e2e.agent_program import weights
from tests.support import HANG_S, wait_until

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(sys.platform == "win32", reason="starts programs through a shell")


def face(pictures: bool = False) -> Begin:
    return Begin(source=str(weights("portrait")), model="moodnet", fps=5, pictures=pictures)


class Watched:
    """A watch, what it heard, and what the camera did."""

    def __init__(self) -> None:
        self.heard: list[FromEyes] = []
        self.told: list[tuple[str, str]] = [("off", "")]
        self.watch = CameraWatch(self.heard.append, lambda camera, problem: self.told.append((camera, problem)))

    @property
    def camera(self) -> str:
        return self.told[-1][0]

    def sights(self) -> list[Sight]:
        return [message for message in self.heard if isinstance(message, Sight)]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes a while to end a process."""
    monkeypatch.setattr(looking, "_KILLED_S", HANG_S)


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    it = Watched()
    running = asyncio.create_task(it.watch.run())
    try:
        yield it
    finally:
        assert it.watch.close()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def pid_of(watch: CameraWatch) -> int:
    assert watch._process is not None
    return watch._process.pid


def as_program(monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    """Another program in place of the eyes."""
    monkeypatch.setattr(looking.ourselves, "command", lambda *_: list(command))


def with_something_that_hangs(monkeypatch: pytest.MonkeyPatch, case: str, errors: Path) -> None:
    """The eyes, in which that hangs; what they say of it goes to the file ``errors``."""
    errors.touch()
    as_program(
        monkeypatch, "sh", "-c", 'exec "$1" -m tests.hanging "$2" eyes 2>"$3"', "sh", sys.executable, case, str(errors)
    )


def python(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    as_program(monkeypatch, sys.executable, "-c", textwrap.dedent(code))


async def test_they_look_until_nobody_wants_it() -> None:
    async with watched() as it:
        it.watch.want(face(pictures=True))
        await wait_until(lambda: any(sight.emotion == "happy" for sight in it.sights()))
        await wait_until(lambda: it.watch.shot)
        process = psutil.Process(pid_of(it.watch))
        it.watch.want(None)
        await wait_until(lambda: it.camera == "off")
        assert not process.is_running()
        assert it.watch.shot is None
    assert [camera for camera, _ in it.told] == ["off", "starting", "on", "off"]


@posix
@pytest.mark.parametrize("case", ["open", "read", "wait", "close", "network", "held", "model"])
async def test_the_camera_is_given_back_whatever_hangs(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_something_that_hangs(monkeypatch, case, tmp_path / "errors")
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: f"{case} hangs" in (tmp_path / "errors").read_text())
        pid = pid_of(it.watch)
        it.watch.want(None)
        await wait_until(lambda: it.camera == "off")
        assert not psutil.pid_exists(pid)


@posix
@pytest.mark.parametrize("case", ["read", "close"])
async def test_closing_takes_the_camera_back_whatever_hangs(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_something_that_hangs(monkeypatch, case, tmp_path / "errors")
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: f"{case} hangs" in (tmp_path / "errors").read_text())
        pid = pid_of(it.watch)
        assert await asyncio.to_thread(it.watch.close)
        assert not psutil.pid_exists(pid)


async def test_a_camera_is_given_back_while_the_loops_threads_hang() -> None:
    """They look up names, where a network's name server may be silent for half a minute."""
    goes_on = threading.Event()
    for _ in range(100):
        asyncio.get_running_loop().run_in_executor(None, goes_on.wait, 60)
    try:
        async with watched() as it:
            it.watch.want(face())
            await wait_until(lambda: it.camera == "on")
            process = psutil.Process(pid_of(it.watch))
            it.watch.want(None)
            await wait_until(lambda: it.camera == "off")
            assert not process.is_running()
            assert not goes_on.is_set()
    finally:
        goes_on.set()


DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: time.sleep(1000)
"""
RUBBISH = """
import sys, time
sys.stdout.buffer.write(b"\\xff" * 9)
sys.stdout.buffer.flush()
while True: time.sleep(1000)
"""
FLOOD = """
import os, sys
from agent.app import sight
one = sight.packed(sight.Sight(emotion="sad", confidence=1, has_face=True, unread=None, box=None)) * 50
while True: os.write(1, one)
"""


async def test_a_process_that_heeds_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    python(monkeypatch, DEAF)
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: it.camera == "starting")
        pid = pid_of(it.watch)
        it.watch.want(None)
        await wait_until(lambda: it.camera == "off")
        assert not psutil.pid_exists(pid)


async def test_a_process_that_says_nothing_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    python(monkeypatch, DEAF)
    monkeypatch.setattr(looking, "_FIRST_S", 0.1)
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: it.camera == "waiting")
        assert it.told[-1][1].startswith("The camera's driver did not answer")
        monkeypatch.undo()
        await wait_until(lambda: it.camera == "on")


async def test_a_process_that_says_rubbish_is_ended_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    python(monkeypatch, RUBBISH)
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: it.camera == "waiting")
        assert it.heard == []
        monkeypatch.undo()
        await wait_until(lambda: it.camera == "on")
    assert not [child for child in psutil.Process().children() if "xff" in " ".join(child.cmdline())]


async def test_a_process_that_says_too_much_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made to wait."""
    python(monkeypatch, FLOOD)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    async with watched() as it:
        it.watch.want(face())
        most = 0
        while len(it.heard) < 20_000:
            await asyncio.sleep(0)
            most = max(most, len(asyncio.get_running_loop()._ready))  # type: ignore[attr-defined]
        assert most <= looking._AHEAD + 20
        it.watch.want(None)
        await wait_until(lambda: it.camera == "off")


async def test_what_can_not_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    as_program(monkeypatch, "/nowhere/moodcast", "eyes")
    async with watched() as it:
        it.watch.want(face())
        await wait_until(lambda: it.camera == "waiting")
        assert "can't be started (No such file or directory)" in it.told[-1][1]


PARENT = """
import asyncio, sys
from agent.app.looking import CameraWatch, ourselves
from agent.app.sight import Begin

async def main():
    watch = CameraWatch(lambda message: print(watch._process.pid, flush=True), lambda *_: None)
    watch.want(Begin(source=sys.argv[1], model="moodnet", fps=5))
    await watch.run()

if sys.argv[2:]:
    hanging = 'exec "$1" -m tests.hanging "$2" eyes 2>"$3"'
    ourselves.command = lambda *_: ["sh", "-c", hanging, "sh", sys.executable, *sys.argv[2:]]
asyncio.run(main())
"""


HELD = pytest.param("held", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells of the end"))


@pytest.mark.parametrize("hangs", ["", "wait", "close", "network", HELD])
async def test_they_end_with_who_started_them(hangs: str, tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    errors.touch()
    arguments = [sys.executable, "-c", PARENT, str(weights("portrait")), *([hangs, str(errors)] if hangs else [])]
    parent = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        assert parent.stdout is not None
        pid = int(await asyncio.wait_for(parent.stdout.readline(), 60))
        if hangs not in ("", "close"):  # which hangs only at the end
            await wait_until(lambda: f"{hangs} hangs" in errors.read_text())
        assert psutil.Process(pid).is_running()
    finally:
        parent.kill()
        await parent.wait()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(60)


async def test_what_they_can_not_open_is_said_and_tried_again(tmp_path: Path) -> None:
    async with watched() as it:
        it.watch.want(Begin(source=str(tmp_path / "film.avi"), model="moodnet", fps=5))
        await wait_until(lambda: it.camera == "waiting")
        assert it.told[-1][1].startswith("Expected webcam, webcam:N, screen or a video or picture file")
        (failed,) = [message for message in it.heard if isinstance(message, Failed)]
        assert failed.is_camera
        (tmp_path / "film.avi").write_bytes(weights("portrait").read_bytes())
        await wait_until(lambda: it.camera == "on")


async def test_a_network_that_is_not_there_is_no_matter_of_the_camera() -> None:
    async with watched() as it:
        it.watch.want(Begin(source=str(weights("portrait")), model="nosuchnet", fps=5))
        await wait_until(lambda: it.camera == "waiting")
        assert "nosuchnet" in it.told[-1][1]
        (failed,) = [message for message in it.heard if isinstance(message, Failed)]
        assert not failed.is_camera
        it.watch.want(face())
        await wait_until(lambda: it.camera == "on")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no device files to look at")
async def test_a_camera_that_is_unplugged_and_plugged_in_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is missing nothing is started at all. A film stands in for what it delivers."""
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    monkeypatch.setattr(looking, "_MISSING_S", 0.02)
    began: list[Begin] = []

    class OfAFilm(EyesProcess):
        def __init__(self, begin: Begin, *calls: object) -> None:
            began.append(begin)
            super().__init__(face(), *calls)  # type: ignore[arg-type]

    monkeypatch.setattr(looking, "EyesProcess", OfAFilm)
    async with watched() as it:
        it.watch.want(Begin(source="webcam:7", model="moodnet", fps=5))
        await wait_until(lambda: it.camera == "waiting")
        assert "No camera 7: no camera is connected" in it.told[-1][1]
        assert began == []
        (tmp_path / "video7").touch()
        await wait_until(lambda: it.camera == "on")
        (tmp_path / "video7").unlink()
        os.kill(pid_of(it.watch), 9)  # as it would end for a camera that delivers nothing more
        await wait_until(lambda: it.camera == "waiting" and "no camera is connected" in it.told[-1][1])
        (tmp_path / "video7").touch()
        await wait_until(lambda: it.camera == "on")
        assert len(began) == 2


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_a_camera_is_tried_again_soon_and_not_all_the_time(lasted: list[float]) -> None:
    retries = Retries()
    waits = [retries.wait(seconds) for seconds in lasted]
    assert all(1 <= wait <= 15 for wait in waits)
    assert all(wait == 1 for wait, seconds in zip(waits, lasted, strict=True) if seconds >= 10)


def test_one_that_stays_away_is_tried_every_fifteen_seconds() -> None:
    retries = Retries()
    assert [retries.wait(0) for _ in range(7)] == [1, 2, 4, 8, 15, 15, 15]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (apt package strace)")
def test_there_is_no_network_in_them(tmp_path: Path) -> None:
    """Every call for a socket is looked at, of the libraries, too: from the start to a label, a picture, an answer."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=%network", "-o", str(trace), *ourselves.command("eyes")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        begin = msgspec.structs.replace(face(pictures=True), personal=str(tmp_path / "personal"))
        process.stdin.write(sight.packed(begin))
        process.stdin.flush()
        unpacker, kinds, labels = sight.seen(), set(), set()
        while not ({"Glimpse", "Taught"} <= kinds and "happy" in labels):
            if "happy" in labels:
                process.stdin.write(sight.packed(sight.Teach(None)))
                process.stdin.flush()
            for message in unpacker.feed(os.read(process.stdout.fileno(), 1 << 16)):
                assert not isinstance(message, Failed), message
                kinds.add(type(message).__name__)
                labels |= {message.emotion} if isinstance(message, Sight) else set()
        process.stdin.close()
        assert process.wait(60) == 0
    calls = re.findall(r"socket\(([A-Z_0-9]+)", trace.read_text())
    assert set(calls) <= {"AF_UNIX", "AF_LOCAL"}
