"""Logistic regression: the minimum is one, offset and strength do what they say, scikit-learn finds the same."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from models.inference.softmax import SoftmaxRegression, fit, softmax


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, dict[str, Any]]:
    """Features of any scale, at least one row a class, and the further arguments of ``fit``."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes, width = draw(st.integers(2, 5)), draw(st.integers(1, 6))
    count = classes + draw(st.integers(0, 30))
    features = rng.normal(size=(count, width)) * 10.0 ** rng.integers(-2, 3, width)
    labels = np.arange(count) % classes
    more = {
        "strength": draw(st.sampled_from([0.1, 1.0, 30.0])),
        "bias_strength": draw(st.sampled_from([0.0, 0.5])),
        "offset": rng.normal(size=(count, classes)) * draw(st.sampled_from([0.0, 3.0])),
        "sample_weights": rng.uniform(0.1, 3, count),
    }
    return features, labels, classes, more


def gradient(
    model: SoftmaxRegression, features: np.ndarray, labels: np.ndarray, classes: int, more: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Of the objective, after W and after b, reckoned here anew."""
    wrong = model.probabilities(features, more["offset"]) - np.eye(classes)[labels]
    wrong *= more["sample_weights"][:, None]
    return (
        features.T @ wrong + more["strength"] * model.weights,
        wrong.sum(0) + more["bias_strength"] * model.bias,
    )


def assert_minimum(
    model: SoftmaxRegression, problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]], tolerance: float = 2e-8
) -> None:
    """No entry of the gradient is larger than ``tolerance``, of the largest at the start or of 1."""
    zero = SoftmaxRegression(np.zeros_like(model.weights), np.zeros_like(model.bias))
    first = max(np.abs(part).max() for part in gradient(zero, *problem))
    for part in gradient(model, *problem):
        assert np.abs(part).max() <= tolerance * max(1, first)


@given(problems())
def test_the_gradient_is_zero(problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]]) -> None:
    features, labels, classes, more = problem
    assert_minimum(fit(features, labels, classes, **more), problem)


@given(problems(), st.integers(0, 2**32 - 1))
def test_an_offset_that_is_sure_and_wrong_is_overcome(
    problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]], seed: int
) -> None:
    """Sure to the last digit, so that nothing bends where the fit begins."""
    features, labels, classes, more = problem
    more["offset"] = 100 * np.random.default_rng(seed).normal(size=more["offset"].shape)
    assert_minimum(fit(features, labels, classes, **more), problem, 1e-6)


def test_a_step_to_where_nothing_bends_is_not_the_last() -> None:
    """Newton's first step here makes every answer sure, the wrong ones too."""
    features, labels = np.array([[-28.6], [-59.4], [81.0]]), np.arange(3)
    more: dict[str, Any] = {
        "strength": 0.1,
        "bias_strength": 0.0,
        "offset": np.array([[-0.9, 3.0, 2.0], [-0.9, 4.1, -0.8], [2.5, 3.0, -2.4]]),
        "sample_weights": np.array([1.85, 0.14, 2.35]),
    }
    assert_minimum(fit(features, labels, 3, **more), (features, labels, 3, more))


@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_classes_changes_nothing(
    problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]], chance: Any
) -> None:
    features, labels, classes, more = problem
    model = fit(features, labels, classes, **more)
    rows, names = list(range(len(labels))), list(range(classes))
    chance.shuffle(rows)
    chance.shuffle(names)
    renamed = np.argsort(names)[labels]
    moved = more | {"offset": more["offset"][rows][:, names], "sample_weights": more["sample_weights"][rows]}
    other = fit(features[rows], renamed[rows], classes, **moved)
    expected = model.probabilities(features, more["offset"])
    found = other.probabilities(features, more["offset"][:, names])
    np.testing.assert_allclose(found, expected[:, names], atol=1e-6)


@given(problems())
def test_a_constant_on_a_row_of_the_offset_changes_nothing(
    problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]],
) -> None:
    features, labels, classes, more = problem
    model = fit(features, labels, classes, **more)
    raised = more | {"offset": more["offset"] + np.arange(len(labels))[:, None]}
    other = fit(features, labels, classes, **raised)
    np.testing.assert_allclose(other.probabilities(features), model.probabilities(features), atol=1e-6)


@given(problems())
def test_a_row_that_weighs_two_is_a_row_twice(problem: tuple[np.ndarray, np.ndarray, int, dict[str, Any]]) -> None:
    features, labels, classes, more = problem
    twice = [0, *range(len(labels))]
    weights = np.ones(len(labels))
    weights[0] = 2
    heavy = fit(features, labels, classes, **more | {"sample_weights": weights})
    rows = more | {"offset": more["offset"][twice], "sample_weights": None}
    doubled = fit(features[twice], labels[twice], classes, **rows)
    np.testing.assert_allclose(heavy.probabilities(features), doubled.probabilities(features), atol=1e-6)


@pytest.mark.parametrize("cost", [0.1, 1.0, 10.0])
def test_scikit_learn_finds_the_same(cost: float) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 200)
    features = rng.normal(size=(200, 6)) + np.eye(6)[labels]
    theirs = LogisticRegression(C=cost, tol=1e-10, max_iter=10_000).fit(features, labels)
    ours = fit(features, labels, 4, strength=1 / cost)
    np.testing.assert_allclose(ours.weights, theirs.coef_.T, atol=1e-5)
    np.testing.assert_allclose(ours.bias, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5)
    np.testing.assert_allclose(ours.probabilities(features), theirs.predict_proba(features), atol=1e-5)


def test_scikit_learn_finds_the_same_with_sample_weights() -> None:
    rng = np.random.default_rng(2)
    labels, features, weights = rng.integers(0, 3, 90), rng.normal(size=(90, 4)), rng.uniform(0, 2, 90)
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(features, labels, weights)
    ours = fit(features, labels, 3, sample_weights=weights)
    np.testing.assert_allclose(ours.probabilities(features), theirs.predict_proba(features), atol=1e-5)


def test_a_great_strength_stays_with_the_offset_and_a_small_one_follows_the_labels() -> None:
    rng = np.random.default_rng(3)
    features, labels = rng.normal(size=(40, 30)), rng.integers(0, 3, 40)
    offset = rng.normal(size=(40, 3)) * 4
    near = fit(features, labels, 3, strength=1e9, bias_strength=1e9, offset=offset)
    np.testing.assert_allclose(near.probabilities(features, offset), softmax(offset), atol=1e-6)
    far = fit(features, labels, 3, strength=1e-3, bias_strength=1e-3, offset=offset)
    assert (far.probabilities(features, offset).argmax(1) == labels).mean() > 0.9
    assert (offset.argmax(1) == labels).mean() < 0.6


def test_map_towards_weights_is_their_offset() -> None:
    """Minimising over U + W with the prior on W is what the offset of U's logits does."""
    rng = np.random.default_rng(4)
    everybody = SoftmaxRegression(rng.normal(size=(5, 3)), rng.normal(size=3))
    features, labels = rng.normal(size=(12, 5)), np.arange(12) % 3
    moved = fit(features, labels, 3, strength=2, bias_strength=2, offset=everybody.logits(features))
    own = SoftmaxRegression(everybody.weights + moved.weights, everybody.bias + moved.bias)
    wrong = own.probabilities(features) - np.eye(3)[labels]
    np.testing.assert_allclose(features.T @ wrong + 2 * (own.weights - everybody.weights), 0, atol=1e-7)


def test_the_same_input_gives_the_same_digits() -> None:
    rng = np.random.default_rng(5)
    features, labels = rng.normal(size=(300, 64)), np.arange(300) % 7
    one, other = (fit(features, labels, 7) for _ in range(2))
    assert np.array_equal(one.weights, other.weights)
    assert np.array_equal(one.bias, other.bias)


def test_a_class_without_an_example_is_possible_with_a_prior_on_the_bias() -> None:
    features, labels = np.eye(4), np.array([0, 1, 0, 1])
    model = fit(features, labels, 3, bias_strength=1)
    assert np.isfinite(model.bias).all()
    assert (model.probabilities(features).argmax(1) == labels).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros(6)}, r"expected features of the shape \(N, D\) with N from 1, got \(6,\)"),
        ({"features": np.zeros((0, 2))}, r"N from 1, got \(0, 2\)"),
        ({"features": np.full((6, 2), np.nan)}, "expected finite features"),
        ({"labels": [0, 1, 2]}, "expected 6 whole numbers as labels"),
        ({"labels": np.zeros(6)}, "expected 6 whole numbers as labels, got float64"),
        ({"labels": [0, 1, 2, 0, 1, 3]}, "expected labels from 0 to 2, got 0 to 3"),
        ({"labels": [0, 1, 0, 1, 0, 1]}, "class 2 has no example"),
        ({"sample_weights": [1, 1, 0, 1, 1, 0]}, "class 2 has no example"),
        ({"classes": 1}, "expected 2 classes or more, got 1"),
        ({"strength": 0.0}, "expected a strength above 0, got 0.0"),
        ({"bias_strength": -1.0}, "expected a bias_strength from 0, got -1.0"),
        ({"offset": np.zeros((6, 2))}, r"expected an offset of the shape \(6, 3\), got \(6, 2\)"),
        ({"offset": np.full((6, 3), np.inf)}, "expected a finite offset"),
        ({"sample_weights": [1.0]}, r"expected 6 sample weights, got the shape \(1,\)"),
        ({"sample_weights": [-1, 1, 1, 1, 1, 1]}, "expected finite sample weights from 0"),
        ({"sample_weights": np.zeros(6)}, "not all of them 0"),
    ],
)
def test_what_is_no_problem_is_refused_with_a_sentence(change: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {"features": np.zeros((6, 2)), "labels": [0, 1, 2, 0, 1, 2], "classes": 3}
    with pytest.raises(ValueError, match=message):
        fit(**whole | change)


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected features of the shape \(N, 2\), got \(1, 3\)"):
        SoftmaxRegression(np.zeros((2, 4)), np.zeros(4)).logits(np.zeros((1, 3)))
