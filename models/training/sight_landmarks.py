"""Figures of a face's landmarks in one frame: the labelled apex, or the clip's middle where none is labelled."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.clips import gabor, landmarks
from models.clips.cache import MARGIN
from models.clips.source import ClipSource
from models.training.augment import mix, uniform
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture

Figures = Callable[[ClipSource, int, int], NDArray[np.float32]]
"""Those (D,) of a source's clip of some index, at some frame."""


def _distances(source: ClipSource, index: int, frame: int) -> NDArray[np.float32]:
    return landmarks.distances(source.signal(index, "points")[frame])


def _jets(source: ClipSource, index: int, frame: int) -> NDArray[np.float32]:
    """At the 51 inner points, one point's jet after the other's. Kept, so that a clip is read once."""
    points = source.signal(index, "points")[frame]
    found: NDArray[np.float32] = source.derived(
        index,
        f"gabor-v{gabor.VERSION}-{frame}",
        lambda frames: gabor.jets(
            frames[frame], landmarks.placed(points, landmarks.INNER, frames.shape[1], MARGIN)
        ).ravel(),
    )
    return found


def _mirrored_jets() -> NDArray[np.int64]:
    points = landmarks.mirrored(landmarks.INNER)
    found: NDArray[np.int64] = (points[:, None] * gabor.JET + gabor.MIRRORED).ravel()
    return found


class LandmarkFigures(NamedTuple):
    """Figures (N, D); those of a mirror image are the same ones in the order ``turned`` (D,)."""

    figures: Figures
    turned: NDArray[np.int64]

    @classmethod
    def distances(cls, entry: Architecture, _: ClipsSection) -> "LandmarkFigures":
        """To the centre of gravity (N, 68), see ``models.clips.landmarks.distances``."""
        return cls(_distances, landmarks.mirrored(landmarks.POINTS))

    @classmethod
    def jets(cls, entry: Architecture, _: ClipsSection) -> "LandmarkFigures":
        """Gabor jets of faces that are each cut by their own landmarks (N, 918), see ``models.clips.gabor``."""
        return cls(_jets, _mirrored_jets())

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """(1, D), the same whatever chance says.

        Raises:
            DatasetError: the clip can't be read, or has no landmarks.
        """
        apex = int(source.moments[index, 1])
        frame = apex if apex >= 0 else len(source.signal(index, "points")) // 2
        return (torch.from_numpy(self.figures(source, index, frame))[None],)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Half of them mirrored, then mixed: roll, zoom and shift change none of the figures."""
        mirror = uniform(views[0], -1, 1, generator).view(-1, 1) < 0
        figures, kept = mix(torch.where(mirror, self._turned(views), views[0])[..., None, None], how, generator)
        return (figures.flatten(1),), kept

    def ready(self, views: Views) -> Views:
        return views

    def mirrored(self, inputs: Views) -> Views:
        return (self._turned(inputs),)

    def _turned(self, views: Views) -> torch.Tensor:
        return views[0][:, torch.from_numpy(self.turned).to(views[0].device)]
