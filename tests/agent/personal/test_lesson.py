"""The guided minute, whatever the times at which it is asked."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.personal.lesson import HOLD_S, LASTS_S, READY_S, AskedFace, GuidedMinute
from relay.protocol import EXPRESSIONS

BEGAN = st.floats(0, 1e6)
STEPS = st.lists(st.floats(0, 4.9), min_size=1, max_size=400)


def told(minute: GuidedMinute, began: float, steps: list[float]) -> list[AskedFace]:
    now, found = began, []
    for step in steps:
        now += step
        found += minute.turns(now)
    return found


def test_it_lasts_a_minute_and_asks_for_all_seven() -> None:
    assert pytest.approx(60, abs=1) == LASTS_S
    minute = GuidedMinute(100)
    found = told(minute, 100, [0.1] * 600)
    assert [asked.label for asked in found] == list(range(len(EXPRESSIONS)))
    assert minute.is_over
    assert not minute.is_broken_off
    assert minute.moment(160) is None


@given(BEGAN, STEPS)
def test_each_is_told_once_and_when_it_is_over(began: float, steps: list[float]) -> None:
    minute = GuidedMinute(began)
    found = told(minute, began, steps)
    now = began + math.fsum(steps)
    assert [asked.label for asked in found] == list(range(len(found)))
    assert all(began < asked.since < asked.until <= now + 1e-6 for asked in found)
    assert all(one.until <= two.since for one, two in itertools.pairwise(found))
    assert minute.is_over == (now >= began + LASTS_S) or abs(now - began - LASTS_S) < 1e-6


@given(BEGAN, st.floats(0, LASTS_S, exclude_max=True))
def test_what_it_asks_for_is_what_counts(began: float, elapsed: float) -> None:
    minute = GuidedMinute(began)
    moment = minute.moment(began + elapsed)
    if moment is None:  # rounded up to the end
        assert began + elapsed - began >= LASTS_S
        return
    assert 0 <= moment.left_s <= (READY_S if moment.phase == "ready" else HOLD_S) + 1e-6
    assert EXPRESSIONS[moment.number - 1] == moment.expression
    counting = [asked for asked in told(minute, began, [0.5] * 130) if asked.since <= began + elapsed < asked.until]
    assert [EXPRESSIONS[asked.label] for asked in counting] in ([], [moment.expression])
    if counting:
        assert moment.phase == "hold"


@given(st.floats(0, 50), st.floats(5.1, 1e5))
def test_a_program_that_was_halted_meanwhile_breaks_it_off(at: float, halted: float) -> None:
    minute = GuidedMinute(0)
    before = told(minute, 0, [1.0] * int(at))
    assert minute.turns(int(at) + halted) == []
    assert minute.is_broken_off
    assert minute.moment(int(at) + halted) is None
    assert minute.turns(int(at) + halted + 0.1) == []
    assert len(before) <= 5
