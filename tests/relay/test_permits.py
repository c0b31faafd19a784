"""What a node may write of sessions and channels that another one may have deleted."""

import asyncio
import threading
from pathlib import Path

import pytest

from relay.core.mood import Counts
from relay.core.timeline import Second
from relay.protocol import Marker
from relay.store import database
from relay.store.channels import Channels
from relay.store.history import Commanded, History, Session
from relay.store.permits import ChangeOf, Permits

HOLDER = "writer"
MADE = 50.0


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> database.Place:
    """With a channel, whose lease the writer has."""
    place = database.prepare(str(tmp_path), database_url)
    with database.opened(place) as file:
        file.execute("INSERT INTO channels (name, admin_hash, display_hash, created) VALUES ('demo', ?, ?, ?)",
                     (b"", b"", MADE))  # fmt: skip
        file.execute("INSERT INTO leases VALUES ('demo', ?, 1e10)", (HOLDER,))
    return place


def allows(place: database.Place, *subjects: ChangeOf) -> list[bool]:
    with database.opened(place) as file:
        permits = Permits(file, HOLDER)
        return [permits.allows(subject) for subject in subjects]


def put_session(place: database.Place, number: int, started: float) -> None:
    with database.opened(place) as file:
        file.execute("INSERT INTO sessions VALUES ('demo', ?, ?, NULL, 250, 5, '')", (number, started))


def session(created: float = MADE) -> Session:
    return Session(
        number=1, channel="demo", started=100.5, ended=None, tick_ms=250, min_viewers=5, created=created
    )  # fmt: skip


def rows(place: database.Place) -> dict[str, int]:
    tables = ("sessions", "moments", "markers", "commands")
    with database.opened(place) as file:
        return {table: file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_a_session_is_known_by_number_and_begin_and_a_channel_by_when_it_was_made(place: database.Place) -> None:
    put_session(place, 1, 100.5)
    known = ChangeOf("demo", MADE, 1, 100.5, is_led=True)
    assert allows(place, known, known._replace(is_led=False), known._replace(is_new=True)) == [True] * 3
    assert (
        allows(place, known._replace(started=100.6), known._replace(number=2), known._replace(channel="x"))
        == [False] * 3
    )
    new = known._replace(number=2, is_new=True)
    assert allows(place, new, new._replace(is_new=False, started=7.0)) == [True, False]  # the first one's row comes now
    assert allows(place, new._replace(created=MADE + 1)) == [False]
    assert allows(place, ChangeOf("demo", MADE), ChangeOf("demo", MADE + 1), ChangeOf("x", MADE)) == [
        True,
        False,
        False,
    ]


async def test_nothing_is_written_of_a_session_that_another_node_deleted(place: database.Place) -> None:
    writer, other = History(place, HOLDER), History(place, "other")
    running = session()
    writer.put_session(running)
    writer.put_moment(running, Second(101, 9, Counts()))
    await asyncio.wrap_future(writer.settled())
    assert (rows(place)["moments"], writer.is_gone(running)) == (1, False)
    await asyncio.wrap_future(other.delete_session("demo", 1))
    writer.put_moment(running, Second(102, 9, Counts()))
    writer.put_marker(running, Marker(time=102.0, text="here"))
    writer.put_session(running)
    await asyncio.wrap_future(writer.settled())
    assert rows(place) == {"sessions": 0, "moments": 0, "markers": 0, "commands": 0}
    assert (writer.is_gone(running), writer.dropped) == (True, 3)
    writer.give_up(running)
    assert not writer.is_gone(running)
    assert writer.begin("demo", 103.0, 300.0, 250, 5).number == 2
    for history in (writer, other):
        await asyncio.to_thread(history.close)


async def test_nothing_is_written_of_a_channel_that_was_made_anew(place: database.Place) -> None:
    writer = History(place, HOLDER)
    channels = Channels(place)
    channels.delete("demo")
    channels.create("demo")
    old = session()
    writer.put_session(old)
    writer.put_moment(old, Second(101, 9, Counts()))
    writer.put_marker(old, Marker(time=102.0, text="here"))
    writer.put_command(Commanded("demo", "paused", 1.0, 1.0, 1.0), MADE)
    await asyncio.wrap_future(writer.settled())
    assert (rows(place), writer.is_gone(old)) == ({"sessions": 0, "moments": 0, "markers": 0, "commands": 0}, True)
    new = session(channels.created("demo"))
    writer.give_up(old)
    writer.forget("demo")
    writer.put_session(new)
    writer.put_command(Commanded("demo", "open", 1.0, 1.0, 1.0), channels.created("demo"))
    await asyncio.wrap_future(writer.settled())
    assert rows(place) == {"sessions": 1, "moments": 0, "markers": 0, "commands": 1}
    await asyncio.to_thread(writer.close)


def test_who_deletes_waits_for_who_writes_and_nothing_is_left(place: database.Place) -> None:
    put_session(place, 1, 100.5)
    other = History(place, "other")
    found, deleting = threading.Event(), threading.Event()

    def write() -> None:
        with database.opened(place) as file:
            assert Permits(file, HOLDER).allows(ChangeOf("demo", MADE, 1, 100.5, is_led=True))
            found.set()
            deleting.wait(10)
            file.execute("INSERT INTO markers VALUES ('demo', 1, 101.0, 'late')")

    thread = threading.Thread(target=write)
    thread.start()
    assert found.wait(10)
    deleted = other.delete_session("demo", 1)
    deleting.set()
    thread.join()
    deleted.result(10)
    assert (rows(place)["sessions"], rows(place)["markers"]) == (0, 0)
    other.close()
