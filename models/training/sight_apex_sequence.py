"""The apex frame, and the optical flow of 32 frames on each side of it: what ATNet looks at.

Where no apex is labelled, it is the clip's middle frame (Peng et al. 2019).
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.clips import flow_blocks
from models.clips.source import ClipSource, Frames
from models.errors import TrainingError
from models.inference.contract import Pixels
from models.training.augment import augment, mix, uniform
from models.training.inputs import at_size, prepared
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture
from models.zoo.layers import luma


class ApexSequence(NamedTuple):
    """Faces (N, 1, S, S) of ``size`` px through ``pixels``, and motion (N, 64, 128) of ``models.clips.flow_blocks``."""

    size: int
    pixels: Pixels

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "ApexSequence":
        """Raises:
        TrainingError: the sampling is another one than ``apex``.
        """
        if how.sampling != "apex":
            raise TrainingError(f"clips.sampling: {entry.name} looks at the apex and around it, expected 'apex'")
        return cls(entry.size, entry.pixels)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Face (1, 1, S, S) in 0..255 and motion (1, 64, 128); the same whatever chance says."""
        labelled = int(source.moments[index, 1])
        where = "middle" if labelled < 0 else str(labelled)

        def apex(frames: Frames) -> int:
            return len(frames) // 2 if labelled < 0 else labelled

        # Both are kept, so that a clip is read from the disk once and not in every epoch.
        face = source.derived(index, f"frame-{where}", lambda frames: frames[apex(frames)])
        name = f"{flow_blocks.NAME}-{where}"
        motion = source.derived(index, name, lambda frames: flow_blocks.around(frames, apex(frames)))
        grey = luma(torch.from_numpy(face.copy()).permute(2, 0, 1)[None].float())
        return at_size(grey, self.size), torch.from_numpy(motion)[None]

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """As all pictures; motion is mirrored with its face and mixed as it is."""
        faces, motion = views
        mirror = torch.where(uniform(faces, -1, 1, generator).flatten() < 0, -1.0, 1.0)
        faces, kept = mix(augment(faces, how, generator, mirror), how, generator)
        motion = torch.where(mirror.view(-1, 1, 1) < 0, _mirrored_motion(motion), motion)
        return (faces, kept * motion + (1 - kept) * motion.flip(0)), kept

    def ready(self, views: Views) -> Views:
        return prepared(views[0], self.pixels), views[1]

    def mirrored(self, inputs: Views) -> Views:
        return inputs[0].flip(-1), _mirrored_motion(inputs[1])


def _mirrored_motion(motion: Tensor) -> Tensor:
    """Motion (N, 64, 128) of the mirror image: the blocks change sides, and what went right goes left."""
    grid = motion.unflatten(2, (flow_blocks.GRID, flow_blocks.GRID, 2)).flip(3)
    return (grid * grid.new_tensor([-1.0, 1.0])).flatten(2)
