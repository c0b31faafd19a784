"""The face stage handed to ``models.clips.cache``, whose packages are loaded only when clips are cut."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from models.inference.face_stage import FaceStage

if TYPE_CHECKING:  # it imports packages that a command may do without
    from models.clips.cache import Prepared
    from models.clips.layouts.entry import Listing

Prepare = Callable[[Path, "Listing", int, bool], "Prepared"]
"""Cuts a folder's clips into faces of so many px, which they are already if True (``models.clips.cache.prepare``).

Of 0 px there are none: the sound alone is read.
"""


def preparing(faces: FaceStage, command: str, cache: Path | None = None, margin: float | None = None) -> Prepare:
    """``models.clips.cache.prepare`` with the face stage, for a ``command``; neither cut faces nor sound need it."""
    from models.clips.cache import MARGIN, prepare

    def prepare_with_stage(folder: Path, listing: "Listing", size: int, aligned: bool) -> "Prepared":
        with contextlib.nullcontext() if aligned or not size else faces.tracking(command) as look:
            return prepare(folder, listing, size, look, cache, MARGIN if margin is None else margin)

    return prepare_with_stage
