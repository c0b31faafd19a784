"""Ctrl-C while a program only loads. Imports next to nothing, since it comes before everything else."""

import contextlib
import itertools
import os
import select
import signal
import sys
from collections.abc import Iterator

INTERRUPTED = 130
"""The exit code of a program that was stopped before it was under way."""
_LOADING = "\nmoodcast: stopped before it had begun\n"


@contextlib.contextmanager
def at_once(words: str = _LOADING) -> Iterator[None]:
    """Within it Ctrl-C ends the process at once with these words: what only loads has nothing to put in order.

    The exception that Python raises instead may come up in the middle of a library, which prints or swallows it.
    """
    times = itertools.count()

    def end(*_: object) -> None:
        # A handler that replaced itself would make Python complain of a second Ctrl-C that is already there.
        if next(times) == 0:
            _say(words.encode())
        os._exit(INTERRUPTED)

    try:
        before = signal.signal(signal.SIGINT, end)
    except ValueError:  # not the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _say(words: bytes) -> None:
    """On standard error, unless it takes nothing now: a full pipe, or a terminal that is held with Ctrl-S."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
        if sys.platform == "win32" or select.select([], [2], [], 0)[1]:
            os.write(2, words)  # not through sys.stderr: what was interrupted may hold its lock
