"""Multinomial logistic regression in numpy: what a personal head and the fusion of recognisers are fitted with.

The objective is convex, so there is one answer, whatever the machine: no seed, no learning rate, no number of epochs.
With the logits of a universal classifier as ``offset`` it is MAP towards that classifier's weights: W is then the
difference from them, and the prior on it says how far one person may lead away from everybody.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]
_Real = TypeVar("_Real", bound=np.floating[Any])

_GRADIENT = 1e-8
"""The fit ends where no entry of the gradient is larger than this, of the first gradient's largest entry or of 1."""
_STEPS = 100
"""Of Newton; ten are usual."""
_ARMIJO = 1e-4
"""The part of the promised descent that a step has to bring (Nocedal and Wright 2006, eq. 3.4)."""
_SHORTEST = 2.0**-60
"""Of a step: what brings nothing even then is at the limit of floating point."""
_LEAST_DAMPING = 1e-14
"""Of the diagonal that the Hessian has at most: too little to slow Newton, enough that no step is infinite."""


@dataclass(frozen=True, eq=False)
class SoftmaxRegression:
    """A fitted linear classifier: ``weights`` (D, K) and ``bias`` (K,), float64."""

    weights: Matrix
    bias: Matrix

    def logits(self, features: ArrayLike) -> Matrix:
        """Of features (N, D), what is largest for the likeliest class: (N, K), any range.

        Raises:
            ValueError: the features have another width.
        """
        rows = np.asarray(features, np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.weights):
            raise ValueError(f"expected features of the shape (N, {len(self.weights)}), got {rows.shape}")
        product: Matrix = rows @ self.weights + self.bias
        return product

    def probabilities(self, features: ArrayLike, offset: ArrayLike | None = None) -> Matrix:
        """Of features (N, D), with logits (N, K) of another classifier added: (N, K), each row 0..1 with the sum 1.

        Raises:
            ValueError: a shape is another one.
        """
        logits = self.logits(features)
        return softmax(logits if offset is None else logits + _offset(offset, *logits.shape))


def softmax(logits: NDArray[_Real]) -> NDArray[_Real]:
    """Of the last axis, 0..1 with the sum 1."""
    powers: NDArray[_Real] = np.exp(logits - logits.max(-1, keepdims=True))
    powers /= powers.sum(-1, keepdims=True)
    return powers


def fit(
    features: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    strength: float = 1.0,
    bias_strength: float = 0.0,
    offset: ArrayLike | None = None,
    sample_weights: ArrayLike | None = None,
) -> SoftmaxRegression:
    """The W (D, K) and b (K,) that minimise

        sum_n w_n CE(softmax(offset_n + x_n W + b), label_n) + strength/2 |W|^2 + bias_strength/2 |b|^2

    to the precision of floating point, by Newton's method whose steps conjugate gradients find (Nocedal and Wright
    2006, algorithm 7.1), damped where the Hessian is flat (their algorithm 3.2, with the diagonal of Marquardt 1963).
    With ``strength`` 1/C it is scikit-learn's ``LogisticRegression(C)``; for ``bias_strength`` 0 the bias is free, as
    there, and has the mean 0.

    Args:
        features: (N, D), N from 1.
        labels: (N,) class numbers, 0..classes-1.
        classes: K, from 2.
        strength: the prior's precision on W, above 0: without one, classes that can be told apart have no minimum.
        bias_strength: that on b, from 0; above 0 where a class has no example, whose bias would fall for ever.
        offset: (N, K) logits that are added; none: zeros.
        sample_weights: (N,) from 0, not all 0; none: ones.

    Raises:
        ValueError: an array's shape or value, or a number, is not as above.
    """
    rows, wanted, base, counts = _checked(features, labels, classes, offset, sample_weights)
    if not (np.isfinite(strength) and strength > 0):
        raise ValueError(f"expected a strength above 0, got {strength}")
    if not (np.isfinite(bias_strength) and bias_strength >= 0):
        raise ValueError(f"expected a bias_strength from 0, got {bias_strength}")
    missing = np.flatnonzero(counts @ wanted == 0)
    if bias_strength == 0 and len(missing):
        raise ValueError(f"class {missing[0]} has no example: expected one of each class, or a bias_strength above 0")
    penalty = np.full((rows.shape[1] + 1, classes), float(strength))
    penalty[-1] = bias_strength
    # The bias is the weight of a column of ones.
    objective = _Objective(np.column_stack([rows, np.ones(len(rows))]), wanted, base, counts, penalty)
    weights = _minimum(objective)
    if bias_strength == 0:
        weights[-1] -= weights[-1].mean()  # any constant fits as well
    return SoftmaxRegression(weights[:-1], weights[-1])


@dataclass(frozen=True, eq=False)
class _Objective:
    """What ``fit`` minimises, over one matrix (D+1, K) whose last row is the bias."""

    rows: Matrix  # (N, D+1)
    wanted: Matrix  # (N, K), one 1 a row
    base: Matrix  # (N, K)
    counts: Matrix  # (N,)
    penalty: Matrix  # (D+1, K)

    def value(self, weights: Matrix) -> float:
        logits = self.base + self.rows @ weights
        most = logits.max(1)
        normaliser = most + np.log(np.exp(logits - most[:, None]).sum(1))
        losses = normaliser - (logits * self.wanted).sum(1)
        return float(self.counts @ losses + (self.penalty * weights * weights).sum() / 2)

    def probabilities(self, weights: Matrix) -> Matrix:
        return softmax(self.base + self.rows @ weights)

    def gradient(self, weights: Matrix, likely: Matrix) -> Matrix:
        slope: Matrix = self.rows.T @ (self.counts[:, None] * (likely - self.wanted)) + self.penalty * weights
        return slope

    def curvature(self, direction: Matrix, likely: Matrix) -> Matrix:
        """The Hessian times a direction."""
        moved = self.rows @ direction
        spread = likely * (moved - (likely * moved).sum(1, keepdims=True))
        bent: Matrix = self.rows.T @ (self.counts[:, None] * spread) + self.penalty * direction
        return bent

    def diagonal(self, likely: Matrix) -> Matrix:
        """Of the Hessian: what makes conjugate gradients quick where columns differ in scale."""
        diagonal: Matrix = (self.rows**2).T @ (self.counts[:, None] * likely * (1 - likely)) + self.penalty
        return diagonal


def _minimum(objective: _Objective) -> Matrix:
    weights = np.zeros_like(objective.penalty)
    value = objective.value(weights)
    goal = 0.0
    most = objective.diagonal(np.full_like(objective.base, 0.5))  # p (1 - p) is largest there
    damping = _LEAST_DAMPING
    for step in range(_STEPS):
        likely = objective.probabilities(weights)
        gradient = objective.gradient(weights, likely)
        largest = np.abs(gradient).max()
        if step == 0:
            goal = _GRADIENT * max(1.0, largest)
        if largest <= goal:
            break
        direction = _newton_direction(objective, likely, gradient, damping * most)
        slope = float((gradient * direction).sum())
        length = 1.0
        while True:
            there = objective.value(weights + length * direction)
            # Near the minimum the descent is below what the value's digits can show.
            if there <= value + _ARMIJO * length * slope + 1e-14 * abs(value):
                break
            length /= 2
            if length < _SHORTEST:
                return weights
        weights, value = weights + length * direction, there
        # Where nothing bends, a step goes as 1 / damping: this damping would have led to the length that was good.
        damping = max(_LEAST_DAMPING, damping / 10 if length == 1 else damping / length)
    return weights


def _newton_direction(objective: _Objective, likely: Matrix, gradient: Matrix, damping: Matrix) -> Matrix:
    """The solution of (Hessian + diagonal damping) x = -gradient, the more exact the nearer the minimum.

    So Newton ends quadratically. The damping, above 0, is for answers that are sure and wrong: they bend nothing.
    """
    direction = np.zeros_like(gradient)
    scale = 1 / (objective.diagonal(likely) + damping)
    left = -gradient
    conditioned = scale * left
    search = conditioned
    energy = float((left * conditioned).sum())
    goal = energy * min(0.25, np.sqrt(energy)) ** 2
    for _ in range(2 * gradient.size):
        bent = objective.curvature(search, likely) + damping * search
        bend = float((search * bent).sum())
        if bend <= 0:
            break  # flat to the last digit
        length = energy / bend
        direction = direction + length * search
        left = left - length * bent
        conditioned = scale * left
        before, energy = energy, float((left * conditioned).sum())
        if energy <= goal:
            break
        search = conditioned + energy / before * search
    return direction


def _checked(
    features: ArrayLike, labels: ArrayLike, classes: int, offset: ArrayLike | None, sample_weights: ArrayLike | None
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Rows (N, D), labels as ones in (N, K), the offset (N, K) and the weights (N,).

    Raises:
        ValueError: see ``fit``.
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"expected features of the shape (N, D) with N from 1, got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("expected finite features, got some that are not")
    if classes < 2:
        raise ValueError(f"expected 2 classes or more, got {classes}")
    numbers = np.asarray(labels)
    if numbers.shape != (len(rows),) or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"expected {len(rows)} whole numbers as labels, got {numbers.dtype} {numbers.shape}")
    if numbers.min() < 0 or numbers.max() >= classes:
        raise ValueError(f"expected labels from 0 to {classes - 1}, got {numbers.min()} to {numbers.max()}")
    base = np.zeros((len(rows), classes)) if offset is None else _offset(offset, len(rows), classes)
    counts = np.ones(len(rows)) if sample_weights is None else np.asarray(sample_weights, np.float64)
    if counts.shape != (len(rows),):
        raise ValueError(f"expected {len(rows)} sample weights, got the shape {counts.shape}")
    if not np.isfinite(counts).all() or counts.min() < 0 or not counts.any():
        raise ValueError("expected finite sample weights from 0, not all of them 0")
    return rows, np.eye(classes)[numbers], base, counts


def _offset(offset: ArrayLike, count: int, classes: int) -> Matrix:
    base = np.asarray(offset, np.float64)
    if base.shape != (count, classes):
        raise ValueError(f"expected an offset of the shape {(count, classes)}, got {base.shape}")
    if not np.isfinite(base).all():
        raise ValueError("expected a finite offset, got one that is not")
    return base
