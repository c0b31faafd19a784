"""Grey, motion-magnified clips, as AKMNet sees them: some frames to learn from, all of them in tests.

A clip travels as a face whose channels are its frames, (T, S, S), through ``augment``; the network gets it as
(1, T, S, S). Clips of one batch have one T: in training that of the network's registry entry, a frame from each of as
many equal parts; in tests each clip its own, and clips of different lengths don't share a batch, so that what is said
of one does not depend on who is beside it.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.clips import flow, rates, sampling
from models.clips.magnify import FACTOR, magnified
from models.clips.source import ClipSource, Frames
from models.errors import TrainingError
from models.inference.contract import Pixels
from models.training.augment import augment, mix
from models.training.inputs import at_size, prepared
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture

_KEPT = f"magnified-v1-{FACTOR:g}"
"""Under this name magnified clips are kept beside their faces; another number magnifies all anew."""


class Magnified(NamedTuple):
    """See ``models.training.sight``. ``even``: the clip is interpolated to ``frames`` of them, in training and tests
    (``models.clips.rates.spread``)."""

    frames: int
    size: int
    pixels: Pixels
    even: bool

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "Magnified":
        """Raises:
        TrainingError: the sampling is another than one frame of each part.
        """
        if how.sampling != "segments" or how.run != 1:
            raise TrainingError(
                f"clips.sampling: {entry.name} learns from one frame of each of {entry.frames} equal parts of a clip; "
                f"expected 'segments' with clips.run 1, got {how.sampling!r} with {how.run}"
            )
        return cls(entry.frames, entry.size, entry.pixels, False)

    @classmethod
    def evenly(cls, entry: Architecture, how: ClipsSection) -> "Magnified":
        """With temporal interpolation; else as ``by``."""
        return cls.by(entry, how)._replace(even=True)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """(1, T, S, S) float32 in 0..255 at the network's size."""
        if self.even:
            clip = source.derived(index, f"{_KEPT}-even-{self.frames}", self._evenly_magnified)
        else:
            clip = source.derived(index, _KEPT, _magnified)
            if rng is not None:
                clip = clip[sampling.segments(len(clip), self.frames, rng=rng)]
        return (at_size(torch.from_numpy(clip)[None].float(), self.size),)

    def _evenly_magnified(self, frames: Frames) -> NDArray[np.uint8]:
        return _magnified(rates.blended(frames, rates.spread(len(frames), self.frames)))

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        clips, kept = mix(augment(views[0], how, generator), how, generator)
        return (clips,), kept

    def ready(self, views: Views) -> Views:
        """(N, 1, T, S, S), normalised."""
        return (prepared(views[0].unsqueeze(1), self.pixels),)

    def mirrored(self, inputs: Views) -> Views:
        return (inputs[0].flip(-1),)


def _magnified(frames: Frames) -> NDArray[np.uint8]:
    """Grey (F, S, S)."""
    return np.rint(magnified(flow.grey(frames).astype(np.float32))).astype(np.uint8)
