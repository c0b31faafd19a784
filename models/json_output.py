"""Where the figures of an action go: ``--json FILE``, or ``-`` for standard output."""

import json
import sys
from pathlib import Path
from typing import Any

from models import atomic
from models.errors import EvaluationError


def check(target: str) -> None:
    """Better before minutes of work than after.

    Raises:
        EvaluationError: there is no folder for that file, or it is one itself.
    """
    if not Path(target).parent.is_dir():
        raise EvaluationError(f"can't write {target}: there is no folder {Path(target).parent}")
    if Path(target).is_dir():
        raise EvaluationError(f"can't write {target}: expected the name of a file, but it is a folder")


def write(value: dict[str, Any], target: str) -> None:
    """To a file, or to standard output for ``-``.

    Raises:
        EvaluationError: the file can't be written.
    """
    write_text(json.dumps(value, indent=2) + "\n", target)


def write_text(text: str, target: str) -> None:
    """As ``write``. A file is written whole or stays as it was.

    Raises:
        EvaluationError: the file can't be written.
    """
    if target == "-":
        sys.stdout.write(text)
        return
    place = Path(target)
    try:
        if place.is_symlink() or (place.exists() and not place.is_file()):  # as /dev/stdout: not to be replaced
            place.write_text(text, encoding="utf-8")
        else:
            atomic.write(text.encode(), place)
    except OSError as error:
        raise EvaluationError(f"can't write {target}: {error.strerror or error}") from error
