"""The folder of a study: who it belongs to, and answers that are kept there once they are made."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import atomic
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.training.recipe import Recipe

_ABOUT = "study.json"


def about(kind: str, how: Recipe, *clips: ClipSource) -> dict[str, str]:
    """What the answers of a study depend on, by names for ``check_same``: its kind, the recipe, and the clips."""
    whose = [
        (each.classes, each.labels.tolist(), list(each.subjects), each.moments.tolist(), each.rate.tolist())
        for each in clips
    ]
    return {
        "kind": kind,
        "recipe": hashlib.sha256(msgspec.json.encode(how)).hexdigest()[:16],
        "clips": hashlib.sha256(repr(whose).encode()).hexdigest()[:16],
    }


def check_same(run: Path, told: Mapping[str, str]) -> None:
    """Check that a folder holds this study, or begin it where nothing else is there yet.

    Networks of another study may have learned from the people whom this one asks about.

    Raises:
        TrainingError: it holds another one, or can't be read or written.
    """
    file = run / _ABOUT
    if all(other == file for other in run.iterdir()):
        _write(dict(told), file)
    before = _read(file) if file.is_file() else {}
    if differing := [name for name, value in told.items() if before.get(name) != value]:
        raise TrainingError(
            f"{run} holds a study that differs in its {' and '.join(differing)}: go on with the same, or give another "
            "folder with --run"
        )


def kept(file: Path, make: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
    """Answers (N,) that are in the file, or are made and kept there.

    Raises:
        TrainingError: the file can't be read or written.
    """
    if not file.is_file():
        _write(make().tolist(), file)
    return np.array(_read(file), np.int64)


def _write(value: Any, file: Path) -> None:
    """Raises:
    TrainingError: it can't be written.
    """
    try:
        atomic.write(json.dumps(value).encode(), file)
    except OSError as error:
        raise TrainingError(
            f"can't write {file} ({error.strerror or error}). Nothing is lost: make room and give the command again"
        ) from error


def _read(file: Path) -> Any:
    """Raises:
    TrainingError: it can't be read.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"can't read {file} ({error}): delete it, and it is made anew") from error
