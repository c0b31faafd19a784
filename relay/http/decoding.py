"""Picture files of /try become pixels, each in a process of its own that is bounded and can be killed."""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import get_args

from relay.http.decoder import MAX_NEED, MAX_PIXELS, MAX_SCANNED, MAX_SCANS, WORKING_SIDE, Reason
from relay.trial import BadPictureError, DecodedPicture, UnavailableError

_MEMORY = 240_000_000
"""Bytes that all decoders may take together beyond some 20 MB each: the largest picture, and a small one beside it."""
PATIENCE_S = 15.0
"""A decoder that takes longer for one step is killed. It may use a core for ``relay.http.decoder.CPU_S`` of that."""
CHUNK = 64 * 1024

ROOT = Path(__file__).parents[2]

REFUSALS: dict[Reason, str] = {
    "unknown": "This is no JPEG, PNG, WebP or GIF picture: choose one of these, or save it as one.",
    "pixels": f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels: choose a smaller one.",
    "scans": f"The picture's file goes over it more than {MAX_SCANS} times, or over {MAX_SCANNED // 1_000_000} million "
    "pixels in all: save it anew, as a JPEG that is not progressive.",
    "memory": f"Decoding the picture would take more than {MAX_NEED // 1_000_000} MB of memory: choose a smaller one, "
    "or save it as a JPEG that is not progressive.",
    "broken": "The picture's file is broken or incomplete: choose another, or save it anew.",
}
assert REFUSALS.keys() == set(get_args(Reason))
TOO_LONG = "Decoding the picture took too much time or memory: choose a smaller one, or save it anew."


class Decoding:
    """Starts decoders, as many at once as there is memory for."""

    def __init__(self) -> None:
        self._lent = 0
        self._waiting: list[tuple[int, int]] = []
        """The bytes that are waited for, and a number by arrival."""
        self._numbers = itertools.count()
        self._returned = asyncio.Condition()

    async def decode(self, file: bytes | bytearray) -> DecodedPicture:
        """The upright RGB pixels of a picture file, at most ``WORKING_SIDE`` wide and high; a GIF's first frame.

        Raises:
            BadPictureError: it is of another kind, broken, or takes too much.
            UnavailableError: the system lets no other process start.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "relay.http.decoder", cwd=ROOT,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise UnavailableError(f"The system lets no process start that decodes the picture ({error}).") from error
        try:
            return await self._converse(process, file)
        except (ConnectionError, asyncio.IncompleteReadError):  # it ended without a word: a limit, or a crash
            raise BadPictureError(TOO_LONG) from None
        except asyncio.CancelledError:
            _kill(process)
            raise
        finally:
            await _end(process)

    async def _converse(self, process: asyncio.subprocess.Process, file: bytes | bytearray) -> DecodedPicture:
        assert process.stdin
        assert process.stdout
        with _patience(process):
            await _send(process.stdin, len(file).to_bytes(4, "big"))
            for start in range(0, len(file), CHUNK):
                await _send(process.stdin, file[start : start + CHUNK])
            (need,) = await _answer(process.stdout, "need", 1)
        async with self._memory(min(need, _MEMORY)):
            with _patience(process):
                await _send(process.stdin, b"!")
                width, height = await _answer(process.stdout, "pixels", 2)
                if not (0 < width <= WORKING_SIDE and 0 < height <= WORKING_SIDE):
                    raise ConnectionError
                return DecodedPicture(
                    width=width, height=height, rgb=await process.stdout.readexactly(3 * width * height)
                )

    @contextlib.asynccontextmanager
    async def _memory(self, size: int) -> AsyncIterator[None]:
        """Wait until so many bytes are free, and have them for the length of a ``with`` block.

        Who needs the least is the first, so that a photograph waits for one huge picture and not for all of them.
        """
        mine = size, next(self._numbers)
        self._waiting.append(mine)
        try:
            async with self._returned:
                await self._returned.wait_for(lambda: mine == min(self._waiting) and self._lent + size <= _MEMORY)
                self._lent += size
        finally:
            self._waiting.remove(mine)
        try:
            yield
        finally:
            self._lent -= size
            async with self._returned:
                self._returned.notify_all()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that has said all, or was killed. (To kill one that ends by itself anyway would
    have asyncio miss its exit code, and complain.)"""
    assert process.stdin
    process.stdin.close()  # it waits for nothing any more
    try:
        with _patience(process):
            await process.wait()
    except asyncio.CancelledError:
        _kill(process)
        await process.wait()  # at once; it would outlive an event loop that ends now
        raise


async def _send(stream: asyncio.StreamWriter, data: bytes | bytearray) -> None:
    stream.write(data)
    await stream.drain()


async def _answer(stream: asyncio.StreamReader, word: str, count: int) -> list[int]:
    """The numbers of the decoder's next line.

    Raises:
        BadPictureError: it refuses the picture.
        ConnectionError: it says something else, or nothing.
    """
    found, *values = (await stream.readline()).decode("ascii", "replace").split() or [""]
    if found == "refused" and len(values) == 1 and values[0] in REFUSALS:
        raise BadPictureError(REFUSALS[values[0]])
    if found != word or len(values) != count or not all(value.isdecimal() for value in values):
        raise ConnectionError
    return [int(value) for value in values]


@contextlib.contextmanager
def _patience(process: asyncio.subprocess.Process) -> Iterator[None]:
    """Kill the process unless the ``with`` block ends in time; who waits for its words then sees their end."""
    timer = asyncio.get_running_loop().call_later(PATIENCE_S, _kill, process)
    try:
        yield
    finally:
        timer.cancel()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        process.kill()
