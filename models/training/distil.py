"""``moodcast models distil``: teach moodnet-clip on pseudo-clips what its teachers say of the still faces.

The clips are made of FER2013 tiles (``models.training.pseudo``). What is asked of a clip are the label, the votes and
the teachers' answers of its tile, or of its two tiles where the expression changes, as far as the newest frames show
them. The teachers see the tile as it is, and mirrored; the network sees it moved, lit and disturbed. So it learns to
say of a clip what a still classifier would say of its best frame.

The trunk is that of a trained moodnet-small and stays as it is: only the head learns, from features that are computed
once and kept in the run folder, which is else one of ``moodcast models train``. A head is trained in minutes then, and
whoever has a better trunk gives the same command again.
"""

import hashlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from models import atomic
from models.errors import RecipeError, TrainingError
from models.training import checkpoint, losses, pseudo, teachers, train, unfold
from models.training.classify_faces import stills
from models.training.data import Split
from models.training.recipe import Recipe
from models.training.trainer import pick_device, pick_precision, seed_of
from models.zoo import networks
from models.zoo.moodnet import Moodnet
from models.zoo.moodnet_clip import FRAMES, MoodnetClip
from relay.protocol import EXPRESSIONS

_K = len(EXPRESSIONS)
SEQUENCES, _CHECKED = 5120, 512
"""Sequences to learn from, and tiles to validate on, at most."""
LENGTH = 2 * FRAMES
"""Frames of a sequence; a clip is any ``FRAMES`` of them in a row."""
CHUNK = 32
"""Sequences whose features are computed at once."""
_KEPT_EVERY = 10
"""Chunks."""
_MEASURED = 64
"""Faces for ``unfold``: what they measure matters to a trunk that is trained on only."""
_CACHE = "features.npz"


class FeatureBatch(NamedTuple):
    """Features (B, ``FRAMES``, D) of clips' faces, and what is to be answered (B, 7)."""

    features: Tensor
    wanted: Tensor


class Sequences(NamedTuple):
    """Features (N, ``LENGTH``, D); the tiles (N,) of each sequence, first and second; the second's share (N, F)."""

    features: Tensor
    first: Tensor
    other: Tensor
    second: Tensor


class PseudoClips:
    """Tiles to make clips of, see ``models.training.task``; ``taught`` (N, 2, 7) are the teachers' answers to them."""

    classes: tuple[str, ...] = EXPRESSIONS
    scores: tuple[str, ...] = ("still_label", "still_votes", "moving_label", "moving_votes", "changes")

    def __init__(
        self, recipe: Recipe, learn: Split, check: Split, taught: Tensor, run: Path, device: torch.device
    ) -> None:
        self.recipe, self.learn, self.check, self.run, self.device = recipe, learn, check, run, device
        self.examples = min(SEQUENCES, len(learn))
        self.precision = pick_precision(recipe.optimizer.precision, device)
        torch.manual_seed(recipe.data.seed)
        net = networks.build(recipe.network.name, _K)
        if not isinstance(net, MoodnetClip):
            raise RecipeError(f"network.name: only moodnet-clip is taught this way, got {recipe.network.name!r}")
        self.net: nn.Module = net.to(device)
        self.trunk, self.head = net.trunk.requires_grad_(False), net.head
        how, share = recipe.loss, recipe.distillation.share
        own = how.label * F.one_hot(learn.labels, _K).float() + how.votes * learn.votes
        self.wanted = (1 - share) * own / (how.label + how.votes) + share * taught.to(device).mean(1)
        self.sequences: Sequences | None = None
        self.checked: tuple[Tensor, Tensor] | None = None

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
            still = networks.build("moodnet-small", _K).to(self.device)
            unfold.take_up(file, still, self.learn.pixels[:_MEASURED].float())
        if not isinstance(still, Moodnet):
            raise TrainingError(f"network.start: expected a moodnet-small in {file}, got another network")
        heads = zip(still.label.parameters(), still.votes.parameters(), strict=True)
        means = dict(zip(("weight", "bias"), ((one + other) / 2 for one, other in heads), strict=True))
        try:
            # Strict about sizes only: the trunk has no use for the two heads.
            self.trunk.load_state_dict(still.state_dict(), strict=False)
            self.head.classify.load_state_dict(means)
        except RuntimeError as error:
            raise TrainingError(f"network.start: expected a moodnet-small in {file}, got another size") from error

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> FeatureBatch:
        """Of each sequence a clip."""
        if self.sequences is None:
            self.sequences = self.load_sequences()
        every, index = self.sequences, index.to(self.device)
        starts = torch.randint(LENGTH - FRAMES + 1, (len(index), 1), generator=generator, device=self.device)
        frames = starts + torch.arange(FRAMES, device=self.device)
        share = pseudo.answer_shares(every.second[index].gather(1, frames))[:, None]
        wanted = (1 - share) * self.wanted[every.first[index]] + share * self.wanted[every.other[index]]
        return FeatureBatch(every.features[index[:, None], frames], wanted)

    def answer(self, net: nn.Module, batch: FeatureBatch) -> Tensor:
        """Logits (B, 7)."""
        logits: Tensor = self.head(batch.features)
        return logits

    def loss(self, answer: Tensor, batch: FeatureBatch) -> Tensor:
        return losses.soft_cross_entropy(answer, batch.wanted)

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Accuracy in 0..1 on tiles that do not move, and on clips in which the expression stays; label changes.

        Accuracies are against FER2013's label, and against the FER+ majority where it is one of the seven. ``changes``
        is the share of clips whose label is another than that of the clip a frame before.
        """
        if self.checked is None:
            self.checked = self.check_features()
        still, moving = self.checked
        # Of the trunk there is nothing new to find out, and it would take most of the time.
        head = next(part for name, part in net.named_modules() if name.split(".")[-1] == "head")
        windows = moving.unfold(1, FRAMES, 1).transpose(2, 3)  # (N, W, FRAMES, D)
        found = head(still[:, None].expand(-1, FRAMES, -1)).argmax(1)
        guess = head(windows.flatten(0, 1)).argmax(1).view(windows.shape[:2])
        labels, majority = self.check.labels[: len(still)], self.check.majority[: len(still)]
        counted = majority >= 0
        scores = (
            found == labels,
            (found == majority)[counted],
            guess == labels[:, None],
            (guess == majority[:, None])[counted],
            guess[:, 1:] != guess[:, :-1],
        )
        return {name: float(right.float().mean()) for name, right in zip(self.scores, scores, strict=True)}

    def check_features(self) -> tuple[Tensor, Tensor]:
        """Features of the validation tiles as they are (N, D), and moved without a change of expression (N, F, D)."""
        generator = torch.Generator(self.device).manual_seed(seed_of(self.recipe.data.seed, 2))
        tiles = self.check.pixels[:_CHECKED].float()
        moving = []
        for part in tiles.split(CHUNK):
            nothing = torch.zeros(len(part), LENGTH, device=self.device)
            moving.append(self.features(pseudo.clips(part, part, nothing, self.recipe.augmentation, generator)))
        return torch.cat([self.features(part) for part in tiles.split(CHUNK)])[:, 0], torch.cat(moving)

    @torch.no_grad()
    def features(self, clips: Tensor) -> Tensor:
        """Features (N, F, D) float32 of grey clips (N, F, S, S)."""
        faces = clips.flatten(0, 1).unsqueeze(1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            return self.trunk.eval()(faces).float().unflatten(0, clips.shape[:2])

    def load_sequences(self) -> Sequences:
        """The sequences to learn from; their features are kept in the run folder as far as they are computed.

        Raises:
            TrainingError: the folder can't be written to.
        """
        key, rows = self.fingerprint(), torch.zeros(0, LENGTH, 0)
        file = self.run / _CACHE
        if file.is_file():
            with np.load(file) as stored:
                if str(stored["key"]) == key:
                    rows = torch.from_numpy(stored["features"])
        parts, chunks = [rows.to(self.device)] if len(rows) else [], []
        starts = range(0, self.examples, CHUNK)
        for start in tqdm(starts, desc="features", unit="chunk", mininterval=1, leave=False, file=sys.stderr):
            size = min(CHUNK, self.examples - start)
            generator = torch.Generator(self.device).manual_seed(seed_of(self.recipe.data.seed, 3, start))
            first, other = torch.randint(len(self.learn), (2, size), generator=generator, device=self.device)
            second = pseudo.blend(size, LENGTH, generator)
            chunks.append((first, other, second))
            if start < len(rows):
                continue
            tiles, others = (self.learn.pixels[chosen].float() for chosen in (first, other))
            clips = pseudo.clips(tiles, others, second, self.recipe.augmentation, generator)
            parts.append(self.features(clips).half())
            if len(parts) % _KEPT_EVERY == 0 or start + CHUNK >= self.examples:
                self.keep(key, torch.cat(parts))
        firsts, others, seconds = (torch.cat(column) for column in zip(*chunks, strict=True))
        return Sequences(torch.cat(parts).float(), firsts, others, seconds)

    def keep(self, key: str, rows: Tensor) -> None:
        """Write the features that there are; a full disk costs no more than computing them again."""
        buffer = io.BytesIO()
        np.savez(buffer, key=key, features=rows.cpu().numpy())
        try:
            atomic.write(buffer.getvalue(), self.run / _CACHE)
        except OSError as error:
            tqdm.write(f"moodcast: can't keep the features in {self.run} ({error.strerror}); going on", sys.stderr)

    def fingerprint(self) -> str:
        """Changes with the trunk, the tiles, and how they are moved."""
        digest = hashlib.sha256(self.learn.pixels.cpu().numpy().tobytes())
        for tensor in self.trunk.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        digest.update(f"{self.recipe.data.seed} {self.recipe.augmentation} {LENGTH} {CHUNK}".encode())
        return digest.hexdigest()


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
    with train.made_folder(run):
        faces = stills(recipe, folder, run, device)
        assert faces.taught is not None  # there are teachers
        train.fit(recipe, PseudoClips(recipe, faces.learn, faces.check, faces.taught, run, device), run, device)
