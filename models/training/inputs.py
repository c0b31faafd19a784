"""From faces to what a recipe's network takes, and from what it answers to two heads."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import RecipeError
from models.inference.contract import Pixels
from models.training.recipe import Recipe
from models.zoo import networks
from models.zoo.entry import Architecture


def architecture(recipe: Recipe) -> Architecture:
    """The entry of a recipe's network; where every epoch sees small faces, of its edition for faces of that size.

    Such a network would not know larger ones, so it is validated, judged and exported with small ones, too.

    Raises:
        UnknownModelError: there is no such network.
        RecipeError: small faces are asked for, of one that sees none.
    """
    entry, how = networks.get(recipe.network.name), recipe.schedule
    if how.small_epochs and not entry.size:
        raise RecipeError(f"schedule.small_epochs: {entry.name} sees no faces, expected 0, got {how.small_epochs}")
    return replace(entry, size=how.small_size) if how.small_epochs == how.epochs else entry


def at_size(faces: Tensor, size: int) -> Tensor:
    """Faces (N, C, S, S) at another side; smaller ones by area, larger ones bilinear."""
    if faces.shape[-1] == size:
        return faces
    if size < faces.shape[-1]:
        return F.interpolate(faces, size=(size, size), mode="area")
    return F.interpolate(faces, size=(size, size), mode="bilinear", align_corners=False)


def prepared(faces: Tensor, pixels: Pixels) -> Tensor:
    """Faces (N, C, ..., S, S) in 0..255 as a network sees them; grey ones become three times the same for RGB."""
    shape = (-1, *[1] * (faces.ndim - 2))
    mean, std = (torch.tensor(values, device=faces.device).view(shape) for values in (pixels.mean, pixels.std))
    return (faces - mean) / std


def heads(answer: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A network's logits (N, 7) for FER2013's labels and for FER+'s votes; a single head answers both."""
    return (answer, answer) if isinstance(answer, torch.Tensor) else answer
