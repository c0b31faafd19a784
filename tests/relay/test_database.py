"""The database's tables: made, and brought up to date from every version that was released."""

import sqlite3
import sys
from pathlib import Path

import pytest

from relay.errors import DataFolderError
from relay.protocol import Marker
from relay.store import database
from relay.store.channels import Channels
from relay.store.history import History
from tests import support

VERSION_1 = """
CREATE TABLE channels (
    name TEXT PRIMARY KEY, admin_hash BLOB NOT NULL, display_hash BLOB NOT NULL, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
    channel TEXT NOT NULL, number INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
    tick_ms INTEGER NOT NULL, min_viewers INTEGER NOT NULL, PRIMARY KEY (channel, number)
) WITHOUT ROWID;
CREATE TABLE moments (
    channel TEXT NOT NULL, session INTEGER NOT NULL, time INTEGER NOT NULL, viewers INTEGER NOT NULL,
    sharing INTEGER NOT NULL, angry INTEGER NOT NULL, disgust INTEGER NOT NULL, fear INTEGER NOT NULL,
    happy INTEGER NOT NULL, sad INTEGER NOT NULL, surprise INTEGER NOT NULL, neutral INTEGER NOT NULL,
    valence REAL NOT NULL, resonance REAL NOT NULL, PRIMARY KEY (channel, session, time)
) WITHOUT ROWID;
CREATE TABLE reactions (
    channel TEXT NOT NULL, session INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    strength REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (channel, session, time, kind, name)
) WITHOUT ROWID;
INSERT INTO sessions VALUES ('demo', 1, 100, 160, 250, 5);
INSERT INTO moments VALUES ('demo', 1, 101, 9, 8, 0, 0, 0, 6, 0, 0, 2, 0.75, 0.5);
PRAGMA user_version = 1;
"""


def test_an_old_file_keeps_its_history_and_gains_the_new(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / database.FILE) as file:
        file.executescript(VERSION_1)
    file.close()
    history = History(database.prepare(str(tmp_path)))
    session = history.begin("demo", 200.0, 300.0, 250, 5)
    history.put_marker(session, Marker(time=150.0, text="here"))
    history.close()
    place = database.prepare(str(tmp_path))  # a second time, nothing changes
    stored = support.stored(place, "demo", 1)
    assert stored is not None
    assert (stored["session"].started, stored["session"].name) == (100.0, "")
    assert [moment["time"] for moment in stored["moments"]] == [101]
    assert [marker.text for marker in stored["markers"]] == ["here"]


@pytest.mark.skipif(sys.platform == "win32", reason="there, who may read a file is the folder's to say")
def test_nobody_else_may_read_the_keys_also_in_a_folder_that_was_there(tmp_path: Path) -> None:
    """Tickets are signed with one of them. What is beside the file (-wal, -shm) is as the file."""
    tmp_path.chmod(0o755)
    place = database.prepare(str(tmp_path))
    history = History(place)
    database.secret(place, "tickets")
    history.put_session(history.begin("demo", 1.0, 300.0, 250, 5))
    with database.opened(place) as file:
        file.execute("SELECT * FROM sessions").fetchall()
        files = list(tmp_path.glob(f"{database.FILE}*"))
        assert len(files) == 3
        assert [path.stat().st_mode & 0o077 for path in files] == [0, 0, 0]
    history.close()
    (tmp_path / database.FILE).chmod(0o664)  # as made by an older relay
    database.prepare(str(tmp_path))
    assert (tmp_path / database.FILE).stat().st_mode & 0o777 == 0o660


def test_channels_live_in_the_same_database(tmp_path: Path, database_url: str) -> None:
    place = database.prepare(str(tmp_path), database_url)
    keys = Channels(place).create("demo")
    channels = Channels(place)
    assert channels.right("demo", keys.display_key) == "display"
    with pytest.raises(FileExistsError, match="demo"):
        channels.create("demo")
    channels.set_password("demo", "open sesame")
    assert not Channels(place).check_password("demo", "wrong")
    channels.delete("demo")
    assert "demo" not in channels
    assert "demo" not in Channels(place)
    channels.create("demo")
    assert not channels.has_password("demo")
    rotated = channels.rotate("demo", "admin", channels.seal("demo"))
    assert Channels(place).right("demo", rotated) == "admin"


def test_a_transaction_that_fails_leaves_nothing_and_the_next_one_works(tmp_path: Path, database_url: str) -> None:
    connection = database.connect(database.prepare(str(tmp_path), database_url))
    insert = "INSERT INTO markers (channel, session, time, text) VALUES ('demo', 1, ?, 'here')"

    def run(*statements: str) -> None:
        with connection.transaction():
            for number, statement in enumerate(statements):
                connection.execute(statement, (number,))

    with pytest.raises(database.ConflictError):
        run(insert, insert.replace("?", "? * 0"))
    with pytest.raises(database.DatabaseError):
        run(insert, "SELECT ? FROM nothing")
    run("SELECT ?", insert)
    with connection.transaction():
        assert connection.execute("SELECT time FROM markers").fetchall() == [(1,)]
    connection.close()


def test_a_step_that_fails_leaves_the_old_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / database.FILE) as file:
        file.executescript(VERSION_1)
    monkeypatch.setattr(database, "STEPS", (*database.STEPS, ("CREATE TABLE half (x)", "CREATE TABLE moments (x)")))
    with pytest.raises(DataFolderError):
        database.prepare(str(tmp_path))
    assert file.execute("PRAGMA user_version").fetchone() == (1,)
    assert file.execute("SELECT name FROM sqlite_master WHERE name IN ('half', 'markers')").fetchall() == []
    file.close()
