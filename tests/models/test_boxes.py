"""The boxes around faces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inference.boxes import Points, area, overlap


def face(left: float, top: float, width: float, height: float) -> Points:
    return np.array([(left, top + height / 2), (left + width, top), (left + width / 2, top + height)])


def test_a_box_is_as_large_as_its_sides() -> None:
    assert area(face(10, 20, 3, 4)) == 12


def test_the_overlap_is_the_shared_part_of_both() -> None:
    assert overlap(face(0, 0, 4, 4), face(2, 0, 4, 4)) == pytest.approx(8 / 24)
    assert overlap(face(0, 0, 4, 4), face(4, 0, 4, 4)) == 0.0
    assert overlap(face(0, 0, 0, 0), face(0, 0, 0, 0)) == 0.0


BOX = st.tuples(*[st.floats(-100, 100)] * 2, *[st.floats(1, 100)] * 2)


@given(BOX, BOX)
def test_the_overlap_is_a_share_and_the_same_both_ways(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    one, other = face(*a), face(*b)
    assert 0.0 <= overlap(one, other) <= 1.0 + 1e-9
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one) == pytest.approx(1.0)
