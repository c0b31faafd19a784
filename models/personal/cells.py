"""What heads have answered, kept line by line, so that a run that is stopped loses nothing it has finished."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from models.errors import EvaluationError


class Key(NamedTuple):
    """Which head: see ``models.personal.protocols.HeadTask``. ``of`` stands for data and settings: see ``Cells``."""

    of: str
    network: str
    head: str
    kind: str
    draw: int
    clips: int | None
    user: str


@dataclass(frozen=True)
class Cell:
    """The clips that a head was asked about, by their indices, and the class it took each for.

    ``floored`` of ``sums``: how often the sum in equation (5) was too near zero while the head learned, as in
    ``models.personal.heads.HeadState``.
    """

    asked: tuple[int, ...]
    answers: tuple[int, ...]
    floored: int = 0
    sums: int = 0


class Cells:
    """The file: JSON, a cell a line, appended. Lines that are no cells, such as one that a kill cut short, don't count.

    Cells of other data and settings stay, and are found again when these return.
    """

    def __init__(self, file: Path) -> None:
        """Read what is there.

        Raises:
            EvaluationError: the file can't be read.
        """
        self.file = file
        self._found: dict[Key, Cell] = {}
        self._is_torn = False
        try:
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        except OSError as error:
            raise EvaluationError(f"can't read {file}: {error.strerror or error}") from error
        self._is_torn = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                row = json.loads(line)
                sums = int(row["floored"]), int(row["sums"])
                self._found[Key(*row["key"])] = Cell(tuple(row["asked"]), tuple(row["answers"]), *sums)

    def get(self, key: Key) -> Cell | None:
        return self._found.get(key)

    def add(self, key: Key, cell: Cell) -> None:
        """Keep a cell, in the file as well.

        Raises:
            EvaluationError: it can't be written; what was written before stays.
        """
        row = {"key": key, **asdict(cell)}
        try:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(("\n" if self._is_torn else "") + json.dumps(row) + "\n")
            self._is_torn = False
        except OSError as error:
            raise EvaluationError(
                f"can't write {self.file} ({error.strerror or error}); {len(self._found)} heads are done: make room "
                "and give the command again, it goes on from there"
            ) from error
        self._found[key] = cell
