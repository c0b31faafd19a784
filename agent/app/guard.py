"""Shuts the camera where the event loop, which does it else, hangs. A stop button that can fail is none."""

import threading
from collections.abc import Callable

_HEEDED_S = 0.1
"""The event loop shuts the camera within so long, or it is taken to hang."""


class Guard:
    """A thread that waits. Every method may be called from any thread."""

    def __init__(self, cut: Callable[[], None]) -> None:
        """``cut`` shuts the camera, in the guard's thread; it is called until the event loop has come to it."""
        self._cut = cut
        self._news = threading.Condition()
        self._asked = self._heeded = 0
        """How often the camera was to be shut, and how many of these the event loop has come to."""
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def end(self) -> None:
        """Guard no more."""
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def ask(self) -> None:
        """The event loop is told to shut the camera, and then to call ``heed``."""
        with self._news:
            self._asked += 1
            self._news.notify_all()

    def heed(self) -> None:
        """The event loop has come to it."""
        with self._news:
            self._heeded += 1
            self._news.notify_all()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._is_over or self._heeded < self._asked)
                is_fine = self._news.wait_for(lambda: self._is_over or self._heeded == self._asked, _HEEDED_S)
                if self._is_over:
                    return
            if not is_fine:
                self._cut()
