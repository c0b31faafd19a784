"""Face-safe augmentation on whole batches, on the device the faces are on.

Faces are (N, C, S, S) float32 in 0..255, in and out. Nothing here turns a face upside down, inverts it or bends it:
each change is one that a camera or a head makes, so the expression stays what it was. A clip is a face whose channels
are the colours of all its frames, so that these change alike; only noise is each frame's own.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from models.training.recipe import AugmentationSection


def uniform(faces: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    """A number (N, 1, 1, 1) for each face."""
    draw = torch.rand(len(faces), 1, 1, 1, generator=generator, device=faces.device)
    return draw * (high - low) + low


def augment(
    faces: Tensor, how: AugmentationSection, generator: torch.Generator, mirror: Tensor | None = None
) -> Tensor:
    """Geometry, then picture quality, then an erased rectangle; ``mirror`` as in ``geometry``."""
    out = geometry(faces, how, generator, mirror)
    if how.operations:
        out = quality(out, how.operations, how.strength, generator)
    return erase(out, how.erase_share, generator)


def geometry(
    faces: Tensor, how: AugmentationSection, generator: torch.Generator, mirror: Tensor | None = None
) -> Tensor:
    """Mirror half of them; roll, zoom and shift all. What comes in at the sides repeats the border.

    Whoever has more than faces to mirror says with ``mirror`` (N,) which ones are, -1 for those and 1 for the others.
    """

    def draw(reach: float) -> Tensor:
        return uniform(faces, -reach, reach, generator).flatten()

    angle = torch.deg2rad(draw(how.roll_degrees))
    scale = torch.exp(draw(how.zoom))
    if mirror is None:
        mirror = torch.where(draw(1) < 0, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, 2 * draw(how.shift)], 1),
            torch.stack([sin * mirror, cos, 2 * draw(how.shift)], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def quality(faces: Tensor, operations: int, strength: float, generator: torch.Generator) -> Tensor:
    """For each face ``operations`` of ``OPERATIONS`` (without repeats), each at an amount from 0..``strength``."""
    rank = torch.rand(len(faces), len(OPERATIONS), generator=generator, device=faces.device).argsort(1).argsort(1)
    amount = torch.rand(rank.shape, generator=generator, device=faces.device) * strength * (rank < operations)
    for k, operation in enumerate(OPERATIONS):
        faces = operation(faces, amount[:, k].view(-1, 1, 1, 1), generator).clamp(0, 255)
    return faces


def _sign(faces: Tensor, generator: torch.Generator) -> Tensor:
    return torch.where(uniform(faces, 0, 1, generator) < 0.5, -1.0, 1.0)


def _contrast(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Up to halved or doubled around the face's own mean."""
    mean = faces.mean((1, 2, 3), keepdim=True)
    return (faces - mean) * torch.exp2(amount * _sign(faces, generator)) + mean


def brightness(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Up to 60 grey levels darker or brighter."""
    return faces + 60 * amount * _sign(faces, generator)


def _gamma(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Exponents of 0.5 to 2."""
    exponent = torch.exp2(amount * _sign(faces, generator))
    return torch.where(amount > 0, 255 * (faces / 255).clamp(min=1e-4) ** exponent, faces)


def _side_light(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """A lamp at one side, any side: up to 40 % brighter there and darker opposite."""
    angle = uniform(faces, 0, 2 * math.pi, generator)
    ramp = torch.linspace(-1, 1, faces.shape[-1], device=faces.device)
    slope = torch.cos(angle) * ramp.view(1, 1, 1, -1) + torch.sin(angle) * ramp.view(1, 1, -1, 1)
    return faces * (1 + 0.4 * amount * slope)


def softened(faces: Tensor) -> Tensor:
    """A binomial blur of 5 pixels."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=faces.device) / 16
    padded = F.pad(faces, (2, 2, 2, 2), mode="replicate").flatten(0, 1).unsqueeze(1)
    return F.conv2d(padded, (row[:, None] * row).view(1, 1, 5, 5)).view(faces.shape)


def blur(faces: Tensor, amount: Tensor, _: torch.Generator) -> Tensor:
    """Out of focus."""
    return faces + (softened(faces) - faces) * amount


def _few_pixels(faces: Tensor, amount: Tensor, _: torch.Generator) -> Tensor:
    """A face far from the camera: blended with itself at a third of its pixels."""
    small = F.interpolate(faces, scale_factor=1 / 3, mode="area")
    coarse = F.interpolate(small, size=faces.shape[-2:], mode="bilinear", align_corners=False)
    return faces + (coarse - faces) * amount


def _sharpening(faces: Tensor, amount: Tensor, _: torch.Generator) -> Tensor:
    """What webcams do to please: edges up to twice as steep."""
    return faces + (faces - softened(faces)) * amount


def noise(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """A sensor in the dark: up to 20 grey levels (standard deviation)."""
    return faces + 20 * amount * torch.randn(faces.shape, generator=generator, device=faces.device)


OPERATIONS: tuple[Callable[[Tensor, Tensor, torch.Generator], Tensor], ...] = (
    _contrast,
    brightness,
    _gamma,
    _side_light,
    blur,
    _few_pixels,
    _sharpening,
    noise,
)
"""Each takes amounts (N, 1, 1, 1) in 0..1, of which 0 leaves the face as it is."""


def erase(faces: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al. 2020): in this share of faces a rectangle of 2..25 % of the area becomes noise."""
    size = faces.shape[-1]
    area, ratio = uniform(faces, 0.02, 0.25, generator), torch.exp(uniform(faces, -1, 1, generator) * math.log(3))
    high, wide = (area * ratio).sqrt().clamp(max=0.9) * size, (area / ratio).sqrt().clamp(max=0.9) * size
    top, left = uniform(faces, 0, 1, generator) * (size - high), uniform(faces, 0, 1, generator) * (size - wide)
    axis = torch.arange(size, device=faces.device)
    rows = (axis.view(-1, 1) >= top) & (axis.view(-1, 1) < top + high)
    columns = (axis >= left) & (axis < left + wide)
    mask = rows & columns & (uniform(faces, 0, 1, generator) < share)
    return torch.where(mask, torch.rand(faces.shape, generator=generator, device=faces.device) * 255, faces)


def mix(faces: Tensor, how: AugmentationSection, generator: torch.Generator) -> tuple[Tensor, float]:
    """The batch mixed with itself in reverse order, by mixup or CutMix, and the share that each face kept.

    Targets are to be mixed alike: ``kept * t + (1 - kept) * t.flip(0)``.
    """
    # The draws are the processor's, so that the shapes below are known without asking the device.
    seed = int(torch.randint(2**31, (1,), generator=generator, device=faces.device))
    chance = torch.Generator().manual_seed(seed)
    if float(torch.rand(1, generator=chance)) < how.cutmix_share:
        return _cutmix(faces, float(torch.rand(1, generator=chance)), chance)
    if how.mixup_alpha == 0:
        return faces, 1.0
    kept = beta(how.mixup_alpha, chance)
    return kept * faces + (1 - kept) * faces.flip(0), kept


def _cutmix(faces: Tensor, kept: float, chance: torch.Generator) -> tuple[Tensor, float]:
    """A square of about 1 - ``kept`` of the area, cut off at the border, comes from the face mixed in."""
    size = faces.shape[-1]
    half = math.sqrt(1 - kept) * size / 2
    y, x = (torch.rand(2, generator=chance) * size).tolist()
    top, left = max(0, round(y - half)), max(0, round(x - half))
    bottom, right = min(size, round(y + half)), min(size, round(x + half))
    out = faces.clone()
    out[:, :, top:bottom, left:right] = faces.flip(0)[:, :, top:bottom, left:right]
    return out, 1 - (bottom - top) * (right - left) / size**2


def beta(alpha: float, chance: torch.Generator) -> float:
    """One draw from Beta(alpha, alpha), by Johnk's method: torch has none that takes a generator."""
    while True:
        u, v = torch.rand(2, generator=chance, dtype=torch.float64).tolist()
        a, b = u ** (1 / alpha), v ** (1 / alpha)
        if 0 < a + b <= 1:
            return float(a / (a + b))
