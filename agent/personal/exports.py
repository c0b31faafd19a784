"""A viewer's answers as a file that they take along: JSON, with labels, times and embeddings, and no picture."""

import contextlib
import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.files import beside, read_plain
from agent.personal.answers import Answer
from agent.personal.key import reason
from agent.personal.sealed import Exported, Kept
from relay.protocol import EXPRESSIONS

_WHAT = (
    "A viewer's answers to Moodcast: which expression their face had, and its embedding by a network, whose file has "
    "this sha256. universal: what the network said, in the order of expressions. enrolled: embeddings that recognise "
    "the face, where that was switched on. No picture is in it."
)
_MOST_BYTES = 1 << 26
"""Of an export; one of all that can be kept has some 40 million."""


def text(kept: Kept) -> bytes:
    """The file's content."""
    networks = [{"sha256": one.network, "answers": [_row(answer) for answer in one.answers]} for one in kept.networks]
    all_of_it = {"what": _WHAT, "version": 1, "expressions": EXPRESSIONS, "networks": networks}
    if kept.enrolled:
        rows = [_numbers(row) for row in kept.enrolled.embeddings]
        all_of_it["enrolled"] = {"sha256": kept.enrolled.network, "embeddings": rows}
    return msgspec.json.encode(all_of_it)


def removed(export: Exported) -> str:
    """Remove one, if it is still what was written; else say what the matter is."""
    path = Path(export.path)
    try:
        if hashlib.sha256(read_plain(path, _MOST_BYTES)).hexdigest() != export.sha256:
            return f"{path}, which is not what was exported there"
        path.unlink()
    except FileNotFoundError:
        return f"the export {path}, which is not there any more, and may have been moved"
    except OSError as error:
        return f"the export {path} ({reason(error)})"
    return ""


def clear(export: Exported) -> None:
    """Remove what a kill in the midst of writing it has left."""
    new = beside(Path(export.path))
    with contextlib.suppress(OSError):  # there is none
        start = msgspec.json.encode({"what": _WHAT})[:-1]
        if read_plain(new, len(start)) == start:
            new.unlink()


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(answer.at, timezone.utc).isoformat(timespec="milliseconds"),
        "label": EXPRESSIONS[answer.label],
        "corrected": answer.corrected,
        "universal": _numbers(answer.universal),
        "features": _numbers(answer.features),
    }


def _numbers(array: NDArray[np.float32]) -> list[float]:
    """Nine digits tell every float32 from its neighbours."""
    return [float(f"{number:.9g}") for number in array]
