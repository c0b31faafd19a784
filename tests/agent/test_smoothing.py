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
