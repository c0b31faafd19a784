"""Where channels and their history are kept: an SQLite file, or a PostgreSQL database. One SQL for both."""

import contextlib
import functools
import re
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from relay.errors import DatabaseServerError, DataFolderError, RelayError
from relay.protocol import EXPRESSIONS

FILE = "relay.sqlite3"
COUNT_COLUMNS = ", ".join(EXPRESSIONS)
WAIT_S = 2.0
"""An SQLite file that another connection writes is waited for."""
CONNECT_S = 5
"""A PostgreSQL server must answer in this time."""

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
        # Some files of version 1 have this one already.
        """CREATE TABLE IF NOT EXISTS passwords (
            channel TEXT PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE leases (channel TEXT PRIMARY KEY, node TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID",
    ),
    (
        """CREATE TABLE commands (
            channel TEXT PRIMARY KEY, state TEXT NOT NULL, stamp REAL NOT NULL, since REAL NOT NULL,
            renewed REAL NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE streamer (
            channel TEXT NOT NULL, session INTEGER NOT NULL, time INTEGER NOT NULL, emotion TEXT NOT NULL,
            PRIMARY KEY (channel, session, time)
        ) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE channels ADD COLUMN listed INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE channels ADD COLUMN grid REAL NOT NULL DEFAULT 0",
    ),
    (
        "ALTER TABLE channels ADD COLUMN cameras INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE channels ADD COLUMN notice TEXT NOT NULL DEFAULT ''",
    ),
)
"""What each version of the tables adds to the one before, in SQLite's words. Released steps are never edited."""
VERSION = len(STEPS)

_POSTGRES_WORDS = {
    "BLOB": "BYTEA",
    "INTEGER": "BIGINT",  # SQLite's holds 64 bits
    "REAL": "DOUBLE PRECISION",
    "WITHOUT ROWID": "",
}

_QUOTED_OR_MARK = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*(?s:.*?)\*/|[?%]""")
"""In a statement: a text, a name in quotes, a comment, or what stands for a value in one database or the other."""

Place = Path | str
"""An SQLite file, or the URL of a PostgreSQL database."""


class DatabaseError(Exception):
    """The database can't be reached, read or written.

    The text is the driver's, for the log and who runs the relay. ``sentence`` is for everyone: what is wrong and what
    to do, without a name or an address.
    """

    def __init__(self, text: str, sentence: str) -> None:
        super().__init__(text)
        self.sentence = sentence


class ConflictError(DatabaseError):
    """There is a row with this key already."""


_SERVER_REFUSES = "The relay's database server refuses or does not answer: the relay's log says why."
_FILE_REFUSES = (
    ("locked", "Another program holds the lock of the relay's database: end it, or ask again in a moment."),
    ("is full", "The disk of the relay's database is full: free some space there."),
    ("readonly", "The relay may only read its database: make the file and its folder writable."),
    # Which SQLite also says of a full disk, where it can't make its files beside the database.
    ("disk I/O", "The disk of the relay's database is full, over a quota, or fails: free some space there."),
    ("unable to open", "The relay can't open its database: see that its folder is there, and writable."),
    ("malformed", "The relay's database is damaged: restore a backup."),
    ("not a database", "The relay's database is damaged: restore a backup."),
    ("", "The relay's database refuses: the relay's log says why."),
)
"""By a part of SQLite's text, which has the reason in all versions of Python; its code has Python 3.11 on."""


def _sentence(driver: ModuleType, text: str) -> str:
    if driver is not sqlite3:
        return _SERVER_REFUSES
    return next(sentence for part, sentence in _FILE_REFUSES if part in text)


class Connection:
    """A connection to either database, with the same SQL (``?`` for a value) and the same errors."""

    def __init__(self, raw: Any, driver: ModuleType) -> None:
        """``raw``: a connection of the ``driver``, ``sqlite3`` or ``psycopg``; both follow PEP 249."""
        self._raw = raw
        self._driver = driver

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run a statement inside a ``transaction``; returns a cursor with ``fetchone`` and ``fetchall``."""
        if self._driver is not sqlite3:
            statement = _in_psycopgs_style(statement)
        return self._raw.execute(statement, values)

    @property
    def clock(self) -> str:
        """The database's own Unix time as SQL: relays whose clocks differ agree on it."""
        if self._driver is sqlite3:
            return "((julianday('now') - 2440587.5) * 86400.0)"
        return "EXTRACT(EPOCH FROM clock_timestamp())::DOUBLE PRECISION"

    def lock(self) -> None:
        """At the begin of a ``transaction`` that reads what decides on its writing: nobody writes in between.

        PostgreSQL locks rows instead, see ``keep``.
        """
        if self._driver is sqlite3:
            self._raw.execute("BEGIN IMMEDIATE")

    @property
    def keep(self) -> str:
        """At the end of a SELECT: until the transaction ends, nobody deletes the rows that it finds."""
        return "" if self._driver is sqlite3 else " FOR KEY SHARE"

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the ``with`` block; roll back on an exception.

        Raises:
            ConflictError: a row with the same key exists.
            DatabaseError: anything else that the database refuses.
        """
        try:
            with errors_of(self._driver):
                yield
                self._raw.commit()
        except BaseException:
            with contextlib.suppress(self._driver.Error):  # the connection may be what broke
                self._raw.rollback()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()


@functools.lru_cache(maxsize=128)
def _in_psycopgs_style(statement: str) -> str:
    """A statement with ``?`` for each value (PEP 249's qmark) with ``%s`` instead (format), and all else as it was.

    A question mark in a text, a quoted name or a comment stands for itself, as in SQLite.
    """
    return _QUOTED_OR_MARK.sub(lambda found: "%s" if found[0] == "?" else found[0].replace("%", "%%"), statement)


@contextlib.contextmanager
def errors_of(driver: ModuleType) -> Iterator[None]:
    """Errors of the driver, ``sqlite3`` or ``psycopg``, become a ``DatabaseError`` or ``ConflictError``."""
    try:
        yield
    except driver.IntegrityError as error:
        raise ConflictError(str(error), _sentence(driver, str(error))) from error
    except driver.Error as error:
        raise DatabaseError(str(error), _sentence(driver, str(error))) from error


def connect(place: Place) -> Connection:
    """A connection that survives a crash of the program without loss.

    Raises:
        DatabaseError: the database can't be reached or opened.
    """
    if isinstance(place, str):
        import psycopg  # only who uses PostgreSQL has it

        with errors_of(psycopg):
            # A server that has gone silent is given up in time, also in the middle of a statement.
            raw = psycopg.connect(place, connect_timeout=CONNECT_S, tcp_user_timeout=1000 * CONNECT_S)
        return Connection(raw, psycopg)
    with errors_of(sqlite3):
        file = sqlite3.connect(place, timeout=WAIT_S)
        try:
            file.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            file.close()
            raise
    return Connection(file, sqlite3)


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Connection]:
    """A connection for the length of a ``with`` block, which is one transaction.

    Raises:
        DatabaseError: as ``connect`` and ``Connection.transaction``.
    """
    connection = connect(place)
    try:
        with connection.transaction():
            yield connection
    finally:
        connection.close()


def prepare(folder: str, url: str = "") -> Place:
    """Make the tables where they are missing, and bring older ones up to date, all or nothing.

    ``folder``: of the SQLite file, made if it is missing; empty for the user's own. ``url``: of a PostgreSQL database,
    which is used instead if it is not empty.

    Raises:
        DataFolderError: the folder or the file can't be made, read or written.
        DatabaseServerError: the same for PostgreSQL.
    """
    return _prepare_server(url) if url else _prepare_file(folder)


def secret(place: Place, name: str) -> bytes:
    """32 random bytes that all relays on this database share; who asks first makes them. Blocks.

    Raises:
        DatabaseError: the database can't be written.
    """
    with opened(place) as file:
        file.execute("INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (name, secrets.token_bytes(32)))
        return bytes(file.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()[0])


class _UndoneError(Exception):
    """Rolls back what ``try_out`` did."""


def try_out(folder: str, url: str = "") -> None:
    """Do what ``prepare`` does, and undo it: tables of an older version stay as they are. A missing file is made.

    Raises:
        DataFolderError, DatabaseServerError: as ``prepare``.
    """
    with contextlib.suppress(_UndoneError):
        if url:
            _prepare_server(url, undo=True)
        else:
            _prepare_file(folder, undo=True)


def path_in(folder: str) -> Path:
    """Where the SQLite file in a folder is, or would be; empty for the user's own folder."""
    place = Path(folder).expanduser() if folder else Path(platformdirs.user_data_dir("moodcast"))
    return place.absolute() / FILE


def file_in(folder: str) -> Path:
    """The SQLite file in a folder, which is made if it is missing; ``folder`` as for ``path_in``.

    Raises:
        DataFolderError: the folder can't be made.
    """
    path = path_in(folder)
    with file_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


_NOT_OURS = "Make the folder, and the file in it, writable for the user that the relay runs as."


@contextlib.contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """What goes wrong with an SQLite file, or beside it, becomes a ``DataFolderError``."""
    try:
        yield
    except (OSError, DatabaseError) as error:
        advice = error.sentence if isinstance(error, DatabaseError) else _NOT_OURS
        raise DataFolderError(
            f"The relay can't keep its data in {path.parent} ({error}). {advice} Or give another folder with --data."
        ) from error


@contextlib.contextmanager
def server_errors(url: str) -> Iterator[None]:
    """What goes wrong with a PostgreSQL server becomes a ``DatabaseServerError``."""
    try:
        yield
    except ImportError as error:
        raise DatabaseServerError(
            f"PostgreSQL needs its driver ({error}): install it with `pip install 'moodcast[postgres]'`."
        ) from error
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        password = _password(url)
        reason = reason.replace(password, "***") if password else reason
        raise DatabaseServerError(
            f"The relay can't keep its data in {without_password(url)} ({reason}): check the address given with "
            "--database, and that its user may create tables there."
        ) from None  # the cause may tell the password


def _prepare_file(folder: str, undo: bool = False) -> Path:
    path = file_in(folder)
    with file_errors(path):
        if path.exists() and path.stat().st_nlink > 1:
            # Under each name SQLite keeps other files beside it, and sees nothing of who writes by another.
            raise DataFolderError(
                f"The database {path} has another name as well (a hard link), by which a second relay could overwrite "
                "it: remove one, or make a copy with sqlite3's .backup."
            )
        _keep_from_others(path, undo)
    with file_errors(path), opened(path) as file:
        version = file.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise _too_new(DataFolderError, f"The database {path}", version, "give another folder with --data")
        file.execute("PRAGMA journal_mode = WAL")
        # A file that can be read but not written shows itself here, not in the middle of a broadcast.
        file.execute("BEGIN IMMEDIATE")
        for step in STEPS[version:]:
            for statement in step:
                file.execute(statement)
        file.execute(f"PRAGMA user_version = {VERSION}")
        if undo:
            raise _UndoneError
    return path


def _keep_from_others(path: Path, as_it_is: bool) -> None:
    """The file has the key that signs tickets. A new one is its owner's alone, and strangers lose an older one; what
    its owner gave to a group stays. ``as_it_is``: leave a file that is there."""
    path.touch(mode=0o600)
    mode = path.stat().st_mode
    if mode & 0o007 and not as_it_is:
        with contextlib.suppress(PermissionError):  # it is another user's, who gave us a part in it
            path.chmod(mode & 0o770)


def _prepare_server(url: str, undo: bool = False) -> str:
    with server_errors(url), opened(url) as server:
        # Several relays that start at once wait here for each other. The number is any that others don't use.
        server.execute("SELECT pg_advisory_xact_lock(?)", (0x6D6F6F64,))
        server.execute("CREATE TABLE IF NOT EXISTS moodcast (version BIGINT NOT NULL)")
        found = server.execute("SELECT version FROM moodcast").fetchone()
        version = found[0] if found else 0
        if version > VERSION:
            shown = without_password(url)
            raise _too_new(DatabaseServerError, shown, version, "give another database with --database")
        for step in STEPS[version:]:
            for statement in step:
                server.execute(_for_postgres(statement))
        server.execute("DELETE FROM moodcast")
        server.execute("INSERT INTO moodcast VALUES (?)", (VERSION,))
        if undo:
            raise _UndoneError
    return url


def _for_postgres(statement: str) -> str:
    return re.sub(
        "|".join(rf"\b{word}\b" for word in _POSTGRES_WORDS), lambda found: _POSTGRES_WORDS[found[0]], statement
    )


def _too_new(kind: type[RelayError], what: str, version: int, otherwise: str) -> RelayError:
    return kind(
        f"{what} was made by a newer Moodcast (tables {version}, this one knows {VERSION}): update Moodcast, "
        f"or {otherwise}."
    )


def _password(url: str) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit(url).password or ""
    return url  # what can't be taken apart is not shown at all


def without_password(url: str) -> str:
    """A PostgreSQL URL in words that may be shown."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return f"the PostgreSQL database {parts.path.strip('/')} at {parts.hostname}:{parts.port or 5432}"
    return "the PostgreSQL database"
