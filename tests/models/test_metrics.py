"""The figures of merit, by hand and by their properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import metrics

CLASSES = 4
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60)

LABELS = np.array([0, 0, 0, 0, 1, 1, 3, 3])
GUESSES = np.array([0, 0, 0, 1, 1, 0, 3, 2])
"""Class 2 does not occur but is guessed once."""


def test_by_hand() -> None:
    found = metrics.scores(LABELS, GUESSES, "abcd")
    assert found["confusion"] == [[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]
    assert found["count"] == 8
    assert found["accuracy"] == found["war"] == 5 / 8
    assert found["recall"] == {"a": 0.75, "b": 0.5, "c": None, "d": 0.5}
    assert found["uar"] == pytest.approx((0.75 + 0.5 + 0.5) / 3)
    assert found["macro_f1"] == pytest.approx((2 * 3 / 8 + 2 * 1 / 4 + 0 + 2 * 1 / 3) / 4)


@given(PAIRS)
def test_weighted_recalls_are_the_accuracy(pairs: list[tuple[int, int]]) -> None:
    labels, guesses = np.array(pairs).T
    matrix = metrics.confusion(labels, guesses, CLASSES)
    assert matrix.sum() == len(pairs)
    weighted = np.nansum(metrics.recalls(matrix) * matrix.sum(1)) / len(pairs)
    assert weighted == pytest.approx(metrics.accuracy(matrix))
    assert metrics.accuracy(matrix) == pytest.approx(np.mean(labels == guesses))


@given(PAIRS)
def test_mean_recall_asks_only_for_classes_that_occur(pairs: list[tuple[int, int]]) -> None:
    labels, guesses = np.array(pairs).T
    by_hand = [np.mean(guesses[labels == k] == k) for k in set(labels.tolist())]
    assert metrics.uar(metrics.confusion(labels, guesses, CLASSES)) == pytest.approx(np.mean(by_hand))


@given(PAIRS, st.permutations(range(CLASSES)))
def test_names_of_classes_do_not_matter(pairs: list[tuple[int, int]], order: list[int]) -> None:
    labels, guesses = np.array(pairs).T
    one = metrics.confusion(labels, guesses, CLASSES)
    other = metrics.confusion(np.array(order)[labels], np.array(order)[guesses], CLASSES)
    for figure in (metrics.accuracy, metrics.uar, metrics.macro_f1):
        assert figure(one) == pytest.approx(figure(other))
        assert 0 <= figure(one) <= 1


@given(st.integers(1, 40), st.integers(0, 1000))
def test_all_right_is_one_everywhere(number: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, CLASSES, number)
    matrix = metrics.confusion(labels, labels, CLASSES)
    assert metrics.accuracy(matrix) == metrics.uar(matrix) == metrics.macro_f1(matrix) == 1


def two_class(confidences: list[float]) -> np.ndarray:
    return np.array([[p, 1 - p] for p in confidences])


def test_calibration_by_hand() -> None:
    # Ten answers of 0.8, of which six are right, and two of 1.0, both right: |0.6 - 0.8| * 10 / 12.
    labels = np.array([0] * 6 + [1] * 4 + [0] * 2)
    found = metrics.reliability(two_class([0.8] * 10 + [1.0] * 2), labels)
    assert found.ece == pytest.approx(0.2 * 10 / 12)
    assert found.counts.tolist() == [0] * 11 + [10, 0, 0, 2]  # 0.8 is the upper end of the twelfth bin, which has it
    assert found.accuracy[11] == pytest.approx(0.6)
    assert found.confidence[14] == 1


@given(st.lists(st.tuples(st.floats(0.5, 1), st.booleans()), min_size=1, max_size=50))
def test_calibration_error_bounds_the_gap_of_the_means(answers: list[tuple[float, bool]]) -> None:
    probabilities = two_class([p for p, _ in answers])
    labels = np.where([right for _, right in answers], 0, 1)
    found = metrics.reliability(probabilities, labels)
    right = probabilities.argmax(1) == labels
    assert found.counts.sum() == len(answers)
    assert abs(probabilities.max(1).mean() - right.mean()) - 1e-9 <= found.ece <= 1 + 1e-9


def test_likelihood_by_hand_and_with_a_zero() -> None:
    probabilities = np.array([[0.5, 0.5], [0.0, 1.0]])
    assert metrics.negative_log_likelihood(probabilities, np.array([0, 1])) == pytest.approx(math.log(2) / 2)
    assert math.isfinite(metrics.negative_log_likelihood(probabilities, np.array([0, 0])))


def test_wilson_by_hand() -> None:
    low, high = metrics.wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert metrics.wilson(0, 0) == (0, 1)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_in_range(case: tuple[int, int]) -> None:
    successes, trials = case
    low, high = metrics.wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    tenfold = metrics.wilson(10 * successes, 10 * trials)
    assert tenfold[1] - tenfold[0] < high - low
