"""Adapters for the folder layouts of data sets of clips, with their official split files."""

from collections.abc import Sequence
from pathlib import Path

from models.clips.layouts import acted, casme, cohn_kanade, micro, plain, wild
from models.clips.layouts.entry import SYNTHETIC, Clip, Listing, as_expressions
from models.errors import DatasetError

__all__ = ["LAYOUTS", "Listing", "as_expressions", "find"]

LAYOUTS = {layout.name: layout for kind in (plain, wild, acted, cohn_kanade, micro, casme) for layout in kind.LAYOUTS}


def find(folder: Path, name: str = "plain") -> Listing:
    """The clips of a folder by the layout of that name.

    Raises:
        DatasetError: there is no such layout or folder, or the folder is not laid out that way.
    """
    if name not in LAYOUTS:
        raise DatasetError(f"expected the name of a layout ({', '.join(LAYOUTS)}), got {name!r}")
    if not folder.is_dir():
        raise DatasetError(f"expected a folder of clips, but {folder} is none")
    layout = LAYOUTS[name]
    try:
        found = layout.read(folder)
    except OSError as error:
        raise DatasetError(f"can't read {folder}: {error.strerror or error}") from error
    if not found.clips and not found.missing:
        raise DatasetError(f"expected clips in {folder}, but none is named")
    if not found.clips:
        raise DatasetError(f"expected clips in {folder}; of those that are named none is there: {found.missing[0]}")
    return Listing(
        layout,
        found.classes or layout.classes,
        found.clips,
        found.folds,
        found.missing,
        found.remarks,
        recorded=not _says_synthetic(folder, found.clips),
    )


def _says_synthetic(folder: Path, clips: Sequence[Clip]) -> bool:
    """Whether the folder, one that it lies in, or one that a clip lies in is marked as made by a program.

    A clip that is a link lies where its file does as well.
    """
    files = {file for clip in clips for file in (clip.path, clip.sound) if file}
    places = {place.resolve() for place in {folder, *files, *(file.parent for file in files)}}
    every = places.union(*(place.parents for place in places))
    return any((place / SYNTHETIC).exists() for place in every)
