"""The relay's SQLite file: where it is, what is in it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from relay.errors import DataFolderError
from relay.protocol import EXPRESSIONS

FILE = "relay.sqlite3"
COUNT_COLUMNS = ", ".join(EXPRESSIONS)

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE IF NOT EXISTS channels (
            name TEXT PRIMARY KEY, admin_hash BLOB NOT NULL, display_hash BLOB NOT NULL, created REAL NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS sessions (
            channel TEXT NOT NULL, number INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
            tick_ms INTEGER NOT NULL, min_viewers INTEGER NOT NULL, PRIMARY KEY (channel, number)
        ) WITHOUT ROWID""",
        f"""CREATE TABLE IF NOT EXISTS moments (
            channel TEXT NOT NULL, session INTEGER NOT NULL, time INTEGER NOT NULL, viewers INTEGER NOT NULL,
            sharing INTEGER NOT NULL, {", ".join(f"{name} INTEGER NOT NULL" for name in EXPRESSIONS)},
            valence REAL NOT NULL, resonance REAL NOT NULL, PRIMARY KEY (channel, session, time)
        ) WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS reactions (
            channel TEXT NOT NULL, session INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            strength REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (channel, session, time, kind, name)
        ) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE sessions ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE markers (
            channel TEXT NOT NULL, session INTEGER NOT NULL, time REAL NOT NULL, text TEXT NOT NULL,
            PRIMARY KEY (channel, session, time, text)
        ) WITHOUT ROWID""",
    ),
)
"""What each version of the tables adds to the one before. Steps that were released are never edited."""
VERSION = len(STEPS)
"""Of the tables; stands in SQLite's ``user_version``."""


def prepare(folder: str) -> Path:
    """Make the data folder (empty: the user's own) and the tables where they are missing; returns the database's path.

    An older version's tables are brought up to date, all or nothing.

    Raises:
        DataFolderError: the folder or the file can't be made, read or written.
    """
    place = Path(folder).expanduser() if folder else Path(platformdirs.user_data_dir("moodcast"))
    path = place.absolute() / FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened(path) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise DataFolderError(
                    f"The database {path} was made by a newer Moodcast (tables {version}, this one knows {VERSION}): "
                    "update Moodcast, or give another folder with --data."
                )
            database.execute("PRAGMA journal_mode = WAL")
            # A file that can be read but not written shows itself here, not in the middle of a broadcast.
            database.execute("BEGIN IMMEDIATE")
            for step in STEPS[version:]:
                for statement in step:
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")
    except (OSError, sqlite3.Error) as error:
        raise DataFolderError(
            f"The relay can't keep its data in {path.parent} ({error}): make the folder writable, "
            "or give another one with --data."
        ) from error
    return path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for the length of a ``with`` block; commits at its end, rolls back on an exception."""
    database = connect(path)
    try:
        with database:
            yield database
    finally:
        database.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits up to two seconds for others and survives a crash of the program without loss."""
    database = sqlite3.connect(path, timeout=2.0)
    try:
        database.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        database.close()
        raise
    return database
