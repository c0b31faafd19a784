"""``moodcast agent`` with something in it that never comes back: ``python -m tests.hanging CASE agent OPTION ...``.

Or the process of the window's eyes: ``python -m tests.hanging CASE eyes``.

Nothing interrupts what hangs: it stands for a driver's or a library's code. ``CASE hangs`` is said on stderr first.
"""

import asyncio
import ctypes
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import moodcast
from agent import capture, main, sources
from agent import client as client_module
from agent.client import Client
from agent.errors import CameraBusyError
from agent.personal.store import Store
from agent.recognition import Recogniser
from agent.sources import Frame
from agent.terminal import Display
from relay.errors import RefusedError


def say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def hang(case: str) -> NoReturn:
    """For ever."""
    say(f"{case} hangs")
    while True:
        time.sleep(1000)


class Camera:
    """Grey pictures; the method ``hangs_in`` does not return."""

    def __init__(self, hangs_in: str) -> None:
        self._hangs_in = hangs_in
        self._maybe("open")

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self._maybe("wait")
        stop.wait(seconds)

    def read(self) -> Frame | None:
        self._maybe("read")
        if self._hangs_in == "close":
            say("close hangs")  # it will
        return np.full((48, 64, 3), 90, np.uint8)

    def close(self) -> None:
        self._maybe("close")

    def _maybe(self, method: str) -> None:
        if method == self._hangs_in:
            reached.set()
            hang(method)


reached = threading.Event()
"""Set where a case hangs."""


def camera(method: str) -> None:
    capture.open_source = sources.open_source = lambda *_: Camera(method)


def impatient() -> None:
    """Only a second Ctrl-C can end it."""
    capture.Capture.release = lambda *_: hang("release")  # type: ignore[method-assign]


def name() -> None:
    socket.getaddrinfo = lambda *_, **__: hang("name")


def unknown() -> None:
    """A name that is looked up for longer than the agent waits."""
    client_module.CONNECT_S = 0.1
    name()


def model() -> None:
    from agent.app import eyes  # which a terminal's agent has no need of

    main.Recogniser = eyes.Recogniser = lambda *_: hang("model")  # type: ignore[assignment]


def terminal() -> None:
    Display.show = lambda *_: hang("terminal")  # type: ignore[method-assign]


def network() -> None:
    """It takes for ever over a face, and can't be stopped."""
    Recogniser.look = lambda *_: hang("network")  # type: ignore[method-assign]


def held() -> None:
    """It takes for ever, too, and lets nothing else of its Python run."""

    def look(*_: object) -> NoReturn:
        say("held hangs")
        while True:
            ctypes.PyDLL(None).sleep(1000)

    Recogniser.look = look  # type: ignore[method-assign]


def client() -> None:
    """No cancellation reaches it."""

    async def run(_: Client) -> Any:
        say("client hangs")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    Client.run = run  # type: ignore[method-assign]


def keyring() -> None:
    """It never answers the agent that is to know its viewer's face."""
    Store.load = lambda *_: hang("keyring")  # type: ignore[method-assign]


def microphone() -> None:
    """Its driver opens it and then does not let go."""
    from agent.voice import listening
    from agent.voice.ring import RingBuffer

    class Microphone:
        rate, is_lost = 16000, False

        def __init__(self, seconds: float) -> None:
            self.ring = RingBuffer(round(seconds * self.rate))

        def close(self) -> None:
            hang("microphone")

    listening.Microphone = Microphone  # type: ignore[assignment,misc]
    listening.load_library = lambda: None


def refusal() -> None:
    """The relay ends it for good, and the camera does not let go."""

    async def run(_: Client) -> Any:
        await asyncio.to_thread(reached.wait)
        raise RefusedError("the relay ended it")

    camera("read")
    Client.run = run  # type: ignore[method-assign]


def failure() -> None:
    """The camera fails to open while a name is looked up, which takes for ever."""

    def fail(*_: object) -> NoReturn:
        reached.wait()
        raise CameraBusyError("another program has the camera")

    async def run(_: Client) -> Any:
        reached.set()
        await asyncio.to_thread(hang, "look-up")

    capture.open_source = fail
    Client.run = run  # type: ignore[method-assign]


WHILE_SHARING: dict[str, Callable[[], None]] = {
    "open": lambda: camera("open"),
    "read": lambda: camera("read"),
    "wait": lambda: camera("wait"),
    "close": lambda: camera("close"),
    "terminal": terminal,
    "network": network,
    "client": client,
}
HEARD: dict[str, Callable[[], None]] = {"microphone": microphone}
"""With ``--voice``."""
IMPATIENT: dict[str, Callable[[], None]] = {"impatient": impatient}
TAUGHT: dict[str, Callable[[], None]] = {"keyring": keyring}
"""With ``--personal``."""
ALL_OF_PYTHON: dict[str, Callable[[], None]] = {"held": held}
"""Of the eyes alone: nothing but the end of the process helps."""
BEFORE: dict[str, Callable[[], None]] = {"name": name, "model": model}
BESIDE_AN_ERROR: dict[str, Callable[[], None]] = {"refusal": refusal, "failure": failure, "unknown": unknown}


def run(case: str, arguments: list[str]) -> int:
    {**WHILE_SHARING, **HEARD, **IMPATIENT, **TAUGHT, **ALL_OF_PYTHON, **BEFORE, **BESIDE_AN_ERROR}[case]()
    return moodcast.main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
