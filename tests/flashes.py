"""How often parts of a picture flash, by WCAG 2.3.1: from frames of a page, for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = Sequence[NDArray[Any]]

LEAST_CHANGE, DARK = 0.1, 0.8
"""Of relative luminance: a flash is a pair of opposing changes of at least the first, the darker below the second."""
LARGE = 0.25 * 341 * 256 / (1024 * 768)
"""A share of the picture: a quarter of ten degrees of sight, in WCAG's picture of 1024 x 768."""
BLOCK = 8


def luminances(frame: NDArray[Any]) -> NDArray[np.float64]:
    """WCAG's relative luminance of each block of ``BLOCK`` pixels of an RGB frame, height x width x 3, uint8."""
    value = frame[..., :3] / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = linear @ np.array([0.2126, 0.7152, 0.0722])
    rows, columns = (side // BLOCK for side in light.shape)
    blocks = light[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(blocks.mean(axis=(1, 3)))


def flashes(frames: Frames, a_second: int) -> NDArray[np.int64]:
    """How often each block flashes in its worst second: opposing changes, two to a flash."""
    lights = np.stack([luminances(frame) for frame in frames])
    extreme, direction = lights[0].copy(), np.zeros(lights[0].shape, int)
    changes = np.zeros(lights.shape, int)
    for index, light in enumerate(lights):
        step = light - extreme
        turned = (np.abs(step) >= LEAST_CHANGE) & (np.sign(step) != direction) & (np.minimum(light, extreme) < DARK)
        changes[index] = turned
        direction = np.where(turned, np.sign(step).astype(int), direction)
        follows = turned | (np.sign(step) == direction)
        extreme = np.where(follows, light, extreme)
    totals = np.cumsum(np.concatenate([np.zeros_like(changes[:1]), changes]), axis=0)
    windows = totals[a_second:] - totals[:-a_second] if len(lights) >= a_second else totals[-1:]
    return np.asarray(windows.max(axis=0) // 2)


def flashing(frames: Frames, a_second: int, more_than: int = 3) -> float:
    """The share of the picture that flashes more than so often in its worst second."""
    return float((flashes(frames, a_second) > more_than).mean())
