"""What the screens show of teaching: answers, what was learned of them, and the guided minute. Pure."""

import math
from typing import NamedTuple

from agent.app.state import State
from agent.personal.lesson import HOLD_S, READY_S, LessonMoment
from agent.personal.status import Taught, TeacherStatus
from agent.window.shown import Words
from relay.common.texts import Texts
from relay.protocol import EXPRESSIONS, Expression

AGAIN_S = 1.0
"""Within so long of an answer nobody means another one; a key that is held is repeated sooner."""
_LAST_S = 1.0
"""Who has seen the last expression asked for with so little left has seen all of it: screens are drawn now and then."""


def consent(texts: Texts) -> list[tuple[str, str]]:
    """What is asked before anything of a face is kept: headings, and what there is to know.

    The facts are those of ``agent.consent.TEACHING``, whose English text is the one that is remembered as agreed to.
    """
    return [
        (texts("consent.what"), texts("teach.happens")),
        (texts("teach.kept_title"), texts("teach.keeps")),
        (texts("teach.where_title"), texts("teach.where")),
        (texts("consent.never"), texts("teach.never")),
        (texts("consent.stop"), texts("teach.end")),
    ]


class Presses:
    """Which presses of keys and buttons are meant. Times in seconds of a clock that never goes back."""

    def __init__(self, now: float) -> None:
        """``now``: a key that is held from before does not count either."""
        self._last = now

    def counts(self, now: float) -> bool:
        """Whether a press at ``now`` is one that is meant: not if it is the repetition of another, counted or not."""
        may = self.may(now)
        self._last = now
        return may

    def may(self, now: float) -> bool:
        """Whether one would count."""
        return now - self._last > AGAIN_S


class ShownWorth(NamedTuple):
    """What the answers are worth."""

    headline: Words
    details: tuple[Words, ...]
    is_good: bool
    right: tuple[int, int, int] | None
    """Answers read right before, and with what was learned, of how many; None where that is not known."""


class ShownLesson(NamedTuple):
    """What the guided minute asks for."""

    headline: Words
    step: Words
    face: Expression
    seconds: int
    """Of the countdown, 1 or more."""
    done: float
    """The share of this part that is over, 0 to 1."""
    is_now: bool
    """Whether it counts now; else it is still counted down to."""


def may_answer(state: State) -> bool:
    """Whether there is something to confirm or to correct."""
    return state.camera == "on" and state.label is not None and state.lesson is None


def answered(taught: Taught, personal: TeacherStatus | None) -> Words:
    """What became of an answer."""
    if taught.label is None:
        return Words(taught.sentence, is_literal=True)
    count = total(personal) if personal else taught.answers
    return Words("teach.kept", {"label": Words(f"label.{EXPRESSIONS[taught.label]}"), "count": count})


def total(personal: TeacherStatus | None) -> int:
    """How many answers are kept, as far as it is known."""
    return sum(personal.counts) if personal else 0


def worth(personal: TeacherStatus | None, is_on: bool) -> ShownWorth:
    """Whether what was learned is used, and why."""
    if not is_on:
        return ShownWorth(Words("learned.unused"), (Words("learned.off"),), False, None)
    if personal is None:
        return ShownWorth(Words("learned.unused"), (Words("learned.unknown"),), False, None)
    if personal.learning:
        return ShownWorth(Words("learned.learning"), (), False, _right(personal))
    if personal.whose in ("stranger", "unenrolled"):
        said = Words(f"learned.{personal.whose}")
        return ShownWorth(Words("learned.unused"), (said, *_notice(personal)), False, _right(personal))
    if personal.in_use:
        gain = Words("learned.better", {"count": max(personal.after - personal.before, 0)})
        return ShownWorth(Words("learned.in_use"), (gain, *_notice(personal)), True, _right(personal))
    why = "worse" if personal.of else "few" if total(personal) else "none"
    is_known = total(personal) or not personal.notice  # else the notice says why none can be read
    reason = (Words(f"learned.{why}"),) if is_known else ()
    return ShownWorth(Words("learned.unused"), (*reason, *_notice(personal)), False, _right(personal))


def _notice(personal: TeacherStatus) -> tuple[Words, ...]:
    """What is the matter with what is kept, as it came."""
    return (Words(personal.notice, is_literal=True),) if personal.notice else ()


def _right(personal: TeacherStatus) -> tuple[int, int, int] | None:
    return (personal.before, personal.after, personal.of) if personal.of else None


def lesson(moment: LessonMoment) -> ShownLesson:
    """What it asks for now."""
    is_now = moment.phase == "hold"
    lasts = HOLD_S if is_now else READY_S
    return ShownLesson(
        headline=Words(f"lesson.{moment.phase}", {"label": Words(f"label.{moment.expression}")}),
        step=Words("lesson.step", {"number": moment.number, "all": moment.of}),
        face=moment.expression,
        seconds=max(math.ceil(moment.left_s), 1),
        done=min(max(1 - moment.left_s / lasts, 0.0), 1.0),
        is_now=is_now,
    )


def ending(last: LessonMoment | None, state: State) -> Words:
    """What came of a guided minute that is over. ``last``: what it was seen to ask for last."""
    is_whole = last is not None and (last.number, last.phase) == (last.of, "hold") and last.left_s < _LAST_S
    if not is_whole and state.taught is not None and state.taught.label is None:
        return Words(state.taught.sentence, is_literal=True)
    return Words("lesson.over", {"count": total(state.personal)})
