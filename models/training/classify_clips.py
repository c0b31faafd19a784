"""The task of a network that looks at clips: one label each, seen as its ``ClipSight`` sees them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import metrics
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.training import checkpoint, losses, sights
from models.training.inputs import architecture
from models.training.recipe import Recipe
from models.training.sight import ClipSight, Views
from models.zoo import networks
from models.zoo.entry import Architecture

CHUNK = 8
"""Clips that are looked at together in validation and tests."""
_LAST = ("fc.", "label.", "votes.")
"""Last layers, which depend on the classes."""


def probabilities(net: nn.Module, source: ClipSource, seen: ClipSight, mirror: bool, device: torch.device) -> Tensor:
    """What a network in evaluation mode answers to each clip, (N, K) float32 on the CPU: the mean over its views.

    ``mirror`` adds the mirror image of each view.
    """
    rows = []
    for start in range(0, len(source), CHUNK):
        every = [seen.views(source, i, None) for i in range(start, min(start + CHUNK, len(source)))]
        alike = len({tuple(each.shape[1:] for each in views) for views in every}) == 1
        for views in [every] if alike else [[one] for one in every]:
            inputs = seen.ready(joined(views, device))
            sides = [inputs, seen.mirrored(inputs)] if mirror else [inputs]
            mean = torch.stack([net(*side).float().softmax(1) for side in sides]).mean(0).cpu()
            rows += [part.mean(0) for part in mean.split([len(view[0]) for view in views])]
    return torch.stack(rows)


def joined(views: Sequence[Views], device: torch.device) -> Views:
    """Several clips' views as one batch on a device."""
    return tuple(torch.cat(each).to(device) for each in zip(*views, strict=True))


class ClipBatch(NamedTuple):
    """What the network is given of B augmented clips, and what is to be answered (B, K)."""

    inputs: Views
    targets: Tensor


class ClipAnswer(NamedTuple):
    """Logits (B, K), those that the loss takes from inside the network, and a loss of the network's own."""

    logits: Tensor
    inside: Sequence[Tensor] = ()
    penalty: Tensor | None = None


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
        self.seen = sights.of(entry, recipe.clips)
        if recipe.loss.auxiliary and not hasattr(net, "with_auxiliary"):
            raise TrainingError(f"loss.auxiliary: {entry.name} has no answers inside, expected 0")
        if recipe.loss.penalty and not hasattr(net, "with_penalty"):
            raise TrainingError(f"loss.penalty: {entry.name} has no loss of its own, expected 0")
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
        return cls(recipe, net, architecture(recipe), learn, check, device)

    def start_from(self, source: str) -> None:
        """Begin with the weights of a run, of its pre-training, or of a file of `moodcast models convert`.

        Raises:
            TrainingError: they are of another network, or can't be read.
        """
        start_from(self.net, Path(source), self.classes)

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> ClipBatch:
        """Clips, augmented and mixed, with their targets mixed alike."""
        how = self.recipe.augmentation
        clips = joined(load(self.learn, self.seen, index.tolist(), generator), self.device)
        clips, kept = self.seen.varied(clips, how, generator)
        targets = F.one_hot(self.labels[index], len(self.classes)).float().to(self.device)
        return ClipBatch(self.seen.ready(clips), kept * targets + (1 - kept) * targets.flip(0))

    def answer(self, net: nn.Module, batch: ClipBatch) -> ClipAnswer:
        if self.recipe.loss.auxiliary:
            return ClipAnswer(*net.with_auxiliary(*batch.inputs))
        if self.recipe.loss.penalty:
            logits, penalty = net.with_penalty(*batch.inputs)
            return ClipAnswer(logits, penalty=penalty)
        return ClipAnswer(net(*batch.inputs))

    def loss(self, answer: ClipAnswer, batch: ClipBatch) -> Tensor:
        """The recipe's loss; answers inside the network get plain cross-entropy, its own loss is added."""
        how = self.recipe.loss
        total = losses.classification(answer.logits, batch.targets, how, self.log_prior, self.class_weights)
        for early in answer.inside:
            total = total + how.auxiliary * losses.soft_cross_entropy(early, batch.targets)
        total = how.label * total
        return total if answer.penalty is None else total + how.penalty * answer.penalty.float()

    def validate(self, net: nn.Module) -> dict[str, float]:
        """WAR, UAR and the lowest recall of a class that occurs, in 0..1."""
        mirror = self.recipe.data.validation_flip
        answers = probabilities(net, self.check, self.seen, mirror, self.device).argmax(1).numpy()
        matrix = metrics.confusion(self.check.labels, answers, len(self.classes))
        lowest = float(np.nanmin(metrics.recalls(matrix)))
        return {"war": metrics.accuracy(matrix), "uar": metrics.uar(matrix), "lowest_recall": lowest}


def load(source: ClipSource, seen: ClipSight, indices: Sequence[int], generator: torch.Generator) -> list[Views]:
    """Clips to train on, a view of each; which frames they show comes from the generator's seed.

    They are read side by side: decoding waits for the disk and leaves Python's lock alone.
    """
    seeds = np.random.SeedSequence(generator.initial_seed()).spawn(len(indices))

    def one(index: int, seed: np.random.SeedSequence) -> Views:
        return seen.views(source, index, np.random.default_rng(seed))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, indices, seeds))


def start_from(net: nn.Module, source: Path, classes: tuple[str, ...] = ()) -> None:
    """Give a network the weights of a run folder or of a state dict's file.

    All of them must fit the network or one part of it, such as the frame network under frame attention, but for the
    last layer (``_LAST``), which is taken where it does, and where a run's classes are the network's ``classes``, if
    they are given. Of a pre-training only the encoder is taken.

    Raises:
        TrainingError: they do not fit, or can't be read.
    """
    weights = checkpoint.weights(source)
    trunk = {name: tensor for name, tensor in weights.items() if not name.startswith(_LAST)}
    is_run = (source / checkpoint.FILE).is_file()
    if classes and is_run and tuple(checkpoint.load(source)["classes"]) != classes:
        weights = trunk
    own = net.state_dict()
    for prefix in ("", *(f"{name}." for name, _ in net.named_children())):
        fitting = {f"{prefix}{name}": tensor for name, tensor in trunk.items()}
        if fitting and all(name in own and own[name].shape == tensor.shape for name, tensor in fitting.items()):
            last = {name: weights[name] for name in weights.keys() - trunk.keys() if not prefix and name in own}
            same = {name: tensor for name, tensor in last.items() if own[name].shape == tensor.shape}
            net.load_state_dict(fitting | same, strict=False)
            return
    raise TrainingError(f"network.start: the weights in {source} are another network's than the recipe's")
