"""Measuring how much later than it happens a viewer sees the stream: a countdown that all see, and taps at its zero.

Pure: time is passed in, in seconds of a steady clock, and as Unix time for the messages.
"""

import math
import statistics
from collections.abc import Hashable

from relay.protocol import MAX_DELAY_S, Countdown

USUAL_S = 5
"""Seconds that a countdown takes where nobody asks for another length."""
EARLY_S = 1.0
"""Who taps so much too early meant zero: nobody sees the stream before it happens, but fingers hurry."""
SHOWN_S = 1.5
"""For so long after zero the pages and the picture show the 0."""
LEAST_REST_S = 1.0
"""Who comes later than this before zero sees nothing of it: it could not be followed."""


class TapError(Exception):
    """A tap that measures nothing: a sentence for the viewer, what was expected and what to do."""


class Measurement:
    """One countdown and the answers to it.

    The time from zero to a viewer's tap is that viewer's delay. Nothing is taken off for the time to react: a tap on
    the last beat of a rhythm is anticipated and comes with it, not a reaction time after it (Repp 2005, "Sensorimotor
    synchronization", Psychonomic Bulletin & Review 12).

    A countdown waits for answers until the longest delay has passed. Another must not begin before: nobody could tell
    of which of the two a viewer has just seen the zero.

    Of too few answers nothing is told: they would be one person's, who is there and how far behind.
    """

    __slots__ = ("_delays", "_least", "_networks", "_seconds", "_unix", "_zero")

    def __init__(self, seconds: int, now: float, unix: float, least: int) -> None:
        """Begins at ``now``, which is the Unix time ``unix``, and reaches zero ``seconds`` later.

        ``least``: networks (1 or more) from which answers must have come before anything is told of them.
        """
        self._seconds = seconds
        self._zero = now + seconds
        self._unix = unix + seconds
        self._least = least
        self._delays: dict[Hashable, float] = {}
        self._networks: dict[Hashable, Hashable] = {}

    def event(self, now: float) -> Countdown:
        """The message for who hears of it at ``now``. Its ``zero`` is always the same."""
        rest = self._zero - now
        return Countdown(time=self._unix - rest, seconds=self._seconds, zero=self._unix)

    def open_s(self, now: float) -> float:
        """Seconds for which viewers may still answer; 0 when it is over."""
        return max(0.0, self._zero + MAX_DELAY_S - now)

    def can_be_followed(self, now: float) -> bool:
        """Whether enough of it is left for a page that begins to show it."""
        return self._zero - now >= LEAST_REST_S

    def digit(self, now: float) -> int | None:
        """The number that is on the broadcast, None when there is none (any more)."""
        rest = self._zero - now
        return max(0, math.ceil(rest)) if rest > -SHOWN_S else None

    def tap(self, viewer: Hashable, network: Hashable, now: float) -> float:
        """The viewer's delay in seconds, 0 to ``MAX_DELAY_S``. ``network``: as of ``audience.Member``.

        A later tap of the same viewer replaces the one before: who saw the zero knows better than who slipped.

        Raises:
            TapError: too early or too late.
        """
        delay = now - self._zero
        if delay < -EARLY_S:
            raise TapError(f"Zero is {-delay:.0f} seconds away: tap when the stream on your screen reaches 0.")
        if delay > MAX_DELAY_S:
            text = f"A delay is at most {MAX_DELAY_S:g} seconds, and zero was {delay:.0f} seconds ago"
            raise TapError(f"{text}: tap at the next countdown.")
        self._delays[viewer] = delay = max(0.0, delay)
        self._networks[viewer] = network
        return delay

    def forget(self, viewer: Hashable) -> None:
        """The viewer left; its answer counts no more."""
        self._delays.pop(viewer, None)
        self._networks.pop(viewer, None)

    @property
    def answers(self) -> int:
        """How many of those present have answered; 0 while they are too few to be told."""
        return len(self._delays) if len(set(self._networks.values())) >= self._least else 0

    @property
    def median(self) -> float | None:
        """Of their delays, in seconds; None while they are too few to be told."""
        return statistics.median(self._delays.values()) if self.answers else None


def late_tap() -> TapError:
    """What a tap is where there was no countdown."""
    return TapError("No countdown is on the stream: wait until the streamer starts one.")
