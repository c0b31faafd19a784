"""Which rate of a clip counts, the table's or its file's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips import rates


def test_a_table_and_a_header_that_agree() -> None:
    assert rates.settled(30, 29.97, "a") == (30, "")
    assert rates.settled(200, None, "a") == (200, "")
    assert rates.settled(math.nan, 60, "a") == (60, "")


@pytest.mark.parametrize("header", [0, math.nan, 1000, -25, math.inf])
def test_a_header_that_can_not_be_true(header: float) -> None:
    rate, sentence = rates.settled(60, header, "a.mp4")
    assert rate == 60
    assert f"in the header of a.mp4, got {header:g}: the table's 60 count" in sentence
    rate, sentence = rates.settled(math.nan, header, "a.mp4")
    assert math.isnan(rate)
    assert sentence.endswith("its rate counts as not known")


def test_a_header_that_contradicts_the_table() -> None:
    assert rates.settled(200, 25, "a") == (
        200,
        "the header of a says 25 frames a second, and the table 200: the table counts",
    )


@given(st.floats(5, 500), st.one_of(st.none(), st.floats(allow_nan=True)))
def test_a_table_always_counts(table: float, header: float | None) -> None:
    assert rates.settled(table, header, "a")[0] == table
