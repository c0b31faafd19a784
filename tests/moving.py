"""Clips made here: a bright square that moves, so that only what follows frame on frame tells the classes apart."""

import numpy as np

from models.clips.source import Clips, in_memory

CLASSES = ("right", "left", "down", "up")
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def shapes(number: int, frames: int = 8, size: int = 32, seed: int = 0) -> Clips:
    """Clips of four classes in turn, by eight subjects, on noise of their own; every other one moves half as far."""
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % len(CLASSES)
    intensity = np.where(np.arange(number) // len(CLASSES) % 2, 0.5, 1.0)
    clips = []
    for label, strength in zip(labels, intensity, strict=True):
        clip = rng.integers(40, 90, (frames, size, size, 3))
        reach = size // 4 * strength
        for frame, way in enumerate(np.linspace(-reach, reach, frames)):
            y, x = (round(size * 3 / 8 + way * step) for step in WAYS[label])
            clip[frame, y : y + size // 4, x : x + size // 4] += 120
        clips.append(clip.astype(np.uint8))
    return in_memory(clips, labels, CLASSES, [f"s{i % 8}" for i in range(number)], intensity)
