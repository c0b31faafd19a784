"""What a voice adds to the face alone, on the published posteriors, by rules that work live.

Live there are two networks that each learned for itself, and no clips to learn a fusion from: a rule with one weight.
Each fold's temperatures and weights are chosen on the other folds' test clips, by the likelihood of their labels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.audio_visual.fusion_methods import FACES, SPEECH, mean
from models.evaluation.posteriors import EMOTIONS, PosteriorClips, PosteriorFold, answers
from models.inference.late_fusion import WEIGHT, with_voice
from models.inference.softmax import Matrix, softmax
from models.inference.temperature import SMALLEST, fit_temperature, tempered
from models.micro import by_subject
from relay.protocol import EXPRESSIONS, Expression

Rule = Callable[[Matrix, Matrix, float], Matrix]

SHOWN: tuple[Expression, ...] = ("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""Moodcast's expression of each of ``EMOTIONS``, as the layout of RAVDESS' clips has it: calm counts as neutral."""
_EXPRESSIONS = np.array([EXPRESSIONS.index(name) for name in SHOWN])
_WEIGHTS = tuple(step / 20 for step in range(21))
"""From which the folds choose, by rules of a weight in 0..1."""


def _linear(face: Matrix, voice: Matrix, weight: float) -> Matrix:
    """The linear opinion pool."""
    return (1 - weight) * face + weight * voice


def _geometric(face: Matrix, voice: Matrix, weight: float) -> Matrix:
    """The logarithmic opinion pool (Genest and Zidek 1986): a weighted geometric mean, brought to the sum 1."""
    return softmax((1 - weight) * np.log(face + SMALLEST) + weight * np.log(voice + SMALLEST))


_RULES: Mapping[str, Rule] = MappingProxyType(
    {"(1 - w) face + w voice": _linear, "face^(1 - w) * voice^w": _geometric, "face * voice^w": with_voice}
)
_FIXED = (1.0, WEIGHT)
"""Weights of the last rule that are measured without a choice."""


class RuleFigures(NamedTuple):
    """Of a rule, in percent; ``weights`` by fold, none where nothing is weighed.

    ``gain`` are the points that it has more right than the face, and their 95 % interval over actors (bootstrap).
    """

    accuracy: float
    folds: tuple[float, ...]
    uar: float
    ece: float
    weights: tuple[float, ...]
    gain: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class VoiceGain:
    """``rules`` by name, with one network that sees the face, over RAVDESS' 8 classes or Moodcast's 7."""

    face: str
    classes: int
    rules: Mapping[str, RuleFigures]

    def figures(self) -> dict[str, Any]:
        """For JSON, in percent and points."""
        rules = [
            {
                "rule": name,
                "accuracy": round(found.accuracy, 2),
                "folds": [round(share, 2) for share in found.folds],
                "uar": round(found.uar, 2),
                "ece": round(found.ece, 2),
                "weights": list(found.weights),
                "gain": round(found.gain, 2),
                "interval": [round(edge, 2) for edge in found.interval] if found.interval else None,
            }
            for name, found in self.rules.items()
        ]
        return {"face": self.face, "classes": self.classes, "rules": rules}


def voice_gains(folds: Sequence[PosteriorFold]) -> Iterator[VoiceGain]:
    """For each of the networks that see the face, over seven classes and over eight."""
    for classes in (len(EXPRESSIONS), len(EMOTIONS)):
        labels = [_labels(fold.test, classes) for fold in folds]
        for name, recognisers in FACES.items():
            face = [mean(fold.train, fold.test, recognisers=recognisers) for fold in folds]
            voice = [answers(fold.test, SPEECH) for fold in folds]
            pairs = [
                (_calibrated(folds, face, i, classes), _calibrated(folds, voice, i, classes)) for i in range(len(folds))
            ]
            yield VoiceGain(name, classes, _rules(folds, labels, pairs))


def _calibrated(folds: Sequence[PosteriorFold], told: Sequence[Matrix], tested: int, classes: int) -> list[Matrix]:
    """All folds' answers, with the temperature that all folds but the tested one choose."""
    others = [i for i in range(len(folds)) if i != tested]
    temperature = fit_temperature(
        np.concatenate([told[i] for i in others]), np.concatenate([folds[i].test.labels for i in others])
    )
    return [_of_classes(tempered(found, temperature), classes) for found in told]


def _rules(
    folds: Sequence[PosteriorFold],
    labels: Sequence[NDArray[np.int64]],
    pairs: Sequence[tuple[list[Matrix], list[Matrix]]],
) -> dict[str, RuleFigures]:
    """Of the answers of face and voice to all folds, calibrated for each tested one."""
    told: dict[str, tuple[list[Matrix], tuple[float, ...]]] = {
        "face alone": ([face[i] for i, (face, _) in enumerate(pairs)], ()),
        "voice alone": ([voice[i] for i, (_, voice) in enumerate(pairs)], ()),
    }
    for name, rule in _RULES.items():
        weights = tuple(_weight(rule, labels, face, voice, i) for i, (face, voice) in enumerate(pairs))
        told[name] = _by_rule(rule, pairs, weights), weights
    for weight in _FIXED:
        told[f"face * voice^{weight:g}"] = _by_rule(with_voice, pairs, (weight,) * len(pairs)), ()
    alone = told["face alone"][0]
    return {name: _figures(folds, labels, found, alone, weights) for name, (found, weights) in told.items()}


def _by_rule(rule: Rule, pairs: Sequence[tuple[list[Matrix], list[Matrix]]], weights: Sequence[float]) -> list[Matrix]:
    return [rule(face[i], voice[i], weights[i]) for i, (face, voice) in enumerate(pairs)]


def _weight(
    rule: Rule,
    labels: Sequence[NDArray[np.int64]],
    face: Sequence[Matrix],
    voice: Sequence[Matrix],
    tested: int,
) -> float:
    others = [i for i in range(len(labels)) if i != tested]
    truth = np.concatenate([labels[i] for i in others])

    def loss(weight: float) -> float:
        return metrics.negative_log_likelihood(np.concatenate([rule(face[i], voice[i], weight) for i in others]), truth)

    return min(_WEIGHTS, key=loss)


def _figures(
    folds: Sequence[PosteriorFold],
    labels: Sequence[NDArray[np.int64]],
    told: Sequence[Matrix],
    alone: Sequence[Matrix],
    weights: tuple[float, ...],
) -> RuleFigures:
    shares = [100 * float((found.argmax(1) == truth).mean()) for found, truth in zip(told, labels, strict=True)]
    truth, found = np.concatenate(labels), np.concatenate(told)
    who = [str(actor) for fold in folds for actor in fold.test.actors]
    matrices = [
        by_subject.matrices(truth, one.argmax(1), who, found.shape[1]) for one in (found, np.concatenate(alone))
    ]
    gain = by_subject.gain(matrices[0], matrices[1], ["war"])["war"]
    return RuleFigures(
        float(np.mean(shares)),
        tuple(shares),
        100 * metrics.uar(matrices[0].sum(0)),
        100 * metrics.reliability(found, truth).ece,
        weights,
        100 * gain["value"],
        (100 * gain["interval"][0], 100 * gain["interval"][1]) if gain["interval"] else None,
    )


def _labels(clips: PosteriorClips, classes: int) -> NDArray[np.int64]:
    return clips.labels if classes == len(EMOTIONS) else _EXPRESSIONS[clips.labels]


def _of_classes(probabilities: Matrix, classes: int) -> Matrix:
    """(N, 8) as they are, or added up to (N, 7)."""
    if classes == len(EMOTIONS):
        return probabilities
    added: Matrix = probabilities @ np.eye(len(EXPRESSIONS))[_EXPRESSIONS]
    return added
