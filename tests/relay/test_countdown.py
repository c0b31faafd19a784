"""The countdown that measures viewers' delays: pure."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.countdown import EARLY_S, LEAST_REST_S, Measurement, TapError, late_tap
from relay.protocol import LONGEST_COUNTDOWN_S, MAX_DELAY_S, SHORTEST_COUNTDOWN_S, Countdown

SECONDS = st.integers(SHORTEST_COUNTDOWN_S, LONGEST_COUNTDOWN_S)
TIMES = st.floats(0, 400, allow_nan=False)


def test_the_delay_is_the_time_from_zero_to_the_tap() -> None:
    countdown = Measurement(5, now=100.0, unix=1e9, least=1)
    assert countdown.tap("anna", "net", 113.0) == 8.0
    assert (countdown.answers, countdown.median) == (1, 8.0)


@pytest.mark.parametrize(("tapped", "delay"), [(104.0, 0.0), (104.9, 0.0), (105.0, 0.0), (225.0, 120.0)])
def test_hurried_fingers_mean_zero_and_the_longest_delay_still_counts(tapped: float, delay: float) -> None:
    assert Measurement(5, 100.0, 1e9, 1).tap("anna", "net", tapped) == delay


@pytest.mark.parametrize(
    ("tapped", "sentence"), [(103.0, "Zero is 2 seconds away"), (226.0, "zero was 121 seconds ago: tap at the next")]
)
def test_a_tap_too_early_or_too_late_measures_nothing_and_says_so(tapped: float, sentence: str) -> None:
    countdown = Measurement(5, 100.0, 1e9, 1)
    with pytest.raises(TapError, match=sentence):
        countdown.tap("anna", "net", tapped)
    assert (countdown.answers, countdown.median) == (0, None)


def test_of_a_viewers_taps_the_last_counts_and_who_leaves_counts_no_more() -> None:
    countdown = Measurement(5, 0.0, 1e9, 1)
    countdown.tap("anna", "net", 7.0)
    countdown.tap("anna", "net", 15.0)
    countdown.tap("ben", "net", 11.0)
    assert (countdown.answers, countdown.median) == (2, 8.0)
    countdown.forget("anna")
    countdown.forget("anna")
    assert (countdown.answers, countdown.median) == (1, 6.0)


def test_of_too_few_networks_nothing_is_told_however_many_viewers_they_have() -> None:
    countdown = Measurement(5, 0.0, 1e9, least=5)
    for viewer in range(40):
        countdown.tap(f"viewer {viewer}", f"net {viewer % 4}", 13.0)
        assert (countdown.answers, countdown.median) == (0, None)
    countdown.tap("the fifth", "elsewhere", 15.0)
    assert (countdown.answers, countdown.median) == (41, 8.0)
    countdown.forget("the fifth")
    assert (countdown.answers, countdown.median) == (0, None)


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abcd"), st.booleans()), max_size=30),
)
def test_something_is_told_exactly_while_enough_networks_answer(
    least: int, events: list[tuple[int, str, bool]]
) -> None:
    countdown, present = Measurement(5, 0.0, 1e9, least), dict[int, str]()
    for viewer, network, comes in events:
        if comes:
            countdown.tap(viewer, network, 7.0)
            present[viewer] = network
        else:
            countdown.forget(viewer)
            present.pop(viewer, None)
        enough = len(set(present.values())) >= least
        assert countdown.answers == (len(present) if enough else 0)
        assert (countdown.median is None) == (not enough)


@given(SECONDS, st.lists(st.tuples(st.integers(0, 5), TIMES)))
def test_every_measured_delay_lies_between_0_and_the_longest(seconds: int, taps: list[tuple[int, float]]) -> None:
    countdown, counted = Measurement(seconds, 0.0, 1e9, 1), dict[int, float]()
    for viewer, now in taps:
        if seconds - EARLY_S <= now <= seconds + MAX_DELAY_S:
            counted[viewer] = delay = countdown.tap(viewer, "net", now)
            assert 0 <= delay <= MAX_DELAY_S
            assert abs(delay - (now - seconds)) <= EARLY_S
        else:
            with pytest.raises(TapError):
                countdown.tap(viewer, "net", now)
    assert countdown.answers == len(counted)
    assert countdown.median == (statistics.median(counted.values()) if counted else None)


@given(st.lists(st.tuples(SECONDS, st.floats(0, 60)), min_size=2, max_size=6), st.floats(0, MAX_DELAY_S))
def test_no_tap_is_taken_for_another_countdown_where_each_waits_until_the_last_is_over(
    plan: list[tuple[int, float]], delay: float
) -> None:
    now = 0.0
    for seconds, pause in plan:
        countdown = Measurement(seconds, now, 1e9 + now, 1)
        zero = now + seconds
        assert countdown.tap("anna", "net", zero + delay) == pytest.approx(delay, abs=1e-6)
        now += countdown.open_s(now) + pause
        assert zero + delay <= now + 1e-6, "it was answered before the next one could begin"


@given(SECONDS, TIMES)
def test_what_the_page_can_show_follows_the_clock(seconds: int, now: float) -> None:
    countdown = Measurement(seconds, 0.0, 1e9, 1)
    event = countdown.event(now)
    assert event.zero == 1e9 + seconds
    assert event.zero - event.time == pytest.approx(seconds - now, abs=1e-6)
    assert countdown.can_be_followed(now) == (seconds - now >= LEAST_REST_S)
    digit = countdown.digit(now)
    if now < seconds:
        assert digit is not None
        assert 0 <= digit - (seconds - now) < 1
    else:
        assert digit == (0 if now < seconds + 1.5 else None)


@pytest.mark.parametrize(
    ("now", "digit"), [(100.0, 5), (100.5, 5), (101.0, 4), (104.5, 1), (105.0, 0), (106.25, 0), (106.5, None)]
)
def test_the_digits_on_the_broadcast(now: float, digit: int | None) -> None:
    assert Measurement(5, 100.0, 1e9, 1).digit(now) == digit


def test_all_hear_of_the_same_countdown() -> None:
    countdown = Measurement(5, 100.0, 1e9, 1)
    assert countdown.event(100.0) == Countdown(time=1e9, seconds=5, zero=1e9 + 5)
    assert countdown.event(103.5) == Countdown(time=1e9 + 3.5, seconds=5, zero=1e9 + 5)


def test_it_can_be_followed_until_a_second_before_zero_and_answered_until_the_longest_delay_is_over() -> None:
    countdown = Measurement(5, 100.0, 1e9, 1)
    assert [countdown.can_be_followed(now) for now in (100.0, 104.0, 104.01)] == [True, True, False]
    assert [countdown.open_s(now) for now in (100.0, 224.75, 225.0, 300.0)] == [125.0, 0.25, 0.0, 0.0]


def test_a_tap_without_a_countdown_is_told_to_wait_for_one() -> None:
    assert str(late_tap()) == "No countdown is on the stream: wait until the streamer starts one."
