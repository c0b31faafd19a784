"""FER2013 folders made here: tiles that can be told apart without being faces."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.stills import fer2013
from relay.protocol import EXPRESSIONS


def write_tiles(folder: Path, number: int) -> Path:
    """Happy tiles are bright in the middle, sad ones dark, each on noise of its own."""
    tiles = np.random.default_rng(0).integers(60, 190, (number, 48, 48))
    tiles[::2, 12:36, 12:36] += 60
    tiles[1::2, 12:36, 12:36] -= 60
    return write_folder(folder, tiles, ["sad" if i % 2 else "happy" for i in range(number)])


def write_folder(
    folder: Path, tiles: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", labels: Sequence[str]
) -> Path:
    """Training rows of tiles (N, 48, 48) in 0..255; the ten taggers agree with the label."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(list(tiles), 1).astype(np.uint8)).save(folder / "sheet.png")
    with (folder / "fer2013-labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "usage", "emotion", "sheet", "r", "c", "duplicate_of", "pixel_source", *fer2013.VOTES])
        for i, label in enumerate(labels):
            votes = [10 * (expression == label) for expression in EXPRESSIONS] + [0, 0, 0]
            writer.writerow([i, "Training", label, "sheet.png", 0, i, "", "png", *votes])
    return folder
