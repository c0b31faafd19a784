"""The study's ensemble of a clip network and POSTER V2."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.evaluation.ensemble import blend

SCORES = arrays.arrays(np.float64, (4, 7), elements=st.floats(0.01, 1))


def probabilities(scores: np.ndarray) -> np.ndarray:
    return scores / scores.sum(1, keepdims=True)


@given(SCORES, SCORES, st.floats(0, 1))
def test_a_blend_is_of_probabilities_and_lies_between_the_two(a: np.ndarray, b: np.ndarray, weight: float) -> None:
    ours, poster = probabilities(a), probabilities(b)
    found = blend(ours, poster, weight)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found >= np.minimum(ours, poster) - 1e-12).all()
    assert (found <= np.maximum(ours, poster) + 1e-12).all()


def test_the_weight_is_that_of_the_clip_network() -> None:
    ours, poster = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(blend(ours, poster, 0.8), [[0.8, 0.2]])
    np.testing.assert_array_equal(blend(ours, poster, 1), ours)
    np.testing.assert_array_equal(blend(ours, poster, 0), poster)


def test_what_can_not_be_blended_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(1, 7\) and \(1, 8\)"):
        blend(np.zeros((1, 7)), np.zeros((1, 8)), 0.5)
    with pytest.raises(ValueError, match=r"0\.\.1, got 1\.2"):
        blend(np.zeros((1, 7)), np.zeros((1, 7)), 1.2)
