"""Runs the protocols: trains and asks the heads that are not among the cells yet. It needs torch."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.errors import TrainingError
from models.personal import adaptation, heads, protocols
from models.personal.cells import Cell, Cells, Key
from models.personal.features import FeatureClips
from models.personal.heads import HeadState
from models.personal.protocols import HeadTask
from models.training.folds import Indices

VERSION = 1
"""Of how heads are trained and asked; another number measures everything anew."""


@dataclass(frozen=True)
class Design:
    """Who is held out, how many times chance chooses the clips, and the seed of all chance."""

    held_out: tuple[str, ...]
    draws: int
    seed: int


def fingerprint(clips: FeatureClips, design: Design) -> str:
    """What a head's answers depend on beside its name and the task: the features, who shows what, the settings."""
    digest = hashlib.sha256()
    for features in clips.features:
        digest.update(repr(features.shape).encode())
        digest.update(np.ascontiguousarray(features).data)
    settings = (VERSION, adaptation.LEARNING_RATE, adaptation.BATCH, heads.UNIVERSAL_EPOCHS, list(heads.HEADS.items()))
    whose = (clips.classes, clips.labels.tolist(), clips.subjects, clips.clips, design.held_out, design.seed)
    digest.update(repr((settings, whose)).encode())
    return digest.hexdigest()[:16]


def listed(clips: FeatureClips, design: Design) -> list[HeadTask]:
    """The heads to train, as ``models.personal.protocols.tasks``.

    Raises:
        DatasetError: as ``models.personal.protocols.tasks``.
    """
    return list(protocols.tasks(clips.labels, clips.subjects, design.held_out, design.draws, design.seed))


def measure(
    clips: FeatureClips, network: str, head: str, design: Design, cells: Cells, folder: Path
) -> list[tuple[HeadTask, Cell]]:
    """All heads of one network and one kind, with what they answered; those that the cells have are not trained again.

    The universal head, which the others go on from, is kept in ``folder``. With a progress bar.

    Raises:
        DatasetError: as ``listed``.
        EvaluationError: a cell can't be written.
        TrainingError: as ``models.personal.adaptation``; or the universal head can't be written or read.
        UnknownModelError: there is no such head.
    """
    of = fingerprint(clips, design)
    kept = folder / f"{network}-{head}-{of}.npz"
    found = []
    for task in tqdm(listed(clips, design), desc=f"{network}, {head}", unit="head", disable=None):
        key = Key(of, network, head, task.kind, task.draw, task.clips, task.user)
        cell = cells.get(key)
        if cell is None:
            cell = _asked(_trained(clips, head, task, design, kept), clips, task.asked)
            cells.add(key, cell)
        found.append((task, cell))
    return found


def _trained(clips: FeatureClips, head: str, task: HeadTask, design: Design, kept: Path) -> HeadState:
    """The head of a task; the file ``kept`` is that of the universal one."""
    if task.kind == "random":
        return adaptation.train_universal(head, clips, task.learn, design.seed)
    universal = _universal(clips, head, design, kept)
    if task.kind == "universal":
        return universal
    return adaptation.train_personal(universal, clips, task.learn, design.seed + task.draw)


def _universal(clips: FeatureClips, head: str, design: Design, kept: Path) -> HeadState:
    """The head that others go on from: in its file, or trained, where that is not there (any more) or damaged."""
    try:
        return heads.load(kept)
    except TrainingError as error:
        if kept.exists():
            tqdm.write(f"{error}, as is done now", sys.stderr)
    learn = protocols.actor_split(clips.subjects, design.held_out).learn
    state = adaptation.train_universal(head, clips, learn, design.seed)
    heads.save(state, kept)
    return state


def _asked(state: HeadState, clips: FeatureClips, asked: Indices) -> Cell:
    answers = adaptation.predict(state, clips, asked).argmax(1)
    return Cell(tuple(int(i) for i in asked), tuple(answers.tolist()), state.floored, state.sums)
