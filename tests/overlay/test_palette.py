"""The expressions' colours can be told apart, whichever cones somebody has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import palette
from benchmarks.colour_vision import VISIONS, contrast, difference, encoded, lab, linear, pairs, seen

COLOURS = json.loads(palette.PALETTE.read_text("utf-8"))
WRITTEN = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_any_two_expressions_differ_for_every_vision() -> None:
    found = pairs(COLOURS)
    assert len(found) == 21 * len(VISIONS)
    assert [pair for pair in found if pair.difference < palette.LEAST] == []


@pytest.mark.parametrize("vision", VISIONS)
def test_neighbours_on_the_bar_differ_in_luminance_too(vision: str) -> None:
    found = palette.neighbours(COLOURS, vision)
    assert {pair: value for pair, value in found.items() if value < palette.LEAST_CONTRAST} == {}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # of the test data of Sharma, Wu and Dalal (2005): near grey, hues around 0, blues that twist, a large difference
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_ciede2000(
    one: tuple[float, float, float], other: tuple[float, float, float], expected: float
) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=5e-5)


@given(WRITTEN, WRITTEN)
def test_differences_have_no_side_and_a_colour_is_like_itself(one: str, other: str) -> None:
    assert encoded(linear(one)) == one
    forth, back = (difference(lab(linear(a)), lab(linear(b))) for a, b in ((one, other), (other, one)))
    assert forth == pytest.approx(back)
    assert (forth == 0) == (one == other)
    assert 1 <= contrast(linear(one), linear(other)) <= 21


@given(st.integers(0, 255))
def test_greys_stay_grey_whatever_cone_is_missing(level: int) -> None:
    grey = linear(f"#{level:02x}{level:02x}{level:02x}")
    for vision in VISIONS:
        assert difference(lab(seen(grey, vision)), lab(grey)) < 1


def test_red_and_green_that_a_deuteranope_confuses_are_found() -> None:
    found = [
        pair for pair in pairs({"red": "#b3592a", "green": "#7a7a20"}) if pair.vision in ("normal", "deuteranopia")
    ]
    assert [pair.vision for pair in found] == ["deuteranopia", "normal"]
