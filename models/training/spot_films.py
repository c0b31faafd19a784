"""The task of a spotter: which frames of a film lie in a micro-expression, and which of them is its strongest.

It is asked about every frame of a stretch of film at once. Nearly all frames show nothing, and of these nearly all are
easy: beside those of micro-expressions, only the hardest of a batch count (online hard example mining, Shrivastava et
al. 2016), which are blinks, heads that turn, and whatever else is taken for one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from models.clips.layouts.long import Event
from models.clips.source import Frames
from models.errors import RecipeError
from models.training.augment import augment
from models.training.classify_clips import start_from
from models.training.films import Films
from models.training.recipe import Recipe
from models.zoo import networks, spot_cnn
from models.zoo.spot_cnn import AROUND, CLASSES, LAGS, RATE, SpotCNN

STRETCH = 176
"""Frames that are asked about at once in training: 2.9 s."""
_SPEED = 0.15
"""A film is sped up or slowed down by up to this, as a natural logarithm."""
_NEAR_S = 0.04
"""Standard deviation of what counts as near the apex."""
_HARD = 0.25
"""Share of the other frames that count."""
_VERSION = 1
"""Of ``grey_faces``: another number makes all that are kept anew."""
_CHUNK = 512
"""Frames whose features are computed at once."""


class FilmBatch(NamedTuple):
    """Grey stretches (B, STRETCH + 2 * AROUND, S, S), what is to be said (B, STRETCH, 3), which frames there are."""

    grey: Tensor
    targets: Tensor
    there: Tensor


class SpotFilms:
    """Films to learn from and to check on, see ``models.training.task``. An example is a stretch of a film."""

    classes: tuple[str, ...] = CLASSES
    scores: tuple[str, ...] = ("frame_f1", "apex_ms")

    def __init__(self, recipe: Recipe, net: SpotCNN, learn: Films, check: Films, device: torch.device) -> None:
        self.recipe, self.learn, self.check, self.device = recipe, learn, check, device
        self.net = net.to(device)
        self.stretches = [
            (film, first)
            for film, (count, rate) in enumerate(zip(learn.counts, learn.rates, strict=True))
            for first in range(0, len(moments(count, rate)), STRETCH)
        ]
        self.examples = len(self.stretches)

    @classmethod
    def of(cls, recipe: Recipe, learn: Films, check: Films, device: torch.device) -> "SpotFilms":
        """The task of a recipe, with its network.

        Raises:
            RecipeError: its network is no spotter.
        """
        if recipe.network.name not in (spotters := [entry.name for entry in spot_cnn.ENTRIES]):
            raise RecipeError(f"network.task: 'spot' is for {', '.join(spotters)}, got {recipe.network.name!r}")
        net = networks.build(recipe.network.name, len(CLASSES))
        assert isinstance(net, SpotCNN)
        return cls(recipe, net, learn, check, device)

    def start_from(self, source: str) -> None:
        """Begin with the weights of a run.

        Raises:
            TrainingError: they are of another network, or can't be read.
        """
        start_from(self.net, Path(source))

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> FilmBatch:
        """Stretches that begin anywhere near where they do, at another pace, augmented."""
        rng = np.random.default_rng(generator.initial_seed())
        parts = [self.stretch(self.stretches[i], rng) for i in index.tolist()]
        grey, targets, there = (torch.stack(each).to(self.device) for each in zip(*parts, strict=True))
        return FilmBatch(augment(grey, self.recipe.augmentation, generator), targets, there)

    def stretch(self, where: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The example from a frame of a film on, a sixtieth of a second each: as ``FilmBatch``, without the batch."""
        film, first = where
        grey, rate = seen(self.learn, film), self.learn.rates[film]
        pace = float(np.exp(rng.uniform(-_SPEED, _SPEED)))
        start = min(first + rng.uniform(-0.5, 0.5) * STRETCH, len(grey) - 1)  # one of the film's frames at least
        at = np.rint(start + pace * np.arange(-AROUND, STRETCH + AROUND)).astype(np.int64)
        asked = at[AROUND : AROUND + STRETCH]
        targets = wanted(self.learn.events[film], np.rint(asked / RATE * rate).astype(np.int64), rate)
        there = torch.from_numpy((asked >= 0) & (asked < len(grey)))
        shown = torch.from_numpy(grey[np.clip(at, 0, len(grey) - 1)]).float()
        return shown, torch.from_numpy(targets), there

    def answer(self, net: nn.Module, batch: FilmBatch) -> Tensor:
        assert isinstance(net, SpotCNN)
        return net.each(batch.grey)

    def loss(self, answer: Tensor, batch: FilmBatch) -> Tensor:
        """The mean over frames of micro-expressions, and that over the hardest of the others."""
        targets = batch.targets[batch.there]
        every = F.cross_entropy(answer[batch.there].float(), targets, reduction="none")
        inside = targets[:, 0] < 0.5
        others = every[~inside]
        hard = others.topk(max(1, int(_HARD * len(others)))).values if len(others) else others
        return torch.stack([part.mean() for part in (every[inside], hard) if len(part)]).sum()

    def validate(self, net: nn.Module) -> dict[str, float]:
        """F1 of frames that are said to lie in a micro-expression, and how many ms the likeliest apex is off.

        The latter is the median over films that have a known apex, of the distance to the nearest; 0 without any.
        """
        spotter = net.module if isinstance(net, AveragedModel) else net
        assert isinstance(spotter, SpotCNN)
        true: list[NDArray[np.bool_]] = []
        said: list[NDArray[np.bool_]] = []
        off = []
        for film, (rate, events) in enumerate(zip(self.check.rates, self.check.events, strict=True)):
            found = probabilities(spotter, seen(self.check, film), self.device)
            at = moments(self.check.counts[film], rate)
            true.append(wanted(events, at, rate)[:, 0] < 0.5)
            said.append(found[:, 0] < 0.5)
            top = int(at[found[:, 2].argmax()])
            if apexes := [event.apex for event in events if event.micro and event.apex >= 0]:
                off.append(1000 * min(abs(top - apex) for apex in apexes) / rate)
        inside, positive = np.concatenate(true), np.concatenate(said)
        f1 = 2 * int((inside & positive).sum()) / max(int(inside.sum() + positive.sum()), 1)
        return {"frame_f1": f1, "apex_ms": float(np.median(off)) if off else 0.0}


def wanted(events: Sequence[Event], at: NDArray[np.int64], rate: float) -> NDArray[np.float32]:
    """What is to be said of frames ``at`` (T,): shares (T, 3) of ``CLASSES``.

    Within a micro-expression a frame is the apex by a Gaussian of its distance to it in time.
    """
    targets = np.zeros((len(at), len(CLASSES)), np.float32)
    for event in events:
        if event.micro:
            within = (at >= event.onset) & (at <= event.offset)
            near = np.exp(-0.5 * ((at - event.apex) / rate / _NEAR_S) ** 2) if event.apex >= 0 else np.zeros(len(at))
            targets[within, 2] = near[within]
            targets[within, 1] = 1 - near[within]
    targets[:, 0] = 1 - targets[:, 1:].sum(1)
    return targets


def moments(count: int, rate: float) -> NDArray[np.int64]:
    """The frames (K,) of a film of ``count`` that the network sees: the nearest to every sixtieth of a second.

    A film of fewer frames a second shows each of them several times.
    """
    last = max(1, round(count / rate * RATE))
    return np.minimum(np.rint(np.arange(last) / RATE * rate).astype(np.int64), count - 1)


def grey_faces(frames: Frames, rate: float) -> NDArray[np.uint8]:
    """A film's frames ``moments`` as the network takes them, but for the type: grey (K, S, S)."""
    faces = [cv2.cvtColor(frames[i], cv2.COLOR_RGB2GRAY) for i in moments(len(frames), rate)]
    side = spot_cnn.SIDE
    if faces[0].shape[0] != side:
        how = cv2.INTER_AREA if faces[0].shape[0] > side else cv2.INTER_LINEAR
        faces = [cv2.resize(face, (side, side), interpolation=how) for face in faces]
    return np.stack(faces).astype(np.uint8)


def seen(films: Films, index: int) -> NDArray[np.uint8]:
    """``grey_faces`` of a film, made once and kept beside its faces."""
    rate = films.rates[index]
    name = f"spot-v{_VERSION}-{spot_cnn.SIDE}px-{RATE}-of-{rate:g}"
    return np.asarray(films.source.derived(index, name, lambda frames: grey_faces(frames, rate)), np.uint8)


@torch.inference_mode()
def probabilities(net: SpotCNN, grey: NDArray[np.uint8], device: torch.device) -> NDArray[np.float64]:
    """What a network in evaluation mode says of each of a film's faces (K, S, S), see ``grey_faces``: (K, 3).

    The first and the last one stand for what was before and after. Features are computed once a face.
    """
    padded = torch.from_numpy(np.pad(grey, ((AROUND, AROUND), (0, 0), (0, 0)), mode="edge"))[None]
    margin = 2 * max(LAGS)
    parts = [
        net.features(padded[:, start : start + _CHUNK + margin].float().to(device))
        for start in range(0, padded.shape[1] - margin, _CHUNK)
    ]
    answers = net.judged(torch.cat(parts, 2))[0].float().softmax(1)
    return np.asarray(answers.cpu().numpy(), np.float64)
