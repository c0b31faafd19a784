"""Portraits of known people, neutral and smiling, through the agent's own face stage; by gender, age and ethnicity.

Folder format, that of the Face Research Lab London Set (DeBruine & Jones 2017): ``london_info.csv`` with the columns
``face_id, face_age, face_gender, face_eth`` and pictures ``ID_happy.jpg`` and ``ID_neutral.jpg`` of those who count.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import EvaluationError
from models.evaluation import KINDS
from models.inference import boxes, smile
from models.inference.align import aligned_face
from models.inference.blendshapes import BLENDSHAPES, Shapes
from models.inference.contract import CropSpec
from models.inference.face_stage import DescribeFaces
from models.inference.smile import SmileRule
from models.metrics import wilson
from relay.protocol import EXPRESSIONS

INFO = "london_info.csv"
COLUMNS = ("face_id", "face_age", "face_gender", "face_eth")
_AGE_BANDS = ((25, "0 to 24"), (35, "25 to 34"), (200, "35 and over"))


@dataclass(frozen=True)
class Portrait:
    """``kind`` is the expression that was asked for; ``groups`` maps gender, age and ethnicity to their values.

    ``landmarks`` and ``shapes`` (blendshapes) are None where no face was found.
    """

    person: str
    kind: str
    groups: dict[str, str]
    picture: NDArray[np.uint8]
    landmarks: NDArray[np.float64] | None
    shapes: Shapes | None


def load(folder: Path, find: DescribeFaces) -> list[Portrait]:
    """All portraits of the folder, with what the face stage tells of the largest face that ``find`` sees.

    Raises:
        EvaluationError: the table is missing or lacks a column, or there is no portrait.
    """
    people = _read_people(folder / INFO)
    files = [(person, kind, folder / f"{person}_{kind}.jpg") for person in people for kind in KINDS]
    files = [(person, kind, file) for person, kind, file in files if file.is_file()]
    if not files:
        raise EvaluationError(f"expected pictures such as {next(iter(people), 'ID')}_happy.jpg in {folder}, got none")
    portraits = []
    for person, kind, file in tqdm(files, desc="portraits", unit="face", disable=None):
        pixels = cv2.imread(str(file))
        if pixels is None:
            raise EvaluationError(f"expected a picture, but {file} can't be read")
        picture = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        landmarks, shapes = max(find(picture), key=lambda face: boxes.area(face[0]), default=(None, None))
        portraits.append(Portrait(person, kind, people[person], picture, landmarks, shapes))
    return portraits


def _read_people(table: Path) -> dict[str, dict[str, str]]:
    """The groups each person belongs to, by id.

    Raises:
        EvaluationError: see ``load``.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise EvaluationError(f"expected the columns {', '.join(COLUMNS)} in {table}")
            return {
                row["face_id"]: {
                    "gender": row["face_gender"] or "unknown",
                    "age": _age_band(row["face_age"]),
                    "ethnicity": row["face_eth"] or "unknown",
                }
                for row in reader
            }
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"expected a CSV file in UTF-8, but {table} can't be read: {error}") from error


def _age_band(age: str) -> str:
    """The band of an age in years; ``unknown`` where it is no number."""
    try:
        years = float(age)
    except ValueError:
        return "unknown"
    return next((band for limit, band in _AGE_BANDS if years < limit), "unknown")


def crops(portraits: Iterable[Portrait], crop: CropSpec) -> NDArray[np.uint8]:
    """The faces that were found, cut for a network: (N, S, S), or (N, S, S, 3) where it reads colour."""
    found = [aligned_face(p.picture, p.landmarks, crop) for p in portraits if p.landmarks is not None]
    shape = (0, crop.size, crop.size) + ((3,) if crop.pixels.channels == 3 else ())
    return np.stack(found) if found else np.zeros(shape, np.uint8)


def decided(
    portraits: Iterable[Portrait], rule: SmileRule | None, probabilities: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Probabilities (N, 7) of the N found faces as the agent would have them, with its rule for small smiles."""
    shapes = np.array([p.shapes for p in portraits if p.shapes is not None], np.float32)
    return smile.decided(rule, probabilities, shapes.reshape(-1, len(BLENDSHAPES)))


def report(portraits: list[Portrait], probabilities: NDArray[np.floating]) -> dict[str, Any]:
    """How many neutral portraits read neutral and smiling ones happy; no face found counts as wrong.

    ``probabilities`` (N, 7) of the N found faces, in order. Keys: ``found``, ``of``; ``neutral`` and ``happy``, each
    with ``right``, ``of``, ``share`` and ``interval`` (Wilson, 95 %); ``groups``, a list with ``by``, ``group`` and the
    same two.
    """
    guesses = iter(EXPRESSIONS[k] for k in probabilities.argmax(1))
    answers = [(p, p.landmarks is not None and next(guesses) == p.kind) for p in portraits]
    groups = []
    for by in ("gender", "age", "ethnicity"):
        for group in sorted({p.groups[by] for p in portraits}):
            members = [(p, right) for p, right in answers if p.groups[by] == group]
            groups.append({"by": by, "group": group, **_both_kinds(members)})
    return {"found": len(probabilities), "of": len(portraits), **_both_kinds(answers), "groups": groups}


def _both_kinds(answers: list[tuple[Portrait, bool]]) -> dict[str, dict[str, Any]]:
    return {kind: _count([right for p, right in answers if p.kind == kind]) for kind in KINDS}


def _count(rights: list[bool]) -> dict[str, Any]:
    right, of = sum(rights), len(rights)
    return {"right": right, "of": of, "share": right / of if of else None, "interval": list(wilson(right, of))}
