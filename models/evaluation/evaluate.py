"""Evaluate a classifier: ``moodcast models evaluate NAME``; docs/evaluation.md says what each figure means.

Protocol. All faces of one split, as they are. Against the FER+ majority, which the agent's answer is to be: rows whose
most-voted column of all ten is one of the seven expressions and leads alone. And against FER2013's label, with and
without the tiles that also stand in the training rows: there the network's label head answers, where its file has one,
since each head is asked for what it was taught. The portraits go through the agent's own face stage and, for a network
of ours, its rule for small smiles. On tiles the network is alone, and once more with the part of the rule that needs no
blendshapes (``smile_rule``). Other networks may be measured in the same run; those that ship always are.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import metrics
from models.errors import ModelContractError, UnknownModelError
from models.evaluation import cost, degrade, portraits
from models.inference import affect, registry, smile
from models.inference.contract import CropSpec
from models.inference.face_stage import DescribeFaces
from models.inference.infer import Classifier, load_still
from models.inference.registry import Weights
from models.inference.runtime import onnxruntime
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

_BATCH = 64
TILE_CROP = CropSpec(fer2013.TILE, 1.0)
Array = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8]], Array]
"""From grey tiles (N, 48, 48) uint8 to probabilities (N, 7), or (N, 2, 7): the answer, then that of a label head."""


@dataclass(frozen=True)
class Candidate:
    """A classifier to evaluate, and where its file is."""

    weights: Weights
    file: Path
    classifier: Classifier

    @property
    def crop(self) -> CropSpec:
        return self.classifier.network.contract.crop

    def of_tiles(self, tiles: NDArray[np.uint8]) -> Array:
        """Probabilities (N, 2, 7) of grey tiles (N, 48, 48) uint8, made as large and as colourful as the network asks.

        The answer first, then that of the label head; the same twice where there is none.
        """
        side = self.crop.size
        if side != fer2013.TILE:
            tiles = np.stack([cv2.resize(tile, (side, side), interpolation=cv2.INTER_LINEAR) for tile in tiles])
        if self.crop.pixels.channels == 3:
            tiles = np.repeat(tiles[..., None], 3, 3)
        return np.stack(self.classifier.heads(tiles), 1)


def find(name: str) -> Candidate:
    """A classifier of single faces: of the registry, or an ONNX file.

    Raises:
        ModelError: see ``models.inference.infer.load_still``.
    """
    try:
        classifier = load_still(name)
    except UnknownModelError as error:
        raise UnknownModelError(
            f"{error}. Nor is it the folder of a run, such as models train makes in runs/"
        ) from error
    if name in registry.WEIGHTS:
        return Candidate(registry.get(name), classifier.network.file, classifier)
    file = classifier.network.file
    weights = Weights(
        name=file.stem,
        description=f"The file {file.name}.",
        sources=(),
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        size=file.stat().st_size,
        licence="",
        contract=classifier.network.contract,
    )
    return Candidate(weights, file, classifier)


def evaluate(
    network: Candidate,
    data: Path,
    split: str,
    portrait_folder: Path | None = None,
    find_faces: DescribeFaces | None = None,
    beside: Mapping[str, Predict] | None = None,
) -> dict[str, Any]:
    """Everything about one network on one split, ready for JSON; docs/evaluation.md lists the keys.

    ``find_faces`` is needed with ``portrait_folder``. ``beside`` are further networks to measure, by name. Progress
    goes to standard error.

    Raises:
        DatasetError: ``data`` is no FER2013 folder, or has no such split.
        EvaluationError: the portraits can't be read.
        ModelContractError: the network's answers are no probabilities.
    """
    split = fer2013.split_name(data, split)
    faces = fer2013.load(data, split)
    people = portraits.load(portrait_folder, find_faces) if portrait_folder and find_faces else None
    weights = network.weights
    answers = predict(network.of_tiles, faces.pixels, weights.name)
    sums = answers.sum(-1)
    if not (np.isfinite(sums).all() and np.abs(sums - 1).max() < 1e-2 and answers.min() >= 0):
        raise ModelContractError(f"expected probabilities from {network.file}, but its answers do not sum to 1")
    result = {
        "schema": 2,
        "model": {
            "name": weights.name,
            "description": weights.description,
            "licence": weights.licence,
            "origin": weights.origin,
            "sha256": weights.sha256,
            "bytes": network.file.stat().st_size,
            "input": {"size": network.crop.size, "channels": network.crop.pixels.channels},
            "label_head": network.classifier.network.contract.label_head,
        },
        "split": split,
        "machine": f"{cost.processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {sys.version.split()[0]}, ONNX Runtime {onnxruntime().__version__}",
        **measure(answers, faces),
        "smile_rule": _with_smile_rule(weights, answers[:, 0], faces),
        "affect": _affects(answers[:, 0], faces),
        "robustness": robustness(network.of_tiles, faces),
        "cost": {
            **cost.milliseconds(network.of_tiles, faces.pixels),
            **cost.memory(network.file, network.crop.size, network.crop.pixels.channels),
        },
        "portraits": None,
        "portraits_network_alone": None,
        "yardsticks": {},
    }
    tiles = None
    if people is not None:
        cut = portraits.crops(people, network.crop)
        tiles = cut if network.crop == TILE_CROP else portraits.crops(people, TILE_CROP)
        seen = predict(network.classifier.batch, cut, "portraits")
        result["portraits"] = portraits.report(people, portraits.decided(people, weights.smile_rule, seen))
        result["portraits_network_alone"] = portraits.report(people, seen)
    for name, other in (others(network) | dict(beside or {})).items():
        row = measure(predict(other, faces.pixels, name), faces) | cost.milliseconds(other, faces.pixels)
        if people is not None and tiles is not None:
            seen = _of_heads(predict(other, tiles, name))[0]
            row["portraits"] = portraits.report(people, portraits.decided(people, registry.smile_rule(name), seen))
        result["yardsticks"][name] = row
    return result


def others(network: Candidate) -> dict[str, Predict]:
    """The other shipped classifiers."""
    shipped = [
        entry.name
        for entry in registry.WEIGHTS.values()
        if entry.is_still and entry.name != network.weights.name and isinstance(entry.sources[0], registry.Packaged)
    ]
    return {name: find(name).of_tiles for name in shipped}


def predict(network: Predict, pixels: NDArray[np.uint8], title: str) -> Array:
    """What the network answers to N faces, in batches, with a progress bar."""
    starts = range(0, len(pixels), _BATCH)
    bar = tqdm(starts, desc=title, unit="batch", mininterval=1, leave=False, disable=None)
    return np.concatenate(
        [network(pixels[i : i + _BATCH]) for i in bar] or [np.zeros((0, len(EXPRESSIONS)), np.float32)]
    )


def _of_heads(answers: Array) -> tuple[Array, Array]:
    """The answer (N, 7), and that of the label head, of what ``Predict`` gives."""
    return (answers, answers) if answers.ndim == 2 else (answers[:, 0], answers[:, 1])


def measure(answers: Array, faces: fer2013.LabelledFaces) -> dict[str, Any]:
    """Figures against the labels; the same ``without_duplicates``, and against the majority as ``fer_plus``.

    Either of the two is None where no face is left for it. ``answers`` as of ``Predict``.
    """
    by_votes, by_label = _of_heads(answers)
    majority = fer2013.majority(faces.votes)
    unseen, counted = ~faces.trained, majority >= 0
    return {
        **figures(by_label, faces.labels),
        "without_duplicates": figures(by_label[unseen], faces.labels[unseen]) if unseen.any() else None,
        "fer_plus": figures(by_votes[counted], majority[counted]) if counted.any() else None,
    }


def _with_smile_rule(weights: Weights, answers: Array, faces: fer2013.LabelledFaces) -> dict[str, Any] | None:
    """What the rule for small smiles makes of tiles, where nothing is known but the network's odds; None without one.

    ``fer_plus`` is as that of ``measure``.
    """
    rule, majority = weights.smile_rule, fer2013.majority(faces.votes)
    if rule is None:
        return None
    counted = majority >= 0
    moved = smile.decided(rule, answers, None).astype(np.float32)
    return {
        "fitted_on": weights.smile_origin,
        "fer_plus": figures(moved[counted], majority[counted]) if counted.any() else None,
    }


def figures(probabilities: Array, labels: NDArray[np.int64]) -> dict[str, Any]:
    """``metrics.scores`` and how far the confidences can be trusted."""
    bins = metrics.reliability(probabilities, labels)
    return {
        **metrics.scores(labels, probabilities.argmax(1), EXPRESSIONS),
        "ece": bins.ece,
        "negative_log_likelihood": metrics.negative_log_likelihood(probabilities, labels),
        "reliability": {
            "counts": bins.counts.tolist(),
            "confidence": bins.confidence.tolist(),
            "accuracy": bins.accuracy.tolist(),
        },
    }


def _affects(probabilities: Array, faces: fer2013.LabelledFaces) -> dict[str, Any]:
    """Mean valence, arousal and intensity of the faces of each label, and how they go with those of the votes.

    The votes for the seven expressions, as shares, give a face's affect by the same rule; ``correlation`` is Pearson's,
    None where there are fewer than three faces with votes or all are alike.
    """
    names = ("valence", "arousal", "intensity")

    def rows(distributions: Array) -> NDArray[np.float64]:
        found = [affect.affect(row) for row in distributions.tolist()]
        return np.array([[getattr(one, name) for name in names] for one in found]).reshape(-1, len(names))

    ours, votes = rows(probabilities), faces.votes[:, : len(EXPRESSIONS)]
    voted = votes.sum(1) > 0
    theirs = rows(votes[voted] / votes[voted].sum(1, keepdims=True))
    by_label = {
        name: dict(zip(names, ours[faces.labels == k].mean(0).tolist(), strict=True))
        for k, name in enumerate(EXPRESSIONS)
        if (faces.labels == k).any()
    }
    return {
        "by_label": by_label,
        "correlation": {name: correlation(ours[voted, i], theirs[:, i]) for i, name in enumerate(names)},
    }


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Pearson's, or None where it is not defined."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def robustness(network: Predict, faces: fer2013.LabelledFaces) -> list[dict[str, Any]]:
    """Accuracy under each degradation: ``kind``, ``level``, ``accuracy`` against the labels, ``fer_plus``, ``uar``."""
    majority = fer2013.majority(faces.votes)
    counted, rows = majority >= 0, []
    for degradation in tqdm(degrade.DEGRADATIONS, desc="robustness", unit="kind", disable=None):
        by_votes, by_label = _of_heads(predict(network, degradation.apply(faces.pixels), degradation.level))
        matrix = metrics.confusion(faces.labels, by_label.argmax(1), len(EXPRESSIONS))
        rows.append(
            {
                "kind": degradation.kind,
                "level": degradation.level,
                "accuracy": metrics.accuracy(matrix),
                "uar": metrics.uar(matrix),
                "fer_plus": float((by_votes.argmax(1) == majority)[counted].mean()) if counted.any() else None,
            }
        )
    return rows
