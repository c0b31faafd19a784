"""Networks from a start on macro-expressions against the same from a random one, and the figures of both.

Each fold is trained from both starts with each seed. A training is done when its answers are in a file of the study.
"""

import contextlib
import functools
import hashlib
import itertools
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.clips.cutting import Prepare
from models.clips.source import Clips, ClipSource, in_memory
from models.errors import RecipeError
from models.micro import by_subject, study_folder
from models.training import checkpoint, classify_clips, sets, sight_pixels, train
from models.training.inputs import architecture
from models.training.recipe import Recipe
from models.training.trainer import pick_device

_STARTS = ("macro", "random")
_UNFINISHED = "unfinished"

Answers = Mapping[tuple[str, int], NDArray[np.int64]]
"""By start and seed, the class that each clip was taken for (N,), by a network that did not learn from its person."""


def study(how: Recipe, data: Path, start: Path, seeds: int, run: Path, prepare: Prepare) -> dict[str, Any]:
    """All figures, ready for JSON; trains what the folder ``run`` has no answers of yet.

    Raises:
        RecipeError: the recipe is not one of the apex frame.
        DatasetError: ``data`` is not what the recipe says.
        TrainingError: ``start`` is no finished run of such a network; ``run`` holds another study, or can't be written.
    """
    entry = architecture(how)
    if entry.frames != 1 or how.clips.sampling != "apex":
        raise RecipeError(
            f"network.name, clips.sampling: expected a network of one frame and 'apex', got {entry.name}, which looks "
            f"at {entry.frames}, and {how.clips.sampling!r}"
        )
    beginning = checkpoint.weights(start)
    every = sets.opened(how, data, entry.size, prepare, how.schedule.batch)
    with train.made_folder(run):
        begun_with = f"{start.name} {_digest(beginning)}"
        study_folder.check_same(run, study_folder.about("transfer", how, every.clips) | {"start": begun_with})
        every = every._replace(clips=_apexes(every.clips, how))
        seeds_from = range(how.data.seed, how.data.seed + seeds)
        answers = {key: np.full(len(every.clips), -1) for key in itertools.product(_STARTS, seeds_from)}
        jobs = list(itertools.product(seeds_from, every.folds, _STARTS))
        for seed, fold, begun in tqdm(jobs, desc="trainings", disable=None):
            job = msgspec.structs.replace(
                how,
                network=msgspec.structs.replace(how.network, start=str(start) if begun == "macro" else ""),
                data=msgspec.structs.replace(how.data, seed=seed),
            )
            name = f"{begun}-{seed}-{fold}" if fold else f"{begun}-{seed}"
            answers[begun, seed][every.folds[fold].test] = _answered(job, every, fold, run, name)
    judged = answers["macro", how.data.seed] >= 0
    of_clip = [every.clips.subjects[i] for i in np.flatnonzero(judged)]
    said = {key: found[judged] for key, found in answers.items()}
    return {
        "schema": 1,
        "network": entry.name,
        "size": entry.size,
        "folds": len(every.folds),
        **figures(said, every.clips.labels[judged], of_clip, len(every.clips.classes)),
    }


def figures(answers: Answers, labels: NDArray[np.int64], subjects: Sequence[str], classes: int) -> dict[str, Any]:
    """What both starts are worth, and what macro gains on the same clips, folds and seeds (``by_subject``).

    Answers of all seeds count together, and stay together with their person where people are drawn.
    """
    seeds = sorted({seed for _, seed in answers})
    of_start = {
        start: by_subject.matrices(
            np.tile(labels, len(seeds)),
            np.concatenate([answers[start, seed] for seed in seeds]),
            list(subjects) * len(seeds),
            classes,
        )
        for start in _STARTS
    }
    return {
        "people": len(set(subjects)),
        "clips": len(labels),
        "seeds": len(seeds),
        "largest_class": float(np.bincount(labels).max() / len(labels)),
        **{start: by_subject.figures(found) for start, found in of_start.items()},
        "macro_over_random": by_subject.gain(of_start["macro"], of_start["random"]),
        "war_by_seed": {start: [float((answers[start, seed] == labels).mean()) for seed in seeds] for start in _STARTS},
    }


def _apexes(source: ClipSource, how: Recipe) -> Clips:
    """The same clips, of each the apex alone, which is all that is looked at: read once, not in every epoch."""
    faces = []
    for index in tqdm(range(len(source)), desc="apexes", disable=None):
        frames = source.frames(index)
        (chosen,) = sight_pixels.chosen(frames, source.moments[index], 1, how.clips, None)
        faces.append(frames[chosen])
    return in_memory(
        faces, source.labels, source.classes, source.subjects, source.intensity, np.zeros((len(faces), 2), np.int64)
    )


def _answered(how: Recipe, every: sets.Set, fold: str, run: Path, name: str) -> NDArray[np.int64]:
    """What a fold's network says of the clips that it did not learn from; trained where no file tells it yet."""
    place = run / _UNFINISHED / name
    answers = study_folder.kept(run / f"{name}.json", functools.partial(_trained, how, every, fold, place))
    shutil.rmtree(place, ignore_errors=True)
    return answers


def _trained(how: Recipe, every: sets.Set, fold: str, place: Path) -> NDArray[np.int64]:
    """The same, of a network that is trained in the folder ``place``."""
    torch.manual_seed(how.data.seed)
    task = classify_clips.ClassifyClips.of(how, *every.sides(fold), pick_device())
    with train.made_folder(place), contextlib.redirect_stdout(sys.stderr):  # its scores are no result of the study
        trained = train.fit(how, task, place, task.device)
    trained.average.eval()
    with torch.inference_mode(), trained.autocast():
        found = classify_clips.probabilities(
            trained.average, task.check, task.seen, how.data.validation_flip, task.device
        )
    answers: NDArray[np.int64] = found.argmax(1).numpy()
    return answers


def _digest(weights: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        found.update(name.encode() + tensor.cpu().numpy().tobytes())
    return found.hexdigest()[:16]
