"""The guided minute: each expression is asked for, one after the other. Pure, times in seconds.

Shown is a countdown first, so that whoever looks up and makes a face has made it when it counts. What is shown in the
first moment of a turn does not count either: a face takes about half a second to get there.
"""

from typing import Literal, NamedTuple

import msgspec

from relay.protocol import EXPRESSIONS, Expression

READY_S = 3.0
"""Between the name of an expression and its turn: 3, 2, 1."""
HOLD_S = 5.5
"""An expression is to be held for so long."""
_SETTLE_S = 0.5
REST_S = 2.0
"""After the last one, or a lesson that is broken off, made faces still are in the averages of ``agent.smoothing``."""
_TURN_S = READY_S + HOLD_S
LASTS_S = _TURN_S * len(EXPRESSIONS)
_GAP_S = 5.0
"""Nothing was heard of the time for longer: the program was halted, or the machine slept. A busy one takes seconds."""

Phase = Literal["ready", "hold"]


class LessonMoment(msgspec.Struct, frozen=True, kw_only=True):
    """What a lesson asks for at one moment."""

    expression: Expression
    phase: Phase
    """``ready``: it is announced, and counted down to. ``hold``: it is to be shown now."""
    left_s: float
    """Until the phase is over."""
    number: int
    """Which of ``of`` it is, from 1 on."""
    of: int = len(EXPRESSIONS)


class AskedFace(NamedTuple):
    """An expression, and between which times it was shown."""

    label: int
    """An index of ``EXPRESSIONS``."""
    since: float
    until: float


class GuidedMinute:
    """One lesson, which began at a time of a clock that never goes back. Tell it the time a few times a second."""

    def __init__(self, began: float) -> None:
        self._began = self._now = began
        self.is_over = False
        """Whether all was asked for, or it was broken off since nobody told the time."""
        self.is_broken_off = False

    def turns(self, now: float) -> list[AskedFace]:
        """Those that have ended since the last call, each of which is told once."""
        before, self._now = self._now, max(self._now, now)
        if self.is_over:
            return []
        if self._now - before > _GAP_S:
            self.is_over = self.is_broken_off = True
            return []
        self.is_over = self._now >= self._began + LASTS_S
        all_of_it = [self._turn(label) for label in range(len(EXPRESSIONS))]
        return [turn for turn in all_of_it if before < turn.until <= self._now]

    def moment(self, now: float) -> LessonMoment | None:
        """What it asks for at ``now``; None once it is over."""
        elapsed = max(0.0, now - self._began)
        if self.is_over or elapsed >= LASTS_S:
            return None
        label = min(int(elapsed / _TURN_S), len(EXPRESSIONS) - 1)
        left = (label + 1) * _TURN_S - elapsed
        is_ready = left > HOLD_S
        return LessonMoment(
            expression=EXPRESSIONS[label],
            phase="ready" if is_ready else "hold",
            left_s=left - HOLD_S if is_ready else left,
            number=label + 1,
        )

    def _turn(self, label: int) -> AskedFace:
        until = self._began + (label + 1) * _TURN_S
        return AskedFace(label, until - HOLD_S + _SETTLE_S, until)
