"""Weights and inputs that are the same on every machine and with every version of torch: a hash of name and place.

Golden vectors (``tests/models/golden``) were made with them by the authors' own builds; ``benchmarks/official.py`` says
how. It imports this file by its path, so it needs nothing of Moodcast.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch


def uniform(name: str, shape: Sequence[int]) -> Any:
    """Float32 numbers in -1..1 of a name (splitmix64 of the place, Steele et al. 2014)."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    z = np.uint64(start) + np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    numbers = (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return torch.from_numpy(numbers.reshape(tuple(shape)))


def clip(frames: int, size: int, number: int = 1) -> Any:
    """RGB clips (number, 3, frames, size, size) in 0..1."""
    return (uniform("clip", (number, 3, frames, size, size)) + 1) / 2


def weights(shapes: Mapping[str, Sequence[int]], gain: float = 2.0) -> dict[str, Any]:
    """A state dict of these names and shapes.

    ``gain`` is the variance of what a layer answers, by the mean square of what it gets: 2 keeps signals alive through
    many layers with ReLU; with PReLU, or in many residual units, less does.
    """
    return {name: _fill(name, shape, gain) for name, shape in shapes.items()}


def _fill(name: str, shape: Sequence[int], gain: float) -> Any:
    last = name.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.zeros((), dtype=torch.int64)
    numbers = uniform(name, shape)
    if last == "running_var":
        return 1 + numbers / 2
    if last == "weight":
        # A norm's weights are near one.
        return 1 + numbers / 5 if len(shape) == 1 else numbers * math.sqrt(3 * gain / math.prod(shape[1:]))
    return numbers / 10 if last in ("bias", "running_mean") else numbers / 2
