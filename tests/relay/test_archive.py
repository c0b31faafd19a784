"""The history in slices: whatever lies in it, each second comes once and whole."""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.timeline import PARTS, Part, Slice
from relay.protocol import encode
from relay.store import archive, database, export
from relay.store.archive import Archive, GoneError
from tests import support

times = st.lists(st.integers(1000, 1030), max_size=40)


def fill(place: database.Place, moments: list[int], reactions: list[float], markers: list[float]) -> None:
    with database.opened(place) as file:
        for table in (*PARTS, "sessions"):
            file.execute(f"DELETE FROM {table}")
        file.execute("INSERT INTO sessions VALUES ('demo', 1, 1000, NULL, 250, 5, '')")
        for time in sorted(set(moments)):
            file.execute("INSERT INTO moments VALUES ('demo', 1, ?, 9, 8, 0, 0, 0, 6, 0, 0, 2, 0.5, 0.25)", (time,))
        for number, time in enumerate(reactions):
            file.execute("INSERT INTO reactions VALUES ('demo', 1, ?, 'tap', 'heart', 0.5, 4)", (time + number / 1000,))
        for number, time in enumerate(markers):
            file.execute("INSERT INTO markers VALUES ('demo', 1, ?, ?)", (time, f"marker {number}"))


def times_of(piece: Slice, part: Part) -> list[float]:
    return [row.time for row in piece.part(part)]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(moments=times, reactions=times, markers=times, rows=st.integers(1, 7))
def test_slices_together_are_the_whole(
    tmp_path: Path, moments: list[int], reactions: list[int], markers: list[int], rows: int
) -> None:
    place = database.prepare(str(tmp_path))
    fill(place, moments, [time + 0.5 for time in reactions], [time + 0.25 for time in markers])
    reader = Archive(place)
    session = reader.find("demo", 1)
    assert session is not None
    whole = next(reader.slices(session))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "SLICE_ROWS", rows)
        slices = list(reader.slices(session))
        parts = [(part, list(reader.slices(session, (part,)))) for part in PARTS]
    for part in PARTS:
        assert [row for piece in slices for row in piece.part(part)] == whole.part(part)
    seconds = [{math.floor(time) for part in PARTS for time in times_of(piece, part)} for piece in slices]
    assert sum(map(len, seconds)) == len(set().union(*seconds))
    for piece in slices:
        for part in PARTS:
            found = [math.floor(time) for time in times_of(piece, part)]
            assert len(found) <= rows or len(set(found)) == 1
    assert b"".join(export.csv_pieces(session, slices)) == b"".join(export.csv_pieces(session, [whole]))
    told = msgspec.structs.asdict(session)
    del told["created"]  # the channel's
    assert b"".join(export.json_pieces(session, parts)) == encode({"session": told, **msgspec.structs.asdict(whole)})


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[database.Place, Archive, Iterator[Slice]]:
    """A session of which the first slice was read."""
    place = database.prepare(str(tmp_path))
    fill(place, list(range(1000, 1020)), [], [])
    monkeypatch.setattr(archive, "SLICE_ROWS", 5)
    reader = Archive(place)
    session = reader.find("demo", 1)
    assert session is not None
    slices = reader.slices(session)
    assert len(next(slices).moments) == 5
    return place, reader, slices


def test_a_session_that_is_deleted_while_it_is_read(begun: tuple[database.Place, Archive, Iterator[Slice]]) -> None:
    place, _, slices = begun
    with database.opened(place) as file:
        for table, column in (("moments", "session"), ("sessions", "number")):
            file.execute(f"DELETE FROM {table} WHERE {column} = 1")
    with pytest.raises(GoneError):
        next(slices)
    assert support.stored(place, "demo", 1) is None


def test_a_stopping_relay_reads_no_further(begun: tuple[database.Place, Archive, Iterator[Slice]]) -> None:
    _, reader, slices = begun
    reader.close()
    with pytest.raises(GoneError):
        next(slices)
