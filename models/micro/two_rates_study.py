"""What a second frame rate is worth: DTSCNN of 60, of 120 and of both, and LBP-TOP beside them, on people not seen.

Each network is trained as the recipe says, then a linear support vector machine of its joined features takes the place
of its last layer, as published (Peng et al. 2017). A run folder holds a folder for each network and, in it, for each
fold: a run of ``models.training.train`` and ``answers.json``, which is not made again.
"""

import contextlib
import hashlib
import json
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

from models import atomic
from models.clips import rates, windows
from models.clips.cutting import Prepare
from models.clips.source import Clips, take
from models.clips.windows import WINDOW_60, WINDOW_120, RateWindow
from models.errors import DatasetError, RecipeError, TrainingError
from models.micro import by_subject, lbp_top, svm
from models.training import checkpoint, classify_clips, probe, sets
from models.training.classify_clips import ClassifyClips
from models.training.folds import Indices
from models.training.recipe import Recipe
from models.training.sight_rates import SEEN
from models.training.train import fit, made_folder
from models.training.trainer import Trainer, pick_device
from models.zoo import networks

NETWORK, BOTH = "dtscnn", "both"
VERSION = 1
"""Of the study; folders of another are refused."""
ANSWERS = "answers.json"
SETTING = "rates.json"


class Compared(NamedTuple):
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
        Compared(name, SEEN[networks.get(network).sight], network)
        for name, network in (
            ("60 alone", "dtscnn-60"),
            ("120 alone", "dtscnn-120"),
            (BOTH, NETWORK),
            ("both of one rate", "dtscnn-same-rate"),
        )
    ),
    Compared("LBP-TOP at 60", (WINDOW_60,), radius=2),
    Compared("LBP-TOP at 120", (WINDOW_120,), radius=4),
)
"""The radii of LBP-TOP are one time, 1/30 s."""


class Usable(NamedTuple):
    """A set with its folds, and which of its clips (M,) can be brought to the rates.

    ``frames`` (M,) are their numbers of frames; ``left_out`` has a sentence for each of the others.
    """

    every: sets.Set
    clips: Indices
    frames: Indices
    left_out: tuple[str, ...]

    def share(self, of: Callable[[int, float, RateWindow], float], parts: Sequence[RateWindow]) -> float:
        """The mean of a share of a clip's frames over clips, and over the windows by their steps."""
        found = [
            part.steps * of(int(frames), float(self.every.clips.rate[i]), part)
            for i, frames in zip(self.clips, self.frames, strict=True)
            for part in parts
        ]
        return sum(found) / (len(self.clips) * sum(part.steps for part in parts))


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
        usable = _usable(sets.opened(recipe, folder, networks.get(NETWORK).size, prepare, recipe.schedule.batch))
        _check_same(run / SETTING, recipe, usable)
        found = {row.name: _matrices(row, recipe, usable, run, device) for row in ROWS}
    return {
        "schema": 1,
        "set": folder.resolve().name,
        "classes": list(usable.every.clips.classes),
        "clips": len(usable.clips),
        "people": len({usable.every.clips.subjects[i] for i in usable.clips}),
        "recorded_at": sorted({round(float(usable.every.clips.rate[i]), 2) for i in usable.clips}),
        "folds": len(usable.every.folds),
        "epochs": recipe.schedule.epochs,
        "left_out": list(usable.left_out),
        "rows": [
            {
                "name": row.name,
                "network": row.network,
                "invented": usable.share(windows.invented, row.parts),
                "held_still": usable.share(windows.held_still, row.parts),
                **by_subject.figures(found[row.name]),
            }
            for row in ROWS
        ],
        "gain_of_both": {row.name: by_subject.gain(found[BOTH], found[row.name]) for row in ROWS if row.name != BOTH},
    }


def _usable(every: sets.Set) -> Usable:
    """Those whose rate is known."""
    clips, frames, unknown = [], [], []
    for i, clip in enumerate(tqdm(every.listing.clips, desc="rates", unit="clip", disable=None)):
        try:
            rates.checked(float(every.clips.rate[i]), clip.path)
        except DatasetError as error:
            unknown.append(str(error))
            continue
        clips.append(i)
        frames.append(int(every.clips.derived(i, "count", lambda frames: np.array(len(frames)))))
    if unknown:
        tqdm.write(f"{len(unknown)} of {len(every.clips)} clips are left out, such as: {unknown[0]}", sys.stderr)
    if not clips:
        raise DatasetError(f"no clip can be brought to 60 and 120 frames a second, such as: {unknown[0]}")
    left_out = (*every.broken, *unknown)
    return Usable(every, np.array(clips, np.int64), np.array(frames, np.int64), left_out)


def _check_same(file: Path, recipe: Recipe, usable: Usable) -> None:
    """Check that a run folder is new or this study's, and say whose it is.

    Raises:
        TrainingError: it is another's, or can't be written to.
    """
    listed = usable.every.listing.clips
    clips = [(listed[i].path.name, listed[i].subject, listed[i].label) for i in usable.clips]
    setting = {
        "recipe": msgspec.to_builtins(recipe),
        "clips": hashlib.sha256(repr((VERSION, clips, sorted(usable.every.folds))).encode()).hexdigest(),
    }
    text = json.dumps(setting, indent=1, default=list) + "\n"
    try:
        if not file.is_file():
            atomic.write(text.encode(), file)
        elif file.read_text() != text:
            raise TrainingError(
                f"{file.parent} holds a study of other clips or of another recipe ({file}): give another folder "
                "with --run"
            )
    except OSError as error:
        raise TrainingError(f"can't write {file} ({error.strerror or error}): make room, or change --run") from error


def _matrices(row: Compared, recipe: Recipe, usable: Usable, run: Path, device: torch.device) -> by_subject.Matrices:
    """The confusion matrices of the people, each asked of what has not learned from them."""
    clips = usable.every.clips
    asked, answers = [], []
    for fold, (learn, test) in tqdm(usable.every.folds.items(), desc=row.name, unit="fold", disable=None):
        sides = [np.intersect1d(side, usable.clips) for side in (learn, test)]
        if not len(sides[1]):
            continue
        place = sets.fold_folder(run / row.folder, fold)
        with made_folder(place):
            asked.append(sides[1])
            answers.append(_kept(place / ANSWERS, partial(_answers, row, recipe, clips, sides, place, device)))
    of = np.concatenate(asked)
    return by_subject.matrices(
        clips.labels[of], np.concatenate(answers), [clips.subjects[i] for i in of], len(clips.classes)
    )


def _kept(file: Path, make: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
    """What is in the file, or is made and kept there.

    Raises:
        TrainingError: it can't be written or read.
    """
    try:
        if file.is_file():
            return np.array(json.loads(file.read_text()), np.int64)
        made = make()
        atomic.write(json.dumps(made.tolist()).encode(), file)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"can't keep {file} ({error}); what was done before stays: make room, or delete it if it is damaged, and "
            "give the command again"
        ) from error
    return made


def _answers(
    row: Compared, recipe: Recipe, clips: Clips, sides: Sequence[Indices], place: Path, device: torch.device
) -> NDArray[np.int64]:
    """What is said of the clips of the second side, learned from those of the first."""
    learn, test = (take(clips, side) for side in sides)
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


def _textures(clips: Clips, row: Compared) -> NDArray[np.float32]:
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
