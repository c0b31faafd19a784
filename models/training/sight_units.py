"""Action units of a clip (``models.clips.action_units``): a sequence of frames', or their mean.

What is somebody's rest is the median over all frames of all clips of them in the source, so that an expression that
fills its clip is not taken for the rest. No label is looked at for it.
"""

import numpy as np
import torch

from models.clips import action_units, sampling
from models.clips.action_units import Values
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.training.augment import mix
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture


class _Known:
    """What was found of a source: the strengths of a clip's units, by its index, and the rest of a person."""

    def __init__(self, source: ClipSource) -> None:
        self.source = source
        self.strengths: dict[int, Values] = {}
        self.rests: dict[str, Values] = {}

    def of_clip(self, index: int) -> Values:
        """(F, 18). Few numbers beside the landmarks that they are made of, so they stay in memory."""
        if index not in self.strengths:
            points, shapes = (self.source.signal(index, name) for name in ("points", "shapes"))
            self.strengths[index] = action_units.strengths(points, shapes)
        return self.strengths[index]

    def rest(self, subject: str) -> Values:
        """(18,)."""
        if subject not in self.rests:
            own = [self.of_clip(i) for i, name in enumerate(self.source.subjects) if name == subject]
            self.rests[subject] = np.median(np.concatenate(own), 0).astype(np.float32)
        return self.rests[subject]


class UnitsSight:
    """Units (N, T, 35) of ``frames`` frames, or their means (N, 35) over the clip where that is None."""

    def __init__(self, frames: int | None) -> None:
        self.frames = frames
        self._known: dict[int, _Known] = {}

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "UnitsSight":
        """Raises:
        TrainingError: the recipe's sampling is another one than ``segments`` of single frames.
        """
        if how.sampling != "segments" or how.run != 1:
            raise TrainingError(
                f"clips.sampling: {entry.name} looks at the whole clip, expected 'segments' and clips.run 1"
            )
        shape = entry.signals["units"]
        return cls(shape[0] if len(shape) == 2 else None)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Units (1, T, 35): a frame of each of T equal parts of the clip, by chance with ``rng``; or means (1, 35)."""
        known = self._known.setdefault(id(source), _Known(source))  # which keeps the source, and so its id
        found = action_units.columns(known.of_clip(index), known.rest(source.subjects[index]))
        if self.frames is None:
            return (torch.from_numpy(found.mean(0, keepdims=True)),)
        return (torch.from_numpy(found[sampling.segments(len(found), self.frames, 1, rng)][None]),)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Mixed alone: units know neither side nor light, and turned heads are for the face stage."""
        units = views[0]
        mixed, kept = mix(units.reshape(len(units), 1, -1, units.shape[-1]), how, generator)
        return (mixed.reshape(units.shape),), kept

    def ready(self, views: Views) -> Views:
        return views

    def mirrored(self, inputs: Views) -> Views:
        """The same: a unit is the mean of both sides."""
        return inputs
