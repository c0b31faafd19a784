"""Who speaks is noticed; silence, fans, hum and keys say nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.voice.activity import HOP, SpeechActivity
from models.inference.sound import RATE
from tests.agent.voice.sounds import Sound, hops, noise, spoken

QUIET_S, SPOKEN_S = 6.0, 4.0


def found(sound: Sound) -> list[bool]:
    """Of each hop, whether there is speech."""
    activity = SpeechActivity(3.0)
    return [activity.update(hop) for hop in hops(sound)]


def coloured(seconds: float, slope: float, volume: float) -> Sound:
    """Noise whose amplitude falls with the frequency to the power of ``slope``."""
    spectrum = np.fft.rfft(noise(seconds, 1.0))
    shaped = np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** slope)
    return (volume * shaped / shaped.std()).astype(np.float32)


def keys(seconds: float) -> Sound:
    """Keys that are struck four times a second, over faint noise."""
    sound = noise(seconds, 0.001)
    for at in range(1000, len(sound) - 300, RATE // 4):
        sound[at : at + 300] += 0.3 * noise(300 / RATE, 1.0, seed=at) * np.exp(-np.arange(300, dtype=np.float32) / 60)
    return sound


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0], ids=["white", "pink", "brown"])
@pytest.mark.parametrize("volume", [0.0, 0.001, 0.01])
def test_speech_is_noticed_in_noise_and_noise_alone_is_none(slope: float, volume: float) -> None:
    background = coloured(2 * QUIET_S + SPOKEN_S, slope, volume)
    assert not any(found(background))
    begin, end = round(QUIET_S * RATE), round((QUIET_S + SPOKEN_S) * RATE)
    background[begin:end] += spoken(SPOKEN_S)
    heard = found(background)
    inside = range(-(-begin // HOP), end // HOP)
    assert sum(heard[at] for at in inside) >= 0.7 * len(inside)  # not in a breath
    assert not any(heard[: begin // HOP])
    assert not any(heard[-(-end // HOP) :])


NO_SPEECH = {
    "silence": np.zeros(10 * RATE, np.float32),
    "keys": keys(10),
    "hum": (0.1 * np.sin(2 * np.pi * 50 * np.arange(10 * RATE) / RATE)).astype(np.float32),
    "a fault of the device": np.full(10 * RATE, 0.3, np.float32),
    "a fan that is turned on": np.concatenate([noise(5, 0.0005), noise(5, 0.05, seed=2)]),
    "next door": spoken(10, volume=0.001),
}


@pytest.mark.parametrize("what", NO_SPEECH)
def test_what_is_no_speech_at_the_microphone_says_nothing(what: str) -> None:
    assert not any(found(NO_SPEECH[what]))


def test_a_level_that_stays_becomes_the_background() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(20 * RATE) / RATE)).astype(np.float32)
    tone[: 5 * RATE] = 0
    assert not any(found(tone)[-16:])


def test_how_long_somebody_spoke_is_of_the_last_seconds_alone() -> None:
    activity = SpeechActivity(3.0)
    for hop in hops(np.concatenate([noise(4, 0.001), spoken(4)])):
        activity.update(hop)
    assert 0.5 < activity.spoken_s <= 3.0
    for hop in hops(noise(4, 0.001)):
        activity.update(hop)
    assert activity.spoken_s == 0


@given(arrays.arrays(np.float32, HOP, elements=st.floats(-1, 1, width=32)))
def test_any_sound_is_answered(sound: Sound) -> None:
    activity = SpeechActivity(1.0)
    assert activity.update(sound) in (True, False)
    assert 0 <= activity.spoken_s <= HOP / RATE
