"""``moodcast models distil``: teach moodnet-clip on pseudo-clips what its teachers say of the still faces.

The clips are made of FER2013 tiles (``models.training.pseudo``). What is asked of a clip are the label, the votes and
the teachers' answers of its tile, or of its two tiles where the expression changes, as far as the newest frames show
them. The teachers see the tile as it is, and mirrored; the network sees it moved, lit and disturbed. So it learns to
say of a clip what a still classifier would say of its best frame. The run folder is one of ``moodcast models train``.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import networks, train
from models.errors import RecipeError, TrainingError
from models.registry import EXPRESSIONS
from models.training import checkpoint, losses, pseudo, teachers, unfold
from models.training.data import Split
from models.training.inputs import prepared
from models.training.recipe import Recipe
from models.training.stills import MEASURED, stills
from models.training.trainer import pick_device, seed_of
from models.zoo.moodnet import Moodnet
from models.zoo.moodnet_clip import FRAMES, MoodnetClip

K = len(EXPRESSIONS)
CHECKED, CHECKED_AT_ONCE = 1024, 64
"""Tiles that are validated on, at most."""


class Batch(NamedTuple):
    """Clips (B, 3, ``FRAMES``, S, S) as the network takes them; ``wanted`` (B, 7)."""

    clips: Tensor
    wanted: Tensor


class PseudoClips:
    """Tiles to make clips of, see ``models.training.task``; ``taught`` (N, 2, 7) are the teachers' answers to them."""

    classes: tuple[str, ...] = EXPRESSIONS
    scores: tuple[str, ...] = ("still_label", "still_votes", "moving_label", "moving_votes")

    def __init__(self, recipe: Recipe, learn: Split, check: Split, taught: Tensor, device: torch.device) -> None:
        self.recipe, self.learn, self.check, self.device = recipe, learn, check, device
        self.examples = len(learn)
        self.entry = networks.get(recipe.network.name)
        torch.manual_seed(recipe.data.seed)
        self.clip_net = networks.build(recipe.network.name, K)
        if not isinstance(self.clip_net, MoodnetClip):
            raise RecipeError(f"network.name: only moodnet-clip is taught this way, got {recipe.network.name!r}")
        self.net: nn.Module = self.clip_net.to(device)
        # What is early in the trunk has learned from more epochs than there is time for here, and costs the most.
        for part in (self.clip_net.trunk.stem, *self.clip_net.trunk.stages[:-1]):
            part.requires_grad_(False)
        how, share = recipe.loss, recipe.distillation.share
        own = how.label * F.one_hot(learn.labels, K).float() + how.votes * learn.votes
        self.wanted = (1 - share) * own / (how.label + how.votes) + share * taught.to(device).mean(1)

    def start_from(self, source: str) -> None:
        """Take the trunk of a moodnet-small, and for the head the mean of its two.

        Raises:
            TrainingError: the file is of another network, or can't be read.
            ModelError: as ``teachers.file_of``.
        """
        file = teachers.file_of(source)
        if file.name == checkpoint.FILE:
            still = checkpoint.load_network(file.parent).net.to(self.device)
        else:
            still = networks.build("moodnet-small", K).to(self.device)
            unfold.take_up(file, still, self.learn.pixels[torch.randperm(len(self.learn))[:MEASURED]].float())
        if not isinstance(still, Moodnet):
            raise TrainingError(f"network.start: expected a moodnet-small in {file}, got another network")
        heads = zip(still.label.parameters(), still.votes.parameters(), strict=True)
        means = dict(zip(("weight", "bias"), ((one + other) / 2 for one, other in heads), strict=True))
        try:
            # Strict about sizes only: the trunk has no use for the two heads.
            self.clip_net.trunk.load_state_dict(still.state_dict(), strict=False)
            self.clip_net.head.classify.load_state_dict(means)
        except RuntimeError as error:
            raise TrainingError(f"network.start: expected a moodnet-small in {file}, got another size") from error

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> Batch:
        """A clip of each tile; in some of them the expression changes to that of any other tile."""
        index = index.to(self.device)
        other = torch.randint(len(self.learn), index.shape, generator=generator, device=self.device)
        second = pseudo.blend(len(index), FRAMES, generator)
        tiles, others = (self.learn.pixels[chosen].float() for chosen in (index, other))
        clips = pseudo.clips(tiles, others, second, self.recipe.augmentation, generator)
        share = pseudo.answer_shares(second)[:, None]
        return Batch(self.as_input(clips), (1 - share) * self.wanted[index] + share * self.wanted[other])

    def as_input(self, clips: Tensor) -> Tensor:
        """Grey clips (N, F, S, S) as the network takes them."""
        colour = prepared(clips.flatten(0, 1).unsqueeze(1), self.entry.pixels)
        return colour.unflatten(0, (-1, FRAMES)).transpose(1, 2)

    def answer(self, net: nn.Module, batch: Batch) -> Tensor:
        """Logits (B, 7)."""
        # The norms keep the statistics of all tiles: a batch has but a few faces, each many times.
        self.clip_net.trunk.eval()
        logits: Tensor = net(batch.clips)
        return logits

    def loss(self, answer: Tensor, batch: Batch) -> Tensor:
        return losses.soft_cross_entropy(answer, batch.wanted)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Accuracy in 0..1 on clips of one still tile, and on pseudo-clips in which the expression stays.

        Each against FER2013's label, and against the FER+ majority where it is one of the seven. The pseudo-clips are
        the same every time.
        """
        generator = torch.Generator(self.device).manual_seed(seed_of(self.recipe.data.seed, 2))
        found: list[list[Tensor]] = [[], []]
        labels, majority = self.check.labels[:CHECKED], self.check.majority[:CHECKED]
        for tiles in self.check.pixels[:CHECKED].float().split(CHECKED_AT_ONCE):
            nothing = torch.zeros(len(tiles), FRAMES, device=self.device)
            moving = pseudo.clips(tiles, tiles, nothing, self.recipe.augmentation, generator)
            for k, clips in enumerate((tiles.expand(-1, FRAMES, -1, -1), moving)):
                found[k].append(net(self.as_input(clips)).argmax(1))
        scores, counted = [], majority >= 0
        for guess in map(torch.cat, found):
            scores.append(float((guess == labels).float().mean()))
            scores.append(float((guess == majority)[counted].float().mean()))
        return dict(zip(self.scores, scores, strict=True))


def distil(recipe: Recipe, folder: Path, run: Path) -> None:
    """Train into the run folder, or go on there; the last checkpoint's ``average`` is the result.

    Raises:
        DatasetError: ``folder`` is no FER2013 folder.
        RecipeError: the recipe is of another network, or has no teacher.
        TrainingError: the run folder can't be used, or the training failed.
        ModelError: a teacher's file is missing or damaged.
    """
    if not recipe.distillation.teachers:
        raise RecipeError("distillation.teachers: expected at least one teacher to distil from, got none")
    device = pick_device()
    train.make_folder(run)
    faces = stills(recipe, folder, run, device)
    assert faces.taught is not None  # there are teachers
    train.fit(recipe, PseudoClips(recipe, faces.learn, faces.check, faces.taught, device), run, device)
