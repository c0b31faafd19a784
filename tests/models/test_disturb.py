"""What low light, a moving head, noise and late sound do to clips: as strong as they say, and the same each time."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips import disturb
from models.clips.disturb import DISTURBANCES
from models.clips.source import in_memory
from models.inference.sound import RATE

BY_NAME = {how.name: how for how in DISTURBANCES}


def chance() -> np.random.Generator:
    return np.random.default_rng(0)


def test_low_light_is_a_fifth_of_the_light_with_noise() -> None:
    grey = np.repeat(np.linspace(40, 240, 8), 8).astype(np.uint8).reshape(1, 8, 8, 1)
    frames = np.tile(grey, (200, 1, 1, 3))
    dark = disturb.low_light(frames, 25, chance())
    assert dark.dtype == np.uint8
    np.testing.assert_allclose(dark.mean((0, 3)), grey[0, :, :, 0] / 5, atol=0.8)
    noise = dark[..., 0].std(0)
    assert 2.5 < noise[0].mean() < noise[-1].mean() < 8  # more light, more of its own noise


def test_a_black_picture_stays_in_range() -> None:
    assert disturb.low_light(np.zeros((2, 8, 8, 3), np.uint8), 25, chance()).max() < 30


def test_the_head_moves_smoothly_and_as_far_as_it_says() -> None:
    side = 128
    face = np.zeros((side, side, 3), np.uint8)
    cv2.circle(face, (side // 2, side // 2), 20, (255, 255, 255), -1)
    moved = disturb.head_movement(np.tile(face, (100, 1, 1, 1)), 25, chance())
    centres = np.array([np.argwhere(frame[..., 0] > 127).mean(0) for frame in moved])
    reach = np.abs(centres - (side - 1) / 2).max()
    assert 0.02 * side < reach < (disturb.SWAY + 0.01) * side
    assert np.abs(np.diff(centres, axis=0)).max() < 0.02 * side
    widths = [(frame[..., 0] > 127).any(0).sum() for frame in moved]
    assert min(widths) < 40 <= max(widths) + 3  # a turned face is narrower


def test_the_rhythm_of_the_head_is_in_seconds() -> None:
    face = np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    slow = disturb.head_movement(np.tile(face, (41, 1, 1, 1)), 20, chance())
    quick = disturb.head_movement(np.tile(face, (81, 1, 1, 1)), 40, chance())
    np.testing.assert_array_equal(slow, quick[::2])


def test_noise_is_as_loud_as_it_says_and_pink() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 200 * np.arange(4 * RATE) / RATE)).astype(np.float32)
    noise = (disturb.noisy_sound(tone, chance()) - tone).astype(np.float64)
    assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) == pytest.approx(disturb.SNR, abs=0.1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [power[low * 4 : 2 * low * 4].sum() for low in (100, 200, 400, 800, 1600)]  # 4 s: four lines a Hz
    assert max(octaves) < 1.3 * min(octaves)


@given(st.integers(0, 3000))
def test_silence_stays_silent_however_short(samples: int) -> None:
    silence = np.zeros(samples, np.float32)
    for how in DISTURBANCES:
        if how.sound:
            np.testing.assert_array_equal(how.sound(silence, chance()), silence)


@given(st.integers(1, 2 * RATE))
def test_late_sound_is_as_long_as_before(samples: int) -> None:
    sound = np.arange(1, samples + 1, dtype=np.float32) / samples
    late = disturb.out_of_step(sound, chance())
    assert len(late) == samples
    half = min(RATE // 2, samples)
    assert not late[:half].any()
    np.testing.assert_array_equal(late[half:], sound[: samples - half])


def test_loud_sound_does_not_leave_its_range() -> None:
    noisy = disturb.noisy_sound(np.ones(RATE, np.float32), chance())
    assert noisy.dtype == np.float32
    assert np.abs(noisy).max() <= 1


def test_disturbed_clips_differ_in_that_alone_and_are_the_same_each_time() -> None:
    rng = np.random.default_rng(2)
    frames = [rng.integers(0, 255, (5, 16, 16, 3)).astype(np.uint8) for _ in range(2)]
    signals = [
        {"sound": rng.uniform(-0.5, 0.5, 3200).astype(np.float32), "shapes": np.ones((5, 52), np.float32)}
        for _ in range(2)
    ]
    clips = in_memory(frames, [0, 1], ("a", "b"), ["x", "y"], signals=signals)  # of unknown rate
    for how in DISTURBANCES:
        one, again, other = (disturb.disturbed(clips, how, seed) for seed in (1, 1, 2))
        assert (one.classes, one.subjects, one.labels.tolist()) == (clips.classes, clips.subjects, [0, 1])
        for i in range(2):
            np.testing.assert_array_equal(one.frames(i), again.frames(i))
            np.testing.assert_array_equal(one.signal(i, "sound"), again.signal(i, "sound"))
            np.testing.assert_array_equal(one.signal(i, "shapes"), clips.signal(i, "shapes"))
            assert np.array_equal(one.frames(i), clips.frames(i)) == (how.frames is None)
            assert np.array_equal(one.signal(i, "sound"), clips.signal(i, "sound")) == (how.sound is None)
        if how.frames:
            assert not np.array_equal(one.frames(0), other.frames(0))
    light = disturb.disturbed(clips, BY_NAME["low light"], 1)
    brightness = light.derived(0, "brightness", lambda seen: seen.mean(keepdims=True))
    assert brightness.max() < 0.3 * frames[0].mean(), "what is derived is derived of the disturbed faces"
