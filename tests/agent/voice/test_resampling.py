"""Rates of microphones become that of voice networks, with what is in the voice and without what is above."""

import numpy as np
import pytest

from agent.voice.resampling import Resampler
from models.inference.sound import RATE

RATES = [16000, 22050, 32000, 44100, 48000, 96000, 192000, 44056]


def tone(frequency: float, rate: int, count: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(count) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [200.0, 3000.0, 6500.0])
def test_what_is_in_a_voice_comes_out_as_if_recorded_so(rate: int, frequency: float) -> None:
    resampler = Resampler(rate)
    found = resampler.resampled(tone(frequency, rate, resampler.needed(RATE)), RATE)
    inner = slice(RATE // 10, -RATE // 10)  # beyond its ends there is silence
    assert found.dtype == np.float32
    assert np.abs(found[inner] - tone(frequency, RATE, RATE)[inner]).max() < 0.02


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_what_16000_samples_a_second_can_not_tell_is_left_out(rate: int) -> None:
    resampler = Resampler(rate)
    for frequency in (9500.0, 12000.0, 17000.0):
        found = resampler.resampled(tone(frequency, rate, resampler.needed(RATE)), RATE)
        assert np.abs(found[RATE // 10 : -RATE // 10]).max() < 0.01


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [1, 441, 8192])
def test_as_many_come_out_as_were_asked_for(rate: int, count: int) -> None:
    resampler = Resampler(rate)
    assert resampler.resampled(np.ones(resampler.needed(count), np.float32), count).shape == (count,)
