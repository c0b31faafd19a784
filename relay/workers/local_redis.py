"""A Redis for the workers alone: on a socket in their folder, which nobody else can open, and without a disk."""

import asyncio
import contextlib
import importlib.util
import logging
import shutil
import sys
import time
from pathlib import Path

from relay.common.deadline import end, within
from relay.errors import SettingsError
from relay.tunnel.keeper import ROOT
from relay.workers.seat import socket_of

log = logging.getLogger(__name__)

_NAMES = ("redis-server", "valkey-server")
_START_S = 10.0
_POLL_S = 0.02
_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_STEADY_S = 10.0
_MOST_SAID = 300
"""Characters of what it said last, for whoever wants to know why it does not start."""


def find() -> str:
    """The server's program.

    Raises:
        SettingsError: it is not installed, or its driver is not.
    """
    if importlib.util.find_spec("redis") is None:
        raise SettingsError(
            "--processes: the workers tell each other what they count through Redis, and its driver is missing: "
            "install it with `pip install 'moodcast[cluster]'`, or leave --processes out."
        )
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise SettingsError(
        f"--processes: the workers tell each other what they count through Redis, and neither {' nor '.join(_NAMES)} "
        "is on this machine, or in no folder of PATH: install the package redis-server (Debian, Ubuntu), redis or "
        "valkey. The relay starts and ends it by itself. Or give one that runs with --cluster, or leave --processes "
        "out."
    )


class LocalRedis:
    """The server from ``start`` to ``close``; it is started again where it dies."""

    def __init__(self, program: str, folder: Path) -> None:
        self._socket = socket_of(folder)
        options = [
            "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700", "--save", "",
            "--appendonly", "no", "--dir", str(folder), "--daemonize", "no", "--loglevel", "warning",
        ]  # fmt: skip
        # The guard ends it with this process, however that ends.
        self._command = [sys.executable, "-m", "relay.tunnel.guard", program, *options]
        self._said = b""
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            SettingsError: it does not.
        """
        self._keeping = asyncio.create_task(self._keep(), name="redis")
        answers = asyncio.create_task(self._answers())
        try:
            await asyncio.wait({answers, self._keeping}, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
            if not answers.done():
                raise SettingsError(
                    f"--processes: the workers' own Redis does not start ({_last_line(self._said)}). Give one that "
                    "runs with --cluster, or leave --processes out."
                )
        finally:
            await end(answers)

    async def close(self) -> None:
        """End it."""
        if self._keeping is not None:
            await end(self._keeping)

    async def _answers(self) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                reader, writer = await within(1.0, asyncio.open_unix_connection(str(self._socket)))
                try:
                    writer.write(b"PING\r\n")
                    if (await within(1.0, reader.readline())).startswith(b"+PONG"):
                        return
                finally:
                    writer.close()
            await asyncio.sleep(_POLL_S)

    async def _keep(self) -> None:
        pause = _PAUSE_S
        while True:
            began = time.monotonic()
            try:
                code = await self._run()
            except OSError as error:  # the system lets no process start
                code, self._said = error.errno or 1, str(error).encode()
            if time.monotonic() - began > _STEADY_S:
                pause = _PAUSE_S
            log.warning(
                "The workers' own Redis has ended (exit code %d), and is started again in %.1f s: %s",
                code, pause, _last_line(self._said),
            )  # fmt: skip
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE_S, 2 * pause)

    async def _run(self) -> int:
        """Run it once, to its end; returns its exit code."""
        guard = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert guard.stdin is not None
        assert guard.stdout is not None
        try:
            while chunk := await guard.stdout.read(4096):
                self._said = (self._said + chunk)[-_MOST_SAID:]
            return await guard.wait()
        finally:
            guard.stdin.close()  # which has the guard end the server
            await asyncio.shield(guard.wait())


def _last_line(said: bytes) -> str:
    """Why it does not run: what comes before tells its version."""
    lines = said.decode(errors="replace").split("\n")
    return next((words for line in reversed(lines) if (words := line.strip())), "it says nothing")
