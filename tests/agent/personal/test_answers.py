"""Answers: which of them are kept, and what is none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.personal.answers import MOST_ANSWERS, Answer, Answers
from tests.agent.personal.kept import NETWORK, answer, answers


def test_an_answer_is_shown_without_what_is_known_of_the_face() -> None:
    assert repr(answer(3)) == "Answer(at=1800000003.0, label=3, corrected=False)"


def test_they_are_joined_each_once_and_in_the_order_of_their_time() -> None:
    joined = answers(5, 1).joined([answer(1), answer(3), answer(5)])
    assert [one.digest for one in joined.answers] == [answer(number).digest for number in (1, 3, 5)]


@pytest.mark.parametrize(
    "other",
    [
        {"at": 1.5},
        {"label": 2},
        {"corrected": True},
        {"features": np.ones(8, np.float32)},
        {"universal": np.full(7, 1 / 7, np.float32)},
    ],
)
def test_two_are_the_same_only_where_all_of_them_is(other: dict[str, object]) -> None:
    assert replace(answer(1), **other).digest != answer(1).digest  # type: ignore[arg-type]


@settings(max_examples=20)
@given(st.lists(st.integers(0, 6), min_size=MOST_ANSWERS, max_size=MOST_ANSWERS + 60))
def test_of_too_many_the_oldest_of_the_commonest_label_goes_first(labels: list[int]) -> None:
    given_ones = [Answer(float(at), label, ONE, SURE, False) for at, label in enumerate(labels)]
    kept = Answers(NETWORK).joined(given_ones)
    assert len(kept.answers) == MOST_ANSWERS
    left = {one.at for one in kept.answers}
    for label in range(7):
        of_label = [one.at for one in given_ones if one.label == label]
        had, has = len(of_label), kept.counts[label]
        assert [at in left for at in of_label] == [False] * (had - has) + [True] * has
        # Nothing goes of a label that is rarer than the commonest of those that are left.
        assert had == has or has >= max(kept.counts) - 1


ONE, SURE = np.ones(1, np.float32), np.eye(7, dtype=np.float32)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        Answer(1.0, 7, ONE, SURE, False),
        Answer(1.0, -1, ONE, SURE, False),
        Answer(float("nan"), 0, ONE, SURE, False),
        Answer(1e12, 0, ONE, SURE, False),
        Answer(-1.0, 0, ONE, SURE, False),
        Answer(1.0, 0, ONE * np.float32("inf"), SURE, False),
        Answer(1.0, 0, np.ones(0, np.float32), SURE, False),
        Answer(1.0, 0, np.ones(2049, np.float32), SURE, False),
        Answer(1.0, 0, np.ones((1, 1), np.float32), SURE, False),
        Answer(1.0, 0, ONE, SURE[:6], False),
        Answer(1.0, 0, ONE, SURE * 2, False),
        Answer(1.0, 0, ONE, SURE - 1, False),
        Answer(1.0, 0, ONE, SURE * np.float32("nan"), False),
    ],
)
def test_what_can_be_no_answer_is_refused(wrong: Answer) -> None:
    with pytest.raises(ValueError, match="expected"):
        Answers(NETWORK, (wrong,))


def test_more_than_are_kept_and_embeddings_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 400"):
        answers(*range(MOST_ANSWERS + 1))
    with pytest.raises(ValueError, match="one length"):
        Answers(NETWORK, (answer(1, features=8), answer(2, features=9)))
