"""The networks a recipe can name."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.errors import RecipeError
from models.zoo.moodnet import Moodnet


class Entry(NamedTuple):
    """``build()`` makes the network; ``size`` is the side of the grey faces (N, 1, size, size), 0..255, it takes."""

    build: Callable[[], nn.Module]
    size: int


NETWORKS = {"moodnet": Entry(Moodnet, 48)}


def get(name: str) -> Entry:
    """The entry of that name.

    Raises:
        RecipeError: there is none.
    """
    if name not in NETWORKS:
        raise RecipeError(f"network.name: expected one of {', '.join(NETWORKS)}, got {name!r}")
    return NETWORKS[name]


def heads(answer: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A network's logits (N, 7) for FER2013's labels and for FER+'s votes; a single head answers both."""
    return (answer, answer) if isinstance(answer, torch.Tensor) else answer
