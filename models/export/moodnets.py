"""A trained moodnet as the file that is shipped, for ``models.export.run``.

The file also looks at the mirrored face. The blend of the two heads is chosen here, on the validation faces, then class
biases and the temperature (``export.calibrate``). With INT8 the convolutions are computed so, and the other weights
stored as float16. Before it is calibrated, the file is checked against torch on the validation faces, none of which
gave INT8 its ranges.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.errors import TrainingError
from models.export import calibrate, onnx_file, quantize
from models.export.onnx_file import Smaller
from models.inference import contract, infer
from models.stills import fer2013
from models.training import data
from models.training.recipe import Recipe
from models.zoo.moodnet import BlendedMoodnet, Moodnet

TOLERANCE = 5e-3
"""How far a probability may move when weights are stored as float16."""
AGREEMENT = 0.95
"""Share of faces on which INT8 convolutions have to give torch's answer."""
RANGED = 300
"""Faces of the training rows that give INT8 its ranges."""
LABEL_WEIGHT_STEPS = 20
GOALS = (0.75, 0.88)
"""Accuracy that is asked for, against FER2013's labels and against the FER+ majority; no network reaches both, since
these two agree on two thirds of the faces."""


class _Blend(NamedTuple):
    """How often a blend is right on the validation faces, against FER2013's labels and the FER+ majority, 0..1."""

    label_weight: float
    on_label: float
    on_votes: float

    def __str__(self) -> str:
        return f"label weight {self.label_weight:.2f}: labels {self.on_label:.4f}, votes {self.on_votes:.4f}"

    @property
    def worth(self) -> tuple[float, float]:
        """How far it is above the one of the ``GOALS`` that it misses most; of equal ones, the label counts more."""
        return min(self.on_label - GOALS[0], self.on_votes - GOALS[1]), self.label_weight


def export(net: Moodnet, made_by: Recipe, folder: Path, file: Path, weights: Smaller) -> Iterator[str]:
    """Blend, write, check and calibrate a network that ``made_by`` taught on the FER2013 ``folder``; tells each step.

    Raises:
        TrainingError: as ``write``.
        DatasetError: ``folder`` is no FER2013 folder.
    """
    learn, held_out = data.split(fer2013.load(folder, "Training"), made_by.data)
    yield f"{len(held_out.pixels)} validation faces"
    tried = _blends(net, held_out)
    yield from map(str, tried)
    chosen = max(tried, key=lambda blend: blend.worth)
    yield f"chosen: {chosen}"
    some = np.random.default_rng(made_by.data.seed).permutation(len(learn.pixels))[:RANGED]
    blended = BlendedMoodnet(net, chosen.label_weight).eval()
    yield write(blended, file, weights, learn.pixels[some], held_out.pixels)
    _, lines = calibrate.calibrate(file, held_out, file)
    yield from lines


@torch.inference_mode()
def head_probabilities(net: Moodnet, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 7) of the ``label`` and the ``votes`` head for faces (N, 48, 48) uint8 and their mirrors."""
    chunks = []
    for chunk in torch.from_numpy(pixels).unsqueeze(1).split(256):
        answers = [[head.softmax(1) for head in net(view.float())] for view in (chunk, torch.flip(chunk, [3]))]
        chunks.append([(seen + mirrored) / 2 for seen, mirrored in zip(*answers, strict=True)])
    by_label, by_votes = zip(*chunks, strict=True)
    return torch.cat(by_label).numpy(), torch.cat(by_votes).numpy()


def _blends(net: Moodnet, faces: fer2013.LabelledFaces) -> list[_Blend]:
    """All that are tried."""
    by_label, by_votes = head_probabilities(net, faces.pixels)
    majority = fer2013.majority(faces.votes)
    counted, tried = majority >= 0, []
    for step in range(LABEL_WEIGHT_STEPS + 1):
        weight = step / LABEL_WEIGHT_STEPS
        guess = (weight * by_label + (1 - weight) * by_votes).argmax(1)
        right, as_voted = guess == faces.labels, (guess == majority)[counted]
        tried.append(_Blend(weight, float(right.mean()), float(as_voted.mean())))
    return tried


def write(
    blended: BlendedMoodnet, file: Path, weights: Smaller, ranged: NDArray[np.uint8], unseen: NDArray[np.uint8]
) -> str:
    """Write the ONNX file and check it against torch; tells how near it came.

    ``ranged`` (N, 48, 48) uint8 are faces that INT8 takes its ranges from, some hundred; ``unseen`` are faces that are
    not among them, to check on.

    Raises:
        TrainingError: as ``models.export.onnx_file.export``; a probability differs by more than ``TOLERANCE``; or INT8
            answers otherwise on too many faces.
    """
    onnx_file.export(blended, contract.of_first_kind(fer2013.TILE), file)
    model = onnx.load(file)
    if weights == "int8":
        model = quantize.int8_convolutions(model, ranged[:, None].astype(np.float32))
    if weights != "float32":
        onnx.save(quantize.store_as_float16(model), file)
    expected, found = [], []
    network = infer.OnnxNetwork(file)
    with torch.inference_mode():
        for chunk in torch.from_numpy(unseen).unsqueeze(1).float().split(256):
            expected.append(blended(chunk).numpy())
            found.append(network.run(chunk.numpy())[0])
    return check(np.concatenate(expected), np.concatenate(found), weights)


def check(expected: NDArray[np.float32], found: NDArray[np.float32], weights: Smaller) -> str:
    """Compare a file's probabilities (N, 7) with torch's; see ``write``."""
    worst, same = float(np.abs(expected - found).max()), float((expected.argmax(1) == found.argmax(1)).mean())
    if weights == "int8" and same < AGREEMENT:
        raise TrainingError(
            f"expected torch's answer on {AGREEMENT:.0%} of the {len(found)} validation faces at least, got it on "
            f"{same:.1%}: INT8 changes too much, choose --weights float16"
        )
    if weights != "int8" and worst > TOLERANCE:
        raise TrainingError(f"expected probabilities within {TOLERANCE} of torch, got a difference of {worst:.1e}")
    return f"{weights}: largest difference to torch {worst:.1e}, the same answer on {same:.1%} of these faces"
