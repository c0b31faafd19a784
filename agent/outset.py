"""Ctrl-C while a program only loads. Imports next to nothing, since it comes before everything else."""

import contextlib
import os
import signal
from collections.abc import Iterator

INTERRUPTED = 130
"""The exit code of a program that was stopped before it was under way."""


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Within it Ctrl-C ends the process at once with a sentence: what only loads has nothing to put in order.

    The exception that Python raises instead may come up in the middle of a library, which prints or swallows it.
    """
    try:
        before = signal.signal(signal.SIGINT, _end)
    except ValueError:  # not the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        # Not through sys.stderr: what was interrupted may hold its lock.
        os.write(2, b"\nmoodcast: stopped before it had begun\n")
    os._exit(INTERRUPTED)
