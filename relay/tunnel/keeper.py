"""Keeps a tunnel open for as long as the relay runs: starts its program, reads the address, starts it again."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

from relay.common.deadline import end, within
from relay.core.tunnels import DOCS, STEADY_S, Program, SpokenLines, Tunnel, find_host, missing, pause_s
from relay.errors import SettingsError
from relay.tunnel.guard import GRACE_S

ROOT = Path(__file__).parents[2]
_QUIET_S = 15.0
"""A program that has told no address after so long is quoted: perhaps it waits for its user."""
_CHUNK = 4096
_NO_SIGNALS = 0x08000200 if sys.platform == "win32" else 0
"""CREATE_NO_WINDOW and CREATE_NEW_PROCESS_GROUP: Ctrl-C is for the relay alone, which ends the tunnel last. Elsewhere a
session of its own does that."""


class TunnelOpen(NamedTuple):
    """The tunnel has its address, though perhaps no connection yet.

    ``before``: the one that it had the last time; empty at the first.
    """

    program: Program
    address: str
    before: str

    def __str__(self) -> str:
        text = f"The tunnel begins at {self.address} (it may take a minute until that answers)"
        if self.before not in ("", self.address):
            text += (
                "\nThis is another address than before: links and QR codes from then lead nowhere. Give out the new."
            )
        if self.program.reader:
            text += (
                f"\n{self.program.reader} carries it and could read the labels on their way; viewers are told so "
                f"before they agree ({DOCS})."
            )
        return text


class _Silent(NamedTuple):
    """The program runs and has told no address so far."""

    program: Program
    words: str

    def __str__(self) -> str:
        said = f"It says: {self.words}" if self.words else "It says nothing."
        return f"{self.program.name} runs and has told no public address yet. {said}"


class _Ended(NamedTuple):
    """The program has ended, and is started again."""

    program: Program
    code: int
    words: str
    again_s: float

    def __str__(self) -> str:
        said = f" It said: {self.words}" if self.words else ""
        return (
            f"{self.program.name} has ended (exit code {self.code}), so nobody comes through the tunnel. It is started "
            f"again in {self.again_s:g} s.{said}"
        )


_News = TunnelOpen | _Silent | _Ended


def find(program: Program) -> str:
    """The program's file.

    Raises:
        SettingsError: it is not installed.
    """
    path = shutil.which(program.name)
    if path is None:
        raise SettingsError(missing(program))
    return path


class Keeper:
    """A tunnel from when it is made until ``close``. ``news`` gets what becomes of it."""

    def __init__(self, tunnel: Tunnel, path: str, port: int) -> None:
        """``path``: of the program; ``port``: of the relay's, on loopback, where the tunnel ends."""
        self.news: asyncio.Queue[_News] = asyncio.Queue()
        self._tunnel, self._before = tunnel, ""
        self._command = [path, *(part.format(port=port) for part in tunnel.program.arguments)]
        self._closing = asyncio.Event()
        self._guard: asyncio.subprocess.Process | None = None
        self._task = asyncio.create_task(self._keep(), name="tunnel")

    async def close(self) -> None:
        """End the program, which has a moment for it."""
        self._closing.set()
        self._let_go()
        await asyncio.wait({self._task}, timeout=2 * GRACE_S)
        if not self._task.done():
            self._kill()
            await end(self._task)

    async def _keep(self) -> None:
        failures = 0
        while not self._closing.is_set():
            words, began = SpokenLines(), time.monotonic()
            try:
                code = await self._run(words)
            except OSError as error:  # the system lets no process start
                code = error.errno or 1
            failures = 1 if time.monotonic() - began >= STEADY_S else failures + 1
            if not self._closing.is_set():
                self.news.put_nowait(_Ended(self._tunnel.program, code, words.last, pause_s(failures)))
                with contextlib.suppress(asyncio.TimeoutError):
                    await within(pause_s(failures), self._closing.wait())

    async def _run(self, words: SpokenLines) -> int:
        """Run the program once, to its end; returns its exit code."""
        self._guard = guard = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay.tunnel.guard", *self._command, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True, creationflags=_NO_SIGNALS,
        )  # fmt: skip
        assert guard.stdout
        if self._closing.is_set():
            self._let_go()
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(_QUIET_S, self._listen(guard.stdout, words))
            if not self._tunnel.host and not guard.stdout.at_eof():
                self.news.put_nowait(_Silent(self._tunnel.program, words.last))
            while chunk := await guard.stdout.read(_CHUNK):
                self._hear(words, chunk)
            return await guard.wait()
        finally:
            self._tunnel.host = ""

    async def _listen(self, output: asyncio.StreamReader, words: SpokenLines) -> None:
        """Hear what the program says until it has told an address, or has ended."""
        while not self._tunnel.host and (chunk := await output.read(_CHUNK)):
            self._hear(words, chunk)

    def _hear(self, words: SpokenLines, chunk: bytes) -> None:
        host = find_host(self._tunnel.program, words.feed(chunk))
        if host and not self._tunnel.host:  # what is told later is no answer to how it was started
            self._tunnel.host = host
            self.news.put_nowait(TunnelOpen(self._tunnel.program, self._tunnel.address, self._before))
            self._before = self._tunnel.address

    def _let_go(self) -> None:
        """Have the guard end the program, and itself."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()

    def _kill(self) -> None:
        """End whatever is left of both: something still holds their output."""
        if self._guard is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._guard.kill()
            else:
                os.killpg(self._guard.pid, signal.SIGKILL)
