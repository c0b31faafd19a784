"""Ways to make one answer of three recognisers' posteriors: learned on a fold's training clips, or a rule without any.

A method is a function of the clips that it learns from and of those that it is asked about; it returns (N, 8), in the
order of ``EMOTIONS``, whose largest is the answer. Those of ``GRADED`` are probabilities.
"""

import functools
import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from models.evaluation.posteriors import (
    EMOTIONS,
    FACE_AND_SPEECH,
    RECOGNISERS,
    PosteriorClips,
    Scaling,
    answers,
    fused,
)
from models.inference.softmax import Matrix

Method = Callable[[PosteriorClips, PosteriorClips], Matrix]

FUSION = "regression, min-max, C = 1"
"""The published one."""
SPEECH = RECOGNISERS[2]
FACES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"AU MLP": RECOGNISERS[:1], "AU bi-LSTM": RECOGNISERS[1:2], "mean of both": RECOGNISERS[:2]}
)
"""What sees the face: the mean of these recognisers' probabilities."""


def has_scikit_learn() -> bool:
    """Without it there are no ``classifiers``."""
    return importlib.util.find_spec("sklearn") is not None


def mean(learned: PosteriorClips, asked: PosteriorClips, *, recognisers: tuple[str, ...]) -> Matrix:
    """Of these recognisers' probabilities."""
    found: Matrix = np.mean([answers(asked, name) for name in recognisers], 0)
    return found


def _weighted(learned: PosteriorClips, asked: PosteriorClips, *, speech: float) -> Matrix:
    """The speech has this weight, the mean of both that see the face the rest: a linear opinion pool."""
    face = mean(learned, asked, recognisers=FACES["mean of both"])
    found: Matrix = speech * answers(asked, SPEECH) + (1 - speech) * face
    return found


def _regression(learned: PosteriorClips, asked: PosteriorClips, *, cost: float, scaling: Scaling) -> Matrix:
    return fused(learned, FACE_AND_SPEECH, cost=cost, scaling=scaling).probabilities(asked)


GRADED: Mapping[str, Method] = MappingProxyType(
    {
        "AU MLP, alone": functools.partial(mean, recognisers=RECOGNISERS[:1]),
        "AU bi-LSTM, alone": functools.partial(mean, recognisers=RECOGNISERS[1:2]),
        "wav2vec2 (speech), alone": functools.partial(mean, recognisers=RECOGNISERS[2:]),
        FUSION: functools.partial(_regression, cost=1.0, scaling="min-max"),
        "regression, min-max, C = 0.1": functools.partial(_regression, cost=0.1, scaling="min-max"),
        "regression, min-max, C = 10": functools.partial(_regression, cost=10.0, scaling="min-max"),
        "regression, standardised, C = 0.1": functools.partial(_regression, cost=0.1, scaling="standard"),
        "regression, standardised, C = 1": functools.partial(_regression, cost=1.0, scaling="standard"),
        "regression, standardised, C = 10": functools.partial(_regression, cost=10.0, scaling="standard"),
        "mean of the three": functools.partial(mean, recognisers=RECOGNISERS),
        "0.8 face + 0.2 speech": functools.partial(_weighted, speech=0.2),
        "0.2 face + 0.8 speech": functools.partial(_weighted, speech=0.8),
    }
)


def classifiers() -> Mapping[str, Method]:
    """scikit-learn's, with its own defaults, on columns of 0..1: they answer, and say no probability."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    makers: dict[str, Callable[[], Any]] = {
        "support vector machine, RBF": SVC,
        "support vector machine, linear": functools.partial(SVC, kernel="linear"),
        "5 nearest neighbours": KNeighborsClassifier,
        "decision tree": functools.partial(DecisionTreeClassifier, random_state=0),
    }
    return {name: functools.partial(_classified, make) for name, make in makers.items()}


def _classified(make: Callable[[], Any], learned: PosteriorClips, asked: PosteriorClips) -> Matrix:
    least, span = learned.columns.min(0), np.ptp(learned.columns, 0)
    span[span == 0] = 1
    machine = make().fit((learned.columns - least) / span, learned.labels)
    found: Matrix = np.eye(len(EMOTIONS))[machine.predict((asked.columns - least) / span)]
    return found
