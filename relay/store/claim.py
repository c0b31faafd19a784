"""Who has a database: one relay alone, or the nodes of a cluster. Others would overwrite each other's history.

The locks are those of the databases themselves, so that they work wherever the database does (on a network drive as
badly as SQLite), and end with the process, however it ends.
"""

import contextlib
import os
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from relay.errors import DatabaseInUseError
from relay.store import database

_LOCK, _HOLDER = ".lock", ".holder"
"""Beside the SQLite file: a file to lock, and who has it, one a line."""
_MOST_NAMED = 8
"""Of those who share: who was killed leaves its line."""
WAIT_S = 1.0
"""Who has it may be about to end: a server notices a little after."""
_SERVER_KEY = 0x6D6F6F65
"""In PostgreSQL: any number that others don't use."""
_SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": "0",
    # A machine that vanished is given up after 25 seconds, not hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class Claim:
    """A hold on a database. A connection to it that is lost costs the hold, and nothing else."""

    def __init__(self, release: Callable[[], None]) -> None:
        self.release = release
        """Let others have the database. Blocks."""


def claim_database(folder: str, url: str, shared: bool, port: int | None) -> Claim:
    """Claim the database for this process, before anything in it is changed. Blocks.

    ``folder`` and ``url``: as for ``database.prepare``. ``shared``: with others that share. ``port``: on which this
    process can be found; None for a look only.

    Raises:
        DatabaseInUseError: another process has it, and one of both does not share.
        DataFolderError, DatabaseServerError: as ``database.prepare``.
    """
    name = "" if port is None else f"process {os.getpid()} on {socket.gethostname()[:20]}, port {port}"
    return _take_server(url, shared, name) if url else _take_file(database.file_in(folder), shared, name)


def _take_file(path: Path, shared: bool, name: str) -> Claim:
    # By whatever links it is reached, a file has one lock.
    real = path.resolve()
    lock, holder = (real.with_name(real.name + ending) for ending in (_LOCK, _HOLDER))
    with database.file_errors(path):
        with database.errors_of(sqlite3):
            file = sqlite3.connect(lock, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            with database.errors_of(sqlite3):
                file.execute("PRAGMA journal_mode = MEMORY")  # no file of its own is left behind
                file.execute("BEGIN" if shared else "BEGIN EXCLUSIVE")
                file.execute("SELECT * FROM sqlite_master").fetchall()  # with reading comes a shared lock
            if name:
                _sign(holder, [*(_signed(holder) if shared else []), name])
        except BaseException as error:
            file.close()
            if not isinstance(error, database.DatabaseError) or "locked" not in str(error):
                raise
            who = "; ".join(_signed(holder))
            raise _in_use(f"the database {path}", who, shared, "another folder with --data") from None

    def release() -> None:
        if name:
            with contextlib.suppress(OSError):
                _sign(holder, [one for one in _signed(holder) if one != name])
        file.close()

    return Claim(release)


def _signed(holder: Path) -> list[str]:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return holder.read_text().splitlines()
    return []


def _sign(holder: Path, names: list[str]) -> None:
    # Where two sharers do so at once a name is lost, which only a sentence would have told.
    holder.write_text("\n".join(names[-_MOST_NAMED:]))


def _take_server(url: str, shared: bool, name: str) -> Claim:
    with database.server_errors(url):
        server = database.connect(url)
        try:
            if (holder := _lock_server(server, shared, name)) is not None:
                what, otherwise = database.without_password(url), "another database with --database"
                raise _in_use(what, holder, shared, otherwise)
        except BaseException:
            server.close()
            raise

    def release() -> None:
        with contextlib.suppress(database.DatabaseError), server.transaction():
            pass  # so that the lock is free when this returns, not when the server has noticed
        server.close()

    return Claim(release)


def _lock_server(server: database.Connection, shared: bool, name: str) -> str | None:
    """None, or who has the lock; empty where nobody knows.

    The lock is that of a transaction without an end, so that it goes with the connection, also where a pool of
    connections stands between.
    """
    import psycopg

    with database.errors_of(psycopg):
        # Any other level keeps what was deleted from being cleaned up until the end.
        server.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        for setting in (_SERVER_SETTINGS | {"application_name": name}).items():
            server.execute("SELECT set_config(?, ?, true)", setting)
        lock = "pg_try_advisory_xact_lock" + ("_shared" if shared else "")
        key = "(?, hashtext(coalesce(current_schema(), '')))"
        until = time.monotonic() + WAIT_S
        while not server.execute(f"SELECT {lock}{key}", (_SERVER_KEY,)).fetchone()[0]:
            if time.monotonic() > until:
                return _holder(server)
            time.sleep(0.05)
        return None


def _holder(server: database.Connection) -> str:
    found = server.execute(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND classid = ? AND granted LIMIT 1",
        (_SERVER_KEY,),
    ).fetchone()
    return found[0] or "" if found else ""


def _in_use(what: str, holder: str, shared: bool, otherwise: str) -> DatabaseInUseError:
    who = f"Another relay ({holder})" if holder else "Another relay"
    why = "it runs without --cluster" if shared else "without --cluster a relay shares it with nobody"
    return DatabaseInUseError(f"{who} has {what}, and {why}: stop that one, or give this one {otherwise}.")
