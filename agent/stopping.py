"""How the agent is told to stop, and the end of the process where something does not let go.

Python runs a signal's handler in the main thread, between two of its instructions. So the agent's main thread only
waits, and the work is done in others: whatever hangs there, Ctrl-C is heard.
"""

import contextlib
import itertools
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from agent.outset import INTERRUPTED

POLL_S = 0.1
"""A signal may reach another thread of the process, and on Windows none ends a wait: the main thread looks this often.
"""
LAST_WORDS_S = 0.5
"""A terminal that is gone, or held by Ctrl-S, keeps the process no longer than this."""


def heeded() -> list[signal.Signals]:
    """The signals that tell a program to stop, but for a SIGHUP that `nohup` has ignored.

    SIGHUP: the terminal's window was closed. SIGBREAK is that on Windows, which ends the process right after it.
    """
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    numbers = [signal.Signals[name] for name in names]
    return [number for number in numbers if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]


def listen(stop: Callable[[], None]) -> None:
    """From now on call ``stop`` in the main thread when the process is told to stop; the next Ctrl-C ends it at once.

    ``stop`` may come between any two instructions, and again with the next signal. Elsewhere than in the main thread
    nothing is heard.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    times = itertools.count()

    def heard(number: int, _: object) -> None:
        # A handler that left the second to the system would make Python complain of one that is already there.
        if next(times) and number == signal.SIGINT:
            os._exit(INTERRUPTED)
        stop()

    for number in heeded():
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
