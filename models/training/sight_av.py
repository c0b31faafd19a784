"""Faces and sound of the same time: what the audio-visual networks look at and listen to."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.clips import heard
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.training.sight_pixels import Seen
from models.zoo.entry import Architecture


class FacesAndSound(NamedTuple):
    """Frames as ``seen`` chooses them, and ``steps`` of what is heard (N, steps, ``heard.WIDTH``) over the whole clip.

    Networks standardise what is heard themselves.
    """

    seen: Seen
    steps: int

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "FacesAndSound":
        """Raises:
        TrainingError: the sampling is another than frames evenly over the clip.
        """
        if how.sampling != "segments":
            raise TrainingError(
                f"clips.sampling: {entry.name} hears the whole clip, so it sees frames of all of it; expected "
                f"'segments', got {how.sampling!r}"
            )
        (shape,) = entry.signals.values()
        return cls(Seen.by(entry, how), shape[0])

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Frames (1, T * 3, S, S) in 0..255, chance choosing which of each part, and what is heard (1, steps, WIDTH).

        Raises:
            DatasetError: the clip can't be read, or has no sound.
        """
        told = source.derived(index, f"heard-v{heard.VERSION}-{self.steps}", lambda _: self._heard(source, index))
        return (*self.seen.views(source, index, rng), torch.from_numpy(told)[None])

    def _heard(self, source: ClipSource, index: int) -> NDArray[np.float32]:
        return heard.features(source.signal(index, "sound"), self.steps)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Faces as all pictures; what is heard is mixed with them and else stays."""
        (faces,), kept = self.seen.varied(views[:1], how, generator)
        return (faces, kept * views[1] + (1 - kept) * views[1].flip(0)), kept

    def ready(self, views: Views) -> Views:
        return (*self.seen.ready(views[:1]), views[1])

    def mirrored(self, inputs: Views) -> Views:
        """A mirror image sounds the same."""
        return (*self.seen.mirrored(inputs[:1]), inputs[1])
