"""From curves to intervals: the moment of a micro-expression, and not that of a blink."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from models.micro import spotting
from models.micro.spotting import Durations, Spotted

RATE = 60.0
PROBABILITIES = arrays.arrays(np.float64, st.integers(1, 90), elements=st.floats(0, 1))


def hump(count: int, *where: tuple[int, int], high: float = 0.95, low: float = 0.05) -> NDArray[np.float64]:
    """A curve that is high from first to last frame."""
    curve = np.full(count, low)
    for first, last in where:
        curve[first : last + 1] = high
    return curve


def bell(count: int, top: int, width: float = 3.0, height: float = 1.0) -> NDArray[np.float64]:
    return np.asarray(height * np.exp(-0.5 * ((np.arange(count) - top) / width) ** 2))


def test_an_expression_is_found_from_its_first_to_its_last_frame_with_its_apex() -> None:
    assert spotting.intervals(hump(200, (80, 100)), bell(200, 91), RATE) == [Spotted(80, 91, 100, pytest.approx(0.95))]


def test_two_expressions_are_two_and_in_their_order() -> None:
    found = spotting.intervals(hump(300, (40, 60), (200, 224)), bell(300, 50) + bell(300, 210), RATE)
    assert [(one.onset, one.apex, one.offset) for one in found] == [(40, 50, 60), (200, 210, 224)]


def test_a_gap_of_a_frame_or_two_does_not_split_an_expression() -> None:
    curve = hump(120, (50, 70))
    curve[60] = 0.3
    assert [(one.onset, one.offset) for one in spotting.intervals(curve, curve, RATE)] == [(50, 70)]


@pytest.mark.parametrize("frames", [2, 90])
def test_what_is_too_short_or_too_long_for_a_micro_expression_is_weighed_by_the_prior(frames: int) -> None:
    found = spotting.intervals(hump(300, (100, 99 + frames), high=0.7), bell(300, 101), RATE, cost=2)
    assert all(6 <= one.offset - one.onset + 1 <= 36 for one in found)
    if frames == 2:
        assert found == []


def test_a_cost_leaves_only_what_is_sure() -> None:
    curve = np.maximum(hump(200, (40, 60), high=0.6), hump(200, (120, 140)))
    assert len(spotting.intervals(curve, curve, RATE)) == 2
    assert [one.onset for one in spotting.intervals(curve, curve, RATE, cost=15)] == [120]


@given(PROBABILITIES, st.sampled_from([20.0, 30.0, 60.0, 200.0]), st.floats(0, 20))
def test_intervals_are_disjoint_ordered_and_within_the_film(
    inside: NDArray[np.float64], rate: float, cost: float
) -> None:
    found = spotting.intervals(inside, inside, rate, cost=cost)
    lengths = set(Durations().frames(rate).tolist())
    last = -1
    for one in found:
        assert last < one.onset <= one.apex <= one.offset < len(inside)
        assert one.offset - one.onset + 1 in lengths
        assert 0 < one.score <= 1
        last = one.offset


@given(PROBABILITIES)
def test_the_intervals_are_worth_as_much_as_any(inside: NDArray[np.float64]) -> None:
    """As the best single window that there is, at least: compared with all of them, one by one."""
    odds = np.clip(np.log(np.clip(inside, 1e-9, 1)) - np.log(np.clip(1 - inside, 1e-9, 1)), -4, 4)
    lengths = Durations().frames(30)
    prior = dict(zip(lengths.tolist(), Durations().log_prior(lengths, 30).tolist(), strict=True))

    def worth(first: int, length: int) -> float:
        return float(odds[first : first + length].sum() + prior[length])

    found = spotting.intervals(inside, inside, 30)
    total = sum(worth(one.onset, one.offset - one.onset + 1) for one in found)
    single = [worth(first, n) for n in prior for first in range(len(inside) - n + 1)]
    assert total >= max([0.0, *single]) - 1e-6


@given(st.lists(st.integers(6, 36), max_size=5), st.floats(10, 240))
def test_neighbours_share_no_frame_of_their_film(lengths: list[int], rate: float) -> None:
    ends = np.cumsum([0, *lengths]).tolist()
    found = [Spotted(first, after - 1, after - 1, 0.9) for first, after in itertools.pairwise(ends)]
    count = max(1, round(ends[-1] / 60 * rate))
    at = np.minimum(np.rint(np.arange(max(1, ends[-1])) / 60 * rate).astype(np.int64), count - 1)
    moved = spotting.in_film(found, at, count)
    assert len(moved) == len(found)
    last = -1
    for one in moved:
        assert last < one.onset <= one.apex <= one.offset < count
        last = one.offset


def test_at_the_curves_own_rate_nothing_moves() -> None:
    found = [Spotted(3, 7, 11, 0.9), Spotted(12, 15, 19, 0.8)]
    assert spotting.in_film(found, np.arange(20), 20) == found


def test_peaks_are_found_one_by_one_with_the_typical_duration() -> None:
    found = spotting.peaks(bell(300, 91, height=2) + bell(300, 200), RATE, share=0.4)
    assert [one.apex for one in found] == [91, 200]
    assert all(one.offset - one.onset + 1 == 21 for one in found)


@given(arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 100)), st.floats(0, 1))
def test_peaks_are_disjoint_enough_and_within_the_film(curve: NDArray[np.float64], share: float) -> None:
    found = spotting.peaks(curve, RATE, share)
    assert all(0 <= one.onset <= one.apex <= one.offset < len(curve) for one in found)
    assert [one.onset for one in found] == sorted(one.onset for one in found)
    assert len({one.apex for one in found}) == len(found)


def test_nothing_moves_and_nothing_is_spotted() -> None:
    assert spotting.peaks(np.zeros(50), RATE, 0.5) == []
    assert spotting.intervals(np.zeros(50), np.zeros(50), RATE) == []


def test_the_plain_maximum_takes_a_blink_for_the_apex() -> None:
    """As the lecture shows: the apex is frame 91, and the largest difference frame 152, where the eyes are shut."""
    frames = np.full((200, 32, 32, 3), 120, np.uint8)
    frames[81:102, 24:28, 8:24] = (120 + np.rint(40 * bell(200, 91, 5)[81:102])).astype(np.uint8)[:, None, None, None]
    frames[148:157, 8:14, 4:28] = 20
    frames[152, 8:14, 4:28] = 0
    curve = spotting.difference(frames)
    assert curve[0] == 0
    assert curve.argmax() == 152
