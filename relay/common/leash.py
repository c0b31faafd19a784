"""A program that ends with the one that started it: by the standard input that it was given, whatever system it is.

The other end of that pipe closes when the starter ends, also when it crashes or is killed. While it lives it may send
lines: ``release 20`` lets go in 20 seconds, ``hold`` takes that back. Others mean nothing here.
"""

import asyncio
import contextlib
import math
import os
import threading
import time
from collections.abc import Callable

from relay.common.deadline import within

_LONGEST_LINE = 400
LONGEST_RELEASE_S = 600.0


class Leash:
    """What the lines so far mean. ``until``: when to let go, infinite while held."""

    def __init__(self) -> None:
        self.until = math.inf
        self._rest = b""

    def feed(self, chunk: bytes, now: float) -> list[bytes]:
        """Bytes of the input as they come; ``now`` in seconds, of the clock of ``until``. Returns the other lines."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[: _LONGEST_LINE + 1]
        others = []
        for line in lines:
            word, _, number = line.strip().partition(b" ")
            if word == b"hold":
                self.until = math.inf
            elif word == b"release":
                with contextlib.suppress(ValueError):
                    seconds = float(number)
                    if 0 <= seconds <= LONGEST_RELEASE_S:
                        self.until = now + seconds
            else:
                others.append(line)
        return others


async def let_go(source: int, heard: Callable[[bytes], None] = lambda _: None) -> None:
    """Wait until who started this program has ended or released it; ``source`` is a file descriptor of the pipe.

    ``heard``: gets each line that means nothing here.
    """
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        # A thread, since Windows has no other way to wait for a pipe. A read can't be interrupted: it is a daemon.
        chunk = b"-"
        while chunk:
            try:
                chunk = os.read(source, 4096)
            except OSError:
                chunk = b""
            with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends for another reason
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)

    threading.Thread(target=read, name="leash", daemon=True).start()
    leash = Leash()
    while True:
        left = None if leash.until == math.inf else max(0.0, leash.until - time.monotonic())
        try:
            chunk = await within(left, chunks.get())
        except asyncio.TimeoutError:
            return
        if not chunk:
            return
        for line in leash.feed(chunk, time.monotonic()):
            heard(line)
