"""A session as CSV: what a spreadsheet and a csv reader get."""

import csv
import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.timeline import Slice, StoredMoment
from relay.protocol import Marker, Reaction
from relay.store.export import COLUMNS, FORMULA_STARTS, SEPARATORS, csv_pieces
from relay.store.history import Session

SESSION = Session(number=1, channel="demo", started=100.5, ended=None, tick_ms=250, min_viewers=5)


def moment(time: int) -> StoredMoment:
    return StoredMoment(
        time=time, viewers=9, sharing=8, counts=(0, 0, 0, 6, 0, 0, 2), valence=0.75, resonance=0.5
    )  # fmt: skip


AUDIENCE = [name for name in COLUMNS if name != "streamer"]
"""The columns of a session for which no streamer asked to be stored."""


def csv_text(*slices: Slice) -> str:
    return b"".join(csv_pieces(SESSION, slices)).decode()


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_holds_its_second() -> None:
    text = csv_text(
        Slice(
            moments=[moment(101), moment(102)],
            reactions=[
                Reaction(time=102.1, kind="tap", name="heart", strength=0.5, count=4),
                Reaction(time=102.9, kind="tap", name="heart", strength=0.25, count=2),
                Reaction(time=102.5, kind="expression", name="happy", strength=0.5, count=4),
            ],
            markers=[Marker(time=102.2, text='a "great" joke'), Marker(time=102.3, text="the dog, again")],
        )
    )
    assert text.splitlines(keepends=True)[0] == ",".join(AUDIENCE) + "\r\n"
    first, second = read(text)
    assert (first["time"], first["utc"], first["second"]) == ("101", "1970-01-01T00:01:41Z", "1")
    assert (first["viewers"], first["sharing"], first["happy"], first["neutral"]) == ("9", "8", "6", "2")
    assert (first["valence"], first["resonance"]) == ("0.75", "0.5")
    assert (first["tap_heart"], first["burst_happy"], first["markers"]) == ("0", "0", "")
    assert (second["tap_heart"], second["burst_happy"], second["burst_sad"]) == ("6", "4", "0")
    assert second["markers"] == 'a "great" joke; the dog, again'


def test_a_marker_stands_alone_where_too_few_shared() -> None:
    (row,) = read(csv_text(Slice(markers=[Marker(time=105.0, text="hello?")])))
    assert (row["time"], row["viewers"], row["tap_cry"], row["markers"]) == ("105", "", "", "hello?")


def test_a_session_without_moments_is_a_header() -> None:
    assert csv_text(Slice()) == ",".join(AUDIENCE) + "\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\N{FULLWIDTH EQUALS SIGN}1"])
def test_no_text_is_run_as_a_formula(text: str) -> None:
    (row,) = read(csv_text(Slice(markers=[Marker(time=105.0, text=text)])))
    assert row["markers"] == f"'{text}"


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x; =1+1", "x; '=1+1"),
        ('x;"=1+1"', 'x;"\'=1+1"'),
        ("a,b\t@SUM(A1)", "a,b\t'@SUM(A1)"),
        (" -1", " '-1"),
        ("well-played; 3 + 4 = 7", "well-played; 3 + 4 = 7"),
        ("hi @anna - wow", "hi @anna - wow"),
    ],
)
def test_no_part_of_a_text_is_run_as_a_formula_whatever_separates_cells(text: str, guarded: str) -> None:
    (row,) = read(csv_text(Slice(markers=[Marker(time=105.0, text=text)])))
    assert row["markers"] == guarded


def test_the_second_marker_of_a_second_is_no_formula() -> None:
    (row,) = read(csv_text(Slice(markers=[Marker(time=105.0, text="wow"), Marker(time=105.0, text="=1+1")])))
    assert row["markers"] == "wow; '=1+1"


DANGEROUS = st.lists(st.sampled_from([*FORMULA_STARTS, *";,|\t\r\n\"' ax1"])).map("".join)


@given(st.lists(DANGEROUS.filter(bool), max_size=3), st.sampled_from(SEPARATORS.replace("\r\n", "")))
def test_no_reader_finds_a_formula(texts: list[str], separator: str) -> None:
    """As a spreadsheet of another country splits the rows; blanks around a cell and lone quotes don't help."""
    text = csv_text(Slice(markers=[Marker(time=105.0, text=text) for text in texts]))
    quoted, plain = csv.reader(io.StringIO(text, newline=""), delimiter=separator), re.split(f"[{SEPARATORS}]", text)
    for cell in [*itertools.chain(*quoted), *plain]:
        assert not cell.lstrip(' \t\r\n"').startswith(FORMULA_STARTS), repr(cell)


@given(st.lists(st.tuples(st.integers(100, 110), st.text(st.characters(codec="utf-8"), min_size=1)), max_size=5))
def test_whatever_is_written_can_be_read_again(markers: list[tuple[int, str]]) -> None:
    found = csv_text(Slice(moments=[moment(101)], markers=[Marker(time=time, text=text) for time, text in markers]))
    rows = read(found)
    assert [row["time"] for row in rows] == [str(time) for time in sorted({101} | {time for time, _ in markers})]
    for row in rows:
        texts = [text for time, text in markers if str(time) == row["time"]]
        # All but the apostrophes, which may have come in front of formulas.
        assert row["markers"].replace("'", "") == "; ".join(texts).replace("'", "")
        assert not row["markers"].startswith(("=", "+", "-", "@"))
