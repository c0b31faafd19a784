"""The eyes' process as the running agent sees it: started while they are wanted, ended for sure, tried again."""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from agent import cameras
from agent.app import sight
from agent.app.sight import Begin, Failed, Forget, FromEyes, Glimpse, Opened, ToEyes, WantPictures
from agent.app.state import Camera, Picture
from relay.common import ourselves
from relay.common.deadline import within

_ASKED_S, _KILLED_S = 0.6, 0.3
"""The process has so long to end by itself, and then to be ended."""
_FIRST_S = 60.0
"""It says for the first time what it sees: a slow computer takes a while to load a network."""
_SILENT_S = 20.0
"""Later it says something at least once a second, but for a network that takes long over a clip."""
_AHEAD = 64
"""Messages that the process may be ahead of us; then it has to wait."""
_MISSING_S = 1.0
"""A camera that is missing is looked for so often, without opening anything."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 15.0
_STEADY_S = 10.0
_NOT_THE_CAMERA_S = 60.0
"""What is installed here is looked at again so often, since the camera is opened for it."""

_THRIFTY = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Else glibc keeps memory apart for each of a dozen threads, and numpy's OpenBLAS starts some that get no work from us:
6 MB, for no time."""

_HANGS = (
    "The camera's driver did not answer, so it was given up. It is tried again; if that goes on, unplug the camera."
)
_ENDED = "What looks through the camera has ended, and is started again."
_STUCK = "The camera's driver does not let go of the camera. If its light stays on, unplug it."


class Retries:
    """When a camera that failed is tried again: sooner at first, and then every 15 s. Pure, times in seconds."""

    def __init__(self) -> None:
        self._failures = 0

    def wait(self, lasted_s: float) -> float:
        """How long to wait after one that was on for ``lasted_s``; 0 where it never was."""
        if lasted_s >= _STEADY_S:
            self._failures = 0
        self._failures += 1
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 10))


def _problem_of(source: str) -> str:
    """Why a source can't be opened, as far as that is known without opening it; empty where it may well be."""
    number = cameras.number_of(source)
    problem = None if number is None else cameras.problem(number)
    return problem.sentence() if problem else ""


class EyesProcess:
    """``moodcast eyes``. Every method may be called from any thread."""

    def __init__(
        self,
        first: ToEyes,
        heard: "Callable[[EyesProcess, FromEyes], None]",
        ended: "Callable[[EyesProcess], None]",
    ) -> None:
        """``first`` is what it is told at once. ``heard`` and ``ended`` are called in a thread of this; the latter
        once, whatever ends it.

        Raises:
            OSError: it can't be started.
        """
        self._heard, self._ended = heard, ended
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            ourselves.command("eyes"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=os.environ | _THRIFTY,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._writing = threading.Lock()
        threading.Thread(target=self._read, name="eyes", daemon=True).start()
        self.say(first)

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def say(self, message: ToEyes) -> None:
        """Tell it something; nothing where it has ended."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):  # ValueError: closed
            stdin.write(sight.packed(message))

    def end(self) -> bool:
        """Ask it to end, then end it, all within a second. False where even that takes longer."""
        stdin = self._process.stdin
        assert stdin is not None
        if self._writing.acquire(timeout=_ASKED_S):  # held only by who writes into a full pipe
            with contextlib.suppress(OSError):
                stdin.close()
            self._writing.release()
        for patience_s in (_ASKED_S, _KILLED_S):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
                return True
            self._process.kill()
        return self._process.poll() is not None

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        unpacker = sight.seen()
        with contextlib.suppress(ValueError, OSError), stdout:  # ValueError: what it says means nothing
            while chunk := os.read(stdout.fileno(), 1 << 16):
                for message in unpacker.feed(chunk):
                    self._heard(self, message)
        self._ended(self)
        self._process.wait()  # whoever ends it may have gone on before it was over


class CameraWatch:
    """Has a camera looked through while that is wanted, and again when it fails."""

    def __init__(self, hear: Callable[[FromEyes], None], told: Callable[[Camera, str], None]) -> None:
        """``hear`` gets what is seen, but for pictures, and ``told`` what the camera does, with a sentence where it is
        ``waiting``. Both are called in the event loop that ``run`` runs in."""
        self._hear, self._told = hear, told
        self._wanted: Begin | None = None
        self._news = asyncio.Event()
        self._starting = threading.Lock()
        self._is_closed = False
        self._process: EyesProcess | None = None
        self._cut_off: EyesProcess | None = None
        self._ending = ThreadPoolExecutor(1, "shut")
        """Not the event loop's own threads: they may all look up names, each for half a minute."""
        self._failure: str | None = None
        self._is_the_camera = True
        self._opened_at: float | None = None
        self._heard_at = 0.0
        self._may_come = threading.Semaphore(_AHEAD)
        self.shot: Glimpse | None = None
        """The newest picture, while they are wanted and the camera is on."""

    def want(self, begin: Begin | None) -> None:
        """What is to be looked at from now on; None for nothing, with the camera shut. Call it in the event loop."""
        before, self._wanted = self._wanted, begin
        if self._process is not None and begin is not None and before is not None and begin.pictures != before.pictures:
            self._process.say(WantPictures(begin.pictures))
        if begin is None or not begin.pictures:
            self.shot = None
        self._news.set()

    @property
    def learns(self) -> bool:
        """Whether the eyes are open, and taught by who they see."""
        return self._process is not None and self._wanted is not None and bool(self._wanted.personal)

    def say_to_learner(self, message: ToEyes) -> bool:
        """Tell the eyes something; False where they are shut, or learn nothing."""
        process = self._process if self.learns else None
        if process is not None:
            process.say(message)
        return process is not None

    def picture(self) -> Picture | None:
        """``shot`` as a picture; any thread may call it."""
        shot = self.shot
        if shot is None or len(shot.pixels) != 3 * shot.width * shot.height:
            return None
        return Picture(np.frombuffer(shot.pixels, np.uint8).reshape(shot.height, shot.width, 3), shot.box)

    def forget(self) -> None:
        """What the face looks like at rest is learned anew."""
        if self._process is not None:
            self._process.say(Forget())

    def cut(self) -> bool:
        """End the process now, from any thread, whatever the event loop is at; it may begin another one later.

        False where it does not end within a second.
        """
        with self._starting:
            process = self._cut_off = self._process
        is_gone = process is None or process.end()
        self.shot = None
        return is_gone

    def close(self) -> bool:
        """End the process now and for good, from any thread. False where it does not end within a second."""
        with self._starting:
            self._is_closed = True
            process = self._process
        return process is None or process.end()

    async def run(self) -> None:
        """Until cancelled."""
        retries = Retries()
        while True:
            self._news.clear()
            wanted = self._wanted
            if wanted is None:
                retries = Retries()
                self._told("off", "")
                await self._news.wait()
            elif problem := _problem_of(wanted.source):
                self._told("waiting", problem)
                await self._wait(_MISSING_S)
            else:
                problem, lasted_s = await self._look(wanted)
                if problem:
                    self._told("waiting", problem)
                    await self._wait(retries.wait(lasted_s) if self._is_the_camera else _NOT_THE_CAMERA_S)

    async def _look(self, begin: Begin) -> tuple[str, float]:
        """Look until something else is wanted (no problem), or it fails; and for how long the camera was on."""
        self._told("starting", "")
        self._failure, self._is_the_camera = None, True
        self._opened_at, self._heard_at = None, time.monotonic()
        process = self._start(begin)
        if process is None:
            return self._failure or _ENDED, 0.0
        try:
            problem = await self._until_it_fails(begin)
        finally:
            self._process, self.shot = None, None
            while not await asyncio.get_running_loop().run_in_executor(self._ending, process.end):
                self._told("waiting", _STUCK)
        return problem, 0.0 if self._opened_at is None else time.monotonic() - self._opened_at

    def _start(self, begin: Begin) -> EyesProcess | None:
        loop = asyncio.get_running_loop()

        def in_loop(call: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the process
                loop.call_soon_threadsafe(call)

        def heard(process: EyesProcess, message: FromEyes) -> None:
            if isinstance(message, Glimpse):
                wanted = self._wanted
                if self._process is process and wanted is not None and wanted.pictures:
                    self.shot = message
                return
            self._may_come.acquire()
            in_loop(lambda: self._receive(process, message))

        def ended(process: EyesProcess) -> None:
            in_loop(lambda: self._fail(process, _ENDED))

        with self._starting:
            if self._is_closed:
                return None
            try:
                process = EyesProcess(begin, heard, ended)
            except OSError as error:
                self._failure = f"What looks through the camera can't be started ({error.strerror or error})."
                return None
            self._process = process
        return process

    def _receive(self, process: EyesProcess, message: FromEyes) -> None:
        self._may_come.release()
        if process is not self._process or self._wanted is None:
            return
        self._heard_at = time.monotonic()
        if isinstance(message, Failed):
            self._is_the_camera = message.is_camera
            self._fail(process, message.sentence)
        elif isinstance(message, Opened):
            self._opened_at = self._heard_at
            self._told("on", "")
        self._hear(message)

    def _fail(self, process: EyesProcess, problem: str) -> None:
        if process is self._process:
            if process is not self._cut_off:
                self._failure = self._failure or problem
            self._news.set()

    async def _until_it_fails(self, begin: Begin) -> str:
        while self._wanted is not None and _is_same(self._wanted, begin) and self._process is not self._cut_off:
            if self._failure:
                return self._failure
            patience_s = _FIRST_S if self._opened_at in (None, self._heard_at) else _SILENT_S
            left = self._heard_at + patience_s - time.monotonic()
            if left <= 0:
                return _HANGS
            await self._wait(left)
        return ""

    async def _wait(self, seconds: float) -> None:
        """For news, for so long."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, self._news.wait())
        self._news.clear()


def _is_same(wanted: Begin, begin: Begin) -> bool:
    return msgspec.structs.replace(wanted, pictures=begin.pictures) == begin
