"""What is learned of one viewer: a head beside the universal one, and whether it is worth using. Pure.

The head is a residual: its logits are those of the universal network, as log-probabilities, plus a linear function of
the face's features. That function is fitted to the viewer's answers with a prior at zero (maximum a posteriori), so
that few answers change little and none changes nothing. E. Churaev and A. Savchenko 2023 fine-tune the universal head
for some epochs to that end; here there is one optimum and no number of epochs. Expressions that were never taught, nor
corrected into another, keep their probabilities: the others share the rest anew.

Whether it helps is measured on answers that it has not learned from. Those of one minute are near copies of each other,
so what lies within a minute of an answer is left out with it (h-block cross-validation: P. Burman, E. Chow & D. Nolan
1994, "A cross-validatory method for dependent data", Biometrika 81), and answers of one minute that say the same count
as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.personal.answers import Answer
from models.inference.softmax import SoftmaxRegression, fit
from relay.protocol import EXPRESSIONS

Matrix = NDArray[np.float64]

_STRENGTH, _BIAS_STRENGTH = 0.03, 1.0
"""The prior's precision on weights of features of length 1, and on biases. Chosen by
``python -m benchmarks.personal_head`` (docs/decisions)."""
APART_S = 60.0
"""Answers that are nearer than this are left out together."""
_MOST_WORK = 4800
"""Fits times answers of one check, so that it ends within seconds: each minute is left out by itself up to some 70
answers; of more, neighbouring minutes are left out together, in 12 parts of 400 answers."""
ENOUGH = 2
"""A personal head has to be right so many times more often than the universal one."""
_LEAST = 1e-6
"""A probability below counts as this much, so that its logarithm is finite."""


@dataclass(frozen=True, eq=False)
class PersonalHead:
    """One viewer's residual on the universal network, for the ``expressions`` (indices) that it may change."""

    expressions: NDArray[np.int64]
    difference: SoftmaxRegression

    def probabilities(self, features: ArrayLike, universal: ArrayLike) -> Matrix:
        """(N, 7), each row summing to 1, of a network's features (N, D) and universal probabilities (N, 7)."""
        found = np.array(universal, np.float64)
        theirs = found[:, self.expressions]
        shares = self.difference.probabilities(_scaled(features), _logarithms(theirs))
        found[:, self.expressions] = theirs.sum(1, keepdims=True) * shares
        return found


@dataclass(frozen=True, eq=False)
class Learned:
    """What came of answers. ``head`` is None where the universal one is to be used.

    Of ``of`` answers that could be left out, those of one minute and label counted once, the universal head gets
    ``before`` right and a personal one that did not learn from them ``after``. ``sentence`` says it to the viewer.
    """

    head: PersonalHead | None
    before: int
    after: int
    of: int
    sentence: str


@dataclass(frozen=True, eq=False)
class _Lessons:
    """Answers as arrays, in their order in time: times (N,), features (N, D), probabilities (N, 7), labels (N,).

    ``minutes`` (N,) counts blocks of ``APART_S`` from 0. ``moments`` (N,) numbers those of one minute and label.
    """

    times: Matrix
    features: Matrix
    universal: Matrix
    labels: NDArray[np.int64]
    minutes: NDArray[np.int64]
    moments: NDArray[np.int64]


def fit_head(
    features: Matrix,
    universal: Matrix,
    labels: NDArray[np.int64],
    weights: Matrix,
    *,
    strength: float = _STRENGTH,
    bias_strength: float = _BIAS_STRENGTH,
) -> PersonalHead:
    """The head for faces with features (N, D) and universal probabilities (N, 7) that show ``labels`` (N,).

    ``weights`` (N,), above 0, say how much each counts; see ``models.inference.softmax.fit`` for the strengths.
    """
    guesses = universal.argmax(1)
    expressions = np.unique(np.concatenate([labels, guesses[guesses != labels]]))
    if len(expressions) == 1:  # the network says so itself: nothing to learn
        return PersonalHead(expressions, SoftmaxRegression(np.zeros((features.shape[1], 1)), np.zeros(1)))
    difference = fit(
        _scaled(features),
        np.searchsorted(expressions, labels),
        len(expressions),
        strength=strength,
        bias_strength=bias_strength,
        offset=_logarithms(universal[:, expressions]),
        sample_weights=weights,
    )
    return PersonalHead(expressions, difference)


def learn(answers: Sequence[Answer]) -> Learned:
    """Fit a personal head, and say whether it is to be used; see above. The same answers give the same head."""
    if not answers:
        return Learned(None, 0, 0, 0, "Nothing is taught yet.")
    lessons = _lessons(answers)
    left_out, is_checked = _left_out(lessons)
    before, after = _right(lessons.universal, lessons), _right(left_out, lessons)
    checked = np.unique(lessons.moments[is_checked])
    figures = int(before[checked].sum()), int(after[checked].sum()), len(checked)
    taught = [EXPRESSIONS[label] for label in np.unique(lessons.labels)]
    head = None
    if len(taught) > 1 and figures[1] >= figures[0] + ENOUGH:
        head = _fit(lessons, np.ones(len(answers), np.bool_))
        known = _right(head.probabilities(lessons.features, lessons.universal), lessons)
        if known.sum() < before.sum():  # worse on the very answers that it was fitted to
            head = None
    return Learned(head, *figures, _sentence(taught, *figures, head is not None))


def _lessons(answers: Sequence[Answer]) -> _Lessons:
    ordered = sorted(answers, key=lambda answer: (answer.at, answer.digest))
    times = np.array([answer.at for answer in ordered])
    minutes = np.zeros(len(ordered), np.int64)
    began = times[0]
    for number in range(1, len(ordered)):
        is_new = times[number] - began >= APART_S
        began = times[number] if is_new else began
        minutes[number] = minutes[number - 1] + is_new
    labels = np.array([answer.label for answer in ordered], np.int64)
    moments = np.unique(minutes * len(EXPRESSIONS) + labels, return_inverse=True)[1]
    features = np.stack([answer.features for answer in ordered]).astype(np.float64)
    universal = np.stack([answer.universal for answer in ordered]).astype(np.float64)
    return _Lessons(times, features, universal, labels, minutes, np.asarray(moments, np.int64))


def _left_out(lessons: _Lessons) -> tuple[Matrix, NDArray[np.bool_]]:
    """Probabilities (N, 7) of answers by heads that have learned from none within ``APART_S`` of them.

    And whether (N,) there was anything to learn from; where there was not, they are the universal ones.
    """
    found, is_checked = lessons.universal.copy(), np.zeros(len(lessons.times), np.bool_)
    minutes = np.arange(lessons.minutes[-1] + 1)
    for part in np.array_split(minutes, min(len(minutes), _MOST_WORK // len(lessons.times))):
        out = np.isin(lessons.minutes, part)
        since, until = lessons.times[out][[0, -1]]
        learned_from = (lessons.times <= since - APART_S) | (lessons.times >= until + APART_S)
        if learned_from.any():
            head = _fit(lessons, learned_from)
            found[out] = head.probabilities(lessons.features[out], lessons.universal[out])
            is_checked |= out
    return found, is_checked


def _fit(lessons: _Lessons, of: NDArray[np.bool_]) -> PersonalHead:
    """Of the answers that ``of`` (N,) tells: each moment counts as one."""
    moments = lessons.moments[of]
    weights = 1 / np.bincount(moments)[moments]
    return fit_head(lessons.features[of], lessons.universal[of], lessons.labels[of], weights)


def _right(probabilities: Matrix, lessons: _Lessons) -> NDArray[np.bool_]:
    """Of each moment, whether the probabilities (N, 7) of its answers say its label: the largest geometric mean."""
    sums = np.zeros((lessons.moments.max() + 1, probabilities.shape[1]))
    np.add.at(sums, lessons.moments, _logarithms(probabilities))
    labels = np.zeros(len(sums), np.int64)
    labels[lessons.moments] = lessons.labels
    return np.asarray(sums.argmax(1) == labels)


def _scaled(features: ArrayLike) -> Matrix:
    """Each row (D,) brought to length 1: how strongly a camera's picture excites the network is no expression."""
    rows = np.asarray(features, np.float64)
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return scaled


def _logarithms(probabilities: ArrayLike) -> Matrix:
    logarithms: Matrix = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))
    return logarithms


def _sentence(taught: list[str], before: int, after: int, of: int, is_used: bool) -> str:
    if len(taught) == 1:
        return f"So far every answer says {taught[0]}. Teach another expression too: until then nothing is changed."
    if not of:
        return (
            "All answers are of one minute. Teach again a few minutes later: only answers that are minutes apart tell "
            "whether what was learned is right."
        )
    figures = f"of {of} answers that were left out, it gets {after} right, and the network for everybody {before}"
    if is_used:
        return f"What was learned from you is used: {figures}."
    return (
        f"What was learned from you is not used: {figures}. It has to get {ENOUGH} more right. Answers of two people, "
        "and answers that contradict each other, keep it from that."
    )
