"""The agent as its user starts it, with its files, on a pipe or a terminal."""

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.errors import ModelMissingError
from models.inference import registry
from tests.terminals import open_terminal

ROOT = Path(__file__).parents[2]


def weights(name: str) -> Path:
    try:
        return registry.path(name)
    except ModelMissingError as error:
        pytest.skip(str(error))


def environment() -> dict[str, str]:
    """A viewer's environment: some libraries behave better than usual where these variables are set."""
    return {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("ORT_")}


def command(url: str, source: object, *options: str, channel: str = "demo") -> list[str]:
    return [
        sys.executable,
        "-m",
        "moodcast",
        "agent",
        "--relay",
        url,
        "--channel",
        channel,
        "--source",
        str(source),
        *options,
    ]


@contextlib.asynccontextmanager
async def running(
    *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program with its output piped, gone at the end in any case."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=ROOT,
        env=environment(),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def outcome(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program that ends by itself."""
    async with running(*arguments) as process:
        out, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode(), errors.decode()


class Terminal:
    """A program on a pseudo-terminal: what stands on its screen, and the keys pressed."""

    def __init__(self, process: asyncio.subprocess.Process, end: int) -> None:
        self.process, self._end = process, end
        self.screen = bytearray()

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def read(self) -> None:
        with contextlib.suppress(OSError):  # the terminal closes with the program
            self.screen.extend(os.read(self._end, 65536))

    def resize(self, columns: int) -> None:
        """It has no size before, so that nothing that fits itself into it is shown."""
        import fcntl
        import termios

        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def shows(self, text: str) -> bool:
        return text.encode() in self.screen


@contextlib.asynccontextmanager
async def on_terminal(*arguments: str) -> AsyncIterator[Terminal]:
    """A program that a user started on a terminal, gone at the end in any case."""
    import fcntl
    import termios

    ours, theirs = open_terminal()
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=ROOT, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
    )  # fmt: skip
    os.close(theirs)
    terminal = Terminal(process, ours)
    asyncio.get_running_loop().add_reader(ours, terminal.read)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
