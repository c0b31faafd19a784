"""A relay of several processes, started as its user does, for tests."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from relay.workers import ports
from tests.support import wait_until

START_S = 60.0
ROOT = Path(__file__).parents[2]


class Several:
    """The supervisor's process and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = self.log = ""
        assert process.stdout
        assert process.stderr
        self._reading = [
            asyncio.create_task(self._read(process.stdout, "out")),
            asyncio.create_task(self._read(process.stderr, "log")),
        ]

    async def _read(self, stream: asyncio.StreamReader, name: str) -> None:
        while line := await stream.readline():
            setattr(self, name, getattr(self, name) + line.decode())

    @property
    def url(self) -> str:
        return re.findall(r"relay at (\S+)", self.out)[0]

    def key(self, name: str) -> str:
        """``Admin`` or ``Display``."""
        return re.findall(rf"{name} key +(\S+)", self.out)[0]

    def descendants(self, name: str = "") -> list[psutil.Process]:
        """Its processes whose last argument, or program, has this name."""
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    line = child.cmdline()
                    if line and (name in ("", line[-1]) or name in line[0]):
                        found.append(child)
        return found

    @property
    def workers(self) -> list[psutil.Process]:
        return self.descendants("worker")

    async def whole(self, count: int = 2) -> None:
        """Until all take clients."""
        await wait_until(lambda: self.log.count("relay starts") >= count, START_S)

    async def ended(self) -> int:
        """Until it has ended and said all; its exit code."""
        code = await asyncio.wait_for(self.process.wait(), START_S)
        await asyncio.gather(*self._reading)
        return code


@contextlib.asynccontextmanager
async def started(folder: Path, *options: str) -> AsyncIterator[Several]:
    """``moodcast relay --processes 2`` with a channel ``demo``, on any port; ``options`` come last."""
    if not ports.SPREADS:
        pytest.skip("no system that spreads the connections of a port")
    command = [
        sys.executable, "-m", "moodcast", "relay", "--processes", "2", "--port", "0", "--data", str(folder),
        "--channel", "demo", "--min-viewers", "1", "--tick-ms", "50", "--no-fetch", *options,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    several = Several(process)
    try:
        yield several
    finally:
        left = several.descendants()
        if process.returncode is None:
            process.kill()
        await several.process.wait()
        await wait_until(lambda: not [one for one in left if one.is_running() and one.status() != "zombie"], START_S)


@contextlib.asynccontextmanager
async def running(folder: Path, *options: str) -> AsyncIterator[Several]:
    """As ``started``, from when all workers take clients. Needs a Redis server's program."""
    async with started(folder, *options) as several:
        await several.whole()
        yield several


def open_sockets(process: psutil.Process, port: int) -> int:
    """Connections of clients that a worker has."""
    return sum(found.status == "ESTABLISHED" and found.laddr.port == port for found in process.net_connections("tcp"))


def exists(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
