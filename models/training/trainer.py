"""The trainer: a network, its moving average and its optimizer, which step together and are saved together.

All chance in a step comes from the recipe's seed and the number of the step, so a run that goes on from a checkpoint at
any step ends as if it had never stopped.
"""

import contextlib
import math
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.errors import TrainingError
from models.training import sam
from models.training.checkpoint import RunState
from models.training.recipe import Recipe
from models.training.schedule import learning_rate
from models.training.task import Task


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


def _wanted_precision(recipe: Recipe, net: nn.Module, device: torch.device) -> str:
    """The recipe's precision; ``auto`` is float32 for convolutions over time on a processor.

    There, torch's bfloat16 gradients of small ones are now and then no numbers (seen with 2.13: 3x3x3 over 2x2x2).
    """
    wanted: str = recipe.optimizer.precision
    risky = device.type == "cpu" and any(isinstance(part, nn.Conv3d) for part in net.modules())
    return "float32" if wanted == "auto" and risky else wanted


class Trainer:
    """One run's moving parts."""

    def __init__(self, recipe: Recipe, task: Task, device: torch.device, recorded: bool = True) -> None:
        self.recipe, self.task, self.device, self.recorded = recipe, task, device, recorded
        self.net = task.net
        self.precision = pick_precision(_wanted_precision(recipe, self.net, device), device)
        decay = get_ema_multi_avg_fn(recipe.schedule.ema_decay)
        self.average = AveragedModel(self.net, multi_avg_fn=decay, use_buffers=True)
        self.optimizer, self.shares = _make_optimizer(self.net, recipe)
        self.batches = task.examples // recipe.schedule.batch
        if self.batches == 0:
            raise TrainingError(
                f"expected at least one batch of {recipe.schedule.batch} examples (schedule.batch), got "
                f"{task.examples} examples"
            )
        self.steps = self.batches * recipe.schedule.epochs
        self.step = 0
        self.first_loss = math.inf

    @property
    def epoch(self) -> int:
        """Number of the epoch that the next step belongs to, from 0."""
        return self.step // self.batches

    def state(self, losses_so_far: list[float], history: list[list[float]]) -> RunState:
        return {
            "recipe": msgspec.to_builtins(self.recipe),
            "classes": self.task.classes,
            "step": self.step,
            "first_loss": self.first_loss,
            "recorded": self.recorded,
            "losses": losses_so_far,
            "history": history,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: RunState) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.first_loss = state["step"], state["first_loss"]
        self.recorded = self.recorded and state["recorded"]

    def advance(self) -> float:
        """One optimizer step; returns its loss.

        Raises:
            TrainingError: the loss is no number any more.
        """
        seed = seed_of(self.recipe.data.seed, 1, self.step)
        batch = self.batch(seed)
        how, schedule = self.recipe.optimizer, self.recipe.schedule
        rate = learning_rate(self.step, self.steps, how.learning_rate, schedule.warm_up)
        for group, share in zip(self.optimizer.param_groups, self.shares, strict=True):
            group["lr"] = rate * share
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.backward(batch, seed)
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} at step {self.step}: lower optimizer.learning_rate in the recipe, and train "
                "into a new run folder"
            )
        if self.step == 0:
            self.first_loss = loss
        if how.sam_rho:
            with sam.worst_nearby(self.net.parameters(), how.sam_rho), sam.frozen_statistics(self.net):
                self.optimizer.zero_grad(set_to_none=True)
                self.backward(batch, seed)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), how.clip_norm)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return loss

    def batch(self, seed: int) -> Any:
        """This step's batch: every epoch goes through the examples in an order of its own."""
        order = torch.Generator().manual_seed(seed_of(self.recipe.data.seed, 0, self.epoch))
        first = self.step % self.batches * self.recipe.schedule.batch
        index = torch.randperm(self.task.examples, generator=order)[first : first + self.recipe.schedule.batch]
        return self.task.batch(index, self.epoch, torch.Generator(self.device).manual_seed(seed))

    def backward(self, batch: Any, seed: int) -> float:
        """Gradients of the loss on a batch, and the loss; ``seed`` decides what dropout drops."""
        torch.manual_seed(seed)
        with self.autocast():
            answer = self.task.answer(self.net, batch)
        loss = self.task.loss(answer, batch)
        loss.backward()
        return float(loss.item())

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """The network's arithmetic, for a forward pass."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """The task's scores of the averaged network."""
        self.average.eval()
        with self.autocast():
            return self.task.validate(self.average)


def _make_optimizer(net: nn.Module, recipe: Recipe) -> tuple[torch.optim.Optimizer, list[float]]:
    """The optimizer, and each of its groups' share of the learning rate.

    Weight decay pulls on matrices and kernels alone: norms and biases have nothing to unlearn.
    """
    how = recipe.optimizer
    share_of = learning_shares(net, how.layer_decay) if how.layer_decay < 1 else {}
    sorts: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        sorts.setdefault((share_of.get(name, 1.0), parameter.ndim <= 1), []).append(parameter)
    groups = [
        {"params": sorts[share, small], "weight_decay": 0.0 if small else how.weight_decay}
        for share, small in sorted(sorts)
    ]
    shares = [share for share, _ in sorted(sorts)]
    if how.kind == "adamw":
        return torch.optim.AdamW(groups, lr=how.learning_rate, betas=(0.9, how.beta2)), shares
    return torch.optim.SGD(groups, lr=how.learning_rate, momentum=0.9, nesterov=True), shares


def learning_shares(net: nn.Module, decay: float) -> dict[str, float]:
    """Each parameter's share of the learning rate when a layer's is ``decay`` times the next one's.

    Layers are the parts of the longest of the modules called ``blocks``. What comes before them is one more layer, what
    comes after learns at the full rate (Clark et al. 2020; Bao et al. 2022).

    Raises:
        TrainingError: there are no ``blocks``.
    """
    stacks = {name: list(part.children()) for name, part in net.named_modules() if name.split(".")[-1] == "blocks"}
    if not stacks:
        raise TrainingError("optimizer.layer_decay: this network is no stack of blocks; expected 1.0")
    longest = max(stacks, key=lambda name: len(stacks[name]))
    depth, layer, shares = len(stacks[longest]), 0, {}
    for name, _ in net.named_parameters():
        if name.startswith(f"{longest}."):
            layer = 1 + int(name[len(longest) + 1 :].split(".")[0])
        elif layer:
            layer = depth + 1
        shares[name] = decay ** (depth + 1 - layer)
    return shares
