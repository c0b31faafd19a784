"""Pseudo-clips: still faces that are moved, lit and disturbed as a webcam's are, with the answers a clip should get.

A clip of ``frames`` faces is made of one tile, or of two where the expression changes: then the first dissolves into
the second. Over the whole clip go changes of ``models.training.augment``; from frame to frame the crop trembles and
drifts, the light wanders, the sensor makes noise, and now and then a frame is blurred or half covered.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from models.training.augment import quality, softened, uniform
from models.training.recipe import AugmentationSection

CHANGES = 0.6
"""Share of sequences in which the expression changes."""
_TREMBLE = 0.35
"""Of a frame's crop, as a share of what the recipe allows from clip to clip; drawn anew for each frame."""
_DRIFT = 0.5
"""Of a clip's crop from its first to its last frame, likewise."""
_NOISE = 10.0
"""Largest standard deviation of the sensor's noise, in grey levels."""
_DISTURBED = 0.08
"""Share of frames that are blurred, and as many that are half covered."""
SETTLED = 0.5
"""Share of the answer that the newest frame alone makes up; each one before it, of what is left."""


def blend(clips: int, frames: int, generator: torch.Generator) -> Tensor:
    """How much of each frame (N, F) is the second tile: all 0 where nothing changes."""
    device = generator.device
    draw = torch.rand(clips, 3, generator=generator, device=device)
    # The change may also lie so late that the clip ends in it, and takes up to three frames.
    start, length = draw[:, 0:1] * frames, 0.2 + 2.8 * draw[:, 1:2]
    ramp = ((torch.arange(frames, device=device) + 1 - start) / length).clamp(0, 1)
    return torch.where(draw[:, 2:3] < CHANGES, ramp, torch.zeros_like(ramp))


def answer_shares(second: Tensor) -> Tensor:
    """What share (N,) of a clip's answer belongs to its second tile; ``second`` (N, F) as ``blend`` gives it."""
    frames = second.shape[1]
    weights = SETTLED * (1 - SETTLED) ** torch.arange(frames - 1, -1, -1, device=second.device)
    return (second * (weights / weights.sum())).sum(1)


def clips(
    tiles: Tensor, others: Tensor, second: Tensor, how: AugmentationSection, generator: torch.Generator
) -> Tensor:
    """Clips (N, F, S, S) in 0..255 of first and second tiles (N, 1, S, S), blended as ``second`` (N, F) says."""
    number, frames = second.shape
    tiles, others = (quality(side, how.operations, how.strength, generator) for side in (tiles, others))
    mix = second[:, :, None, None]
    faces = tiles * (1 - mix) + others * mix
    faces = moved(faces, how, generator).view(number * frames, 1, *tiles.shape[2:])
    faces = _disturbed(faces, generator)
    light = _wander(number, frames, generator).view(-1, 1, 1, 1)
    faces = 128 + (faces - 128) * torch.exp2(0.5 * light) + 25 * light
    strength = uniform(tiles, 0, _NOISE, generator).repeat_interleave(frames, 0)
    faces = faces + strength * torch.randn(faces.shape, generator=generator, device=faces.device)
    return faces.clamp(0, 255).view(number, frames, *tiles.shape[2:])


def moved(faces: Tensor, how: AugmentationSection, generator: torch.Generator) -> Tensor:
    """Roll, zoom and shift of clips (N, F, S, S): one for the clip, a drift, and a tremble for each frame."""
    number, frames = faces.shape[:2]
    # Some faces sit still, and their crops hardly tremble.
    still = torch.rand(number, 1, generator=generator, device=faces.device)

    def path(reach: float) -> Tensor:
        draw = torch.rand(number, frames + 2, generator=generator, device=faces.device) * 2 - 1
        along = torch.linspace(-0.5, 0.5, frames, device=faces.device)
        return reach * (draw[:, :1] + _DRIFT * draw[:, 1:2] * along + _TREMBLE * draw[:, 2:] * still)

    angle, scale = torch.deg2rad(path(how.roll_degrees)), torch.exp(path(how.zoom))
    flip = torch.rand(number, 1, generator=generator, device=faces.device) < 0.5
    mirror = torch.where(flip, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([cos * mirror, -sin, 2 * path(how.shift)], 2)]
    rows.append(torch.stack([sin * mirror, cos, 2 * path(how.shift)], 2))
    flat = faces.reshape(number * frames, 1, *faces.shape[2:])
    grid = F.affine_grid(torch.stack(rows, 2).flatten(0, 1), list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(faces)


def _disturbed(faces: Tensor, generator: torch.Generator) -> Tensor:
    """Faces (N, 1, S, S), of which a few are blurred by motion and a few half covered (a hand, a microphone)."""
    kind = uniform(faces, 0, 1, generator)
    faces = torch.where(kind < _DISTURBED, softened(softened(faces)), faces)
    axis = torch.linspace(-1, 1, faces.shape[-1], device=faces.device)
    angle, offset = uniform(faces, 0, 2 * math.pi, generator), uniform(faces, 0, 0.6, generator)
    covered = torch.cos(angle) * axis.view(1, 1, 1, -1) + torch.sin(angle) * axis.view(1, 1, -1, 1) > offset
    return torch.where(covered & (kind > 1 - _DISTURBED), uniform(faces, 0, 255, generator), faces)


def _wander(number: int, frames: int, generator: torch.Generator) -> Tensor:
    """A light (N, F) that wanders around 0: a slow swing, and now and then a flicker."""
    draw = torch.rand(number, frames + 3, generator=generator, device=generator.device)
    phase = 2 * math.pi * (draw[:, :1] + draw[:, 1:2] * torch.arange(frames, device=generator.device) / frames)
    return 0.5 * draw[:, 2:3] * torch.sin(phase) + 0.3 * draw[:, 2:3] * (draw[:, 3:] - 0.5)
