"""``moodcast relay --backup FILE``: a copy of the database as of one moment, made while relays go on writing it."""

import contextlib
import os
import tempfile
from pathlib import Path

from relay.errors import BackupError
from relay.store import database

_DOCS = "docs/operation.md#backup"


def run(folder: str, url: str, copy: str) -> int:
    """Make the copy and say so; returns the exit code.

    ``folder`` and ``url``: of the database, as for ``database.prepare``. ``copy``: the new file.

    Raises:
        BackupError: there is no database in a file, or the copy is there already or can't be written.
        DataFolderError: the database can't be opened.
    """
    if url:
        raise BackupError(
            f"--backup copies an SQLite file, and this relay keeps its data in PostgreSQL: use its pg_dump ({_DOCS})."
        )
    path = Path(copy).expanduser().absolute()
    _back_up(folder, path)
    print(f"The database is copied to {path} ({path.stat().st_size:,} bytes).")  # noqa: T201
    return 0


def _back_up(folder: str, copy: Path) -> None:
    """Copy the database into a new file that its owner alone may read, or leave nothing. Blocks.

    Writers are not held up: in SQLite's WAL mode a reader sees one moment. ``VACUUM INTO`` reads and writes each page
    anew, so that a damaged database gives an error.
    """
    path = database.path_in(folder)
    if not path.exists():
        raise BackupError(f"There is no database in {path.parent} to copy: say with --data where it is.")
    if copy.exists():
        raise BackupError(f"{copy} is there already, and a backup overwrites nothing: give another name.")
    with database.file_errors(path), contextlib.closing(database.connect(path)) as source:
        try:
            number, name = tempfile.mkstemp(prefix=f"{copy.name}.", dir=copy.parent)  # for its owner alone
            os.close(number)
            part = Path(name)
            try:
                with source.transaction():
                    source.execute("VACUUM INTO ?", (name,))
                with part.open("rb+") as written:
                    os.fsync(written.fileno())
                part.replace(copy)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        except (database.DatabaseError, OSError) as error:
            raise BackupError(f"{path} can't be copied to {copy} ({error}). {_advice(error)}") from error


def _advice(error: Exception) -> str:
    if isinstance(error, database.DatabaseError) and "full" not in str(error):
        return error.sentence
    return "Give a file in a folder that is there, is writable and has room for it."
