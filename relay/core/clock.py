"""The relay's clock: Unix time that runs as evenly as the steady clock does, until the machine's own clock is set.

A machine's clock may be set at any time: by a person, by a time server, or since the machine slept. The history must
not wait until that clock has caught up, nor tell a second twice: so a step is taken once, and everyone hears of it.
"""

import time
from collections.abc import Callable

STEP_S = 2.0
"""Seconds by which the machine's clock may depart from the even one before it is followed."""
READ_S = 0.5
"""Both clocks are read at once; where reading took longer than this, the process was stopped in between."""
TOLD_S = 600.0
"""A step is worth a warning for this long."""


class Clock:
    """Unix time and the steady clock, side by side."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """``wall``: Unix time, which may be set. ``steady``: never is."""
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()
        self._even_since = steady()
        self._step = ""

    def now(self) -> float:
        """The Unix time."""
        return self.at(self._steady())

    def at(self, steady: float) -> float:
        """The Unix time at a time of the steady clock."""
        return self._offset + steady

    def follow(self) -> float:
        """Look at the machine's clock, as at each tick.

        Returns the seconds by which it was set, and this clock with it: below 0 where it was set back, 0 for neither.
        """
        before = self._steady()
        wall = self._wall()
        after = self._steady()
        step = wall - after - self._offset
        if abs(step) <= STEP_S or after - before > READ_S:
            return 0.0
        self._offset += step
        self._even_since = after
        if step > 0:
            self._step = f"The relay's clock was set forward by {step:.0f} s, or it slept: the history has a gap there."
        else:
            self._step = f"The relay's clock was set back by {-step:.0f} s: the history goes on in a new session."
        return step

    @property
    def even_s(self) -> float:
        """Seconds since the start, or since it was set."""
        return self._steady() - self._even_since

    @property
    def warning(self) -> str:
        """A sentence in the minutes after a step, else empty."""
        return self._step if self.even_s < TOLD_S else ""
