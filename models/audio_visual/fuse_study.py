"""Late fusion of the published posteriors on RAVDESS: what is right by fold, and how far confidences can be trusted.

Temperatures are chosen by fold: for a fold's test clips, on the test clips of the other folds, answered by what was
learned without the tested actors. The training clips of a fold can't serve, since the recognisers learned from them and
are too sure there; ``FusionStudy.on_training`` shows it. What is left of a leak: the other folds' recognisers, whose
answers we are given, learned from the tested actors as well; one number is all that is taken from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import metrics
from models.audio_visual.fusion_methods import FUSION, GRADED, Method, classifiers, has_scikit_learn
from models.audio_visual.voice_gain import VoiceGain, voice_gains
from models.errors import DatasetError
from models.evaluation.posteriors import EMOTIONS, RECOGNISERS, PosteriorClips, PosteriorFold
from models.inference.softmax import Matrix
from models.inference.temperature import fit_temperature, tempered


class FoldFigures(NamedTuple):
    """Of answers to all folds' test clips, in percent: ``accuracy`` is the mean of ``folds``, as it is published."""

    accuracy: float
    folds: tuple[float, ...]
    uar: float
    confusion: NDArray[np.int64]


class Calibration(NamedTuple):
    """``temperatures`` by fold, and how far all test clips' confidences can be trusted before and after them."""

    temperatures: tuple[float, ...]
    before: metrics.Reliability
    after: metrics.Reliability


@dataclass(frozen=True, eq=False)
class FusionStudy:
    """``methods`` by name, and the ``calibrations`` of those that say probabilities."""

    methods: Mapping[str, FoldFigures]
    calibrations: Mapping[str, Calibration]
    on_training: Calibration
    """Of the published fusion, with temperatures that the recognisers' own training clips choose."""
    difference: float | None
    """The largest distance of the published fusion's posteriors from ours, 0..1; None where there are none."""
    voice: tuple[VoiceGain, ...]


def study(folds: Sequence[PosteriorFold], published: Sequence[Matrix] | None) -> FusionStudy:
    """All of it, shown by a bar; ``published`` are the fusion's posteriors for each fold's test clips.

    Without scikit-learn its ``classifiers`` are left out.

    Raises:
        DatasetError: two folds test the same actor, or a fold's training clips lack an emotion without those actors
            whom another one tests.
    """
    _check(folds)
    others = classifiers() if has_scikit_learn() else {}
    labels = [fold.test.labels for fold in folds]
    methods, calibrations = {}, {}
    with tqdm(total=len(GRADED) + len(others), unit="method", disable=None) as bar:
        for name, method in {**GRADED, **others}.items():
            methods[name] = _figures(labels, [method(fold.train, fold.test) for fold in folds])
            if name in GRADED:
                calibrations[name] = calibration(folds, method)
            bar.update()
    fusion = [GRADED[FUSION](fold.train, fold.test) for fold in folds]
    on_training = [fit_temperature(GRADED[FUSION](fold.train, fold.train), fold.train.labels) for fold in folds]
    difference = None
    if published is not None:
        difference = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(fusion, published, strict=True))
    return FusionStudy(
        methods, calibrations, _calibration(labels, fusion, on_training), difference, tuple(voice_gains(folds))
    )


def figures(result: FusionStudy) -> dict[str, Any]:
    """What ``--json`` writes: shares in percent, but ``largest_posterior_difference`` and what ``reliability`` has."""
    fusion = result.methods[FUSION]
    alone = list(result.methods.values())[: len(RECOGNISERS)]
    return {
        **{name: _rounded(found.accuracy) for name, found in zip(RECOGNISERS, alone, strict=True)},
        "fusion": _rounded(fusion.accuracy),
        "folds": [_rounded(share) for share in fusion.folds],
        "largest_posterior_difference": result.difference,
        "emotions": list(EMOTIONS),
        "methods": [_method(result, name) for name in result.methods],
        "temperatures_of_training_clips": {
            "temperatures": [_rounded(one) for one in result.on_training.temperatures],
            "ece": _rounded(100 * result.on_training.before.ece),
            "ece_calibrated": _rounded(100 * result.on_training.after.ece),
        },
        "voice": [gain.figures() for gain in result.voice],
    }


def _method(result: FusionStudy, name: str) -> dict[str, Any]:
    found = result.methods[name]
    told = {
        "name": name,
        "accuracy": _rounded(found.accuracy),
        "folds": [_rounded(share) for share in found.folds],
        "uar": _rounded(found.uar),
        "confusion": found.confusion.tolist(),
    }
    if calibration := result.calibrations.get(name):
        told |= {
            "ece": _rounded(100 * calibration.before.ece),
            "ece_calibrated": _rounded(100 * calibration.after.ece),
            "temperatures": [_rounded(one) for one in calibration.temperatures],
            "reliability": {
                "before": _reliability(calibration.before),
                "after": _reliability(calibration.after),
            },
        }
    return told


def _reliability(found: metrics.Reliability) -> dict[str, Any]:
    return {
        "counts": found.counts.tolist(),
        "confidence": np.round(found.confidence, 4).tolist(),
        "accuracy": np.round(found.accuracy, 4).tolist(),
    }


def _rounded(value: float) -> float:
    return round(value, 2)


def _figures(labels: Sequence[NDArray[np.int64]], told: Sequence[Matrix]) -> FoldFigures:
    """Of labels (N,) and answers (N, 8) by fold."""
    matrices = [
        metrics.confusion(truth, found.argmax(1), len(EMOTIONS)) for truth, found in zip(labels, told, strict=True)
    ]
    folds = tuple(100 * metrics.accuracy(matrix) for matrix in matrices)
    total = np.sum(matrices, 0)
    return FoldFigures(float(np.mean(folds)), folds, 100 * metrics.uar(total), total)


def calibration(folds: Sequence[PosteriorFold], method: Method) -> Calibration:
    """Of a method's probabilities, each fold's with the temperature that the other folds' test clips choose."""
    chosen = []
    for tested in folds:
        others = [fold for fold in folds if fold is not tested]
        told = [method(_without(fold.train, tested.test), fold.test) for fold in others]
        labels = [fold.test.labels for fold in others]
        chosen.append(fit_temperature(np.concatenate(told), np.concatenate(labels)))
    told = [method(fold.train, fold.test) for fold in folds]
    return _calibration([fold.test.labels for fold in folds], told, chosen)


def _without(clips: PosteriorClips, tested: PosteriorClips) -> PosteriorClips:
    """Those of other actors."""
    return clips.only(~np.isin(clips.actors, tested.actors))


def _check(folds: Sequence[PosteriorFold]) -> None:
    for number, tested in enumerate(folds):
        for other, fold in enumerate(folds):
            if other == number:
                continue
            if both := sorted(set(tested.test.actors.tolist()) & set(fold.test.actors.tolist())):
                raise DatasetError(
                    f"expected each actor to be tested in one fold, got actor {both[0]:02} in {number} and {other}"
                )
            left = _without(fold.train, tested.test).labels.tolist()
            if lacking := sorted(set(range(len(EMOTIONS))) - set(left)):
                raise DatasetError(
                    f"expected clips of all emotions in train_fold{other}.csv besides those of the actors of "
                    f"test_fold{number}.csv, got none of {EMOTIONS[lacking[0]]}"
                )


def _calibration(
    labels: Sequence[NDArray[np.int64]], told: Sequence[Matrix], temperatures: Sequence[float]
) -> Calibration:
    truth = np.concatenate(labels)
    after = [tempered(found, temperature) for found, temperature in zip(told, temperatures, strict=True)]
    return Calibration(
        tuple(temperatures),
        metrics.reliability(np.concatenate(told), truth),
        metrics.reliability(np.concatenate(after), truth),
    )
