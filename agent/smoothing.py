"""From seven probabilities a frame to one steady expression.

An exponential moving average whose weight follows the elapsed time (so that five frames a second and thirty give the
same curve), then hysteresis: another expression takes over only after it has led clearly for a while.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from relay.protocol import EXPRESSIONS, Expression


class Reading(NamedTuple):
    """What a face shows: an expression and its smoothed probability, 0..1."""

    emotion: Expression
    confidence: float


@dataclass(frozen=True)
class Rules:
    """How steady a reading is. The defaults follow a sudden change within about 0.7 s and sit out a blink."""

    time_constant_s: float = 0.4
    """After a step, the average has covered 63 % of it in this time."""
    lead: float = 1.2
    """Another expression must be this many times as probable as the shown one ..."""
    hold_s: float = 0.3
    """... and for how long, before it takes over. A face that just appeared is looked at for as long,
    without a frame in between that has none."""
    away_after_s: float = 2.0
    """Without a face for this long, nobody is there."""


class Smoother:
    """Feed it every frame's result; it answers with the reading, or None while nobody is there."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._averages: list[float] | None = None
        self._seen = self._appeared = -math.inf
        self._shown: int | None = None
        self._rival: int | None = None
        self._rival_since = 0.0

    def update(self, time: float, probabilities: Sequence[float] | None) -> Reading | None:
        """The reading at ``time`` (seconds, never decreasing).

        ``probabilities`` are seven, in the order of ``EXPRESSIONS``, summing to 1; None where the frame has no face.
        """
        if time - self._seen >= self._rules.away_after_s:
            self._averages, self._shown, self._rival = None, None, None
            self._appeared = time
        if probabilities is not None:
            self._average(time, probabilities)
            self._seen = time
        elif self._shown is None:
            self._seen = -math.inf  # a face that can be read in single frames only would come and go
        if self._averages is None or self._shown is None:
            return None
        return Reading(EXPRESSIONS[self._shown], min(1.0, max(0.0, self._averages[self._shown])))

    def _average(self, time: float, probabilities: Sequence[float]) -> None:
        if self._averages is None:
            self._averages = [float(p) for p in probabilities]
        else:
            keep = math.exp(-(time - self._seen) / self._rules.time_constant_s)
            pairs = zip(self._averages, probabilities, strict=True)
            self._averages = [keep * old + (1 - keep) * float(new) for old, new in pairs]
        rival = max(range(len(EXPRESSIONS)), key=self._averages.__getitem__)
        if self._shown is None:
            if time - self._appeared >= self._rules.hold_s:
                self._shown = rival
        elif self._averages[rival] < self._averages[self._shown] * self._rules.lead:
            self._rival = None
        elif rival != self._rival:
            self._rival, self._rival_since = rival, time
        elif time - self._rival_since >= self._rules.hold_s:
            self._shown, self._rival = rival, None
