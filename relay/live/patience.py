"""The event loop of a relay with a crowd: it lets what comes gather for a moment, and then handles it in one go."""

import asyncio
import selectors
import sys
import time
from collections.abc import Coroutine
from typing import Any

GATHER_S = 0.004
"""From one look at the connections to the next, unless something else is to be done. A crowd's labels come one by one,
and to be woken for each costs more than to count it; a mood is made four times a second."""


class _PatientSelector(selectors.DefaultSelector):
    """Looks at the connections no more often than each ``GATHER_S``, where nothing is due before."""

    def __init__(self) -> None:
        super().__init__()
        self._looked = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As ``selectors``, with the ``timeout`` in seconds."""
        now = time.monotonic()
        pause = self._looked + GATHER_S - now
        if timeout is not None:
            pause = min(pause, timeout)
        if pause > 0:
            time.sleep(pause)
            now += pause
            timeout = timeout and timeout - pause
        found = super().select(timeout)
        self._looked = time.monotonic()
        return found


def run(main: Coroutine[Any, Any, None]) -> None:
    """As ``asyncio.run``, patiently where it can be: not on Windows, nor in Python 3.10."""
    runner_of = getattr(asyncio, "Runner", None)
    if sys.platform == "win32" or runner_of is None:
        asyncio.run(main)
        return
    with runner_of(loop_factory=lambda: asyncio.SelectorEventLoop(_PatientSelector())) as runner:
        runner.run(main)
