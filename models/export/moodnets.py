"""A trained moodnet as the file that is shipped, for ``models.export.run``.

The file also looks at the mirrored face, and answers with both heads: first what most people would call the face, which
is what the agent sends, last FER2013's label, which evaluation measures. Between them are the trunk's features, for a
head that a viewer teaches (``agent.personal``). With INT8 the convolutions are computed so,
and the other weights stored as float16. The file is checked against torch on the validation faces, none of which gave
INT8 its ranges; then each head gets its temperature (``export.calibrate``).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.errors import TrainingError
from models.export import calibrate, onnx_file, quantize
from models.export.onnx_file import Smaller
from models.inference.contract import Contract, CropSpec
from models.stills import fer2013
from models.training import data
from models.training.recipe import Recipe
from models.zoo.moodnet import MirroredMoodnet, Moodnet

TOLERANCE = 5e-3
"""How far a probability may move when weights are stored as float16."""
AGREEMENT = 0.95
"""Share of faces on which INT8 convolutions have to give torch's answer."""
_RANGED = 300
"""Faces of the training rows that give INT8 its ranges."""


def export(net: Moodnet, made_by: Recipe, folder: Path, file: Path, weights: Smaller) -> Iterator[str]:
    """Write, check and calibrate a network that ``made_by`` taught on the FER2013 ``folder``; tells each step.

    Raises:
        TrainingError: as ``write``.
        DatasetError: ``folder`` is no FER2013 folder.
    """
    learn, held_out = data.split(fer2013.load(folder, fer2013.TRAINING), made_by.data)
    yield f"{len(held_out.pixels)} validation faces"
    some = np.random.default_rng(made_by.data.seed).permutation(len(learn.pixels))[:_RANGED]
    yield write(MirroredMoodnet(net).eval(), file, weights, learn.pixels[some], held_out.pixels)
    yield from calibrate.calibrate(file, held_out, file)


def write(
    net: MirroredMoodnet, file: Path, weights: Smaller, ranged: NDArray[np.uint8], unseen: NDArray[np.uint8]
) -> str:
    """Write the ONNX file and check it against torch; tells how near it came.

    ``ranged`` (N, 48, 48) uint8 are faces that INT8 takes its ranges from, some hundred; ``unseen`` are faces that are
    not among them, to check on.

    Raises:
        TrainingError: as ``models.export.onnx_file.export``; a probability is not finite, or differs by more than
            ``TOLERANCE``; or INT8 answers otherwise on too many faces.
    """
    onnx_file.export(net, contract_of(net.net), file)
    model = onnx.load(file)
    if weights == "int8":
        model = quantize.int8_convolutions(model, ranged[:, None].astype(np.float32))
    if weights != "float32":
        onnx.save(quantize.store_as_float16(model), file)
    found = np.stack(calibrate.answers(file, unseen))
    with torch.inference_mode():
        chunks = [net(chunk)[::2] for chunk in torch.from_numpy(unseen).unsqueeze(1).float().split(256)]
    expected = np.stack([torch.cat(part).numpy() for part in zip(*chunks, strict=True)])
    return check(expected, found, weights)


def contract_of(net: Moodnet) -> Contract:
    """The contract of a moodnet of any size."""
    return Contract(CropSpec(fer2013.TILE, margin=1.0), label_head=True, features=net.votes.in_features)


def check(expected: NDArray[np.float32], found: NDArray[np.float32], weights: Smaller) -> str:
    """Compare a file's probabilities (heads, N, 7) with torch's; see ``write``."""
    onnx_file.refuse_no_numbers(found)
    worst = float(np.abs(expected - found).max())
    same = float((expected.argmax(-1) == found.argmax(-1)).mean(-1).min())
    if weights == "int8" and same < AGREEMENT:
        raise TrainingError(
            f"expected torch's answer on {AGREEMENT:.0%} of the {found.shape[1]} validation faces at least, got it on "
            f"{same:.1%}: INT8 changes too much, choose --weights float16"
        )
    if weights != "int8" and worst > TOLERANCE:
        raise TrainingError(f"expected probabilities within {TOLERANCE} of torch, got a difference of {worst:.1e}")
    return f"{weights}: largest difference to torch {worst:.1e}, the same answer on {same:.1%} of these faces"
