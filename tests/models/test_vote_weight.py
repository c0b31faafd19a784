"""The benchmark of a vote's weight: its audiences are as asked for, and it measures what it says."""

import numpy as np
import pytest

from relay.protocol import EXPRESSIONS

pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
from benchmarks import vote_weight

HAPPY, SAD, NEUTRAL = (EXPRESSIONS.index(name) for name in ("happy", "sad", "neutral"))


def answers(votes: list[int], confidences: list[float]) -> np.ndarray:
    """Probabilities (1, N, 7) that say so."""
    said = np.zeros((1, len(votes), len(EXPRESSIONS)), np.float32)
    for viewer, (vote, confidence) in enumerate(zip(votes, confidences, strict=True)):
        said[0, viewer] = (1 - confidence) / (len(EXPRESSIONS) - 1)
        said[0, viewer, vote] = confidence
    return said


def cells(truth: list[int], said: np.ndarray) -> dict[str, tuple[float, float]]:
    """By weight, how far shares and valence are off."""
    rows = [line.split(" | ") for line in vote_weight.compare(np.array([truth]), said)]
    return {row[0]: (float(row[1]), float(row[3])) for row in rows}


def test_who_is_always_right_is_off_by_the_weights_alone() -> None:
    found = cells([HAPPY, SAD], answers([HAPPY, SAD], [0.9, 0.6]))
    assert found["one vote each"] == (0, 0)
    assert found["confidence"] == pytest.approx((0.1, 0.2))  # shares of 0.6 and 0.4


def test_a_wrong_vote_weighs_less_where_it_is_unsure() -> None:
    found = cells([NEUTRAL, NEUTRAL], answers([NEUTRAL, SAD], [0.8, 0.4]))
    assert found["one vote each"] == (0.5, 0.5)
    assert found["confidence"] == pytest.approx((0.333, 0.333))
    assert found["none that is unsure"] == (0, 0)


def test_nobody_sure_is_a_mood_of_nothing() -> None:
    assert cells([NEUTRAL, NEUTRAL], answers([SAD, SAD], [0.4, 0.3]))["none that is unsure"] == (0.5, 0)


def test_each_viewer_shows_a_face_of_the_expression_that_was_drawn() -> None:
    majority = np.array([HAPPY, -1, SAD, HAPPY, NEUTRAL])
    shares = [0.25 if kind in (HAPPY, SAD) else 0.0 for kind in range(len(EXPRESSIONS))]
    shares[NEUTRAL] = 0.5
    drawn = majority[vote_weight.draw(majority, shares, 10, np.random.default_rng(0))]
    assert drawn.shape == (vote_weight.AUDIENCES, 10)
    found = [(drawn == kind).mean() for kind in (HAPPY, SAD, NEUTRAL)]
    assert found == pytest.approx([0.25, 0.25, 0.5], abs=0.02)
