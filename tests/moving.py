"""Clips made here, a bright square that moves, and the least network that can follow it."""

import csv
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from models.clips import video
from models.clips.source import Clips, in_memory
from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture

CLASSES = ("right", "left", "down", "up")
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))


class Tiny(nn.Module):
    """(N, 3, 4, 32, 32) to logits: what each frame shows, place by place."""

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.look = nn.Conv3d(3, 8, (1, 4, 4), (1, 4, 4))
        self.norm = nn.BatchNorm1d(2048)
        self.fc = nn.Linear(2048, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.look(x).relu().flatten(1)))


ENTRY = Architecture("tiny", Tiny, "these tests", 32, IMAGENET, 0, classes=len(CLASSES), frames=4)


def shapes(number: int, frames: int = 8, size: int = 32, seed: int = 0) -> Clips:
    """Clips of four classes in turn, eight by each subject, on noise of their own; half of them move half as far."""
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
    return in_memory(clips, labels, CLASSES, [f"s{i // 8}" for i in range(number)], intensity)


def write(source: Clips, folder: Path) -> Path:
    """The clips in the layout ``plain``, as pictures."""
    folder.mkdir()
    rows = []
    for i in range(len(source)):
        file = f"{source.classes[source.labels[i]]}/{source.subjects[i]}_{i}"
        video.write_pictures(source.frames(i), folder / file)
        rows.append((file, source.classes[source.labels[i]], source.subjects[i], source.intensity[i], "", ""))
    with (folder / "clips.csv").open("w", newline="") as table:
        csv.writer(table).writerows([("file", "label", "subject", "intensity", "onset", "apex"), *rows])
    return folder
