"""The task of a masked autoencoder's pre-training: it draws what is hidden of clips, whose labels play no part."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.clips.source import ClipSource
from models.errors import RecipeError
from models.training.augment import augment
from models.training.classify_clips import CHUNK, joined, load, start_from
from models.training.recipe import Recipe
from models.training.sight_pixels import Seen
from models.zoo import mae_dfer, networks, videomae
from models.zoo.entry import Architecture


class Pretraining(NamedTuple):
    """How a network is pre-trained: built; ``masks`` (N, tokens) drawn; and a drawing marked against clips in 0..1."""

    build: Callable[[], nn.Module]
    masks: Callable[[int, torch.Generator], Tensor]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]


_PRETRAININGS: Mapping[str, Pretraining] = MappingProxyType(
    {
        "mae-dfer": Pretraining(mae_dfer.pretraining, mae_dfer.region_masks, mae_dfer.loss),
        "videomae": Pretraining(videomae.pretraining, videomae.tube_masks, videomae.loss),
    }
)
"""By the name of the network whose ``encoder`` is the result."""


def pretraining(name: str) -> Pretraining:
    """Raises:
    RecipeError: there is none for that network.
    """
    try:
        return _PRETRAININGS[name]
    except KeyError:
        known = ", ".join(_PRETRAININGS)
        raise RecipeError(f"network.task: only {known} are pre-trained by reconstruction, got {name!r}") from None


class MaskedBatch(NamedTuple):
    """Augmented clips (B, 3, T, S, S), in 0..1 and as the network takes them, and what is hidden of them."""

    clips: Tensor
    ready: Tensor
    hidden: Tensor


class Reconstruct:
    """Clips to learn from and to check on, see ``models.training.task``."""

    classes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ("reconstruction",)

    def __init__(
        self,
        recipe: Recipe,
        how: Pretraining,
        net: nn.Module,
        entry: Architecture,
        learn: ClipSource,
        check: ClipSource,
        device: torch.device,
    ) -> None:
        self.recipe, self.how, self.learn, self.check, self.device = recipe, how, learn, check, device
        self.net = net.to(device)
        self.seen = Seen.by(entry, recipe.clips)
        self.examples = len(learn)

    @classmethod
    def of(cls, recipe: Recipe, learn: ClipSource, check: ClipSource, device: torch.device) -> "Reconstruct":
        """The task of a recipe, with its network.

        Raises:
            UnknownModelError: there is no such network.
            RecipeError: it is none that is pre-trained by reconstruction.
            TrainingError: the recipe's sampling is none for it.
        """
        how, entry = pretraining(recipe.network.name), networks.get(recipe.network.name)
        return cls(recipe, how, how.build(), entry, learn, check, device)

    def start_from(self, source: str) -> None:
        """Begin with the encoder of a run.

        Raises:
            TrainingError: it is of another network, or can't be read.
        """
        start_from(self.net, Path(source))

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> MaskedBatch:
        (clips,) = joined(load(self.learn, self.seen, index.tolist(), generator), self.device)
        chance = torch.Generator().manual_seed(generator.initial_seed())
        return self.made_of(augment(clips, self.recipe.augmentation, generator), chance)

    def made_of(self, clips: Tensor, chance: torch.Generator) -> MaskedBatch:
        """A batch of clips (B, T * 3, S, S) in 0..255."""
        hidden = self.how.masks(len(clips), chance).to(self.device)
        frames = clips.unflatten(1, (self.seen.frames, 3)).transpose(1, 2)
        return MaskedBatch(frames / 255, self.seen.ready((clips,))[0], hidden)

    def answer(self, net: nn.Module, batch: MaskedBatch) -> Tensor:
        drawn: Tensor = net(batch.ready, batch.hidden)
        return drawn

    def loss(self, answer: Tensor, batch: MaskedBatch) -> Tensor:
        return self.how.loss(answer.float(), batch.clips, batch.hidden)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """The loss on one view of each clip to check on, with the same masks every time."""
        chance, total = torch.Generator().manual_seed(self.recipe.data.seed), 0.0
        for start in range(0, len(self.check), CHUNK):
            indices = range(start, min(start + CHUNK, len(self.check)))
            views = [self.seen.views(self.check, i, None)[0][:1] for i in indices]
            batch = self.made_of(torch.cat(views).to(self.device), chance)
            total += len(views) * float(self.loss(self.answer(net, batch), batch))
        return {"reconstruction": total / len(self.check)}
