"""What a face looks like most of the time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.resting import RestingFace, RestingRules
from relay.protocol import EXPRESSIONS

FPS = 5
MINUTE = 60 * FPS
Face = list[float]


def face(expression: str, odds: float) -> Face:
    """Seven probabilities of which one has these log odds against neutral, and the other five next to nothing."""
    whole = 1 + math.exp(odds)
    found = [1e-4] * len(EXPRESSIONS)
    found[EXPRESSIONS.index(expression)] = math.exp(odds) / whole
    found[EXPRESSIONS.index("neutral")] = 1 / whole
    return [p / sum(found) for p in found]


def label(probabilities: Face) -> str:
    return EXPRESSIONS[max(range(len(EXPRESSIONS)), key=probabilities.__getitem__)]


class Viewer:
    """Somebody who is looked at ``FPS`` times a second."""

    def __init__(self) -> None:
        self.resting, self.now = RestingFace(), 0.0

    def shows(self, probabilities: Face, frames: int) -> list[str]:
        """What each of so many frames is called."""
        said = []
        for _ in range(frames):
            self.now += 1 / FPS
            said.append(label(self.resting.read(self.now, probabilities)))
        return said


NEUTRAL = face("sad", -4.0)

faces = st.lists(st.floats(1e-3, 1), min_size=7, max_size=7).map(lambda row: [p / sum(row) for p in row])


@given(st.lists(faces, min_size=1, max_size=40), st.sampled_from((0.2, 1.0, 3.0)))
def test_what_it_answers_are_probabilities_and_only_angry_and_sad_give_way(seen: list[Face], every: float) -> None:
    resting = RestingFace(RestingRules(known_after_s=1.0))
    for i, probabilities in enumerate(seen):
        answer = resting.read(i * every, probabilities)
        assert sum(answer) == pytest.approx(1)
        assert all(p >= 0 for p in answer)
        for name, before, after in zip(EXPRESSIONS, probabilities, answer, strict=True):
            # Against neutral: by at most e**2.5 of its odds, and only where a face may lean.
            left = after / answer[-1] / (before / probabilities[-1])
            assert left == pytest.approx(1) or (math.exp(-2.501) <= left < 1 and name in RestingRules().rest)


@pytest.mark.parametrize("expression", ["angry", "sad"])
def test_a_resting_face_that_reads_unhappy_is_neutral_after_a_minute(expression: str) -> None:
    viewer = Viewer()
    assert set(viewer.shows(face(expression, 0.7), MINUTE // 2)) == {expression}
    viewer.shows(face(expression, 0.7), MINUTE)
    assert set(viewer.shows(face(expression, 0.7), 10 * MINUTE)) == {"neutral"}


@pytest.mark.parametrize("expression", ["angry", "sad"])
def test_who_is_unhappier_than_at_rest_is_still_unhappy(expression: str) -> None:
    viewer = Viewer()
    viewer.shows(face(expression, 0.7), 2 * MINUTE)
    assert set(viewer.shows(face(expression, 2.5), MINUTE)) == {expression}


def test_a_clear_expression_is_never_called_neutral_however_long_it_lasts() -> None:
    for expression in EXPRESSIONS:
        assert set(Viewer().shows(face(expression, 2.7), 20 * MINUTE)) == {expression}


@given(st.lists(faces, min_size=1, max_size=30), faces, st.floats(1, 4))
def test_whatever_was_learned_a_smile_stays_a_smile(before: list[Face], mixed: Face, odds: float) -> None:
    resting = RestingFace(RestingRules(known_after_s=1.0))
    for i, probabilities in enumerate(before):
        resting.read(float(i), probabilities)
    smile = [(p + q) / 2 for p, q in zip(face("happy", odds), mixed, strict=True)]
    if label(smile) == "happy":
        assert label(resting.read(float(len(before)), smile)) == "happy"


@pytest.mark.parametrize("rested", [0, MINUTE])
def test_a_long_smile_is_not_swallowed_and_not_learned(rested: int) -> None:
    viewer = Viewer()
    viewer.shows(NEUTRAL, rested)
    assert set(viewer.shows(face("happy", 0.5), 30 * MINUTE)) == {"happy"}
    assert set(viewer.shows(face("sad", 0.7), MINUTE // 2)) == {"sad"}


def test_nothing_is_changed_before_the_face_is_known() -> None:
    resting = RestingFace()
    for i in range(MINUTE // 2):
        assert resting.read(i / FPS, NEUTRAL) == NEUTRAL


@pytest.mark.parametrize("expression", ["angry", "sad"])
def test_five_minutes_of_a_mood_do_not_pass_for_rest(expression: str) -> None:
    viewer = Viewer()
    viewer.shows(NEUTRAL, 4 * MINUTE)
    assert set(viewer.shows(face(expression, 0.7), 5 * MINUTE)) == {expression}


def test_who_was_away_for_long_may_be_somebody_else() -> None:
    viewer = Viewer()
    viewer.shows(face("sad", 0.7), 2 * MINUTE)
    viewer.now += 20
    assert viewer.shows(face("sad", 0.7), 1) == ["neutral"]
    viewer.now += 31
    assert viewer.shows(face("sad", 0.7), 1) == ["sad"]


def test_a_face_that_changes_is_learned_anew_within_minutes() -> None:
    viewer = Viewer()
    viewer.shows(NEUTRAL, 5 * MINUTE)
    viewer.shows(face("sad", 0.7), 10 * MINUTE)
    assert viewer.shows(face("sad", 0.7), 1) == ["neutral"]


def test_probabilities_of_nothing_and_of_all_are_borne() -> None:
    resting = RestingFace(RestingRules(known_after_s=0.0))
    sure = [0.0] * len(EXPRESSIONS)
    sure[EXPRESSIONS.index("happy")] = 1.0
    for i in range(10):
        assert label(resting.read(float(i), sure)) == "happy"
