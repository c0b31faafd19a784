"""From tiles to what a network takes, and from what it answers to two heads."""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.registry import Pixels


def at_size(faces: Tensor, size: int) -> Tensor:
    """Faces (N, 1, S, S) at another side; smaller ones by area, larger ones bilinear."""
    if faces.shape[-1] == size:
        return faces
    if size < faces.shape[-1]:
        return F.interpolate(faces, size=(size, size), mode="area")
    return F.interpolate(faces, size=(size, size), mode="bilinear", align_corners=False)


def prepared(faces: Tensor, pixels: Pixels) -> Tensor:
    """Grey faces (N, 1, S, S) in 0..255 as a network sees them, (N, channels, S, S); RGB is three times the same."""
    mean, std = (torch.tensor(values, device=faces.device).view(1, -1, 1, 1) for values in (pixels.mean, pixels.std))
    return (faces - mean) / std


def heads(answer: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A network's logits (N, 7) for FER2013's labels and for FER+'s votes; a single head answers both."""
    return (answer, answer) if isinstance(answer, torch.Tensor) else answer
