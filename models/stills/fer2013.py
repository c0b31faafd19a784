"""The FER2013 faces (48x48, grey) with their FER+ votes, read from a folder of PNG sheets and one CSV.

Folder format: ``fer2013-labels.csv`` with a row an image (``row, usage, emotion, sheet, r, c, duplicate_of,
pixel_source, fp_*``) and the sheets it names; the tile of a row is at pixel (r * 48, c * 48) of its sheet.
"""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import DatasetError
from relay.protocol import EXPRESSIONS

TABLE = "fer2013-labels.csv"
COLUMNS = ("row", "usage", "emotion", "sheet", "r", "c", "duplicate_of")
TRAINING = "Training"
"""The split whose rows networks learn from."""
TILE = 48
VOTES = (
    "fp_anger", "fp_disgust", "fp_fear", "fp_happiness", "fp_sadness", "fp_surprise", "fp_neutral",
    "fp_contempt", "fp_unknown", "fp_notface",
)  # fmt: skip
"""FER+ columns: first the seven of ``EXPRESSIONS`` in their order, then three that have no counterpart there."""


@dataclass(frozen=True)
class LabelledFaces:
    """Faces of one or more splits.

    ``pixels`` (N, 48, 48) uint8; ``labels`` (N,) int64 index into ``EXPRESSIONS``; ``votes`` (N, 10) float32, the ten
    taggers' votes in the order of ``VOTES``; ``rows`` (N,) int64, the row number in the CSV; ``groups`` (N,) int64,
    equal for byte-identical tiles; ``trained`` (N,) bool, whether the same tile stands among the training rows.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    trained: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> "LabelledFaces":
        """The faces that a mask or an index array selects."""
        return LabelledFaces(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})


def load(folder: Path, usage: str) -> LabelledFaces:
    """All faces of one split, such as ``Training`` or ``PublicTest`` (see ``find_split`` for what else a name may be).

    Raises:
        DatasetError: the CSV or a sheet is missing or can't be read, or there is no such split.
    """
    table = _find_table(folder)
    records = read_table(table)
    usage = find_split(usage, {record["usage"] for record in records}, table)
    usages = {record["row"]: record["usage"] for record in records}
    try:
        return _read_faces([record for record in records if record["usage"] == usage], usages, table)
    except ValueError as error:
        raise DatasetError(f"expected whole numbers in row, r, c, duplicate_of and fp_* of {table}: {error}") from error


def _read_faces(records: list[dict[str, str]], usages: Mapping[str, str], table: Path) -> LabelledFaces:
    """The faces of these rows; ``usages`` is the split of every row of the table.

    Raises:
        DatasetError: see ``load``.
        ValueError: an entry should be a number and is none.
    """
    sheets: dict[str, NDArray[np.uint8]] = {}
    pixels = np.empty((len(records), TILE, TILE), np.uint8)
    for i, record in enumerate(records):
        name = record["sheet"]
        if name not in sheets:
            sheets[name] = _read_sheet(table.parent / name, table)
        y, x = int(record["r"]) * TILE, int(record["c"]) * TILE
        tile = sheets[name][y : y + TILE, x : x + TILE]
        if tile.shape != (TILE, TILE):
            raise DatasetError(f"row {record['row']} of {table} lies beyond the edge of the sheet {name}")
        pixels[i] = tile
    firsts = [record["duplicate_of"] or record["row"] for record in records]
    return LabelledFaces(
        pixels=pixels,
        labels=np.array([_label_of(record, table) for record in records], np.int64),
        votes=np.array([[float(record[name] or 0) for name in VOTES] for record in records], np.float32),
        rows=np.array([int(record["row"]) for record in records], np.int64),
        groups=np.array([int(first) for first in firsts], np.int64),
        # A first row that the table leaves out was left out with the training rows: what is tested is complete.
        trained=np.array([usages.get(first, TRAINING) == TRAINING for first in firsts], np.bool_),
    )


def split_name(folder: Path, wanted: str) -> str:
    """The split that is meant, as the folder's table writes it.

    Raises:
        DatasetError: see ``load``.
    """
    table = _find_table(folder)
    return find_split(wanted, {record["usage"] for record in read_table(table)}, table)


def _find_table(folder: Path) -> Path:
    """The CSV of a FER2013 folder, or of the folder above it.

    Raises:
        DatasetError: there is none.
    """
    for table in (folder / TABLE, folder / "fer2013" / TABLE):
        if table.is_file():
            return table
    raise DatasetError(
        f"expected {folder / TABLE}, but there is no such file: give the folder that holds it with --data"
    )


def read_table(table: Path) -> list[dict[str, str]]:
    """The rows of the CSV, with every column that is needed.

    Raises:
        DatasetError: it can't be read, or lacks a column.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in (*COLUMNS, *VOTES) if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(f"expected the columns {', '.join(missing)} in {table}, but they are missing")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"expected a CSV file in UTF-8, but {table} can't be read: {error}") from error


def _read_sheet(path: Path, table: Path) -> NDArray[np.uint8]:
    """A sheet of tiles as grey pixels (H, W).

    Raises:
        DatasetError: it is missing or no picture.
    """
    if not path.is_file():
        raise DatasetError(f"{table} names the sheet {path.name}, but {path} does not exist")
    try:
        return np.asarray(Image.open(path).convert("L"))
    except OSError as error:
        raise DatasetError(f"expected a picture, but {path} can't be read: {error}") from error


def _label_of(record: dict[str, str], table: Path) -> int:
    """The label of a row as an index into ``EXPRESSIONS``.

    Raises:
        DatasetError: it is none of them.
    """
    if record["emotion"] not in EXPRESSIONS:
        raise DatasetError(
            f"expected one of {', '.join(EXPRESSIONS)} as emotion of row {record['row']} of {table}, "
            f"got {record['emotion']!r}"
        )
    return EXPRESSIONS.index(record["emotion"])


def find_split(wanted: str, usages: Collection[str], table: Path) -> str:
    """The split that is meant: its name, or that without regard to case and punctuation, or the beginning of it.

    ``private``, ``privatetest`` and ``Private-Test`` all mean ``PrivateTest``, unless two splits begin so.

    Raises:
        DatasetError: no split of the table, or more than one, is meant; the message lists those there are.
    """
    plain = {usage: "".join(filter(str.isalnum, usage)).lower() for usage in usages}
    asked = "".join(filter(str.isalnum, wanted)).lower()
    for meant in (
        [usage for usage in usages if usage == wanted],
        [usage for usage, name in plain.items() if name == asked],
        [usage for usage, name in plain.items() if asked and name.startswith(asked)],
    ):
        if len(meant) == 1:
            return meant[0]
    raise DatasetError(f"expected a split of {table} ({', '.join(sorted(usages)) or 'it has none'}), got {wanted!r}")


def majority(votes: NDArray[np.float32]) -> NDArray[np.int64]:
    """The FER+ majority of each row of votes (N, 10): index into ``EXPRESSIONS``, or -1.

    -1 where the most votes went to contempt, unknown or not-a-face, or where two columns share the lead.
    """
    most = votes.max(1, keepdims=True)
    winner = votes.argmax(1)
    unusable = (winner >= len(EXPRESSIONS)) | ((votes == most).sum(1) > 1)
    return np.where(unusable, -1, winner)


def split_validation(faces: LabelledFaces, share: float, seed: int) -> tuple[LabelledFaces, LabelledFaces]:
    """Training and validation faces; byte-identical tiles stay on the same side.

    ``share`` in 0..1 is the share of groups that become validation.
    """
    groups = np.unique(faces.groups)
    held_out = np.random.default_rng(seed).permutation(groups)[: round(share * len(groups))]
    mask = np.isin(faces.groups, held_out)
    return faces.take(~mask), faces.take(mask)
