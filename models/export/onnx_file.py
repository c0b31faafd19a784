"""A trained network as an ONNX file, for ``models.export.run``.

The network is exported with a batch of any length and its contract (``inference.contract``), and checked against torch:
logits within ``TOLERANCE``. Then its weights may be made smaller (``export.quantize``): stored as float16, or those of
the matrix products computed with as INT8. What that changes is measured on clips and told.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.clips import video
from models.clips.cache import MARGIN
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.export import quantize
from models.inference import contract as contracts
from models.inference import infer
from models.inference.contract import ClipSpec, Contract, CropSpec
from models.training.inputs import architecture
from models.training.recipe import ClipsSection, Recipe
from models.zoo import networks
from models.zoo.entry import Architecture
from models.zoo.moodnet_clip import FEATURES, MoodnetClip, Remembering
from relay.protocol import EXPRESSIONS

TOLERANCE = 1e-4
"""Largest difference of a logit to torch's, as a share of the largest logit: some networks begin with tiny ones."""

MOST_CLIPS = 200
"""That a change is measured on."""

Smaller = Literal["float32", "float16", "int8"]
Clips = NDArray[np.uint8]


@dataclass(frozen=True)
class Change:
    """What smaller weights do to a network, on ``clips`` clips (or faces).

    ``agreement`` is the share of equal answers, ``largest`` and ``mean`` the change of a probability. ``megabytes`` and
    ``milliseconds`` (median of one clip, one thread) are before and after; so is ``accuracy``, where labels are known.
    """

    clips: int
    agreement: float
    largest: float
    mean: float
    megabytes: tuple[float, float]
    milliseconds: tuple[float, float]
    accuracy: tuple[float, float] | None = None

    def __str__(self) -> str:
        told = (
            f"{self.megabytes[0]:.1f} MB became {self.megabytes[1]:.1f} MB, {self.milliseconds[0]:.1f} ms a clip "
            f"{self.milliseconds[1]:.1f} ms; on {self.clips} clips {self.agreement:.1%} of the answers are the same, "
            f"probabilities change by {self.mean:.4f} on average and {self.largest:.4f} at most"
        )
        if self.accuracy:
            told += f", accuracy from {self.accuracy[0]:.1%} to {self.accuracy[1]:.1%}"
        return told


def export_learned(
    network: nn.Module,
    made_by: Recipe,
    classes: tuple[str, ...],
    file: Path,
    weights: Smaller,
    cut: Callable[[CropSpec], ClipSource] | None = None,
) -> Iterator[str]:
    """Export the network of a run, whose outputs are ``classes``; see ``models.export.run``."""
    contract = contract_of(architecture(made_by), network, classes, made_by.clips)
    yield f"{_told_of(contract)}; largest difference to torch {export(network, contract, file):.1e}"
    if weights != "float32":
        clips, labels = seen(cut(contract.crop), contract) if cut else (noise(contract), None)
        yield f"{weights}: {make_smaller(file, weights, clips, labels)}"
        if cut is None:
            yield "These clips are noise: give some of faces with --clips, such as those of `moodcast models synth`."


def _told_of(contract: Contract) -> str:
    """A contract in a few words."""
    crop, clip = contract.crop, contract.clip
    faces = f"{'RGB' if crop.pixels.channels == 3 else 'grey'} faces of {crop.size} px"
    if clip is None:
        return faces
    return f"clips of {clip.frames} {faces}, {clip.interval_s:g} s apart"


def seen(source: ClipSource, contract: Contract) -> tuple[Clips, NDArray[np.int64] | None]:
    """At most ``MOST_CLIPS`` of a source as a network takes them: evenly spread over it, as are their frames.

    Labels (N,) are indices into ``EXPRESSIONS``; None where the source has other classes.
    """
    count, grey = contract.clip.frames if contract.clip else 1, contract.crop.pixels.channels == 1
    rows = []
    taken = np.linspace(0, len(source) - 1, min(len(source), MOST_CLIPS)).round().astype(int)
    for index in taken.tolist():
        frames = source.frames(index)
        chosen = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
        rows.append(np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in chosen]) if grey else chosen)
    clips = np.stack(rows).astype(np.uint8)
    labels = source.labels[taken] if source.classes == EXPRESSIONS else None
    return clips if contract.clip else clips[:, 0], labels


def noise(contract: Contract) -> Clips:
    """A few clips of nothing, to tell at least the time."""
    crop, count = contract.crop, (contract.clip.frames,) if contract.clip else ()
    colour = (3,) if crop.pixels.channels == 3 else ()
    return np.random.default_rng(0).integers(0, 256, (4, *count, crop.size, crop.size, *colour)).astype(np.uint8)


def contract_of(
    entry: Architecture,
    network: nn.Module,
    outputs: tuple[str, ...] = EXPRESSIONS,
    learned: ClipsSection | None = None,
) -> Contract:
    """The contract under which a network of the registry is exported.

    ``outputs`` are its labels, in its order; ``learned`` says of what clips it has learned: their crop and their pace
    are those of the agent's clips then.
    """
    clip, margin, interval = None, 1.0, entry.interval_s
    if learned and learned.layout:
        margin = MARGIN
        if learned.sampling == "strided":
            interval = learned.stride / video.FPS
    if isinstance(network, MoodnetClip):
        clip = ClipSpec(entry.frames, interval, features=FEATURES)
    elif entry.frames > 1:
        clip = ClipSpec(entry.frames, interval, every=max(1, entry.frames // 4))
    return Contract(CropSpec(entry.size, margin, entry.pixels), outputs, logits=True, clip=clip)


def export(network: nn.Module, contract: Contract, file: Path) -> float:
    """Write a network in evaluation mode, and return the largest difference of its logits to torch.

    Raises:
        TrainingError: the difference is larger than ``TOLERANCE``.
        ModelContractError: the contract contradicts itself, or the network does not keep it.
    """
    generator = torch.Generator().manual_seed(0)
    samples = tuple(torch.randn(2, *shape, generator=generator) for shape in contract.inputs)
    exported = Remembering(network).eval() if isinstance(network, MoodnetClip) else network
    file.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():  # in inference mode the exporter may fall back on one that takes the batch for a constant
        networks.export(exported, dict(zip(("faces", "memory"), samples, strict=False)), file)
        model = onnx.load(file)
        if not all(given.type.tensor_type.shape.dim[0].dim_param for given in model.graph.input):
            raise TrainingError("expected a batch of any length, but the exporter took that of its example for fixed")
        for node in model.graph.node:
            # Stack traces of this machine's source files are of no use to who runs the network.
            del node.metadata_props[:]
        # The exporter leaves shapes of weights as they were before it turned them; quantisation stumbles over them.
        del model.graph.value_info[:]
        contracts.write(model, contract)
        onnx.save(model, file)
        worst = _difference(exported, infer.OnnxNetwork(file), samples)
    if worst > TOLERANCE:
        raise TrainingError(f"expected logits within {TOLERANCE} of torch, got a difference of {worst:.1e}")
    return worst


def _difference(network: nn.Module, exported: infer.OnnxNetwork, samples: tuple[Tensor, ...]) -> float:
    """The largest difference of the outputs, for a batch of two and for one."""
    worst = 0.0
    for part in (samples, tuple(sample[:1] for sample in samples)):
        expected = network(*part)
        outputs = expected if isinstance(expected, tuple) else (expected,)
        for want, got in zip(outputs, exported.run(*(sample.numpy() for sample in part)), strict=False):
            refuse_no_numbers(got)
            worst = max(worst, float((want - torch.from_numpy(got)).abs().max()) / max(float(want.abs().max()), 1e-12))
    return worst


def refuse_no_numbers(answers: NDArray[np.float32]) -> None:
    """Comparing would not tell: no difference to what is no number is large.

    Raises:
        TrainingError: some of the answers are not finite.
    """
    if not np.isfinite(answers).all():
        raise TrainingError(
            "the network answers with what is no number: its training failed. Train it anew with a lower "
            "optimizer.learning_rate"
        )


def make_smaller(
    file: Path, weights: Literal["float16", "int8"], clips: Clips, labels: NDArray[np.int64] | None = None
) -> Change:
    """Store or compute with smaller weights, in place, and say what it changes on these clips.

    ``clips`` (N, F, S, S[, 3]) uint8 as the network takes them, or faces (N, S, S[, 3]); ``labels`` (N,) are indices
    into ``EXPRESSIONS``.

    Raises:
        ModelContractError: the result is no network that ONNX Runtime can load.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before.onnx"
        before.write_bytes(file.read_bytes())
        model = onnx.load(before)
        onnx.save(quantize.store_as_float16(model) if weights == "float16" else quantize.int8_products(model), file)
        return change(before, file, clips, labels)


def change(before: Path, after: Path, clips: Clips, labels: NDArray[np.int64] | None = None) -> Change:
    """How two files of one network differ; see ``make_smaller``."""
    answers, times = [], []
    for file in (before, after):
        network, took, found = infer.load(str(file)), [], []
        for i in range(len(clips)):
            began = time.perf_counter()
            found.append(network.batch(clips[i : i + 1])[0])
            took.append(1000 * (time.perf_counter() - began))
        answers.append(np.stack(found))
        # One that works face by face has only the newest to look at; ``batch`` goes over all.
        times.append(float(np.median(took)) / (clips.shape[1] if isinstance(network, infer.FaceByFace) else 1))
    guesses = [found.argmax(1) for found in answers]
    moved = np.abs(answers[0] - answers[1])
    sizes = [file.stat().st_size / 1e6 for file in (before, after)]
    right = None
    if labels is not None:
        right = (float((guesses[0] == labels).mean()), float((guesses[1] == labels).mean()))
    return Change(
        clips=len(clips),
        agreement=float((guesses[0] == guesses[1]).mean()),
        largest=float(moved.max()),
        mean=float(moved.mean()),
        megabytes=(sizes[0], sizes[1]),
        milliseconds=(times[0], times[1]),
        accuracy=right,
    )
