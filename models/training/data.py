"""Faces as tensors with their targets, and a validation share that training has not seen a copy of."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stills import fer2013
from models.training.recipe import DataSection
from relay.protocol import EXPRESSIONS

_NEAR = 0.975
"""Correlation from which two tiles are one photo: cropped again, marked by a stock agency, or mirrored.

Seen by eye on FER2013: the pairs at this limit still are.
"""


def vote_targets(votes: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """FER+ votes (N, 10) as distributions (N, 7) float32; single stray votes are dropped, as in the FER+ paper.

    Rows without a usable vote fall back on the FER2013 label.
    """
    votes = votes[:, : len(EXPRESSIONS)]
    votes = np.where(votes > 1, votes, 0).astype(np.float32)
    total = votes.sum(1, keepdims=True)
    one_hot = np.eye(len(EXPRESSIONS), dtype=np.float32)[labels]
    return np.where(total > 0, votes / np.maximum(total, 1), one_hot)


@dataclass(frozen=True)
class Split:
    """Faces (N, 1, 48, 48) uint8; ``labels`` (N,) int64; ``votes`` (N, 7) float32; ``majority`` (N,) int64 or -1."""

    pixels: Tensor
    labels: Tensor
    votes: Tensor
    majority: Tensor

    @classmethod
    def of(cls, faces: fer2013.LabelledFaces, device: torch.device) -> "Split":
        return cls(
            torch.from_numpy(faces.pixels).unsqueeze(1).to(device),
            torch.from_numpy(faces.labels).to(device),
            torch.from_numpy(vote_targets(faces.votes, faces.labels)).to(device),
            torch.from_numpy(fer2013.majority(faces.votes)).to(device),
        )

    def __len__(self) -> int:
        return len(self.labels)


def split(faces: fer2013.LabelledFaces, how: DataSection) -> tuple[fer2013.LabelledFaces, fer2013.LabelledFaces]:
    """Faces to learn from and faces to validate on; no photo is on both sides.

    Byte-identical tiles stay together; of the validation faces, near copies of a face to learn from are left out.
    """
    learn, check = fer2013.split_validation(faces, how.validation_share, how.seed)
    return learn, check.take(~near_copies(check.pixels, learn.pixels))


def near_copies(faces: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which faces (N, 48, 48) correlate by more than ``_NEAR`` at 12 px with one of ``others`` or its mirror image."""
    mine = _outlines(faces)
    found = np.zeros(len(faces), np.bool_)
    for side in (_outlines(others), _outlines(others[:, :, ::-1])):
        for i in range(0, len(mine), 256):
            found[i : i + 256] |= (mine[i : i + 256] @ side.T).max(1, initial=-1) > _NEAR
    return found


def _outlines(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Faces (N, 48, 48) at 12 px as unit vectors (N, 144) without their mean; plain tiles become zeros."""
    small = faces.reshape(len(faces), 12, 4, 12, 4).mean((2, 4), dtype=np.float32).reshape(len(faces), -1)
    small -= small.mean(1, keepdims=True)
    unit: NDArray[np.float32] = small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-3)
    return unit
