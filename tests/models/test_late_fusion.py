"""Face and voice as one answer: Bayes' rule for two witnesses, and none of them has a veto."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.inference.late_fusion import WEIGHT, with_voice

FLAT = np.full((1, 7), 1 / 7)
ROWS = arrays(np.float64, (3, 7), elements=st.floats(0.02, 1)).map(lambda rows: rows / rows.sum(1, keepdims=True))


@given(ROWS, ROWS)
def test_with_weight_1_it_is_bayes_rule(face: np.ndarray, voice: np.ndarray) -> None:
    product = face * voice
    np.testing.assert_allclose(with_voice(face, voice, 1), product / product.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(with_voice(voice, face, 1), with_voice(face, voice, 1), atol=1e-12)


@given(ROWS, st.floats(0, 1))
def test_who_says_the_same_of_all_changes_nothing(rows: np.ndarray, weight: float) -> None:
    np.testing.assert_allclose(with_voice(rows, FLAT, weight), rows, atol=1e-12)
    np.testing.assert_allclose(with_voice(FLAT, rows, 1), rows, atol=1e-12)


@given(ROWS, ROWS)
def test_weight_0_is_the_face_alone(face: np.ndarray, voice: np.ndarray) -> None:
    np.testing.assert_allclose(with_voice(face, voice, 0), face, atol=1e-12)


def test_what_both_hold_likely_beats_what_one_alone_is_sure_of() -> None:
    """A linear mean with equal weights would answer the first class."""
    face, voice = np.array([[0.9, 0.1, 0.0]]), np.array([[0.0, 0.45, 0.55]])
    assert with_voice(face, voice).argmax() == 1


def test_none_has_a_veto() -> None:
    certain = np.zeros((1, 7), np.float32)
    certain[0, 2] = 1
    found = with_voice(certain, np.roll(certain, 1, 1))
    assert np.isfinite(found).all()
    assert found[0, 2] > found[0, 3] > 0.3  # the face, since the voice weighs less
    assert 0 < WEIGHT <= 1


def test_a_class_that_the_voice_can_not_say_is_not_spoken_against() -> None:
    """The voice knows the first two of three classes, and is flat: nothing changes. Sure of one, that one gains."""
    face, known = np.array([[0.2, 0.3, 0.5]]), np.array([True, True, False])
    np.testing.assert_allclose(with_voice(face, np.array([[0.5, 0.5, 0.0]]), known=known), face)
    found = with_voice(face, np.array([[0.9, 0.1, 0.0]]), known=known)[0]
    assert found[0] > 0.2
    assert found[1] < 0.3
    assert found[2] > 0.4
