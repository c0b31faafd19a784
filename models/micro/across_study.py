"""ATNet across data sets: trained on one, tested on another, in both directions; its branches alone and together.

Trained is the published network (Peng et al. 2019) and, for comparison, each branch with a classifier of its own, all
by one recipe. Nothing of a test set is seen before its end: how a training goes is told by people of its own set.
"""

import dataclasses
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
from models.micro import by_subject, common
from models.training import classify_clips, sets
from models.training.classify_clips import ClassifyClips
from models.training.recipe import Recipe
from models.training.train import fit, made_folder
from models.training.trainer import pick_device
from models.zoo import networks
from models.zoo.atnet import ATNet, Branches
from models.zoo.entry import Architecture

NETWORK = "atnet"
BRANCHES: tuple[Branches, ...] = ("apex", "sequence", "both")


class MicroSet(NamedTuple):
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
) -> list[MicroSet]:
    """Both sets under their common classes."""
    names, found = named(folders), []
    for folder, layout in zip(folders, layouts, strict=True):
        clips = msgspec.structs.replace(recipe.clips, layout=layout, protocol="share", only=())
        how = msgspec.structs.replace(recipe, clips=clips)
        found.append(sets.opened(how, folder, size, prepare, recipe.schedule.batch))
    shared = common.common(*(each.clips.classes for each in found))
    return [
        MicroSet(name, *(relabelled(clips, shared.classes, places) for clips in (each.clips, *each.sides(""))))
        for name, each, places in zip(names, found, (shared.first, shared.second), strict=True)
    ]


def named(folders: Sequence[Path]) -> tuple[str, str]:
    """A name for each of two folders: its own, or that of the first above it that the other has not.

    Raises:
        DatasetError: it is one folder.
    """
    first, second = (reversed(folder.resolve().parts) for folder in folders)
    for names in zip(first, second, strict=False):
        if names[0] != names[1]:
            return names
    raise DatasetError(f"expected two sets, got {folders[0]} twice")


def relabelled(clips: Clips, classes: tuple[str, ...], places: Sequence[int]) -> Clips:
    """The clips whose class has a place among ``classes``, under it; ``places`` is as in ``common.Common``."""
    labels = np.array(places, np.int64)[clips.labels]
    kept = np.flatnonzero(labels >= 0)
    return take(dataclasses.replace(clips, labels=np.maximum(labels, 0), classes=classes), kept)


def _direction(
    recipe: Recipe, entry: Architecture, learn: MicroSet, test: MicroSet, run: Path, device: torch.device
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


def _described(which: MicroSet) -> dict[str, Any]:
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
    learn: MicroSet,
    test: MicroSet,
    place: Path,
    device: torch.device,
) -> NDArray[np.int64]:
    """What a network answers to the clips of ``test`` (N,), trained on ``learn`` in the folder ``place``."""
    if branches == "sequence":  # it has nothing that faces could have taught
        recipe = msgspec.structs.replace(recipe, network=msgspec.structs.replace(recipe.network, start=""))
    torch.manual_seed(recipe.data.seed)
    net = ATNet(len(learn.every.classes), branches)
    task = ClassifyClips(recipe, net, entry, learn.learn, learn.check, device)
    with made_folder(place):
        trainer = fit(recipe, task, place, device)
    trainer.average.eval()
    with torch.inference_mode(), trainer.autocast():
        shares = classify_clips.probabilities(
            trainer.average, test.every, task.seen, recipe.data.validation_flip, device
        )
    answers: NDArray[np.int64] = shares.argmax(1).numpy()
    return answers
