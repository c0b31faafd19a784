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
from models.zoo.moodnet import Moodnet

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
def accuracies(net: torch.nn.Module, pixels: Tensor, labels: Tensor, votes: Tensor) -> tuple[float, float]:
    """Accuracy of each head: against the labels, and against the votes' majority."""
    net.eval()
    right_label = right_votes = 0
    for chunk in torch.arange(len(pixels)).split(512):
        with torch.autocast("cpu", torch.bfloat16):
            by_label, by_votes = net(pixels[chunk].float())
        right_label += int((by_label.argmax(1) == labels[chunk]).sum())
        right_votes += int((by_votes.argmax(1) == votes[chunk].argmax(1)).sum())
    return right_label / len(pixels), right_votes / len(pixels)


def save(state: dict[str, object], path: Path) -> None:
    """Write beside the old checkpoint and swap, so that a kill or a full disk leaves the old one whole."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def train(data: Path, run: Path, recipe: Recipe, threads: int) -> None:
    """Train, or resume, until ``recipe.epochs`` are done; the last checkpoint holds the averaged weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    run.mkdir(parents=True, exist_ok=True)
    learn, check = fer2013.split_validation(fer2013.load(data, "Training"), VALIDATION_SHARE, SEED)
    pixels = torch.from_numpy(learn.pixels).unsqueeze(1)
    one_hot = F.one_hot(torch.from_numpy(learn.labels), 7).float()
    votes = torch.from_numpy(vote_targets(learn.votes, learn.labels))
    val = (
        torch.from_numpy(check.pixels).unsqueeze(1),
        torch.from_numpy(check.labels),
        torch.from_numpy(vote_targets(check.votes, check.labels)),
    )

    net = Moodnet().to(memory_format=torch.channels_last)
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
    decay = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        momentum=0.9,
        nesterov=True,
    )
    path, first = run / "checkpoint.pt", 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"]
        print(f"resuming {path} after epoch {first}")

    per_epoch = len(learn) // recipe.batch
    steps = per_epoch * recipe.epochs
    for epoch in range(first, recipe.epochs):
        generator = torch.Generator().manual_seed(SEED + epoch)
        order = torch.randperm(len(learn), generator=generator)
        size = recipe.small_size if epoch < recipe.small_epochs else fer2013.TILE
        net.train()
        began, total = time.monotonic(), 0.0
        bar = tqdm(range(per_epoch), desc=f"epoch {epoch + 1}/{recipe.epochs}", unit="batch", mininterval=5)
        for i in bar:
            index = order[i * recipe.batch : (i + 1) * recipe.batch]
            x = pixels[index].float()
            if size != fer2013.TILE:
                x = F.interpolate(x, size=(size, size), mode="area")
            x = augment(x, recipe, generator)
            y_label, y_votes = one_hot[index], votes[index]
            lam = float(np.random.default_rng([SEED, epoch, i]).beta(recipe.mixup_alpha, recipe.mixup_alpha))
            x = lam * x + (1 - lam) * x.flip(0)
            y_label = lam * y_label + (1 - lam) * y_label.flip(0)
            y_votes = lam * y_votes + (1 - lam) * y_votes.flip(0)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(epoch * per_epoch + i, steps, recipe)
            with torch.autocast("cpu", torch.bfloat16):
                by_label, by_votes = net(x.contiguous(memory_format=torch.channels_last))
            loss = soft_cross_entropy(by_label, y_label) + soft_cross_entropy(by_votes, y_votes)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            ema.update_parameters(net)
            total += float(loss)
        by_label, by_votes = accuracies(ema, *val)
        row = [epoch + 1, total / per_epoch, by_label, by_votes, time.monotonic() - began]
        with (run / "log.csv").open("a", newline="") as file:
            csv.writer(file).writerow([f"{value:.4f}" for value in row])
        print(f"epoch {epoch + 1}: loss {row[1]:.3f}, validation: labels {by_label:.3f}, votes {by_votes:.3f}")
        save(
            {
                "net": net.state_dict(),
                "ema": ema.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epoch": epoch + 1,
            },
            path,
        )


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
