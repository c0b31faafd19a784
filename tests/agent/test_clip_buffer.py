"""When a face becomes part of a clip, and when a clip is due."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clip_buffer import GAP_S, HANG_S, ClipBuffer
from models.inference.contract import ClipSpec


def feed(buffer: ClipBuffer[float], times: Sequence[float | None]) -> list[list[float]]:
    """The clips that faces seen at these times give, None for a frame without one; a face is told by its time."""
    clips = []
    for time in times:
        if time is None:
            buffer.miss()
        elif buffer.wants(time):
            clip = buffer.add(time, time)
            if clip is not None:
                clips.append(clip)
    return clips


def test_the_first_face_fills_the_clip_and_later_ones_push_it_out() -> None:
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [1.0, 1.2, 1.4, 1.6]) == [
        [1.0, 1.0, 1.0],
        [1.0, 1.0, 1.2],
        [1.0, 1.2, 1.4],
        [1.2, 1.4, 1.6],
    ]


def test_a_clip_every_few_frames() -> None:
    times = [i * 0.2 for i in range(9)]
    assert [clip[-1] for clip in feed(ClipBuffer(ClipSpec(4, 0.2, every=3)), times)] == [times[0], times[3], times[6]]


def test_a_fast_camera_gives_a_clip_of_the_same_length() -> None:
    clips = feed(ClipBuffer(ClipSpec(6, 0.2)), [i / 30 for i in range(90)])
    assert len(clips) == pytest.approx(3 / 0.2, abs=1)
    assert clips[-1][-1] - clips[-1][0] == pytest.approx(1.0, abs=0.04)


def test_a_slow_camera_leaves_no_face_out() -> None:
    times = [i * 0.3 for i in range(8)]
    assert feed(ClipBuffer(ClipSpec(4, 0.2)), times)[-1] == times[-4:]


def test_a_trembling_camera_of_the_right_speed_leaves_no_face_out() -> None:
    times = [i * 0.2 + (0.03 if i % 2 else 0.0) for i in range(20)]
    assert len(feed(ClipBuffer(ClipSpec(4, 0.2)), times)) == 20


def test_after_a_gap_nothing_of_before_is_left() -> None:
    buffer: ClipBuffer[float] = ClipBuffer(ClipSpec(3, 0.2, every=2))
    again = 0.4 + GAP_S + 0.01
    assert feed(buffer, [0.0, 0.2, 0.4, None, None, again])[-1] == [again] * 3


def test_after_the_camera_hung_nothing_of_before_is_left() -> None:
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [0.0, 0.2, 0.4, 3.5])[-1] == [3.5] * 3


def test_one_frame_a_second_is_no_gap() -> None:
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [0.0, 1.0, 2.0, 3.0])[-1] == [1.0, 2.0, 3.0]


def test_a_blink_of_the_face_finder_is_no_gap() -> None:
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [0.0, 0.2, None, 0.8])[-1] == [0.0, 0.2, 0.8]


def test_a_single_frame_without_a_face_is_no_gap_at_one_frame_a_second() -> None:
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [0.0, 1.0, None, 3.0])[-1] == [0.0, 1.0, 3.0]
    assert feed(ClipBuffer(ClipSpec(3, 0.2)), [0.0, 0.9, None, None, 3.6])[-1] == [3.6] * 3


def test_frames_that_are_wide_apart_are_no_gap() -> None:
    assert feed(ClipBuffer(ClipSpec(2, 0.5)), [0.0, 0.5, None, 1.5])[-1] == [0.5, 1.5]


@given(
    st.builds(ClipSpec, frames=st.integers(2, 20), interval_s=st.floats(0.02, 1), every=st.integers(1, 9)),
    st.lists(st.tuples(st.floats(0.01, 4), st.integers(0, 3)), max_size=60),
)
def test_every_clip_is_whole_in_order_and_from_one_sight(clip: ClipSpec, steps: list[tuple[float, int]]) -> None:
    times: list[float] = []
    frames: list[float | None] = []
    now = 0.0
    for step, missed in steps:
        now += step
        times.append(now)
        frames += [*[None] * missed, now]
    lost = {now for now, (_, missed) in zip(times, steps, strict=True) if missed > 1}
    clips = feed(ClipBuffer(clip), frames)
    assert bool(clips) == bool(times)
    for found in clips:
        assert len(found) == clip.frames
        assert found == sorted(found)
        kept = sorted(set(found))
        seen = [time for time in times if kept[0] <= time <= kept[-1]]
        gap = max(GAP_S, 3 * clip.interval_s)
        for sooner, later in itertools.pairwise(seen):
            assert later - sooner <= (gap if later in lost else HANG_S)
