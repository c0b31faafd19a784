"""The system's keyring, and a thread of its own for whoever asks it: it may ask its user, or never answer."""

import logging
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

SERVICE = "Moodcast"
"""Under which all that is ours lies in a keyring."""
_log = logging.getLogger(__name__)


class Errands:
    """A thread that does what it is given, one after the other. Any thread may give it something."""

    def __init__(self, name: str) -> None:
        """``name``: of the thread."""
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # Not Python's own executor: the end of the program would wait for a keyring that asks its user.
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Callable[_Given, _Result], *arguments: _Given.args, **named: _Given.kwargs) -> "Future[_Result]":
        """``work`` in turn; returns at once. The future has what it returns or raises."""
        future: Future[_Result] = Future()

        def run() -> None:
            try:
                future.set_result(work(*arguments, **named))
            except BaseException as error:  # whoever asked gets it
                future.set_exception(error)

        self._work.put(run)
        return future

    def _run(self) -> None:
        while True:
            self._work.get()()


def system_keyring() -> "KeyringBackend | None":
    """The system's keyring, if there is one; not one that is a file itself, or takes nothing. It may ask its user."""
    if sys.platform != "darwin":
        # keyring loads its backend for macOS everywhere, which has the C compiler look for Apple's libraries.
        sys.modules.setdefault("keyring.backends.macOS.api", None)  # type: ignore[arg-type]
    try:
        import keyring

        ring = keyring.get_keyring()
        return ring if float(ring.priority) >= 1 else None
    except Exception as error:  # backends are other people's, and raise whatever they like
        _log.debug("no keyring: %s", type(error).__name__)
        return None
