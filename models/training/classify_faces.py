"""The task of a network that looks at single faces: FER2013's labels and FER+'s votes, alone or with teachers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import TrainingError
from models.stills import fer2013
from models.training import checkpoint, classify_clips, data, losses, teachers, unfold
from models.training.augment import augment, mix
from models.training.data import Split
from models.training.inputs import architecture, at_size, heads, prepared
from models.training.recipe import Recipe
from models.zoo import networks
from relay.protocol import EXPRESSIONS

_K = len(EXPRESSIONS)
_MEASURED = 2048
"""Faces on which the norms of a shipped file are measured anew."""


class FaceBatch(NamedTuple):
    """Augmented faces (B, 1, S, S); targets ``label`` and ``votes`` (B, 7); ``taught`` (B, 2, 7) by the teachers."""

    faces: Tensor
    label: Tensor
    votes: Tensor
    taught: Tensor | None


class ClassifyFaces:
    """Faces to learn from and to check on, see ``models.training.task``.

    ``taught`` (N, 2, 7) are the teachers' probabilities of the faces in ``learn``, or None.
    """

    classes: tuple[str, ...] = EXPRESSIONS
    scores: tuple[str, ...] = ("label", "votes", "mean_recall", "lowest_recall")

    def __init__(self, recipe: Recipe, learn: Split, check: Split, taught: Tensor | None, device: torch.device) -> None:
        self.recipe, self.learn, self.check, self.device = recipe, learn, check, device
        self.taught = None if taught is None else taught.to(device)
        self.examples = len(learn)
        self.entry = architecture(recipe)
        torch.manual_seed(recipe.data.seed)
        self.net: nn.Module = networks.build(recipe.network.name, _K).to(device, memory_format=torch.channels_last)
        label_counts, votes_counts = torch.bincount(learn.labels, minlength=_K), learn.votes.sum(0)
        self.log_priors = [losses.log_prior(counts) for counts in (label_counts, votes_counts)]
        beta = recipe.loss.class_balance
        self.class_weights = [
            losses.effective_number_weights(counts, beta) if beta else None for counts in (label_counts, votes_counts)
        ]

    def start_from(self, source: str) -> None:
        """Begin with the weights of another run, of a file of `moodcast models convert`, or of a shipped ONNX file.

        Raises:
            TrainingError: the file is of another network, or can't be read.
            ModelError: as ``teachers.file_of``.
        """
        if Path(source).is_file():
            classify_clips.start_from(self.net, Path(source))
            return
        file = teachers.file_of(source)
        if file.name == checkpoint.FILE:
            classify_clips.start_from(self.net, file.parent, self.classes)
        else:
            faces = self.learn.pixels[torch.randperm(len(self.learn))[:_MEASURED].to(self.device)]
            unfold.take_up(file, self.net, at_size(faces.float(), self.entry.size))

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> FaceBatch:
        """Faces, augmented and mixed, with their targets mixed alike."""
        schedule, how, index = self.recipe.schedule, self.recipe.augmentation, index.to(self.device)
        size = schedule.small_size if epoch < schedule.small_epochs else self.entry.size
        # Augmentation costs by the pixel, so a face is shrunk before it and enlarged after.
        faces = at_size(self.learn.pixels[index].float(), min(size, fer2013.TILE))
        faces, kept = mix(augment(faces, how, generator), how, generator)

        def mixed(targets: Tensor) -> Tensor:
            return kept * targets + (1 - kept) * targets.flip(0)

        label = F.one_hot(self.learn.labels[index], _K).float()
        taught = None if self.taught is None else mixed(self.taught[index])
        return FaceBatch(at_size(faces, size), mixed(label), mixed(self.learn.votes[index]), taught)

    def answer(self, net: nn.Module, batch: FaceBatch) -> tuple[Tensor, Tensor]:
        """Both heads' logits (B, 7)."""
        faces = prepared(batch.faces, self.entry.pixels).contiguous(memory_format=torch.channels_last)
        return heads(net(faces))

    def loss(self, answer: tuple[Tensor, Tensor], batch: FaceBatch) -> Tensor:
        """The recipe's loss of both heads."""
        total = torch.zeros((), device=self.device)
        distil, how = self.recipe.distillation, self.recipe.loss
        for k, (weight, targets) in enumerate(((how.label, batch.label), (how.votes, batch.votes))):
            if weight == 0:
                continue
            part = losses.classification(answer[k], targets, how, self.log_priors[k], self.class_weights[k])
            if batch.taught is not None:
                learned = losses.distillation(answer[k], batch.taught[:, k], distil.temperature)
                part = (1 - distil.share) * part + distil.share * learned
            total = total + weight * part
        return total

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Scores in 0..1: both heads' accuracies, and the label head's recalls over classes.

        ``votes`` counts the faces alone whose FER+ majority is one of the seven.
        """
        faces, size = self.check, self.entry.size
        guesses: list[list[Tensor]] = [[], []]
        for chunk in faces.pixels.split(256):
            views = [chunk, chunk.flip(3)] if self.recipe.data.validation_flip else [chunk]
            both = [heads(net(prepared(at_size(view.float(), size), self.entry.pixels))) for view in views]
            for k, found in enumerate(guesses):
                found.append(torch.stack([answer[k].float().softmax(1) for answer in both]).sum(0).argmax(1))
        by_label, by_votes = (torch.cat(found) for found in guesses)
        right, counted = by_label == faces.labels, faces.majority >= 0
        recalls = [float(right[faces.labels == k].float().mean()) for k in range(_K) if bool((faces.labels == k).any())]
        return {
            "label": float(right.float().mean()),
            "votes": float((by_votes == faces.majority)[counted].float().mean()),
            "mean_recall": float(np.mean(recalls)),
            "lowest_recall": min(recalls),
        }


def stills(recipe: Recipe, folder: Path, run: Path, device: torch.device) -> ClassifyFaces:
    """The task as a recipe says, from a FER2013 folder; the teachers' answers are kept in the run folder.

    Raises:
        DatasetError: ``folder`` is no FER2013 folder.
        RecipeError: the recipe names a network or a teacher that there is not.
        TrainingError: a start or a teacher has learned from faces that are held out here; or the run folder is full.
        ModelError: a teacher's file is missing or damaged.
    """
    for other in filter(None, (recipe.network.start, *recipe.distillation.teachers)):
        if (Path(other) / checkpoint.FILE).is_file():
            checkpoint.same_split(Path(other), recipe)
    learn, check = data.split(fer2013.load(folder, "Training"), recipe.data)
    taught = None
    if recipe.distillation.teachers:
        try:
            taught = torch.from_numpy(teachers.answers(recipe.distillation.teachers, learn.pixels, run))
        except OSError as error:
            raise TrainingError(f"can't keep the teachers' answers in {run}: {error.strerror}") from error
    return ClassifyFaces(recipe, Split.of(learn, device), Split.of(check, device), taught, device)
