"""The frames themselves, those that a recipe's sampling chooses.

A clip travels as a face whose channels are the colours of its frames, (T * 3, S, S), through ``augment``; the network
gets it as (3, T, S, S), a single frame as (3, S, S), and grey ones with one channel.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clips import sampling
from models.clips.source import ClipSource, Frames
from models.errors import TrainingError
from models.inference.contract import Pixels
from models.training.augment import augment, mix
from models.training.inputs import at_size, prepared
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture
from models.zoo.layers import luma


def chosen(
    frames: Frames, moments: NDArray[np.int64], count: int, how: ClipsSection, rng: np.random.Generator | None
) -> list[NDArray[np.int64]]:
    """Which ``count`` frames of a clip are seen: one choice with ``rng``, else every view of a test.

    ``moments`` (2,) are onset and apex; of a single frame, the apex. Where they are not known (-1), the onset is the
    first frame, and the apex the one from the onset on that differs most from it.
    """
    if how.sampling == "segments":
        return [sampling.segments(len(frames), count // how.run, how.run, rng)]
    if how.sampling == "strided":
        if rng is not None:
            return [sampling.strided(len(frames), count, how.stride, rng)]
        return sampling.views(len(frames), count, how.stride, how.views)
    onset, apex = max(int(moments[0]), 0), int(moments[1])
    if apex < 0:
        apex = onset + int(np.abs(frames[onset:].astype(np.int16) - frames[onset]).mean((1, 2, 3)).argmax())
    return [np.array([onset, apex])[2 - count :]]


class Seen(NamedTuple):
    """``frames`` of a clip at ``size`` px through ``pixels``; see ``models.training.sight``."""

    frames: int
    size: int
    pixels: Pixels
    how: ClipsSection

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "Seen":
        """Raises:
        TrainingError: the sampling can't give the network's number of frames.
        """
        if how.sampling == "segments" and entry.frames % how.run:
            raise TrainingError(f"clips.run: expected a divisor of {entry.name}'s {entry.frames} frames, got {how.run}")
        if (how.sampling == "apex" and entry.frames > 2) or (how.sampling != "apex" and entry.frames == 2):
            raise TrainingError(
                f"clips.sampling: {entry.name} looks at {entry.frames} frames; 'apex' gives one or two, the others give"
                " any other number"
            )
        return cls(entry.frames, entry.size, entry.pixels, how)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Each (V, T * 3, S, S) float32 in 0..255 at the network's size; V is 1 with ``rng``."""
        frames = source.frames(index)
        choices = chosen(frames, source.moments[index], self.frames, self.how, rng)
        picked = frames[np.stack(choices)].transpose(0, 1, 4, 2, 3)  # (V, T, 3, S, S)
        return (at_size(torch.from_numpy(picked.copy()).flatten(1, 2).float(), self.size),)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        clips, kept = mix(augment(views[0], how, generator), how, generator)
        return (clips,), kept

    def ready(self, views: Views) -> Views:
        """(N, C, T, S, S), normalised; (N, C, S, S) of a single frame."""
        clips: Tensor = views[0].unflatten(1, (self.frames, 3)).transpose(1, 2)
        if self.pixels.channels == 1:
            clips = luma(clips)
        return (prepared(clips if self.frames > 1 else clips[:, :, 0], self.pixels),)

    def mirrored(self, inputs: Views) -> Views:
        return (inputs[0].flip(-1),)
