"""What sight, time and sound are each worth, as recorded and disturbed, on people that were not learned from.

Five networks of one recipe, that differ in their parts alone, are trained in each fold; on the fused features of the
one with both, side by side, a linear support vector machine is fitted, as the article does. All learn from clips as
they were recorded; what is disturbed (``models.clips.disturb``) is what they are asked about. A run folder holds a
folder for each network and, in it, for each fold: a run of ``models.training.train``, and the answers, which are not
made again.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from models.clips import disturb
from models.clips.cutting import Prepare
from models.clips.disturb import DISTURBANCES, Disturbance
from models.clips.source import Clips, ClipSource, take
from models.errors import RecipeError
from models.micro import by_subject, study_folder, svm
from models.training import classify_clips, probe, sets
from models.training.classify_clips import ClassifyClips
from models.training.inputs import architecture
from models.training.recipe import Recipe
from models.training.sight import ClipSight
from models.training.train import fit, made_folder
from models.training.trainer import pick_device
from models.zoo.audio_visual import FRAMES, Parts

_NETWORKS = ("av-gru", "av-lstm", "av-sum", "av-small")
_RECORDED = "as recorded"
_BY_NAME = {how.name: how for how in DISTURBANCES}


class _Compared(NamedTuple):
    """A row: a network of these parts, or a support vector machine on its fused features."""

    name: str
    parts: Parts
    machine: bool = False

    def perceives(self, how: Disturbance) -> bool:
        """Whether the disturbance reaches it at all."""
        sees, hears = self.parts != "audio", self.parts in ("audio", "sum", "concat")
        return (sees and how.frames is not None) or (hears and how.sound is not None)


_BOTH, _FRAMES = "both, side by side", "frames in order"
_ROWS = (
    _Compared("single frames", "static"),
    _Compared(_FRAMES, "dynamic"),
    _Compared("sound", "audio"),
    _Compared("both, added", "sum"),
    _Compared(_BOTH, "concat"),
    _Compared("SVM on both", "concat", machine=True),
)


_Answer = Callable[[ClipSource], NDArray[np.int64]]
"""To clips (N,)."""


class _Asked(NamedTuple):
    """All clips of a set, by what was done to them."""

    every: sets.Set
    recorded: Clips
    disturbed: Mapping[str, Clips]


def study(recipe: Recipe, folder: Path, run: Path, prepare: Prepare) -> dict[str, Any]:
    """All rows, trained in folders below ``run`` or gone on there; the figures as docs/audio-visual.md lists them.

    Raises:
        RecipeError: the recipe is another network's, or its protocol has one fold alone.
        DatasetError: the folder is not laid out as the recipe says, or too few clips of it have a face and sound.
        TrainingError: the run folder holds another study, or can't be used.
        ModelError: as ``models.training.train.train``.
    """
    if recipe.network.name not in _NETWORKS or recipe.clips.protocol == "share":
        raise RecipeError(
            f"expected a recipe of {', '.join(_NETWORKS[:-1])} or {_NETWORKS[-1]} with clips.protocol 'folds', "
            f"'leave-one-out' or 'official', got {recipe.network.name} and {recipe.clips.protocol!r}"
        )
    device, entry = pick_device(), architecture(recipe)
    with made_folder(run):
        every = sets.opened(recipe, folder, entry.face_size, prepare, recipe.schedule.batch)
        clips = every.clips
        study_folder.check_same(run, study_folder.about("sight-and-sound", recipe, clips))
        spoiled = {how.name: disturb.disturbed(clips, how, recipe.data.seed) for how in DISTURBANCES}
        asked = _Asked(every, disturb.disturbed(clips, Disturbance("", ""), 0), spoiled)
        found = {row.name: _matrices(row, recipe, asked, run, device) for row in _ROWS}
    return {
        "schema": 1,
        "set": folder.resolve().name,
        "network": entry.name,
        "frames": FRAMES,
        "classes": list(clips.classes),
        "clips": len(clips),
        "people": len(set(clips.subjects)),
        "folds": len(every.folds),
        "epochs": recipe.schedule.epochs,
        "left_out": list(every.broken),
        "conditions": {_RECORDED: "", **{how.name: how.told for how in DISTURBANCES}},
        "rows": [
            {"name": row.name, "conditions": {name: by_subject.figures(of) for name, of in found[row.name].items()}}
            for row in _ROWS
        ],
        "gain_of_sound": {
            name: by_subject.gain(found[_BOTH][name], found[_FRAMES][name]) for name in (_RECORDED, *spoiled)
        },
    }


def _matrices(
    row: _Compared, recipe: Recipe, asked: _Asked, run: Path, device: torch.device
) -> dict[str, by_subject.Matrices]:
    """The confusion matrices of the people in each condition, each person asked of what has not learned from them."""
    every, clips = asked.every, asked.recorded
    tested: list[NDArray[np.int64]] = []
    answers: dict[str, list[NDArray[np.int64]]] = {}
    for fold, (_, test) in tqdm(every.folds.items(), desc=row.name, unit="fold", disable=None):
        tested.append(test)
        for name, said in _answers(row, recipe, asked, fold, run, device).items():
            answers.setdefault(name, []).append(said)
    of = np.concatenate(tested)
    subjects = [clips.subjects[i] for i in of]
    return {
        name: by_subject.matrices(clips.labels[of], np.concatenate(said), subjects, len(clips.classes))
        for name, said in answers.items()
    }


def _answers(
    row: _Compared, recipe: Recipe, asked: _Asked, fold: str, run: Path, device: torch.device
) -> dict[str, NDArray[np.int64]]:
    """What is said of the fold's test clips in each condition; nothing is trained where all of it is kept."""
    place = sets.fold_folder(run / row.parts, fold)
    learn, test = asked.every.folds[fold]
    taught = functools.cache(
        functools.partial(_taught, row, recipe, take(asked.recorded, learn), take(asked.recorded, test), place, device)
    )

    def answer(clips: ClipSource) -> NDArray[np.int64]:
        return taught()(take(clips, test))

    kind = "svm" if row.machine else "answers"
    with made_folder(place):
        said = {_RECORDED: study_folder.kept(place / f"{kind}.json", functools.partial(answer, asked.recorded))}
        for name, clips in asked.disturbed.items():
            file = place / f"{kind}-{name.replace(' ', '-')}.json"
            reached = row.perceives(_BY_NAME[name])
            said[name] = study_folder.kept(file, functools.partial(answer, clips)) if reached else said[_RECORDED]
    return said


def _taught(row: _Compared, recipe: Recipe, learn: Clips, check: Clips, place: Path, device: torch.device) -> _Answer:
    """What a network has learned, trained now or gone on where that stopped; the machine on top where there is one."""
    if row.parts == "audio":  # it has nothing that faces could have taught
        recipe = msgspec.structs.replace(recipe, network=msgspec.structs.replace(recipe.network, start=""))
    entry = architecture(recipe)
    torch.manual_seed(recipe.data.seed)
    task = ClassifyClips(recipe, entry.builder(len(learn.classes), row.parts), entry, learn, check, device)
    with contextlib.redirect_stdout(sys.stderr):  # figures may go to standard output
        net = fit(recipe, task, place, device).average.module.eval()
    return _machine(net, learn, task.seen, device) if row.machine else _network(net, recipe, task.seen, device)


def _network(net: nn.Module, recipe: Recipe, seen: ClipSight, device: torch.device) -> _Answer:
    def answer(clips: ClipSource) -> NDArray[np.int64]:
        with torch.inference_mode():
            shares = classify_clips.probabilities(net, clips, seen, recipe.data.validation_flip, device)
        said: NDArray[np.int64] = shares.argmax(1).numpy()
        return said

    return answer


def _machine(net: nn.Module, learn: ClipSource, seen: ClipSight, device: torch.device) -> _Answer:
    """A support vector machine of what the network's joint layer is given."""
    known = probe.features(net, learn, seen, device, net.joint).numpy()
    machine = svm.fit(known, learn.labels, len(learn.classes))

    def answer(clips: ClipSource) -> NDArray[np.int64]:
        asked = probe.features(net, clips, seen, device, net.joint).numpy()
        said: NDArray[np.int64] = machine.margins(asked).argmax(1)
        return said

    return answer
