"""The heads of Churaev and Savchenko 2023 as names, and trained ones as files. Without torch; ``adaptation`` trains."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from models import atomic
from models.errors import TrainingError, UnknownModelError

VERSION = 1
"""Of a head's file."""


class Head(NamedTuple):
    """``title`` for tables; ``pooling`` is the class of ``models.zoo.frame_attention`` that makes of frames a clip."""

    title: str
    pooling: str
    personal_epochs: int


HEADS: Mapping[str, Head] = MappingProxyType(
    {
        "linear": Head("maximum over the frames, logistic regression", "FrameMaximum", 70),
        "single": Head("single attention", "SingleAttention", 50),
        "self": Head("self-attention, equations (3) to (7)", "PrintedSelfAttention", 50),
        "self-softmax": Head("self-attention, a softmax in (5)", "SelfAttention", 50),
    }
)
"""By name; each ends in one dense layer with a softmax. The epochs are the paper's."""
UNIVERSAL_EPOCHS = 20
"""The paper's, of every head."""


def find(name: str) -> Head:
    """The head of that name.

    Raises:
        UnknownModelError: there is none; the message lists those there are.
    """
    if name not in HEADS:
        raise UnknownModelError(f"expected the name of a head ({', '.join(HEADS)}), got {name!r}")
    return HEADS[name]


@dataclass(frozen=True)
class HeadState:
    """A trained head: what of torch's state has learned, by its names there, as float32.

    ``classes`` are the labels in the order of the answers. While it learned, equation (5) was reckoned for ``sums``
    clips (the same one counts again in each epoch), and ``floored`` times the sum was too near zero to divide by
    (``models.zoo.frame_attention.OverSum``); both are 0 of heads without that equation.
    """

    head: str
    classes: tuple[str, ...]
    arrays: Mapping[str, NDArray[np.float32]] = field(repr=False)
    floored: int = 0
    sums: int = 0

    @property
    def width(self) -> int:
        """D, of the features that it takes."""
        return int(self.arrays["fc.weight"].shape[1])


def save(state: HeadState, file: Path) -> None:
    """Write a head into an npz file, whole or not at all.

    Raises:
        TrainingError: it can't be written.
    """
    told = {"version": VERSION, "head": state.head, "classes": state.classes}
    told |= {"floored": state.floored, "sums": state.sums}
    data = io.BytesIO()
    stored: dict[str, Any] = {"told": np.array(json.dumps(told)), **state.arrays}
    np.savez(data, **stored)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(data.getvalue(), file)
    except OSError as error:
        raise TrainingError(f"can't write {file}: {error.strerror or error}") from error


def load(file: Path) -> HeadState:
    """A head that ``save`` has written.

    Raises:
        TrainingError: it can't be read, is of another version, or is no head's file.
        UnknownModelError: there is no such head (any more).
    """
    try:
        with file.open("rb") as opened:
            stored = NpzFile(opened, allow_pickle=False)
            arrays = {name: stored[name] for name in stored.files}
        told = json.loads(str(arrays.pop("told")))
        version = told.pop("version")
        state = HeadState(arrays=arrays, **{**told, "classes": tuple(told["classes"])})
        sound = state.arrays["fc.weight"].ndim == 2 and all(array.dtype == np.float32 for array in arrays.values())
    except FileNotFoundError as error:
        raise TrainingError(f"expected a trained head, but there is no {file}: train it first") from error
    except (OSError, ValueError, LookupError, TypeError, EOFError, AttributeError, RuntimeError, BadZipFile) as error:
        raise TrainingError(f"{file} is no head that can be read ({error}): train it again") from error
    if version != VERSION or not sound:
        raise TrainingError(f"expected a head of version {VERSION} in {file}, got another: train it again")
    find(state.head)
    return state
