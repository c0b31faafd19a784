"""What is told of a clip's sound: in so many steps over its time, loud where it is loud, high where it is high."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips import heard
from models.inference.sound import LOWEST, RATE

PITCH, ENERGY = heard.WIDTH - 2, heard.WIDTH - 1


def tone(hertz: float, seconds: float, loud: float) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    # With an overtone, as a voice has.
    wave = np.sin(2 * np.pi * hertz * times) + 0.5 * np.sin(4 * np.pi * hertz * times)
    return (loud * wave / 1.5).astype(np.float32)


def test_steps_follow_the_sound() -> None:
    silence = np.zeros(RATE, np.float32)
    told = heard.features(np.concatenate([tone(130, 1, 0.05), silence, tone(260, 1, 0.5)]), 30)
    assert told.shape == (30, heard.WIDTH)
    low, quiet, high = told[1:9], told[11:19], told[21:29]
    np.testing.assert_allclose(low[:, PITCH], np.log2(130 / LOWEST), atol=0.03)
    np.testing.assert_allclose(high[:, PITCH] - low[:, PITCH], 1, atol=0.03)  # an octave
    np.testing.assert_allclose(high[:, ENERGY] - low[:, ENERGY], 20, atol=0.5)  # ten times as loud
    assert not quiet[:, PITCH].any()
    assert (quiet[:, ENERGY] < -90).all()
    assert np.abs(high[:, :PITCH].mean(0) - low[:, :PITCH].mean(0)).max() > 10


def test_the_pitch_of_a_step_is_that_of_its_voice_alone() -> None:
    half_voiced = np.concatenate([tone(200, 0.5, 0.3), np.zeros(RATE // 2, np.float32)])
    assert heard.features(half_voiced, 1)[0, PITCH] == pytest.approx(np.log2(200 / LOWEST), abs=0.05)


@given(st.integers(0, 4000), st.integers(1, 40))
def test_the_shortest_sound_has_all_steps(samples: int, steps: int) -> None:
    sound = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    told = heard.features(sound, steps)
    assert told.shape == (steps, heard.WIDTH)
    assert told.dtype == np.float32
    assert np.isfinite(told).all()
