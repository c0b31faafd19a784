"""Windows at a rate: the same seconds at each, nothing that the clip has not, and what is invented is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips import windows
from models.clips.windows import ONE_RATE, WINDOW_60, WINDOW_120, RateWindow


def sliding(frames: int) -> np.ndarray:
    """A texture that moves one pixel to the right a frame, (F, 32, 32, 3)."""
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(40, 215, (8, 40)), np.ones((4, 4))).astype(np.float32)
    wide = (wide + np.roll(wide, 1, 1) + np.roll(wide, 1, 0)) / 3
    faces = [wide[:, 80 - i : 112 - i] for i in range(frames)]
    return np.stack([np.stack(faces)] * 3, -1).astype(np.uint8)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_a_window_holds_the_clips_own_steps_in_their_order(there: int, wanted: int, place: float) -> None:
    found = np.arange(1, there + 1, dtype=np.float16)
    cut = windows.cut(found, RateWindow(60, wanted), place)
    own = cut[cut > 0]
    assert len(cut) == wanted
    assert len(own) == min(there, wanted)
    assert (np.diff(own) == 1).all()
    assert not own.size or (np.diff(np.flatnonzero(cut)) == 1).all()
    if wanted <= there:
        assert abs(own[0] - 1 - place * (there - wanted)) <= 0.5


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_frames_and_steps_are_of_the_same_window(there: int, wanted: int, place: float) -> None:
    frames = np.arange(there + 1, dtype=np.uint8)
    steps = np.ones(there, np.float16)
    moved = np.diff(windows.cut_frames(frames, RateWindow(60, wanted), place).astype(int))
    np.testing.assert_array_equal(moved, windows.cut(steps, RateWindow(60, wanted), place))


def test_recorded_frames_are_looked_at_and_invented_ones_get_a_part() -> None:
    clip = sliding(9)
    inner = (slice(None), slice(8, 24), slice(8, 24), 0)
    assert windows.flow_at(clip, 120, 120).shape == (8, 32, 32, 2)
    np.testing.assert_allclose(windows.flow_at(clip, 120, 120)[inner], 1, atol=0.2)
    np.testing.assert_allclose(windows.flow_at(clip, 120, 60)[inner], 2, atol=0.3)  # the frames between left out
    np.testing.assert_allclose(windows.flow_at(clip, 60, 120)[inner], 0.5, atol=0.1)
    assert windows.flow_at(clip, 60, 120).shape[0] == 16
    at_60 = windows.flow_at(clip, 60, 60)
    np.testing.assert_allclose(windows.again(at_60, ONE_RATE)[::2], at_60 / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("fps", "at_60", "at_120", "of_60_at_120"),
    [(60, 0, 60 / 121, 60 / 121), (120, 0, 0, 30 / 61), (240, 0, 0, 15 / 31)],
)
def test_what_is_invented_is_told(fps: float, at_60: float, at_120: float, of_60_at_120: float) -> None:
    told = [windows.invented(61, fps, window) for window in (WINDOW_60, WINDOW_120, ONE_RATE)]
    assert told == pytest.approx([at_60, at_120, of_60_at_120])


def test_200_frames_a_second_have_few_of_the_moments_that_120_want() -> None:
    """Every third of 120's is one of the fifth of 200's."""
    assert windows.invented(201, 200, WINDOW_120) == pytest.approx(2 / 3, abs=0.01)
    # Each third of 60's is recorded, and each second of 120's is one of 60's.
    assert windows.invented(201, 200, ONE_RATE) == pytest.approx(5 / 6, abs=0.01)


def test_what_is_held_still_is_told() -> None:
    assert windows.held_still(65, 60, WINDOW_60) == 0
    assert windows.held_still(129, 120, WINDOW_60) == windows.held_still(200, 120, WINDOW_120) == 0
    assert windows.held_still(33, 60, WINDOW_60) == windows.held_still(65, 120, WINDOW_120) == 0.5
    assert windows.held_still(1, 60, WINDOW_60) == 1
