"""Intervals over people: known figures, nothing of one person, and nothing to gain over oneself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import metrics
from models.micro import by_subject

ANSWERS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from("abcd")), min_size=2, max_size=40
).filter(lambda rows: len({who for _, _, who in rows}) > 1)


@settings(max_examples=5)  # each resamples thousands of times
@given(ANSWERS)
def test_figures_are_those_of_all_clips_and_lie_in_their_intervals_range(rows: list[tuple[int, int, str]]) -> None:
    labels, answers = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    who = [row[2] for row in rows]
    found = by_subject.matrices(labels, answers, who, 3)
    assert len(found) == len(set(who))
    figures = by_subject.figures(found)
    assert figures["confusion"] == metrics.confusion(labels, answers, 3).tolist()
    for name in by_subject.FIGURES:
        low, high = figures[name]["interval"]
        assert 0 <= low <= high <= 1
        assert 0 <= figures[name]["value"] <= 1


@settings(max_examples=5)  # each resamples thousands of times
@given(ANSWERS)
def test_nothing_is_gained_over_oneself(rows: list[tuple[int, int, str]]) -> None:
    labels, answers = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    found = by_subject.matrices(labels, answers, [row[2] for row in rows], 3)
    assert all(figure == {"value": 0, "interval": (0, 0)} for figure in by_subject.gain(found, found).values())


def test_people_are_drawn_and_not_clips() -> None:
    labels = np.zeros(400, np.int64)
    answers = np.repeat([0, 1], 200)  # of two people, one is always right
    of_two = by_subject.figures(by_subject.matrices(labels, answers, ["a"] * 200 + ["b"] * 200, 2))
    of_many = by_subject.figures(by_subject.matrices(labels, answers, [str(i) for i in range(400)], 2))
    assert of_two["war"] == {"value": 0.5, "interval": (0.0, 1.0)}
    assert of_many["war"]["interval"] == pytest.approx((0.45, 0.55), abs=0.01)


def test_of_one_person_there_is_no_interval() -> None:
    found = by_subject.matrices(np.array([0, 1]), np.array([0, 0]), ["a", "a"], 2)
    assert by_subject.figures(found)["uar"] == {"value": 0.5, "interval": None}
    assert by_subject.gain(found, found)["uar"] == {"value": 0, "interval": None}
