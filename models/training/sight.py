"""How a network sees clips: what of a clip its inputs are made of, in training and in tests.

A network may have several inputs, so whatever is seen is a tuple of tensors, one an input.
"""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.clips.source import ClipSource
from models.training.recipe import AugmentationSection

Views = tuple[Tensor, ...]
"""One tensor (N, ...) for each input of a network."""


class ClipSight(Protocol):
    """Made by ``models.training.sights.of`` from a network's registry entry and a recipe's section ``clips``."""

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """One clip's views, on the CPU: one view chosen by ``rng``, or every view of a test."""

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """A batch augmented and mixed for training, and the share that each clip kept of itself.

        Targets are to be mixed alike: ``kept * t + (1 - kept) * t.flip(0)``.
        """

    def ready(self, views: Views) -> Views:
        """As the network takes them."""

    def mirrored(self, inputs: Views) -> Views:
        """What the network would be given of a mirror image; ``inputs`` are ready."""
