"""Adapters for the folder layouts of data sets of clips, with their official split files."""

from pathlib import Path

from models.clips.layouts import acted, casme, cohn_kanade, micro, plain, wild
from models.clips.layouts.entry import Listing, as_expressions
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
    return Listing(layout, found.classes or layout.classes, found.clips, found.folds, found.missing, found.remarks)
