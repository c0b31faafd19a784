"""Score a file of labels and predictions: ``moodcast models score FILE.csv``."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from models import metrics
from models.errors import EvaluationError

COLUMNS = ("label", "pred")
_CLASSES_AT_MOST = 100
"""A larger class number is taken for a mistake, not for a reason to make a huge matrix."""


def score(file: Path) -> dict[str, Any]:
    """``metrics.scores`` of a CSV file with the columns ``label`` and ``pred``, class numbers from 0 up.

    There are as many classes as the largest number in either column asks for; their names are the numbers.

    Raises:
        EvaluationError: the file can't be read, lacks a column, has no rows, or an entry is no class number.
    """
    labels, predictions = read(file)
    classes = int(max(labels.max(), predictions.max())) + 1
    return metrics.scores(labels, predictions, [str(k) for k in range(classes)])


def describe(figures: dict[str, Any]) -> str:
    """The figures for people: three numbers, then a line a class with its recall and what it was taken for."""
    lines = [
        f"{figures['count']:,} rows: WAR {figures['war']:.4f}, UAR {figures['uar']:.4f}, "
        f"macro-F1 {figures['macro_f1']:.4f}"
    ]
    width = len(str(figures["count"])) + 1
    for (name, recall), row in zip(figures["recall"].items(), figures["confusion"], strict=True):
        found = "  none " if recall is None else f"{recall:7.4f}"
        lines.append(f"{name:>8}: recall {found}, taken for" + "".join(f"{number:{width}}" for number in row))
    return "\n".join(lines)


def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions (N,) int64, N at least 1.

    Raises:
        EvaluationError: see ``score``.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            table = csv.DictReader(opened, skipinitialspace=True)
            header = [(name or "").strip() for name in table.fieldnames or ()]
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise EvaluationError(
                    f"expected the columns {' and '.join(COLUMNS)} in the first line of {file}, "
                    f"got {', '.join(header) or 'nothing'}"
                )
            table.fieldnames = header
            rows = [[_class_number(row[name], name, file, table.line_num) for name in COLUMNS] for row in table]
    except OSError as error:
        raise EvaluationError(f"can't read {file}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"expected a CSV file in UTF-8, but {file} is none: {error}") from error
    if not rows:
        raise EvaluationError(f"expected rows under the header of {file}, but there are none")
    numbers = np.array(rows, np.int64)
    return numbers[:, 0], numbers[:, 1]


def _class_number(text: str | None, column: str, file: Path, line: int) -> int:
    try:
        number = int(text or "")
    except ValueError:
        number = -1
    if not 0 <= number < _CLASSES_AT_MOST:
        raise EvaluationError(
            f"expected a class number from 0 to {_CLASSES_AT_MOST - 1} as {column} in line {line} of {file}, "
            f"got {repr(text.strip()) if text and text.strip() else 'nothing'}"
        )
    return number
