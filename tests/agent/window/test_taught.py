"""What the screens show of teaching, by what the agent's state is."""

import math
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import consent
from agent.app.state import State
from agent.personal.lesson import HOLD_S, LASTS_S, READY_S, GuidedMinute, LessonMoment, Phase
from agent.personal.status import Taught, TeacherStatus
from agent.window import shown, taught
from agent.window.texts import window_texts
from relay.common.texts import LANGUAGES, Language
from relay.protocol import EXPRESSIONS

ENGLISH = window_texts("en")
WATCHED: dict[str, Any] = {"wish": "face", "camera": "on", "label": "happy", "confidence": 0.9}
HAPPY = EXPRESSIONS.index("happy")


def status(**values: Any) -> TeacherStatus:
    """Of three answers."""
    return TeacherStatus(**({"counts": (0, 0, 0, 2, 0, 0, 1), "sentence": "x"} | values))


def moment(left_s: float = 3.2, number: int = 4, phase: Phase = "hold") -> LessonMoment:
    return LessonMoment(expression=EXPRESSIONS[number - 1], phase=phase, left_s=left_s, number=number)


@given(st.lists(st.floats(0.001, taught.AGAIN_S - 0.001), min_size=1, max_size=100))
def test_a_key_that_is_held_answers_once(gaps: list[float]) -> None:
    now, counted = 2 * taught.AGAIN_S, 1
    presses = taught.Presses(0.0)
    assert presses.counts(now)
    for gap in gaps:
        now += gap
        counted += presses.counts(now)
    assert counted == 1
    assert presses.counts(now + taught.AGAIN_S + 0.01)


def test_a_key_that_is_held_since_the_screen_before_answers_nothing() -> None:
    presses = taught.Presses(10.0)
    assert not any(presses.counts(10.0 + number / 30) for number in range(300))


def test_there_is_an_answer_to_what_is_read_now_and_to_nothing_else() -> None:
    assert taught.may_answer(State(**WATCHED))
    assert not taught.may_answer(State(**(WATCHED | {"label": None})))
    assert not taught.may_answer(State(**(WATCHED | {"camera": "waiting"})))
    assert not taught.may_answer(State(**WATCHED, lesson=moment()))


def test_after_an_answer_it_says_what_was_kept_and_how_many_there_are() -> None:
    kept = Taught(label=HAPPY, answers=1, sentence="English")
    assert shown.say(ENGLISH, taught.answered(kept, status())) == "Kept: Happy. 3 answers."
    assert shown.say(ENGLISH, taught.answered(kept, None)) == "Kept: Happy. 1 answer."
    assert shown.say(window_texts("de"), taught.answered(kept, status())) == "Gemerkt: Fröhlich. 3 Antworten."


def test_where_nothing_was_kept_it_says_why() -> None:
    nothing = Taught(label=None, answers=0, sentence="Nothing was stored: nobody is there.")
    assert shown.say(ENGLISH, taught.answered(nothing, status())) == nothing.sentence


@pytest.mark.parametrize(
    ("personal", "said", "right"),
    [
        (None, "Not in use\nWhat is kept is read once the camera is on.", None),
        (status(counts=(0,) * 7), "Not in use\nThere are no answers yet.", None),
        (status(counts=(0,) * 7, notice="The key is lost."), "Not in use\nThe key is lost.", None),
        (status(), "Not in use\nTo be tested, it needs answers that lie minutes apart", None),
        (status(before=4, after=5, of=9), "Not in use\nIt is used once it reads at least two more", (4, 5, 9)),
        (status(before=4, after=7, of=9, in_use=True), "In use\nIt reads 3 more of your answers right.", (4, 7, 9)),
        (status(before=4, after=5, of=9, learning=True), "Learning …", (4, 5, 9)),
        (status(whose="stranger"), "Not in use\nThis does not look like who taught it", None),
        (status(whose="unenrolled"), "Not in use\nWhoever gives the next answer is who it learns from", None),
    ],
)
def test_it_says_whether_it_is_used_and_why(
    personal: TeacherStatus | None, said: str, right: tuple[int, int, int] | None
) -> None:
    worth = taught.worth(personal, is_on=True)
    words = "\n".join(shown.say(ENGLISH, one) for one in (worth.headline, *worth.details))
    assert words.startswith(said)
    assert ("no answers" in words) == ("no answers" in said)
    assert worth.right == right
    assert worth.is_good == (personal is not None and personal.in_use)


def test_turned_off_nothing_of_it_is_said_to_be_in_use() -> None:
    worth = taught.worth(status(before=4, after=7, of=9, in_use=True), is_on=False)
    assert not worth.is_good
    assert [shown.say(ENGLISH, one) for one in worth.details] == ["Off. Your answers are kept, and not used."]


@given(st.floats(0, LASTS_S - 0.001))
def test_the_minute_counts_down_to_each_expression_and_then_through_it(now: float) -> None:
    asked = GuidedMinute(0.0).moment(now)
    assert asked
    lesson = taught.lesson(asked)
    lasts = HOLD_S if lesson.is_now else READY_S
    assert 1 <= lesson.seconds <= math.ceil(lasts)
    assert 0 <= lesson.done <= 1
    assert lesson.done == pytest.approx(1 - asked.left_s / lasts)
    assert shown.say(ENGLISH, lesson.step) == f"{EXPRESSIONS.index(lesson.face) + 1} of 7"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phase", get_args(Phase))
def test_it_names_the_expression_in_every_language(language: Language, phase: Phase) -> None:
    texts = window_texts(language)
    headline = shown.say(texts, taught.lesson(moment(phase=phase)).headline)
    assert texts("label.happy") in headline


def test_at_the_end_of_the_minute_it_says_how_many_answers_there_are() -> None:
    last = moment(left_s=0.1, number=7)
    nobody = Taught(label=None, answers=0, sentence="Nothing was stored: nobody is there.")
    whole = State(personal=status(), taught=nobody)  # of the last expression alone
    assert shown.say(ENGLISH, taught.ending(last, whole)) == "It is over. 3 answers are kept."


@pytest.mark.parametrize("last", [None, moment(number=2), moment(left_s=0.1, number=7, phase="ready")])
def test_a_minute_that_is_broken_off_says_why(last: LessonMoment | None) -> None:
    broken = Taught(label=None, answers=0, sentence="The guided minute was broken off.")
    assert shown.say(ENGLISH, taught.ending(last, State(taught=broken))) == broken.sentence


def test_the_english_question_says_all_that_is_remembered_as_agreed_to() -> None:
    english = " ".join(text for _, text in taught.consent(ENGLISH))
    for sentence in re.findall(r"[^.]+\.", consent.TEACHING):
        assert re.sub(r"\s+", " ", sentence).strip() in english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_has_a_heading_over_each_part(language: Language) -> None:
    asked = taught.consent(window_texts(language))
    assert len({heading for heading, _ in asked}) == len(asked) == 5
    assert all(heading and text for heading, text in asked)
