"""What a second frame rate is worth: DTSCNN of 60, of 120 and of both, and LBP-TOP beside them, on people not seen.

Each network is trained as the recipe says, then a linear support vector machine of its joined features takes the place
of its last layer, as published (Peng et al. 2017). A run folder holds a folder for each network and, in it, for each
fold: a run of ``models.training.train`` and ``answers.json``, which is not made again.
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from models.clips import windows
from models.clips.cutting import Prepare
from models.clips.source import Clips
from models.clips.windows import WINDOW_60, WINDOW_120, RateWindow
from models.errors import RecipeError
from models.micro import by_subject, lbp_top, study_folder, svm
from models.training import checkpoint, classify_clips, probe, sets
from models.training.classify_clips import ClassifyClips
from models.training.recipe import Recipe
from models.training.sight_rates import SEEN
from models.training.train import fit, made_folder
from models.training.trainer import Trainer, pick_device
from models.zoo import networks

NETWORK, _BOTH = "dtscnn", "both"
ANSWERS = "answers.json"


class _Compared(NamedTuple):
    """One of those that are compared: a network of the registry, or LBP-TOP of a window and a radius in time."""

    name: str
    parts: tuple[RateWindow, ...]
    network: str = ""
    radius: int = 0

    @property
    def folder(self) -> str:
        """Of its runs."""
        return self.network or self.name.replace(" ", "-").lower()


ROWS = (
    *(
        _Compared(name, SEEN[networks.get(network).sight], network)
        for name, network in (
            ("60 alone", "dtscnn-60"),
            ("120 alone", "dtscnn-120"),
            (_BOTH, NETWORK),
            ("both of one rate", "dtscnn-same-rate"),
        )
    ),
    _Compared("LBP-TOP at 60", (WINDOW_60,), radius=2),
    _Compared("LBP-TOP at 120", (WINDOW_120,), radius=4),
)
"""The radii of LBP-TOP are one time, 1/30 s."""


def study(recipe: Recipe, folder: Path, run: Path, prepare: Prepare) -> dict[str, Any]:
    """All rows, trained in folders below ``run`` or gone on there; the figures as docs/micro.md lists them.

    Raises:
        RecipeError: the recipe is another network's, or its protocol has one fold alone.
        DatasetError: the folder is not laid out as the recipe says, or too few clips of it can be used.
        TrainingError: the run folder holds another study, or can't be used.
        ModelError: as ``models.training.train.train``.
    """
    if recipe.network.name != NETWORK or recipe.clips.protocol == "share":
        raise RecipeError(
            f"expected a recipe of {NETWORK} with clips.protocol 'folds', 'leave-one-out' or 'official', got "
            f"{recipe.network.name} and {recipe.clips.protocol!r}"
        )
    device = pick_device()
    with made_folder(run):
        every = sets.opened(recipe, folder, networks.get(NETWORK).face_size, prepare, recipe.schedule.batch)
        study_folder.check_same(run, study_folder.about("rates", recipe, every.clips))
        found = {row.name: _matrices(row, recipe, every, run, device) for row in ROWS}
    clips = every.clips
    frames = [int(clips.derived(i, "count", lambda faces: np.array(len(faces)))) for i in range(len(clips))]
    return {
        "schema": 1,
        "set": folder.resolve().name,
        "classes": list(clips.classes),
        "clips": len(clips),
        "people": len(set(clips.subjects)),
        "recorded_at": sorted({round(float(rate), 2) for rate in clips.rate}),
        "folds": len(every.folds),
        "epochs": recipe.schedule.epochs,
        "left_out": list(every.broken),
        "rows": [
            {
                "name": row.name,
                "network": row.network,
                "invented": _share(windows.invented, row, clips, frames),
                "held_still": _share(windows.held_still, row, clips, frames),
                **by_subject.figures(found[row.name]),
            }
            for row in ROWS
        ],
        "gain_of_both": {row.name: by_subject.gain(found[_BOTH], found[row.name]) for row in ROWS if row.name != _BOTH},
    }


def _share(of: Callable[[int, float, RateWindow], float], row: _Compared, clips: Clips, frames: Sequence[int]) -> float:
    """The mean of a share over all clips, of so many ``frames`` each, and the row's windows, by their steps."""
    found = [
        part.steps * of(count, float(rate), part)
        for count, rate in zip(frames, clips.rate, strict=True)
        for part in row.parts
    ]
    return sum(found) / (len(frames) * sum(part.steps for part in row.parts))


def _matrices(row: _Compared, recipe: Recipe, every: sets.Set, run: Path, device: torch.device) -> by_subject.Matrices:
    """The confusion matrices of the people, each asked of what has not learned from them."""
    clips = every.clips
    asked, answers = [], []
    for fold, (_, test) in tqdm(every.folds.items(), desc=row.name, unit="fold", disable=None):
        place = sets.fold_folder(run / row.folder, fold)
        with made_folder(place):
            asked.append(test)
            answers.append(
                study_folder.kept(place / ANSWERS, partial(_answers, row, recipe, *every.sides(fold), place, device))
            )
    of = np.concatenate(asked)
    return by_subject.matrices(
        clips.labels[of], np.concatenate(answers), [clips.subjects[i] for i in of], len(clips.classes)
    )


def _answers(
    row: _Compared, recipe: Recipe, learn: Clips, test: Clips, place: Path, device: torch.device
) -> NDArray[np.int64]:
    """What is said of the test clips."""
    if not row.network:
        known, asked = (_textures(side, row) for side in (learn, test))
        of_textures: NDArray[np.int64] = svm.fit(known, learn.labels, len(learn.classes)).margins(asked).argmax(1)
        return of_textures
    how = msgspec.structs.replace(recipe, network=msgspec.structs.replace(recipe.network, name=row.network))
    torch.manual_seed(how.data.seed)
    task = ClassifyClips.of(how, learn, test, device)
    with contextlib.redirect_stdout(sys.stderr):  # figures may go to standard output
        trainer = fit(how, task, place, device)
    net = trainer.average.module.eval()
    known = probe.features(net, learn, task.seen, device).numpy()
    put_on(net, svm.fit(known, learn.labels, len(learn.classes)))
    _store(trainer, place)
    with torch.inference_mode():
        found = classify_clips.probabilities(net, test, task.seen, how.data.validation_flip, device)
    answers: NDArray[np.int64] = found.argmax(1).numpy()
    return answers


def put_on(net: nn.Module, machine: svm.LinearSvm) -> None:
    """A support vector machine of what a network's last layer ``fc`` is given, in that layer's place."""
    with torch.no_grad():
        net.fc.weight.copy_(torch.from_numpy(machine.weight))
        net.fc.bias.copy_(torch.from_numpy(machine.bias))


def _store(trainer: Trainer, place: Path) -> None:
    """The averaged network as it is now, in the run's checkpoint; all else there stays."""
    state = checkpoint.load(place)
    state["average"] = trainer.average.state_dict()
    checkpoint.save(state, place)


def _textures(clips: Clips, row: _Compared) -> NDArray[np.float32]:
    """LBP-TOP of each clip's middle (N, D)."""
    (part,) = row.parts

    def of(index: int) -> NDArray[np.float32]:
        fps = float(clips.rate[index])
        name = f"lbp-top-v{lbp_top.VERSION}-{windows.VERSION}-r{row.radius}-{fps:g}to{part.rate}"
        return clips.derived(
            index,
            name,
            lambda frames: lbp_top.lbp_top(
                windows.cut_frames(windows.grey_at(frames, fps, part.rate), part, 0.5), row.radius
            ),
        )

    return np.stack([of(i) for i in tqdm(range(len(clips)), desc=row.name, unit="clip", disable=None, leave=False)])
