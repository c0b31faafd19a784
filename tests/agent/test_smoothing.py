"""The smoothing: steady, quick enough, the same at every frame rate."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.smoothing import Reading, Rules, Smoother
from relay.protocol import EXPRESSIONS, Expression

RULES = Rules()


def face(emotion: Expression, probability: float = 0.9) -> list[float]:
    rest = (1 - probability) / 6
    return [probability if name == emotion else rest for name in EXPRESSIONS]


@st.composite
def distributions(draw: st.DrawFn) -> list[float]:
    weights = draw(st.lists(st.floats(0, 1), min_size=7, max_size=7).filter(lambda values: sum(values) > 0.01))
    return [weight / sum(weights) for weight in weights]


@st.composite
def clips(draw: st.DrawFn) -> list[tuple[float, list[float] | None]]:
    """Frames (time, probabilities or None) at uneven distances, some further apart than the away time."""
    gaps = draw(st.lists(st.floats(0.01, 1.0) | st.floats(1.9, 3.0), min_size=1, max_size=40))
    frames, time = [], 100.0
    for gap in gaps:
        time += gap
        frames.append((time, draw(st.none() | distributions())))
    return frames


def play(frames: list[tuple[float, list[float] | None]]) -> list[tuple[float, Reading | None]]:
    smoother = Smoother()
    return [(time, smoother.update(time, probabilities)) for time, probabilities in frames]


@given(clips())
def test_a_reading_is_always_something_the_relay_takes(frames: list[tuple[float, list[float] | None]]) -> None:
    for _, reading in play(frames):
        assert reading is None or (reading.emotion in EXPRESSIONS and 0 <= reading.confidence <= 1)


@given(clips())
def test_nobody_is_there_two_seconds_after_the_last_face(frames: list[tuple[float, list[float] | None]]) -> None:
    seen = float("-inf")
    for (time, probabilities), (_, reading) in zip(frames, play(frames), strict=True):
        if probabilities is not None:
            seen = time
        elif time - seen >= RULES.away_after_s:
            assert reading is None


@pytest.mark.parametrize("readable_in", [2, 5, 9])
def test_a_face_of_which_single_frames_can_be_read_does_not_come_and_go(readable_in: int) -> None:
    frames = [(0.2 * i, None if i % readable_in else face("sad")) for i in range(100)]
    assert {reading for _, reading in play(frames)} == {None}


def test_who_is_there_stays_while_single_frames_can_be_read() -> None:
    frames = [(0.2 * i, None if i > 10 and i % 9 else face("sad")) for i in range(100)]
    assert all(reading is not None for _, reading in play(frames)[2:])


@given(clips())
def test_the_expression_never_changes_twice_within_the_hold_time(
    frames: list[tuple[float, list[float] | None]],
) -> None:
    changes = [
        now
        for (_, before), (now, after) in pairwise(play(frames))
        if before is not None and after is not None and before.emotion != after.emotion
    ]
    assert all(later - earlier >= RULES.hold_s for earlier, later in pairwise(changes))


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(EXPRESSIONS), st.floats(0.4, 1.0), st.sampled_from([5, 10, 30]))
def test_a_lasting_change_is_followed_within_two_seconds(
    first: Expression, second: Expression, probability: float, fps: int
) -> None:
    frames = [(i / fps, face(first, probability)) for i in range(2 * fps)]
    frames += [(2 + i / fps, face(second, probability)) for i in range(2 * fps)]
    readings = play(list(frames))
    before, after = readings[2 * fps - 1][1], readings[-1][1]
    assert before is not None
    assert before.emotion == first
    assert after is not None
    assert after.emotion == second
    assert after.confidence == pytest.approx(probability, abs=0.05)


def test_one_odd_frame_changes_nothing() -> None:
    frames = [(i / 5, face("fear" if i == 10 else "happy")) for i in range(20)]
    assert {reading.emotion for _, reading in play(list(frames)) if reading} == {"happy"}


def test_near_equal_expressions_do_not_flicker() -> None:
    frames = []
    for i in range(100):
        sad, neutral = (0.42, 0.38) if i % 2 else (0.38, 0.42)
        frames.append((i / 5, [0.04, 0.04, 0.04, 0.04, sad, 0.04, neutral]))
    assert len({reading.emotion for _, reading in play(list(frames)) if reading}) == 1


def test_a_short_occlusion_keeps_the_reading_and_a_long_one_ends_it() -> None:
    smoother = Smoother()
    for i in range(10):
        smoother.update(i / 5, face("happy"))
    kept = smoother.update(3.7, None)
    assert kept is not None
    assert kept.emotion == "happy"
    assert smoother.update(3.9, None) is None
    # Whoever comes back is looked at afresh: nothing of the old expression is left.
    assert smoother.update(4.0, face("sad")) is None
    assert smoother.update(4.35, face("sad")) == Reading("sad", pytest.approx(0.9))


def test_five_and_thirty_frames_a_second_give_the_same_curve() -> None:
    curves = []
    for fps in (5, 30):
        frames = [(i / fps, face("happy") if i < fps else face("sad")) for i in range(2 * fps)]
        curves.append({round(time, 3): reading for time, reading in play(list(frames))})
    slow, quick = curves[0][1.8], curves[1][1.8]
    assert slow is not None
    assert quick is not None
    assert slow.emotion == quick.emotion == "sad"
    # The average takes a frame as having lasted since the one before, hence up to one slow frame apart.
    assert slow.confidence == pytest.approx(quick.confidence, abs=0.06)


# --- the hysteresis alone, on averages that follow at once ------------------------------------------------------------

SHARP = Rules(time_constant_s=1e-9, lead=1.25, hold_s=0.25, away_after_s=2.0)


def of(**probabilities: float) -> list[float]:
    return [probabilities.get(name, 0.0) for name in EXPRESSIONS]


def happy_since_zero(rules: Rules = SHARP) -> Smoother:
    """A face that has been happy for a quarter of a second, which is how long it is looked at."""
    smoother = Smoother(rules)
    assert smoother.update(0.0, of(happy=1.0)) is None
    assert smoother.update(0.25, of(happy=1.0)) == Reading("happy", 1.0)
    return smoother


def shown(smoother: Smoother, time: float, **probabilities: float) -> Expression | None:
    reading = smoother.update(time, of(**probabilities) if probabilities else None)
    return reading.emotion if reading else None


def test_another_expression_takes_over_once_it_has_led_for_the_hold_time() -> None:
    smoother = happy_since_zero()
    assert [shown(smoother, time, sad=1.0) for time in (1.0, 1.125, 1.249, 1.25)] == ["happy"] * 3 + ["sad"]


def test_a_lead_that_is_lost_counts_for_nothing() -> None:
    smoother = happy_since_zero()
    assert shown(smoother, 1.0, sad=1.0) == "happy"
    assert shown(smoother, 1.125, happy=1.0) == "happy"
    assert [shown(smoother, time, sad=1.0) for time in (1.25, 1.375, 1.5)] == ["happy", "happy", "sad"]


def test_a_lead_that_passes_to_a_third_expression_begins_anew() -> None:
    smoother = happy_since_zero()
    assert shown(smoother, 1.0, sad=1.0) == "happy"
    assert [shown(smoother, time, fear=1.0) for time in (1.125, 1.25, 1.375)] == ["happy", "happy", "fear"]


def test_a_lead_of_before_somebody_was_away_counts_for_nothing() -> None:
    smoother = happy_since_zero()
    assert shown(smoother, 1.0, sad=1.0) == "happy"
    assert shown(smoother, 2.999) == "happy"
    assert shown(smoother, 3.0) is None
    assert [shown(smoother, time, happy=1.0) for time in (4.0, 4.25)] == [None, "happy"]
    assert [shown(smoother, time, sad=1.0) for time in (4.375, 4.5, 4.625)] == ["happy", "happy", "sad"]


def test_an_expression_leads_from_exactly_so_many_times_the_shown_ones_probability_on() -> None:
    smoother = happy_since_zero()
    assert [shown(smoother, time, happy=0.4, sad=0.499) for time in (1.0, 2.0)] == ["happy", "happy"]
    assert [shown(smoother, time, happy=0.4, sad=0.5) for time in (3.0, 3.25)] == ["happy", "sad"]


def test_what_a_network_rounds_out_of_range_is_within_it() -> None:
    smoother = happy_since_zero()
    assert smoother.update(0.5, of(happy=1.0000001)) == Reading("happy", 1.0)
    assert smoother.update(0.75, of(happy=-0.0000001, sad=1.0)) == Reading("happy", 0.0)


def test_an_average_covers_63_percent_of_a_step_in_the_time_constant() -> None:
    smoother = happy_since_zero(Rules(time_constant_s=0.4, hold_s=0.25, lead=100))
    halfway = smoother.update(0.45, of(sad=1.0))
    whole = smoother.update(0.65, of(sad=1.0))
    assert halfway == Reading("happy", pytest.approx(0.6065, abs=1e-4))
    assert whole == Reading("happy", pytest.approx(0.3679, abs=1e-4))


def test_a_network_with_another_number_of_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        happy_since_zero().update(0.5, [0.2] * 5)


def test_a_sudden_change_is_followed_within_about_seven_tenths_of_a_second_and_a_blink_is_sat_out() -> None:
    """As the defaults promise, at thirty frames a second."""
    for seconds, follows in ((0.7, True), (0.55, False)):
        frames = [(i / 30, face("happy")) for i in range(30)]
        frames += [(1 + i / 30, face("sad")) for i in range(round(seconds * 30))]
        [*_, (_, last)] = play(list(frames))
        assert last is not None
        assert (last.emotion == "sad") == follows
