"""The task of a network that looks at clips: one label each, seen in the frames that a recipe's sampling chooses.

A clip travels as a face whose channels are the colours of its frames, (T * 3, S, S), through ``augment``; the network
gets it as (3, T, S, S).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models import metrics
from models.clips import sampling
from models.clips.source import ClipSource, Frames
from models.errors import TrainingError
from models.inference.contract import Pixels
from models.training import checkpoint, losses
from models.training.augment import augment, mix
from models.training.inputs import at_size, prepared
from models.training.recipe import ClipsSection, Recipe
from models.zoo import networks
from models.zoo.entry import Architecture

CHUNK = 8
"""Clips that are looked at together in validation and tests."""
_LAST = ("fc.", "label.", "votes.")
"""Last layers, which depend on the classes."""


def chosen(
    frames: Frames, moments: NDArray[np.int64], count: int, how: ClipsSection, rng: np.random.Generator | None
) -> list[NDArray[np.int64]]:
    """Which ``count`` frames of a clip are seen: one choice with ``rng``, else every view of a test.

    ``moments`` (2,) are onset and apex. Where they are not known (-1), they are the first frame and the one that
    differs most from it.
    """
    if how.sampling == "segments":
        return [sampling.segments(len(frames), count // how.run, how.run, rng)]
    if how.sampling == "strided":
        if rng is not None:
            return [sampling.strided(len(frames), count, how.stride, rng)]
        return sampling.views(len(frames), count, how.stride, how.views)
    if moments.min() >= 0:
        return [moments]
    difference = np.abs(frames.astype(np.int16) - frames[0]).mean((1, 2, 3))
    return [np.array([0, difference.argmax()])]


class Seen(NamedTuple):
    """How a network sees clips: by its registry entry, and by a recipe's section ``clips``."""

    frames: int
    size: int
    pixels: Pixels
    how: ClipsSection

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "Seen":
        """Raises:
        TrainingError: the sampling can't give the network's number of frames.
        """
        if how.sampling == "segments" and entry.frames % how.run:
            raise TrainingError(f"clips.run: expected a divisor of {entry.name}'s {entry.frames} frames, got {how.run}")
        if (how.sampling == "apex") != (entry.frames == 2):
            raise TrainingError(
                f"clips.sampling: {entry.name} looks at {entry.frames} frames; 'apex' gives two, the others give more"
            )
        return cls(entry.frames, entry.size, entry.pixels, how)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Tensor:
        """One clip's views (V, T * 3, S, S) float32 in 0..255 at the network's size; V is 1 with ``rng``."""
        frames = source.frames(index)
        choices = chosen(frames, source.moments[index], self.frames, self.how, rng)
        picked = frames[np.stack(choices)].transpose(0, 1, 4, 2, 3)  # (V, T, 3, S, S)
        return at_size(torch.from_numpy(picked.copy()).flatten(1, 2).float(), self.size)

    def ready(self, clips: Tensor) -> Tensor:
        """Clips (N, T * 3, S, S) as the network takes them: (N, 3, T, S, S), normalised."""
        return prepared(clips.unflatten(1, (self.frames, 3)).transpose(1, 2), self.pixels)


def probabilities(net: nn.Module, source: ClipSource, seen: Seen, mirror: bool, device: torch.device) -> Tensor:
    """What a network in evaluation mode answers to each clip, (N, K) float32 on the CPU: the mean over its views.

    ``mirror`` adds the mirror image of each view.
    """
    rows = []
    for start in range(0, len(source), CHUNK):
        views = [seen.views(source, i, None) for i in range(start, min(start + CHUNK, len(source)))]
        clips = seen.ready(torch.cat(views).to(device))
        answers = [net(side).float().softmax(1) for side in ([clips, clips.flip(4)] if mirror else [clips])]
        mean = torch.stack(answers).mean(0).cpu()
        rows += [part.mean(0) for part in mean.split([len(view) for view in views])]
    return torch.stack(rows)


class ClipBatch(NamedTuple):
    """Augmented clips (B, 3, T, S, S) as the network takes them, and what is to be answered (B, K)."""

    clips: Tensor
    targets: Tensor


class ClassifyClips:
    """Clips to learn from and to check on, see ``models.training.task``."""

    scores: tuple[str, ...] = ("war", "uar", "lowest_recall")

    def __init__(
        self,
        recipe: Recipe,
        net: nn.Module,
        entry: Architecture,
        learn: ClipSource,
        check: ClipSource,
        device: torch.device,
    ) -> None:
        self.recipe, self.learn, self.check, self.device = recipe, learn, check, device
        self.net = net.to(device)
        self.seen = Seen.by(entry, recipe.clips)
        if recipe.loss.auxiliary and not hasattr(net, "with_auxiliary"):
            raise TrainingError(f"loss.auxiliary: {entry.name} has no answers inside, expected 0")
        self.examples, self.classes = len(learn), learn.classes
        self.labels = torch.from_numpy(learn.labels)
        counts = torch.bincount(self.labels, minlength=len(self.classes)).to(device)
        beta = recipe.loss.class_balance
        self.log_prior = losses.log_prior(counts)
        self.class_weights = losses.effective_number_weights(counts, beta) if beta else None

    @classmethod
    def of(cls, recipe: Recipe, learn: ClipSource, check: ClipSource, device: torch.device) -> "ClassifyClips":
        """The task of a recipe, with its network.

        Raises:
            UnknownModelError: there is no such network.
            TrainingError: the recipe's sampling or loss is none for it.
        """
        net = networks.build(recipe.network.name, len(learn.classes))
        return cls(recipe, net, networks.get(recipe.network.name), learn, check, device)

    def start_from(self, source: str) -> None:
        """Begin with the weights of a run, of its pre-training, or of a file of `moodcast models convert`.

        Raises:
            TrainingError: they are of another network, or can't be read.
        """
        start_from(self.net, Path(source))

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> ClipBatch:
        """Clips, augmented and mixed, with their targets mixed alike."""
        how = self.recipe.augmentation
        clips = load(self.learn, self.seen, index.tolist(), generator).to(self.device)
        clips, kept = mix(augment(clips, how, generator), how, generator)
        targets = F.one_hot(self.labels[index], len(self.classes)).float().to(self.device)
        return ClipBatch(self.seen.ready(clips), kept * targets + (1 - kept) * targets.flip(0))

    def answer(self, net: nn.Module, batch: ClipBatch) -> tuple[Tensor, Sequence[Tensor]]:
        """Logits (B, K), and those that the loss takes from inside the network."""
        if self.recipe.loss.auxiliary:
            return net.with_auxiliary(batch.clips)
        return net(batch.clips), ()

    def loss(self, answer: tuple[Tensor, Sequence[Tensor]], batch: ClipBatch) -> Tensor:
        """The recipe's loss; answers inside the network get plain cross-entropy."""
        how, (logits, inside) = self.recipe.loss, answer
        total = losses.classification(logits, batch.targets, how, self.log_prior, self.class_weights)
        for early in inside:
            total = total + how.auxiliary * losses.soft_cross_entropy(early, batch.targets)
        return how.label * total

    def validate(self, net: nn.Module) -> dict[str, float]:
        """WAR, UAR and the lowest recall of a class that occurs, in 0..1."""
        mirror = self.recipe.data.validation_flip
        answers = probabilities(net, self.check, self.seen, mirror, self.device).argmax(1).numpy()
        matrix = metrics.confusion(self.check.labels, answers, len(self.classes))
        lowest = float(np.nanmin(metrics.recalls(matrix)))
        return {"war": metrics.accuracy(matrix), "uar": metrics.uar(matrix), "lowest_recall": lowest}


def load(source: ClipSource, seen: Seen, indices: Sequence[int], generator: torch.Generator) -> Tensor:
    """Clips (B, T * 3, S, S) to train on; which frames they show comes from the generator's seed.

    They are read side by side: decoding waits for the disk and leaves Python's lock alone.
    """
    seeds = np.random.SeedSequence(generator.initial_seed()).spawn(len(indices))

    def one(index: int, seed: np.random.SeedSequence) -> Tensor:
        return seen.views(source, index, np.random.default_rng(seed))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return torch.cat(list(pool.map(one, indices, seeds)))


def start_from(net: nn.Module, source: Path) -> None:
    """Give a network the weights of a run folder or of a state dict's file.

    All of them must fit the network or one part of it, such as the frame network under frame attention, but for the
    last layer (``_LAST``), which is taken where it does. Of a pre-training only the encoder is taken.

    Raises:
        TrainingError: they do not fit, or can't be read.
    """
    weights = checkpoint.weights(source)
    trunk = {name: tensor for name, tensor in weights.items() if not name.startswith(_LAST)}
    own = net.state_dict()
    for prefix in ("", *(f"{name}." for name, _ in net.named_children())):
        fitting = {f"{prefix}{name}": tensor for name, tensor in trunk.items()}
        if fitting and all(name in own and own[name].shape == tensor.shape for name, tensor in fitting.items()):
            last = {name: weights[name] for name in weights.keys() - trunk.keys() if not prefix and name in own}
            same = {name: tensor for name, tensor in last.items() if own[name].shape == tensor.shape}
            net.load_state_dict(fitting | same, strict=False)
            return
    raise TrainingError(f"network.start: the weights in {source} are another network's than the recipe's")
