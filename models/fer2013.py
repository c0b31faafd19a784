"""The FER2013 faces (48x48, grey) with their FER+ votes, read from a folder of PNG sheets and one CSV.

Folder format: ``fer2013-labels.csv`` with a row an image (``row, usage, emotion, sheet, r, c, duplicate_of,
pixel_source, fp_*``) and the sheets it names; the tile of a row is at pixel (r * 48, c * 48) of its sheet.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import DatasetError
from models.registry import EXPRESSIONS

TILE = 48
VOTES = (
    "fp_anger", "fp_disgust", "fp_fear", "fp_happiness", "fp_sadness", "fp_surprise", "fp_neutral",
    "fp_contempt", "fp_unknown", "fp_notface",
)  # fmt: skip
"""FER+ columns: first the seven of ``EXPRESSIONS`` in their order, then three that have no counterpart there."""


@dataclass(frozen=True)
class Faces:
    """Faces of one or more splits.

    ``pixels`` (N, 48, 48) uint8; ``labels`` (N,) int64 index into ``EXPRESSIONS``; ``votes`` (N, 10) float32, the ten
    taggers' votes in the order of ``VOTES``; ``rows`` (N,) int64, the row number in the CSV; ``groups`` (N,) int64,
    equal for byte-identical tiles.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> "Faces":
        """The faces that a mask or an index array selects."""
        return Faces(self.pixels[keep], self.labels[keep], self.votes[keep], self.rows[keep], self.groups[keep])


def load(folder: Path, usage: str) -> Faces:
    """All faces of one split (``Training`` or ``PublicTest``).

    Raises:
        DatasetError: the CSV or a sheet is missing, or the split is empty.
    """
    table = folder / "fer2013-labels.csv"
    if not table.is_file():
        raise DatasetError(f"expected {table}, but there is no such file: give the folder that holds it with --data")
    with table.open(newline="") as file:
        records = [record for record in csv.DictReader(file) if record["usage"] == usage]
    if not records:
        raise DatasetError(f"expected rows with usage {usage!r} in {table}, but there are none")
    sheets: dict[str, NDArray[np.uint8]] = {}
    pixels = np.empty((len(records), TILE, TILE), np.uint8)
    for i, record in enumerate(records):
        name = record["sheet"]
        if name not in sheets:
            path = folder / name
            if not path.is_file():
                raise DatasetError(f"{table} names the sheet {name}, but {path} does not exist")
            sheets[name] = np.asarray(Image.open(path).convert("L"))
        y, x = int(record["r"]) * TILE, int(record["c"]) * TILE
        pixels[i] = sheets[name][y : y + TILE, x : x + TILE]
    rows = np.array([int(record["row"]) for record in records], np.int64)
    return Faces(
        pixels=pixels,
        labels=np.array([EXPRESSIONS.index(record["emotion"]) for record in records], np.int64),
        votes=np.array([[float(record[name] or 0) for name in VOTES] for record in records], np.float32),
        rows=rows,
        groups=np.array([int(record["duplicate_of"] or record["row"]) for record in records], np.int64),
    )


def majority(votes: NDArray[np.float32]) -> NDArray[np.int64]:
    """The FER+ majority of each row of votes (N, 10): index into ``EXPRESSIONS``, or -1.

    -1 where the most votes went to contempt, unknown or not-a-face, or where two columns share the lead.
    """
    most = votes.max(1, keepdims=True)
    winner = votes.argmax(1)
    unusable = (winner >= len(EXPRESSIONS)) | ((votes == most).sum(1) > 1)
    return np.where(unusable, -1, winner)


def split_validation(faces: Faces, share: float, seed: int) -> tuple[Faces, Faces]:
    """Training and validation faces; byte-identical tiles stay on the same side.

    ``share`` in 0..1 is the share of groups that become validation.
    """
    groups = np.unique(faces.groups)
    held_out = np.random.default_rng(seed).permutation(groups)[: round(share * len(groups))]
    mask = np.isin(faces.groups, held_out)
    return faces.take(~mask), faces.take(mask)
