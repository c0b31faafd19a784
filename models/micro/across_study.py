"""ATNet across data sets: trained on one, tested on another, in both directions; its branches alone and together.

Trained is the published network (Peng et al. 2019) and, for comparison, each branch with a classifier of its own, all
by one recipe. Nothing of a test set is seen before its end: how a training goes is told by people of its own set.
"""

import contextlib
import dataclasses
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.clips.cutting import Prepare
from models.clips.source import Clips, take
from models.errors import DatasetError, RecipeError
from models.micro import by_subject, common, study_folder
from models.training import classify_clips, folds, sets
from models.training.classify_clips import ClassifyClips
from models.training.recipe import Recipe
from models.training.train import fit, made_folder
from models.training.trainer import pick_device
from models.zoo import networks
from models.zoo.atnet import ATNet, Branches
from models.zoo.entry import Architecture

NETWORK = "atnet"
BRANCHES: tuple[Branches, ...] = ("apex", "sequence", "both")
_TOP = "top"
"""Called so: the root of all folders."""


class _MicroSet(NamedTuple):
    """A set's name, and its clips under the common classes: all of them, to learn from, and to tell how it goes."""

    name: str
    every: Clips
    learn: Clips
    check: Clips


def across(
    recipe: Recipe, folders: Sequence[Path], layouts: Sequence[str], size: int, run: Path, prepare: Prepare
) -> dict[str, Any]:
    """Train in folders below ``run``, or go on there, and test; the figures as docs/micro.md lists them.

    ``size`` is the side of the faces, which need not be the network's own: its trunk ends in a mean.

    Raises:
        RecipeError: the recipe is another network's.
        DatasetError: a folder is not laid out so, it is the same twice, or the two share no classes.
        TrainingError, ModelError: as ``models.training.train.train``.
    """
    if recipe.network.name != NETWORK:
        raise RecipeError(f"network.name: expected {NETWORK}, whose branches are compared, got {recipe.network.name}")
    entry = dataclasses.replace(networks.get(NETWORK), size=size)
    device = pick_device()
    with made_folder(run):
        first, second = _opened(recipe, folders, layouts, size, prepare)
        study_folder.check_same(run, study_folder.about("across", recipe, first.every, second.every))
        return {
            "network": NETWORK,
            "size": size,
            "epochs": recipe.schedule.epochs,
            "classes": list(first.every.classes),
            "directions": [
                _direction(recipe, entry, learn, test, run, device)
                for learn, test in ((first, second), (second, first))
            ],
        }


def _opened(
    recipe: Recipe, folders: Sequence[Path], layouts: Sequence[str], size: int, prepare: Prepare
) -> list[_MicroSet]:
    """Both sets under their common classes.

    Raises:
        DatasetError: as ``across``; or of one of them there are clips of one of these classes alone, or of none.
    """
    names, found = named(folders), []
    how = msgspec.structs.replace(recipe.clips, protocol="share", only=())
    for folder, layout in zip(folders, layouts, strict=True):
        wanted = msgspec.structs.replace(recipe, clips=msgspec.structs.replace(how, layout=layout))
        found.append(sets.opened(wanted, folder, size, prepare, recipe.schedule.batch).clips)
    shared = common.common(*(clips.classes for clips in found))
    told = []
    for name, folder, clips, places in zip(names, folders, found, (shared.first, shared.second), strict=True):
        every = _relabelled(clips, shared.classes, places)
        if len(there := np.unique(every.labels)) < 2:
            raise DatasetError(
                f"expected clips of two classes or more of {', '.join(shared.classes)}, which both sets name, in "
                f"{folder}, got {', '.join(shared.classes[label] for label in there) or 'none'}"
            )
        # Dealt now, so that somebody is left on both sides.
        ((learn, check),) = folds.of_recipe(every.subjects, {}, how, recipe.data).values()
        told.append(_MicroSet(name, every, take(every, learn), take(every, check)))
    return told


def named(folders: Sequence[Path]) -> tuple[str, str]:
    """A name for each of two folders: its own, or that of the first above it that the other has not.

    Raises:
        DatasetError: it is one folder.
    """
    first, second = (reversed(folder.resolve().parts[1:]) for folder in folders)
    for one, other in itertools.zip_longest(first, second, fillvalue=_TOP):
        if one != other:
            return one, other
    raise DatasetError(f"expected two sets, got {folders[0]} twice")


def _relabelled(clips: Clips, classes: tuple[str, ...], places: Sequence[int]) -> Clips:
    """The clips whose class has a place among ``classes``, under it; ``places`` is as in ``common.Common``."""
    labels = np.array(places, np.int64)[clips.labels]
    kept = np.flatnonzero(labels >= 0)
    return take(dataclasses.replace(clips, labels=np.maximum(labels, 0), classes=classes), kept)


def _direction(
    recipe: Recipe, entry: Architecture, learn: _MicroSet, test: _MicroSet, run: Path, device: torch.device
) -> dict[str, Any]:
    """Train on one set and test on the other."""
    classes = len(test.every.classes)
    found = {}
    for branches in BRANCHES:
        place = run / f"{learn.name}-to-{test.name}" / f"{branches}-{entry.size}px"
        answers = _answers(recipe, entry, branches, learn, test, place, device)
        found[branches] = by_subject.matrices(test.every.labels, answers, test.every.subjects, classes)
    return {
        "learn": _described(learn),
        "test": _described(test),
        "branches": {branches: by_subject.figures(matrices) for branches, matrices in found.items()},
        "over_apex": {branches: by_subject.gain(found[branches], found["apex"]) for branches in ("sequence", "both")},
    }


def _described(which: _MicroSet) -> dict[str, Any]:
    """How large it is: clips by class, and people."""
    labels = which.every.labels
    return {
        "name": which.name,
        "clips": {name: int((labels == k).sum()) for k, name in enumerate(which.every.classes)},
        "subjects": len(set(which.every.subjects)),
    }


def _answers(
    recipe: Recipe,
    entry: Architecture,
    branches: Branches,
    learn: _MicroSet,
    test: _MicroSet,
    place: Path,
    device: torch.device,
) -> NDArray[np.int64]:
    """What a network answers to the clips of ``test`` (N,), trained on ``learn`` in the folder ``place``."""
    if branches == "sequence":  # it has nothing that faces could have taught
        recipe = msgspec.structs.replace(recipe, network=msgspec.structs.replace(recipe.network, start=""))
    torch.manual_seed(recipe.data.seed)
    net = ATNet(len(learn.every.classes), branches)
    task = ClassifyClips(recipe, net, entry, learn.learn, learn.check, device)
    with made_folder(place), contextlib.redirect_stdout(sys.stderr):  # figures may go to standard output
        trainer = fit(recipe, task, place, device)
    trainer.average.eval()
    with torch.inference_mode(), trainer.autocast():
        shares = classify_clips.probabilities(
            trainer.average, test.every, task.seen, recipe.data.validation_flip, device
        )
    answers: NDArray[np.int64] = shares.argmax(1).numpy()
    return answers
