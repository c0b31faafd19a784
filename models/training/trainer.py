"""The trainer: a network, its moving average and its optimizer, which step together and are saved together.

All chance in a step comes from the recipe's seed and the number of the step, so a run that goes on from a checkpoint at
any step ends as if it had never stopped.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models import fer2013, networks
from models.errors import TrainingError
from models.registry import EXPRESSIONS
from models.training import checkpoint, losses, sam, unfold
from models.training.augment import augment, mix
from models.training.checkpoint import State
from models.training.data import Split
from models.training.inputs import at_size, heads, prepared
from models.training.recipe import Recipe
from models.training.schedule import learning_rate

K = len(EXPRESSIONS)
MEASURED = 2048
"""Faces on which the norms of a shipped file are measured anew."""


class Batch(NamedTuple):
    """Augmented faces (B, 1, S, S); targets ``label`` and ``votes`` (B, 7); ``taught`` (B, 2, 7) by the teachers."""

    faces: Tensor
    label: Tensor
    votes: Tensor
    taught: Tensor | None


def seed_of(*parts: int) -> int:
    """One seed from several numbers, in 0..2^63 - 1; near numbers give unrelated seeds."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pick_precision(wanted: str, device: torch.device) -> torch.dtype:
    """What the network computes in. ``auto`` is bfloat16 where the processor has instructions for it."""
    if wanted == "auto":
        if device.type == "cuda":
            has = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            has = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        wanted = "bfloat16" if has else "float32"
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


class Trainer:
    """One run's moving parts.

    ``taught`` (N, 2, 7) are the teachers' probabilities of the faces in ``learn``, or None.
    """

    def __init__(self, recipe: Recipe, learn: Split, taught: Tensor | None, device: torch.device) -> None:
        self.recipe, self.learn, self.device = recipe, learn, device
        self.taught = None if taught is None else taught.to(device)
        self.precision = pick_precision(recipe.optimizer.precision, device)
        torch.manual_seed(recipe.data.seed)
        self.entry = networks.get(recipe.network.name)
        self.net: nn.Module = networks.build(recipe.network.name, K).to(device, memory_format=torch.channels_last)
        decay = get_ema_multi_avg_fn(recipe.schedule.ema_decay)
        self.average = AveragedModel(self.net, multi_avg_fn=decay, use_buffers=True)
        self.optimizer = make_optimizer(self.net, recipe)
        self.batches = len(learn) // recipe.schedule.batch
        if self.batches == 0:
            raise TrainingError(
                f"expected at least one batch of {recipe.schedule.batch} faces (schedule.batch), got {len(learn)} faces"
            )
        self.steps = self.batches * recipe.schedule.epochs
        self.step = 0
        label_counts, votes_counts = torch.bincount(learn.labels, minlength=K), learn.votes.sum(0)
        self.log_priors = [losses.log_prior(counts) for counts in (label_counts, votes_counts)]
        beta = recipe.loss.class_balance
        self.class_weights = [
            losses.effective_number_weights(counts, beta) if beta else None for counts in (label_counts, votes_counts)
        ]

    @property
    def epoch(self) -> int:
        """Number of the epoch that the next step belongs to, from 0."""
        return self.step // self.batches

    def start_from(self, source: Path) -> None:
        """Begin with the weights of another run's checkpoint, or of a shipped ONNX file.

        Raises:
            TrainingError: the file is of another network, or can't be read.
        """
        if source.name == checkpoint.FILE:
            weights = checkpoint.load_network(source.parent)[0].state_dict()
            try:
                self.net.load_state_dict(weights)
            except RuntimeError as error:
                name = self.recipe.network.name
                raise TrainingError(f"network.start: expected a run of {name!r} in {source}, got another's") from error
        else:
            faces = self.learn.pixels[torch.randperm(len(self.learn))[:MEASURED].to(self.device)]
            unfold.take_up(source, self.net, at_size(faces.float(), self.entry.size))

    def state(self, losses_so_far: list[float], history: list[list[float]]) -> State:
        return {
            "recipe": msgspec.to_builtins(self.recipe),
            "step": self.step,
            "losses": losses_so_far,
            "history": history,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: State) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def advance(self) -> float:
        """One optimizer step; returns its loss.

        Raises:
            TrainingError: the loss is no number any more.
        """
        seed = seed_of(self.recipe.data.seed, 1, self.step)
        batch = self.batch(torch.Generator(self.device).manual_seed(seed))
        how, schedule = self.recipe.optimizer, self.recipe.schedule
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.steps, how.learning_rate, schedule.warm_up)
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.backward(batch, seed)
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} at step {self.step}: lower optimizer.learning_rate in the recipe, and train "
                "into a new run folder"
            )
        if how.sam_rho:
            with sam.worst_nearby(self.net.parameters(), how.sam_rho), sam.frozen_statistics(self.net):
                self.optimizer.zero_grad(set_to_none=True)
                self.backward(batch, seed)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), how.clip_norm)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return loss

    def backward(self, batch: Batch, seed: int) -> float:
        """Gradients of the loss on a batch, and the loss; ``seed`` decides what dropout drops."""
        torch.manual_seed(seed)
        with self.autocast():
            answer = self.net(prepared(batch.faces, self.entry.pixels).contiguous(memory_format=torch.channels_last))
        loss = self.loss(heads(answer), batch)
        loss.backward()
        return float(loss.item())

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """The network's arithmetic, for a forward pass."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def batch(self, generator: torch.Generator) -> Batch:
        """This step's faces, augmented and mixed, with their targets mixed alike."""
        schedule, how = self.recipe.schedule, self.recipe.augmentation
        order = torch.Generator().manual_seed(seed_of(self.recipe.data.seed, 0, self.epoch))
        first = self.step % self.batches * schedule.batch
        index = torch.randperm(len(self.learn), generator=order)[first : first + schedule.batch].to(self.device)
        size = schedule.small_size if self.epoch < schedule.small_epochs else self.entry.size
        # Augmentation costs by the pixel, so a face is shrunk before it and enlarged after.
        faces = at_size(self.learn.pixels[index].float(), min(size, fer2013.TILE))
        faces, kept = mix(augment(faces, how, generator), how, generator)

        def mixed(targets: Tensor) -> Tensor:
            return kept * targets + (1 - kept) * targets.flip(0)

        label = F.one_hot(self.learn.labels[index], K).float()
        taught = None if self.taught is None else mixed(self.taught[index])
        return Batch(at_size(faces, size), mixed(label), mixed(self.learn.votes[index]), taught)

    def loss(self, answers: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
        """The recipe's loss of both heads' logits (B, 7)."""
        total = torch.zeros((), device=self.device)
        distil, how = self.recipe.distillation, self.recipe.loss
        for k, (weight, targets) in enumerate(((how.label, batch.label), (how.votes, batch.votes))):
            if weight == 0:
                continue
            logits = losses.adjusted(answers[k], self.log_priors[k], how.logit_adjustment)
            part = losses.soft_cross_entropy(logits, targets, self.class_weights[k])
            if batch.taught is not None:
                learned = losses.distillation(answers[k], batch.taught[:, k], distil.temperature)
                part = (1 - distil.share) * part + distil.share * learned
            total = total + weight * part
        return total

    @torch.inference_mode()
    def validate(self, faces: Split) -> dict[str, float]:
        """Scores of the averaged network in 0..1: both heads' accuracies, and the label head's recalls over classes.

        ``votes`` counts the faces alone whose FER+ majority is one of the seven.
        """
        self.average.eval()
        guesses: list[list[Tensor]] = [[], []]
        size = self.entry.size
        for chunk in faces.pixels.split(256):
            views = [chunk, chunk.flip(3)] if self.recipe.data.validation_flip else [chunk]
            with self.autocast():
                both = [heads(self.average(prepared(at_size(view.float(), size), self.entry.pixels))) for view in views]
            for k, found in enumerate(guesses):
                found.append(torch.stack([answer[k].float().softmax(1) for answer in both]).sum(0).argmax(1))
        by_label, by_votes = (torch.cat(found) for found in guesses)
        right, counted = by_label == faces.labels, faces.majority >= 0
        recalls = [float(right[faces.labels == k].float().mean()) for k in range(K) if bool((faces.labels == k).any())]
        return {
            "label": float(right.float().mean()),
            "votes": float((by_votes == faces.majority)[counted].float().mean()),
            "mean_recall": float(np.mean(recalls)),
            "lowest_recall": min(recalls),
        }


def make_optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay pulls on matrices and kernels alone: norms and biases have nothing to unlearn."""
    how = recipe.optimizer
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": how.weight_decay},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if how.kind == "adamw":
        return torch.optim.AdamW(groups, lr=how.learning_rate)
    return torch.optim.SGD(groups, lr=how.learning_rate, momentum=0.9, nesterov=True)
