"""Optical flow at one or two frame rates, as DTSCNN sees it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clips import flow, rates, windows
from models.clips.source import ClipSource, Frames
from models.clips.windows import ONE_RATE, WINDOW_60, WINDOW_120, RateWindow
from models.training.augment import geometry, mix, uniform
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture

SEEN: Mapping[str, tuple[RateWindow, ...]] = MappingProxyType(
    {
        "flow-60": (WINDOW_60,),
        "flow-120": (WINDOW_120,),
        "flow-60-120": (WINDOW_60, WINDOW_120),
        "flow-60-as-120": (WINDOW_60, ONE_RATE),
    }
)
"""The windows by the names that registry entries give as ``sight``; one follows the other in time's axis."""


class FlowAtRates(NamedTuple):
    """Flow (N, 2, T, S, S) at ``size`` px, found in faces ``finer`` by that factor and averaged.

    A motion of less than a pixel is found in more of them. T is that of all ``parts`` together.
    """

    size: int
    finer: int
    parts: tuple[RateWindow, ...]

    @classmethod
    def by(cls, entry: Architecture, _: ClipsSection) -> "FlowAtRates":
        return cls(entry.size, entry.finer, SEEN[entry.sight])

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """(1, 2, T, S, S), in pixels of the faces a step.

        The same seconds at each rate: anywhere in the clip with ``rng``, and else its middle.

        Raises:
            DatasetError: the clip can't be read, or its rate is not known.
        """
        fps = rates.checked(float(source.rate[index]), f"clip {index} of {source.subjects[index]}")
        place = 0.5 if rng is None else float(rng.random())
        cut = [windows.cut(self._flow(source, index, fps, part), part, place) for part in self.parts]
        return (torch.from_numpy(np.concatenate(cut)).permute(3, 0, 1, 2)[None].contiguous(),)

    def _flow(self, source: ClipSource, index: int, fps: float, part: RateWindow) -> NDArray[np.float16]:
        """Of the whole clip (T, S, S, 2)."""
        if part.through:
            return windows.again(self._flow(source, index, fps, RateWindow(part.through, 0)), part)
        name = f"flow-at-v{windows.VERSION}-dis{flow.VERSION}-{self.size}x{self.finer}px-{fps:g}to{part.rate}"

        def make(frames: Frames) -> NDArray[np.float16]:
            faces = windows.scaled(frames, self.size * self.finer)
            return windows.averaged(windows.flow_at(faces, fps, part.rate), self.finer)

        return source.derived(index, name, make)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Geometry and mixing alone: flow has no light, and an erased part of it would be motion."""
        moved = views[0].flatten(1, 2)
        mirror = torch.where(uniform(moved, -1, 1, generator).flatten() < 0, -1.0, 1.0)
        moved = geometry(moved, how, generator, mirror).unflatten(1, views[0].shape[1:3])
        moved = torch.stack([moved[:, 0] * mirror.view(-1, 1, 1, 1), moved[:, 1]], 1)
        mixed, kept = mix(moved.flatten(1, 2), how, generator)
        return (mixed.unflatten(1, views[0].shape[1:3]),), kept

    def ready(self, views: Views) -> Views:
        return views

    def mirrored(self, inputs: Views) -> Views:
        """What went right goes left."""
        flipped: Tensor = inputs[0].flip(-1)
        return (torch.stack([-flipped[:, 0], flipped[:, 1]], 1),)
