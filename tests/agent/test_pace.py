"""When the agent looks: at drawn faces before a noisy camera, with the time passed in."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.pace import AWAKE_S, CHANGED, NEWS, QUIET_S, Box, LookRate, difference, thumbnail
from agent.smoothing import Reading, Smoother
from relay.protocol import EXPRESSIONS

FACE: Box = (110 / 320, 50 / 240, 210 / 320, 190 / 240)
NEUTRAL = [0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.88]
HAPPY = [0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02]
SEEDS = st.integers(0, 2**32 - 1)


def drawn(smile: float = 0.0, shut: bool = False, x: float = 0.0, roll: float = 0.0) -> NDArray[np.float32]:
    """Somebody in front of a wall (240, 320): ``smile`` 0..1, the head shifted by ``x`` px and rolled by degrees."""
    picture = np.full((240, 320), 120, np.float32)
    cv2.ellipse(picture, (160, 120), (50, 70), 0, 0, 360, (180,), -1, cv2.LINE_AA)
    for eye in (138, 182):
        cv2.ellipse(picture, (eye, 100), (9, 1 if shut else 5), 0, 0, 360, (60,), -1, cv2.LINE_AA)
    half, bent = 14 + 9 * smile, 14 * smile
    across = np.linspace(-1, 1, 15)
    lips = np.stack([160 + half * across, 155 + bent * (0.5 - across**2)], 1)
    cv2.polylines(picture, [np.rint(lips * 16).astype(np.int32)], False, (90,), 8, cv2.LINE_AA, 4)
    matrix = cv2.getRotationMatrix2D((160, 120), roll, 1) + np.array([[0, 0, x], [0, 0, 0]])
    return np.asarray(cv2.warpAffine(cv2.GaussianBlur(picture, (0, 0), 1), matrix, (320, 240), borderValue=(120,)))


def seen(
    picture: NDArray[np.float32], seed: int = 0, noise: float = 0.0, gain: float = 1.0, slope: float = 0.0
) -> NDArray[np.uint8]:
    """A picture as a camera's frame (H, W, 3); ``slope``: how much brighter the right edge is lit."""
    light = gain * (1 + slope * np.linspace(-0.5, 0.5, picture.shape[1]))
    grain = np.random.default_rng(seed).standard_normal((*picture.shape, 3), np.float32) * np.float32(noise)
    return np.clip(np.rint((picture * light)[..., None] + grain), 0, 255).astype(np.uint8)


def changed(before: NDArray[np.uint8], now: NDArray[np.uint8], box: Box | None = FACE) -> float:
    return difference(thumbnail(before, box), thumbnail(now, box))


@given(SEEDS, st.floats(0, 8), st.floats(0.5, 1.3), st.floats(-0.2, 0.2))
def test_noise_and_another_light_are_no_change(seed: int, noise: float, gain: float, slope: float) -> None:
    face = drawn()
    assert changed(seen(face, seed, noise), seen(face, seed + 1, noise, gain, slope)) < CHANGED


@given(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7))
def test_a_head_that_sways_a_little_is_no_change(x: float, roll: float) -> None:
    assert changed(seen(drawn()), seen(drawn(x=x, roll=roll))) < CHANGED


def test_a_blink_is_no_change() -> None:
    assert changed(seen(drawn()), seen(drawn(shut=True))) < CHANGED


@given(SEEDS, st.floats(0.3, 1), st.floats(0, 5), st.floats(0.6, 1.2))
def test_a_smile_is_a_change(seed: int, smile: float, noise: float, gain: float) -> None:
    before, now = seen(drawn(), seed, noise), seen(drawn(smile), seed + 1, noise, gain)
    assert changed(before, now) >= CHANGED
    assert changed(now, before) >= CHANGED


def test_somebody_who_sits_down_is_a_change_and_the_wall_is_none() -> None:
    wall = np.full((240, 320), 120, np.float32)
    assert changed(seen(wall, 1, 4), seen(wall, 2, 4, 0.9), box=None) < CHANGED
    assert changed(seen(wall, 1, 4), seen(drawn(), 2, 4), box=None) >= CHANGED


@given(
    st.tuples(*[st.floats(-30, 30)] * 4),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    SEEDS,
)
def test_any_box_in_any_picture_has_a_thumbnail(box: Box, size: tuple[int, int], seed: int) -> None:
    frame = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert np.isfinite(changed(frame, 255 - frame, box))
    assert changed(frame, frame, box) == 0


class Looker:
    """A viewer's agent without its networks: what a look tells is given."""

    def __init__(self, fps: int = 5, steady: bool = False) -> None:
        self.pace, self.smoother = LookRate(fps, steady), Smoother()
        self.looks: list[float] = []
        self.reading: Reading | None = None
        self.still = False
        """What each look tells of whether the face moves."""

    def see(self, time: float, frame: NDArray[np.uint8], probabilities: list[float] | None) -> None:
        if self.pace.due(time, frame):
            self.looks.append(time)
            self.reading = self.smoother.update(time, probabilities)
            self.pace.looked(time, frame, FACE if probabilities else None, probabilities, self.reading, self.still)

    def looks_between(self, start: float, end: float) -> int:
        return sum(start <= look < end for look in self.looks)


def test_a_resting_face_is_looked_at_once_a_second_and_a_smile_at_once() -> None:
    looker = Looker()
    for i in range(300):
        looker.see(0.2 * i, seen(drawn(x=0.5 * np.sin(i / 20)), i, 4), NEUTRAL)
    assert looker.looks_between(0, AWAKE_S) == 10
    assert 56 <= looker.looks_between(4, 60) <= 60
    for i in range(300, 315):
        looker.see(0.2 * i, seen(drawn(1.0), i, 4), HAPPY)
    assert looker.looks_between(60 - 1e-6, 62) == 10
    assert looker.reading is not None
    assert looker.reading.emotion == "happy"


@pytest.mark.parametrize("still", [False, True])
def test_of_a_face_that_does_not_move_a_blink_is_looked_at(still: bool) -> None:
    """So short that it falls between looks: it alone tells a listener who sits still from a picture on a wall."""
    looker, blinks = Looker(), (28, 32)
    looker.still = still
    for i in range(40):
        looker.see(0.2 * i, seen(drawn(shut=i in blinks), i, 3), NEUTRAL)
    assert len([look for look in looker.looks if round(5 * look) in blinks]) == (2 if still else 0)
    assert looker.looks_between(4, 8) <= (8 if still else 4)


def test_a_smile_that_grows_over_three_seconds_is_looked_at_several_times_a_second() -> None:
    looker = Looker()
    for i in range(115):
        smile = float(np.clip((i - 100) / 15, 0, 1))
        looker.see(0.2 * i, seen(drawn(smile), i, 3), NEUTRAL)
    assert looker.looks_between(20, 23) >= 6


def test_an_empty_chair_is_looked_at_once_a_second_and_whoever_sits_down_at_once() -> None:
    looker, wall = Looker(), np.full((240, 320), 120, np.float32)
    for i in range(100):
        looker.see(0.2 * i, seen(wall, i, 4), None)
    assert 15 <= looker.looks_between(4, 20) <= 17
    for i in range(100, 110):
        looker.see(0.2 * i, seen(drawn(), i, 4), NEUTRAL)
    assert looker.looks_between(20 - 1e-6, 22) == 10


def test_who_leaves_is_away_after_two_seconds_at_most_as_at_a_steady_rate() -> None:
    looker, wall = Looker(), np.full((240, 320), 120, np.float32)
    for i in range(50):
        looker.see(0.2 * i, seen(drawn(), i, 4), NEUTRAL)
    assert looker.reading is not None
    for i in range(50, 61):
        looker.see(0.2 * i, seen(wall, i, 4), None)
    assert looker.reading is None


@pytest.mark.parametrize("first", [NEUTRAL, None], ids=["face", "nobody"])
def test_news_keep_it_awake_for_a_while(first: list[float] | None) -> None:
    """The face is still; only the answers differ, as when a light is switched on and the network sees more."""
    looker, frame = Looker(), seen(drawn())
    for i in range(50):
        looker.see(0.2 * i, frame, first)
    rested = looker.looks_between(5, 10)
    for i in range(50, 60):
        looker.see(0.2 * i, frame, HAPPY)
    woke = next(look for look in looker.looks if look >= 10 - 1e-6)
    assert rested == 5
    assert looker.looks[-1] == pytest.approx(0.2 * 59)
    assert looker.looks_between(woke, 12) == round((12 - woke) / 0.2)


def test_an_answer_that_is_to_replace_the_shown_one_keeps_it_awake() -> None:
    """However little the probabilities change: what takes over after 0.3 s must not wait for a second."""
    narrow = [0.02, 0.02, 0.02, 0.45 + NEWS / 2, 0.02, 0.02, 0.45 - NEWS / 2]
    wide = [0.02, 0.02, 0.02, 0.45, 0.02, 0.02, 0.45 + 1e-3]
    looker, frame = Looker(), seen(drawn())
    for i in range(50):
        looker.see(0.2 * i, frame, wide)
    for i in range(50, 60):
        looker.see(0.2 * i, frame, narrow)
    assert looker.looks_between(11, 12) == 5


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 0.4),
            st.sampled_from([None, NEUTRAL, HAPPY]),
            st.sampled_from(["face", "smile", "wall"]),
        ),
        max_size=60,
    ),
    st.integers(1, 30),
    st.booleans(),
)
def test_whatever_comes_by_two_looks_are_never_further_apart_than_a_second_and_a_frame(
    frames: list[tuple[float, list[float] | None, str]], fps: int, steady: bool
) -> None:
    pictures = {"face": seen(drawn()), "smile": seen(drawn(1)), "wall": np.full((240, 320, 3), 120, np.uint8)}
    looker, time, last = Looker(fps, steady), 0.0, 0.0
    for wait, probabilities, picture in frames:
        last, time = time, time + wait
        looker.see(time, pictures[picture], probabilities)
        if steady:
            assert looker.looks[-1] == time
        assert last - looker.looks[-1] < QUIET_S
        assert looker.reading is None or looker.reading.emotion in EXPRESSIONS


def banded(picture: NDArray[np.float32], phase: float) -> NDArray[np.float32]:
    """As a sensor that is read row by row has it under a lamp that flickers."""
    rows = np.arange(len(picture), dtype=np.float32)[:, None]
    return np.asarray(picture * (1 + 0.1 * np.sin(2 * np.pi * (rows / 145 + phase))), np.float32)


def test_a_flickering_lamp_keeps_it_awake_for_a_moment_only_and_hides_no_smile() -> None:
    looker = Looker()
    for i in range(300):
        looker.see(0.2 * i, seen(banded(drawn(), 0.37 * i), i, 3), NEUTRAL)
    assert looker.looks_between(4, 60) <= 80
    for i in range(300, 315):
        looker.see(0.2 * i, seen(banded(drawn(1.0), 0.37 * i), i, 3), HAPPY)
    assert looker.looks_between(60 - 1e-6, 62) == 10


def test_a_television_before_which_nobody_sits_keeps_it_awake_for_a_moment_only() -> None:
    looker = Looker()
    for i in range(300):
        looker.see(0.2 * i, seen(drawn(x=40 * (i % 5)), i, 3), None)
    assert looker.looks_between(4, 60) <= 80
    for i in range(300, 315):
        looker.see(0.2 * i, seen(drawn(x=40 * (i % 5)), i, 3), NEUTRAL)
    assert looker.reading is not None


@pytest.mark.parametrize("shown", [0.4, 0.44, 0.46])
def test_an_answer_that_will_never_replace_the_one_that_is_shown_lets_it_rest(shown: float) -> None:
    looker, frame = Looker(), seen(drawn())
    border = [0.02, 0.02, 0.02, 0.9 - shown, 0.02, 0.02, shown]
    for i in range(150):
        looker.see(0.2 * i, frame, NEUTRAL if i < 20 else border)
    assert looker.reading is not None
    shows_it = EXPRESSIONS[int(np.argmax(border))] == looker.reading.emotion
    assert shows_it or 0.9 - shown < 1.2 * shown
    assert looker.looks_between(10, 30) <= 21
