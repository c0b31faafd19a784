"""Train moodnet on FER2013 and FER+: ``python -m models.train --data DIR --run DIR``.

The run folder holds ``checkpoint.pt`` (written after every epoch, atomically, so a killed run resumes where it was) and
``log.csv``. Validation faces come from the training rows; the public split is never read here.
"""

import argparse
import csv
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models import fer2013
from models.zoo.moodnet import EXPRESSIONS, Moodnet

VALIDATION_SHARE = 0.1
SEED = 20261121


@dataclass(frozen=True)
class Recipe:
    """How the network is trained; the defaults made the shipped weights."""

    epochs: int = 60
    small_epochs: int = 24
    """The first epochs see faces of ``small_size`` px: less than half the cost, nearly the same lesson."""
    small_size: int = 32
    batch: int = 128
    learning_rate: float = 0.1
    warm_up: float = 0.05
    """Share of the steps in which the learning rate rises; a cosine brings it back to zero."""
    weight_decay: float = 5e-4
    ema_decay: float = 0.998
    mixup_alpha: float = 0.2
    roll_degrees: float = 18.0
    zoom: float = 0.18
    shift: float = 0.09
    erase_probability: float = 0.4


def augment(faces: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Mirror, roll, zoom, shift, contrast, brightness and erased rectangles; (N, 1, S, S) in 0..255, same out."""
    n, size = len(faces), faces.shape[-1]

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    angle = torch.deg2rad(uniform(-recipe.roll_degrees, recipe.roll_degrees))
    scale = torch.exp(uniform(-recipe.zoom, recipe.zoom))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, 2 * uniform(-recipe.shift, recipe.shift)], 1),
            torch.stack([sin * mirror, cos, 2 * uniform(-recipe.shift, recipe.shift)], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    out = F.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    contrast, brightness = uniform(0.7, 1.3).view(-1, 1, 1, 1), uniform(-30, 30).view(-1, 1, 1, 1)
    out = ((out - 128) * contrast + 128 + brightness).clamp(0, 255)
    return erase(out, recipe.erase_probability, generator)


def erase(faces: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al. 2020): a rectangle of 2..25 % of the area becomes noise."""
    n, size = len(faces), faces.shape[-1]
    area = torch.rand(n, generator=generator) * 0.23 + 0.02
    ratio = torch.exp((torch.rand(n, generator=generator) * 2 - 1) * math.log(3))
    high, wide = (area * ratio).sqrt().clamp(max=0.9) * size, (area / ratio).sqrt().clamp(max=0.9) * size
    top, left = torch.rand(n, generator=generator) * (size - high), torch.rand(n, generator=generator) * (size - wide)
    axis = torch.arange(size).view(1, -1)
    rows = (axis >= top.view(-1, 1)) & (axis < (top + high).view(-1, 1))
    columns = (axis >= left.view(-1, 1)) & (axis < (left + wide).view(-1, 1))
    chosen = torch.rand(n, generator=generator) < probability
    mask = rows.view(n, 1, size, 1) & columns.view(n, 1, 1, size) & chosen.view(n, 1, 1, 1)
    return torch.where(mask, torch.rand(faces.shape, generator=generator) * 255, faces)


def vote_targets(votes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """FER+ votes (N, 10) as distributions (N, 7) float32; single stray votes are dropped, as in the FER+ paper.

    Rows without a usable vote fall back on the FER2013 label.
    """
    votes = votes[:, :7]
    votes = np.where(votes > 1, votes, 0).astype(np.float32)
    total = votes.sum(1, keepdims=True)
    one_hot = np.eye(7, dtype=np.float32)[labels]
    return np.where(total > 0, votes / np.maximum(total, 1), one_hot)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then a half cosine to zero."""
    warm = max(1, round(recipe.warm_up * steps))
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of logits (N, 7) against distributions (N, 7)."""
    return -(targets * F.log_softmax(logits.float(), 1)).sum(1).mean()


@torch.inference_mode()
def accuracies(net: torch.nn.Module, faces: "Split") -> tuple[float, float]:
    """Accuracy of each head: against the labels, and against the most-voted of the seven."""
    net.eval()
    right_label = right_votes = 0
    for chunk in torch.arange(len(faces.labels)).split(512):
        with torch.autocast("cpu", torch.bfloat16):
            by_label, by_votes = net(faces.pixels[chunk].float())
        right_label += int((by_label.argmax(1) == faces.labels[chunk]).sum())
        right_votes += int((by_votes.argmax(1) == faces.votes[chunk].argmax(1)).sum())
    return right_label / len(faces.labels), right_votes / len(faces.labels)


def save(state: dict[str, object], path: Path) -> None:
    """Write beside the old checkpoint and swap, so that a kill or a full disk leaves the old one whole."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


@dataclass(frozen=True)
class Split:
    """Faces (N, 1, 48, 48) uint8 with both targets: labels (N,) int64, vote distributions (N, 7) float32."""

    pixels: Tensor
    labels: Tensor
    votes: Tensor

    @classmethod
    def of(cls, faces: fer2013.Faces) -> "Split":
        return cls(
            torch.from_numpy(faces.pixels).unsqueeze(1),
            torch.from_numpy(faces.labels),
            torch.from_numpy(vote_targets(faces.votes, faces.labels)),
        )


class Trainer:
    """A network, its moving average and its optimizer, which step together and are saved together."""

    def __init__(self, learn: Split, recipe: Recipe) -> None:
        self.learn, self.recipe = learn, recipe
        self.net = Moodnet().to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.net, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
        matrices = [p for p in self.net.parameters() if p.ndim > 1]
        vectors = [p for p in self.net.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=recipe.learning_rate,
            momentum=0.9,
            nesterov=True,
        )
        self.batches = len(learn.labels) // recipe.batch

    def state(self, epochs_done: int) -> dict[str, object]:
        return {
            "net": self.net.state_dict(),
            "ema": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": epochs_done,
        }

    def restore(self, path: Path) -> int:
        """Take up a checkpoint; returns how many epochs it has behind it."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["epoch"])

    def run_epoch(self, epoch: int) -> float:
        """One pass over the faces; returns the mean loss. All chance comes from the seed and the epoch's number."""
        torch.manual_seed(SEED + epoch)
        generator = torch.Generator().manual_seed(SEED + epoch)
        order = torch.randperm(len(self.learn.labels), generator=generator)
        chance = np.random.default_rng([SEED, epoch])
        self.net.train()
        total = 0.0
        title = f"epoch {epoch + 1}/{self.recipe.epochs}"
        for i in tqdm(range(self.batches), desc=title, unit="batch", mininterval=1, leave=False):
            index = order[i * self.recipe.batch : (i + 1) * self.recipe.batch]
            rate = learning_rate(epoch * self.batches + i, self.batches * self.recipe.epochs, self.recipe)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            mix = float(chance.beta(self.recipe.mixup_alpha, self.recipe.mixup_alpha))
            total += self.step(*self.batch(index, epoch, generator), mix)
        return total / self.batches

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Augmented faces and both targets as distributions."""
        x = self.learn.pixels[index].float()
        if epoch < self.recipe.small_epochs:
            x = F.interpolate(x, size=(self.recipe.small_size, self.recipe.small_size), mode="area")
        one_hot = F.one_hot(self.learn.labels[index], EXPRESSIONS).float()
        return augment(x, self.recipe, generator), one_hot, self.learn.votes[index]

    def step(self, x: Tensor, labels: Tensor, votes: Tensor, mix: float) -> float:
        """One optimizer step on a batch mixed with itself in reverse order (mixup, Zhang et al. 2018); its loss."""
        x, labels, votes = (mix * part + (1 - mix) * part.flip(0) for part in (x, labels, votes))
        with torch.autocast("cpu", torch.bfloat16):
            by_label, by_votes = self.net(x.contiguous(memory_format=torch.channels_last))
        loss = soft_cross_entropy(by_label, labels) + soft_cross_entropy(by_votes, votes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        return loss.item()


def train(data: Path, run: Path, recipe: Recipe, threads: int) -> None:
    """Train, or resume, until ``recipe.epochs`` are done; the last checkpoint's ``ema`` is the result.

    Raises:
        fer2013.DatasetError: ``data`` is no FER2013 folder.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    run.mkdir(parents=True, exist_ok=True)
    learn, check = fer2013.split_validation(fer2013.load(data, "Training"), VALIDATION_SHARE, SEED)
    trainer, held_out = Trainer(Split.of(learn), recipe), Split.of(check)
    path, first = run / "checkpoint.pt", 0
    if path.exists():
        first = trainer.restore(path)
        print(f"resuming {path} after epoch {first}")
    for epoch in range(first, recipe.epochs):
        began = time.monotonic()
        loss = trainer.run_epoch(epoch)
        by_label, by_votes = accuracies(trainer.average, held_out)
        seconds = time.monotonic() - began
        with (run / "log.csv").open("a", newline="") as file:
            csv.writer(file).writerow(
                [epoch + 1, f"{loss:.4f}", f"{by_label:.4f}", f"{by_votes:.4f}", f"{seconds:.0f}"]
            )
        left = (recipe.epochs - epoch - 1) * seconds / 60
        print(
            f"epoch {epoch + 1}: loss {loss:.3f}, validation: labels {by_label:.3f}, votes {by_votes:.3f}, "
            f"about {left:.0f} min left",
            flush=True,
        )
        save(trainer.state(epoch + 1), path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="FER2013 folder (see models/fer2013.py)")
    parser.add_argument("--run", type=Path, required=True, help="where checkpoint.pt and log.csv go; resumes if there")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="default: all cores")
    args = parser.parse_args()
    train(args.data, args.run, Recipe(epochs=args.epochs), args.threads)


if __name__ == "__main__":
    main()
