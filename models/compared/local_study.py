"""What local learning, and visual words beside a network's features, are worth on FER2013's faces.

Faces that are asked about are none that was learned from, but FER2013's tests have copies of training faces among them,
which have themselves as neighbours: so figures come with and without those.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import metrics
from models.compared import local_learning
from models.compared.local_learning import Rows
from models.compared.words import Vocabulary
from models.errors import DatasetError
from models.personal import face_networks
from models.personal.face_networks import FaceNetwork
from models.stills import fer2013
from models.stills.fer2013 import LabelledFaces
from models.training import data
from models.training.recipe import DataSection
from relay.protocol import EXPRESSIONS

_VALIDATION = "validation"
"""What is asked about in place of a split: the training rows that every recipe holds out unless it says otherwise."""
_SEED = 0
_BATCH = 256


def study(
    folder: Path, split: str, networks: Sequence[tuple[str, Path | None]], words: int, neighbours: int
) -> dict[str, Any]:
    """All figures, ready for JSON. ``networks`` are names and weights as ``face_networks.find`` takes them.

    Two ways to learn each kind of features: the networks', the words, and where there are both, all together. Progress
    goes to standard error.

    Raises:
        DatasetError: ``folder`` is no FER2013 folder, has no such split, or too few faces for so many words.
        ModelError: see ``face_networks.find``.
    """
    found = [face_networks.find(name, weights) for name, weights in networks]
    learned, asked = _sides(folder, split)
    vocabulary = Vocabulary.of(learned.pixels, words, _SEED)
    kinds = {network.name: (_seen(network, learned), _seen(network, asked)) for network in found}
    kinds["words"] = vocabulary.present(learned.pixels), vocabulary.present(asked.pixels)
    kinds[" + ".join(kinds)] = tuple(local_learning.together(side) for side in zip(*kinds.values(), strict=True))
    ways: dict[str, Callable[[Rows, Rows], NDArray[np.int64]]] = {
        "global": lambda known, other: local_learning.global_answers(known, learned.labels, other),
        "local": lambda known, other: local_learning.local_answers(known, learned.labels, other, neighbours),
    }
    return {
        "schema": 1,
        "split": split,
        "learned_from": len(learned),
        "asked": len(asked),
        "copies": int(_copies(asked, split).sum()),
        "words": words,
        "neighbours": neighbours,
        "networks": [network.name for network in found],
        "rows": [
            {"features": kind, "learning": way, **_figures(answer(*both), asked, _copies(asked, split))}
            for kind, both in kinds.items()
            for way, answer in ways.items()
        ],
    }


def _sides(folder: Path, split: str) -> tuple[LabelledFaces, LabelledFaces]:
    """Faces to learn from and to ask about.

    Raises:
        DatasetError: see ``models.stills.fer2013.load``; or there are too few faces, or they are learned from.
    """
    learned, held_out = data.split(fer2013.load(folder, fer2013.TRAINING), DataSection())
    if split != _VALIDATION and fer2013.split_name(folder, split) == fer2013.TRAINING:
        raise DatasetError(f"expected --split {_VALIDATION}, or another than the one that is learned from, got {split}")
    asked = held_out if split == _VALIDATION else fer2013.load(folder, split)
    if len(np.unique(learned.labels)) < 2 or not len(asked):
        raise DatasetError(
            f"expected faces of two classes or more in {folder} to learn from, and one or more to ask about"
        )
    return learned, asked


def _copies(asked: LabelledFaces, split: str) -> NDArray[np.bool_]:
    """Which faces stand among those that networks learned from, too; of validation faces, none do."""
    return asked.trained & (split != _VALIDATION)


def _seen(network: FaceNetwork, faces: LabelledFaces) -> Rows:
    """A network's features of grey tiles, as large and as colourful as it asks."""
    side = network.crop.size

    def prepared(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if side != fer2013.TILE:
            tiles = np.stack([cv2.resize(tile, (side, side), interpolation=cv2.INTER_LINEAR) for tile in tiles])
        return np.repeat(tiles[..., None], 3, 3)

    parts = [
        network.read(prepared(faces.pixels[start : start + _BATCH]))
        for start in tqdm(range(0, len(faces), _BATCH), desc=network.name, disable=None)
    ]
    return local_learning.unit_rows(np.concatenate(parts))


def _figures(answers: NDArray[np.int64], asked: LabelledFaces, copies: NDArray[np.bool_]) -> dict[str, Any]:
    """``all`` and ``without_copies``, each with ``accuracy``, its 95 % ``interval`` (Wilson) and ``uar``."""
    parts = {"all": np.ones(len(asked), np.bool_), "without_copies": ~copies}
    found = {}
    for part, kept in parts.items():
        matrix = metrics.confusion(asked.labels[kept], answers[kept], len(EXPRESSIONS))
        found[part] = {
            "accuracy": metrics.accuracy(matrix),
            "interval": metrics.wilson(int(matrix.trace()), int(matrix.sum())),
            "uar": metrics.uar(matrix),
        }
    return found
