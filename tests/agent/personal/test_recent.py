"""The last minute's looks: no older, no more, and gone when they are to be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.personal.recent import KEPT_S, MOST_KEPT, KeptLook, LastMinute


def look(at: float) -> KeptLook:
    return KeptLook(at, np.full(3, at, np.float32), np.full(7, 1 / 7, np.float32))


@given(st.lists(st.floats(0, 20), max_size=60))
def test_no_look_is_kept_for_longer_than_a_minute(steps: list[float]) -> None:
    recent, times = LastMinute(), np.cumsum(steps).tolist()
    for at in times:
        recent.add(look(at))
    wanted = [at for at in times if at >= times[-1] - KEPT_S]
    assert [kept.at for kept in recent.between(0, np.inf)] == wanted
    recent.expire(times[-1] + KEPT_S + 1e-6 if times else 0.0)
    assert recent.oldest is None


def test_however_fast_a_camera_is_the_memory_is_bounded() -> None:
    recent = LastMinute()
    for number in range(MOST_KEPT + 500):
        recent.add(look(number / 1000))
    assert len(recent.between(0, 100)) == MOST_KEPT
    assert recent.between(0, 0.499) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 20), st.floats(0, 20))
def test_a_span_has_its_looks_in_their_order(steps: list[float], one: float, other: float) -> None:
    recent, times = LastMinute(), np.cumsum(steps).tolist()
    for at in times:
        recent.add(look(at))
    since, until = min(one, other), max(one, other)
    assert [kept.at for kept in recent.between(since, until)] == [at for at in times if since <= at <= until]


def test_a_clock_that_starts_again_leaves_nothing_of_before() -> None:
    recent = LastMinute()
    recent.add(look(50.0))
    recent.add(look(3.0))
    assert [kept.at for kept in recent.between(0, 100)] == [3.0]


def test_forgotten_is_forgotten() -> None:
    recent = LastMinute()
    recent.add(look(1.0))
    recent.forget()
    assert recent.between(0, 100) == []
