"""Evaluate a clip network of `moodcast models train` on the clips that its folds held out.

Every clip is judged once, by the network that has not learned from its subject, on the mean over its test views. The
figures are those of all clips together (as published with one subject left out), and the mean over folds (as published
with five folds).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models import metrics
from models.clips.cutting import Prepare
from models.errors import EvaluationError
from models.training import checkpoint, classify_clips, probe, recipe, sets, sights
from models.training.inputs import architecture
from models.training.recipe import Recipe
from models.training.trainer import pick_device
from models.zoo import networks
from models.zoo.entry import Architecture

_BANDS = (("weak", 0.0, 1 / 3), ("medium", 1 / 3, 2 / 3), ("strong", 2 / 3, 1.01))
"""Of clips whose intensity is known: from, and to before."""


def evaluate(run: Path, data: Path, prepare: Prepare, probing: bool = False) -> dict[str, Any]:
    """All figures of a run, ready for JSON; docs/evaluation.md lists the keys.

    ``data`` is the folder that it was trained on; ``prepare`` cuts the faces. ``probing`` judges the network's features
    by a linear classifier, in place of its own last layer; that of a pre-training can be judged in no other way.
    Progress goes to standard error.

    Raises:
        EvaluationError: it is no run of a clip network, or a fold is not trained to its end.
        DatasetError: ``data`` is not what the run's recipe says.
        ModelError: a checkpoint can't be read.
    """
    first = next((file.parent for file in sorted(run.glob(f"**/{checkpoint.FILE}"))), run)
    how = recipe.parse(checkpoint.load(first)["recipe"], str(first))
    if not how.clips.layout:
        raise EvaluationError(f"expected a run of a clip network, but {run} was trained on faces")
    if (how.network.task == "reconstruct" or not how.loss.label) and not probing:
        raise EvaluationError(f"{run} is a pre-training, which classifies nothing: judge its features with --probe")
    entry = architecture(how)
    every = sets.opened(how, data, entry.face_size, prepare)
    for fold in every.folds:
        _check_finished(sets.fold_folder(run, fold), how.schedule.epochs)
    answers, of_fold = np.full(len(every.clips), -1), {}
    for fold in tqdm(every.folds, desc="folds", disable=None):
        test = every.folds[fold].test
        answers[test] = (_probed if probing else answered)(how, entry, sets.fold_folder(run, fold), every, fold)
        of_fold[fold] = summary(every.clips.labels[test], answers[test], every.clips.classes)
    judged = answers >= 0
    labels, intensity = every.clips.labels, every.clips.intensity
    bands = {name: judged & (intensity >= low) & (intensity < high) for name, low, high in _BANDS}
    return {
        "schema": 1,
        "network": how.network.name,
        "probe": probing,
        "layout": how.clips.layout,
        "protocol": how.clips.protocol,
        "subjects": len({every.clips.subjects[i] for i in np.flatnonzero(judged)}),
        **metrics.scores(labels[judged], answers[judged], every.clips.classes),
        "folds": of_fold,
        "mean_of_folds": {key: float(np.mean([row[key] for row in of_fold.values()])) for key in ("uar", "war")},
        "by_intensity": {
            name: summary(labels[rows], answers[rows], every.clips.classes)
            for name, rows in bands.items()
            if rows.any()
        },
    }


def _check_finished(place: Path, epochs: int) -> None:
    """Check that a fold is trained to its end.

    Raises:
        EvaluationError: it is not.
        TrainingError: as ``models.training.checkpoint.load``.
    """
    seen = len(checkpoint.load(place)["history"]) if (place / checkpoint.FILE).is_file() else 0
    if seen < epochs:
        raise EvaluationError(f"{place} has seen {seen} of {epochs} epochs: give the command that trains it again")


def summary(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: tuple[str, ...]) -> dict[str, Any]:
    """``count``, ``uar``, ``war``, and ``interval``: WAR's 95 % confidence interval (Wilson)."""
    matrix = metrics.confusion(labels, answers, len(classes))
    return {
        "count": len(labels),
        "uar": metrics.uar(matrix),
        "war": metrics.accuracy(matrix),
        "interval": metrics.wilson(int(np.trace(matrix)), len(labels)),
    }


def answered(how: Recipe, entry: Architecture, place: Path, every: sets.Set, fold: str) -> NDArray[np.int64]:
    """What a fold's network says of the clips that it did not learn from."""
    net, _, classes = checkpoint.load_network(place)
    if classes != every.clips.classes:
        raise EvaluationError(
            f"expected the classes {', '.join(classes)}, but the clips are of {', '.join(every.clips.classes)}"
        )
    device, (_, test) = pick_device(), every.sides(fold)
    seen = sights.of(entry, how.clips)
    with torch.inference_mode():
        found = classify_clips.probabilities(net.to(device), test, seen, how.data.validation_flip, device)
    answers: NDArray[np.int64] = found.argmax(1).numpy()
    return answers


def _probed(how: Recipe, entry: Architecture, place: Path, every: sets.Set, fold: str) -> NDArray[np.int64]:
    """What a linear classifier of a fold's features says of the clips that neither has learned from."""
    learn, test = every.sides(fold)
    net, device = networks.build(entry.name, len(learn.classes)), pick_device()
    seen = sights.of(entry, how.clips)
    classify_clips.start_from(net, place)
    known, asked = (probe.features(net.to(device), side, seen, device) for side in (learn, test))
    labels = torch.from_numpy(learn.labels)
    answers: NDArray[np.int64] = probe.probe(known, labels, learn.subjects, asked, len(learn.classes)).numpy()
    return answers


def describe(result: dict[str, Any]) -> str:
    """The figures in lines for a terminal."""
    rows = [
        f"{result['network']}, {result['layout']}, {result['protocol']}: {result['count']} clips of "
        f"{result['subjects']} subjects",
        f"UAR {result['uar']:.4f}, WAR {result['war']:.4f}, macro F1 {result['macro_f1']:.4f}",
    ]
    if len(result["folds"]) > 1:
        means = result["mean_of_folds"]
        rows.append(f"mean of {len(result['folds'])} folds: UAR {means['uar']:.4f}, WAR {means['war']:.4f}")
    for name, recall in result["recall"].items():
        rows.append(f"  {name:<12} {'-' if recall is None else f'{recall:.4f}'}")
    for name, band in result["by_intensity"].items():
        rows.append(f"{name} ({band['count']} clips): UAR {band['uar']:.4f}, WAR {band['war']:.4f}")
    return "\n".join(rows)
