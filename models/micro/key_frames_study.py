"""AKMNet's ablation: each of its parts left out in turn, and what its chosen frames have to do with the expression.

All are trained by one recipe on the same clips and tested on all frames of the clips of people that they never saw.
"""

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.clips.cutting import Prepare
from models.clips.source import Clips, take
from models.errors import RecipeError
from models.micro import by_subject, study_folder
from models.training import sets, sights
from models.training.classify_clips import ClassifyClips
from models.training.recipe import Recipe
from models.training.train import fit, made_folder
from models.training.trainer import pick_device
from models.zoo.akmnet import AKMNet
from models.zoo.entry import Architecture

NETWORK = "akmnet"
_CHECKED = 8
"""Of the clips that are tested in the end, those that tell in each epoch how it goes: all frames of all take long."""


@dataclass(frozen=True)
class Variant:
    """What the network sees, whether it chooses frames, and the weights of the two losses of that choice."""

    sight: str = "magnified"
    mining: bool = True
    clarity: float = 1.0
    sparsity: float = 0.1


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "akmnet": Variant(),
        "without clarity": Variant(clarity=0),
        "without sparsity": Variant(sparsity=0),
        "all frames": Variant(mining=False),
        "interpolated": Variant("interpolated", mining=False),
    }
)
"""The network itself comes first."""


class _ClipChoice(NamedTuple):
    """A clip's class, and for each of its frames (F,) whether it is a key frame."""

    label: int
    chosen: NDArray[np.bool_]


def study(recipe: Recipe, entry: Architecture, folder: Path, run: Path, prepare: Prepare) -> dict[str, Any]:
    """Train every variant on every fold in folders below ``run``, or go on there; the figures, ready for JSON.

    ``entry`` is the registry's, or that of a smaller edition. ``recipe`` says layout, folds and training.

    Raises:
        RecipeError: the recipe is another network's.
        DatasetError: ``folder`` is not laid out as the recipe says.
        TrainingError, ModelError: as ``models.training.train.train``.
    """
    if recipe.network.name != NETWORK:
        raise RecipeError(f"network.name: expected {NETWORK}, whose parts are left out, got {recipe.network.name}")
    every = sets.opened(recipe, folder, entry.size, prepare, recipe.schedule.batch)
    with made_folder(run):
        study_folder.check_same(run, study_folder.about("key-frames", recipe, every.clips))
        answers = {name: _answers(recipe, entry, name, every, run) for name in VARIANTS}
    tested = np.array(sorted(answers[NETWORK]))
    clips = take(every.clips, tested)
    labels = {name: np.array([found[i].label for i in tested]) for name, found in answers.items()}
    matrices = {
        name: by_subject.matrices(clips.labels, found, clips.subjects, len(clips.classes))
        for name, found in labels.items()
    }
    chosen = {name: [found[i].chosen for i in tested] for name, found in answers.items() if VARIANTS[name].mining}
    return {
        "network": NETWORK,
        "size": entry.size,
        "frames": entry.frames,
        "layout": recipe.clips.layout,
        "protocol": recipe.clips.protocol,
        "folds": list(every.folds),
        "epochs": recipe.schedule.epochs,
        "classes": list(clips.classes),
        "clips": len(clips),
        "subjects": len(set(clips.subjects)),
        "variants": {name: by_subject.figures(found) for name, found in matrices.items()},
        "gains": {
            name: by_subject.gain(matrices[NETWORK], found) for name, found in matrices.items() if name != NETWORK
        },
        "choices": {name: choice(clips, found) for name, found in chosen.items()},
        "key_frames": [
            {
                "clip": str(every.listing.clips[number].path),
                "subject": clips.subjects[i],
                "label": clips.classes[clips.labels[i]],
                "answer": clips.classes[labels[NETWORK][i]],
                "frames": len(chosen[NETWORK][i]),
                "onset": int(clips.moments[i, 0]),
                "apex": int(clips.moments[i, 1]),
                "offset": int(clips.offset[i]),
                "chosen": np.flatnonzero(chosen[NETWORK][i]).tolist(),
            }
            for i, number in enumerate(tested.tolist())
        ],
    }


def choice(clips: Clips, chosen: list[NDArray[np.bool_]]) -> dict[str, Any]:
    """What was chosen of clips, each (F,), beside where the expression is: from onset to offset.

    ``share`` of all frames that were chosen. Of clips where onset and offset are known and some frames are outside:
    ``clips``, how many; ``within``, the share of chosen frames that lie within the expression; ``by_chance``, that of
    all frames; ``balanced_accuracy``, the mean of the shares of frames within that were chosen and of frames outside
    that were not, with an interval over people, where 0.5 is chance. Null where there are no such clips.
    """
    inside, picked, whose = [], [], []
    for i, frames in enumerate(chosen):
        onset, offset = int(clips.moments[i, 0]), int(clips.offset[i])
        place = np.arange(len(frames))
        within = (place >= onset) & (place <= offset)
        if min(onset, offset) >= 0 and not within.all():
            inside.append(within.astype(np.int64))
            picked.append(frames.astype(np.int64))
            whose.append(clips.subjects[i])
    share = float(np.concatenate(chosen).mean())
    if not inside:
        return {"share": share, "clips": 0, "within": None, "by_chance": None, "balanced_accuracy": None}
    subjects = [who for who, frames in zip(whose, inside, strict=True) for _ in frames]
    true, found = np.concatenate(inside), np.concatenate(picked)
    return {
        "share": share,
        "clips": len(inside),
        "within": float(true[found == 1].mean()),
        "by_chance": float(true.mean()),
        "balanced_accuracy": by_subject.figures(by_subject.matrices(true, found, subjects, 2))["uar"],
    }


def _answers(recipe: Recipe, entry: Architecture, name: str, every: sets.Set, run: Path) -> dict[int, _ClipChoice]:
    """What a variant, trained without their people, answers to the clips that are tested, by the clips' numbers."""
    found: dict[int, _ClipChoice] = {}
    for fold in every.folds:
        learn, test = every.sides(fold)
        place = sets.fold_folder(run / f"{name.replace(' ', '-')}-{entry.size}px", fold)
        tqdm.write(f"{place}: {len(learn)} clips to learn, {len(test)} to test", sys.stderr)
        answers = _tested(recipe, entry, VARIANTS[name], learn, test, place)
        found |= dict(zip(every.folds[fold].test.tolist(), answers, strict=True))
    return found


def _tested(
    recipe: Recipe, entry: Architecture, variant: Variant, learn: Clips, test: Clips, place: Path
) -> Iterator[_ClipChoice]:
    """Train one network in a folder, or go on there, and ask it about all test clips."""
    seen = dataclasses.replace(entry, sight=variant.sight)
    loss = msgspec.structs.replace(recipe.loss, penalty=recipe.loss.penalty if variant.mining else 0.0)
    how = msgspec.structs.replace(recipe, loss=loss)
    torch.manual_seed(how.data.seed)
    net = AKMNet(len(learn.classes), entry.size, variant.mining, variant.clarity, variant.sparsity)
    few = np.unique(np.linspace(0, len(test) - 1, _CHECKED).round().astype(np.int64))
    device = pick_device()
    with made_folder(place), contextlib.redirect_stdout(sys.stderr):  # figures may go to standard output
        trainer = fit(how, ClassifyClips(how, net, seen, learn, take(test, few), device), place, device)
    best = trainer.average.module.eval()
    sight = sights.of(seen, how.clips)
    with torch.inference_mode(), trainer.autocast():
        for i in tqdm(range(len(test)), desc="tested", unit="clip", disable=None):
            inputs = sight.ready(tuple(view.to(device) for view in sight.views(test, i, None)))
            logits, frames = best.with_key_frames(*inputs)
            yield _ClipChoice(int(logits.argmax()), (frames.mask[0] > 0).cpu().numpy())
