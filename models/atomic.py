"""Files, and folders of files, that are whole or not there."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20
"""Bytes that are written at once to fill a reserve."""


def write(data: bytes, path: Path, reserve: Path | None = None) -> None:
    """Write beside the old file and swap, so that a kill or a full disk leaves the old one whole.

    What is written first has a name that nobody else uses; only a kill in the midst of it leaves that behind, for
    ``clear``. The room of a file ``reserve`` (see ``keep_room``), where there is one, is used up, so that a full disk
    matters to what is longer alone.

    Raises:
        OSError: it can't be written; the old file is untouched and nothing is left beside it.
    """
    beside = path.with_name(f".moodcast-{secrets.token_hex(8)}")
    # Opened here, not by ``tempfile``, whose files are their owner's alone: the umask says who may read the result.
    try:
        if reserve is not None:
            with contextlib.suppress(FileNotFoundError):
                reserve.replace(beside)  # nobody else writes into it now
        # Written over, not removed first: a file's room may come back late, or go to another program.
        with beside.open("r+b" if beside.exists() else "xb") as file:
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:  # Ctrl-C as well
        beside.unlink(missing_ok=True)
        raise


def clear(folder: Path) -> None:
    """Remove what kills have left of writes into a folder. Nobody may be writing there.

    Raises:
        OSError: it can't be removed.
    """
    for left in folder.glob(".moodcast-*"):
        if re.fullmatch(r"\.moodcast-[0-9a-f]{16}", left.name):
            left.unlink()


def keep_room(reserve: Path, size: int) -> None:
    """A file of ``size`` bytes, 1 at least, that holds as much of the disk for a later ``write``.

    Raises:
        OSError: there is not as much, and nothing is left.
    """
    try:
        with reserve.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # macOS, Windows
                for start in range(0, size, CHUNK):
                    file.write(bytes(min(CHUNK, size - start)))
    except BaseException:  # Ctrl-C as well
        reserve.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """A folder, made where there is none yet; on an error those that were made go again, if they are empty.

    Raises:
        OSError: it can't be made.
    """
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:  # Ctrl-C as well
        with contextlib.suppress(OSError):  # one of them is not empty
            for place in new:
                place.rmdir()
        raise


@contextlib.contextmanager
def filled_folder(folder: Path, first: str) -> Iterator[Path]:
    """A hidden folder in an empty one, whose content moves up when it is whole, the entry ``first`` before the others.

    Within the folder, not beside it: that may be another disk, or where somebody stands.

    Raises:
        OSError: it can't be made or moved. On any error, nothing is left in the folder.
    """
    hidden = folder / f".moodcast-{secrets.token_hex(8)}"
    moved = []
    try:
        hidden.mkdir()
        yield hidden
        for entry in sorted(hidden.iterdir(), key=lambda entry: entry.name != first):
            moved.append(entry.rename(folder / entry.name))
        hidden.rmdir()
    except BaseException:  # Ctrl-C as well
        for place in (hidden, *moved):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
        raise
