"""How the agent is told to stop, and the end of the process where something does not let go.

Python runs a signal's handler in the main thread, between two of its instructions. So the agent's main thread only
waits, and the work is done in others: whatever hangs there, Ctrl-C is heard.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a program that was stopped before it was under way."""

POLL_S = 0.1
"""A signal may reach another thread of the process, and on Windows none ends a wait: the main thread looks this often.
"""
LAST_WORDS_S = 0.5
"""A terminal that is gone, or held by Ctrl-S, keeps the process no longer than this."""

SIGNALS = [
    getattr(signal, name)
    # SIGHUP: the terminal's window was closed. SIGBREAK is that on Windows, which ends the process right after it.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Within it Ctrl-C ends the process at once with a sentence: a program that only loads has nothing to put in order.

    The exception that Python raises instead may come up in the middle of a library, which prints or swallows it.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def listen(stop: Callable[[], None]) -> None:
    """From now on call ``stop`` in the main thread when the process is told to stop; the next Ctrl-C is the system's.

    The system then ends the process at once, whatever Python is at. ``stop`` may come between any two instructions.
    Elsewhere than in the main thread nothing is heard.
    """
    if not _in_main_thread():
        return

    def heard(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        stop()

    for number in SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:  # nohup has SIGHUP ignored
            signal.signal(number, heard)


def wait_for_event(events: "queue.SimpleQueue[str]") -> str:
    """The next event, while signals are heard."""
    while True:
        with contextlib.suppress(queue.Empty):
            return events.get(timeout=POLL_S)


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do it in a thread that keeps nobody from ending the process; False where it takes longer."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def leave(code: int, last_words: Callable[[], object]) -> NoReturn:
    """End the process, whatever its threads are at: the system takes back the camera. ``last_words`` must be few."""

    def end() -> None:
        for call in (last_words, sys.stdout.flush, sys.stderr.flush):
            with contextlib.suppress(Exception):  # there is nobody left to tell
                call()

    within(LAST_WORDS_S, end)
    os._exit(code)


def _interrupted(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        # Not through sys.stderr, nor a thread: the main thread may hold the locks of both.
        os.write(2, b"\nmoodcast: stopped before it had begun\n")
    os._exit(INTERRUPTED)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
