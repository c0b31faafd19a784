"""Features of sound: librosa's numbers, true pitches, and whatever a microphone can give.

The golden numbers are librosa's (``benchmarks/sound_features.py``) on the same sounds.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inference import sound
from tests import sounds

GOLDEN: Any = json.loads((Path(__file__).parent / "golden" / "sound-features.json").read_text(encoding="utf-8"))
TOLERANCE_DB, DIGITS = 1e-4, 5e-6
"""Librosa computes in float32, and the golden numbers have six digits."""
PITCH = 0.01
"""As a share."""


@pytest.mark.parametrize("name", sounds.EVERY)
@pytest.mark.parametrize("feature", ["log_mel", "mfcc", "energy"])
def test_features_are_librosas(name: str, feature: str) -> None:
    made = getattr(sound, feature)(sounds.EVERY[name]())
    if feature != "energy":
        made = made[:: GOLDEN["each"]]
    expected = np.array(GOLDEN[name][feature])
    assert made.shape == expected.shape
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=TOLERANCE_DB, rtol=DIGITS)


def test_the_pitch_of_a_voice_is_librosas_and_the_true_one() -> None:
    found, theirs = sound.pitch(sounds.vowel()), np.array(GOLDEN["vowel"]["pitch"])
    true = sounds.melody()[:: sound.HOP]
    inside = slice(5, 115)
    np.testing.assert_allclose(found[inside], true[inside], rtol=PITCH)
    np.testing.assert_allclose(found[inside], theirs[inside], rtol=PITCH)


@given(st.floats(70, 480), st.floats(0.01, 1))
def test_steady_voices_of_any_pitch_and_loudness(hertz: float, loud: float) -> None:
    found = sound.pitch(loud * sounds.voiced(np.full(4800, hertz)))
    np.testing.assert_allclose(found[4:-4], hertz, rtol=PITCH)


def test_a_pause_has_no_pitch_and_clipping_keeps_it() -> None:
    found = sound.pitch(sounds.spoken())
    np.testing.assert_allclose(found[5:45], 95, rtol=PITCH)
    assert not found[55:70].any()
    np.testing.assert_allclose(found[80:120], 310, rtol=PITCH)


def test_noise_and_silence_have_no_pitch() -> None:
    assert not sound.pitch(sounds.noise()).any()
    assert not sound.pitch(np.zeros(4000, np.float32)).any()


def test_energy_is_that_of_a_sine() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * sounds.times(0.5))
    np.testing.assert_allclose(sound.energy(tone)[2:-2], 20 * np.log10(0.5 / np.sqrt(2)), atol=1e-3)


FEATURES = (
    (sound.log_mel, (sound.BANDS,)),
    (sound.mfcc, (sound.COEFFICIENTS,)),
    (sound.energy, ()),
    (sound.pitch, ()),
)


@given(
    st.integers(0, 2000),
    st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e30, np.nan, np.inf, -np.inf]),
    st.sampled_from([np.float32, np.float64]),
)
def test_whatever_a_microphone_gives_has_features(length: int, value: float, kind: Any) -> None:
    given_sound = np.full(length, value, kind)
    for feature, shape in FEATURES:
        made = feature(given_sound)
        assert made.shape == (1 + length // sound.HOP, *shape)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()


def test_silence_is_told_as_the_floor() -> None:
    assert (sound.log_mel(np.zeros(800)) == sound.FLOOR).all()
    assert (sound.energy(np.zeros(800)) == sound.FLOOR).all()


def test_no_number_counts_as_silence_and_what_is_too_loud_as_1() -> None:
    cleaned = sound.cleaned(np.array([0.25, np.nan, np.inf, -7, 7, -np.inf]))
    assert cleaned.tolist() == [0.25, 0, 1, -1, 1, -1]


def test_the_sound_that_is_given_stays_as_it_is() -> None:
    mine = np.array([np.nan, 2, 0.5], np.float32)
    sound.mfcc(mine)
    np.testing.assert_array_equal(mine, np.array([np.nan, 2, 0.5], np.float32))


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected sound of one channel \(n,\), got the shape \(100, 2\)"):
        sound.mfcc(np.zeros((100, 2), np.float32))


def test_each_row_is_about_its_own_time() -> None:
    click = np.zeros(3200, np.float32)
    click[1600] = 1
    assert np.flatnonzero(sound.energy(click) > sound.FLOOR).mean() == 10
    assert sound.log_mel(click).sum(1).argmax() == 10


def test_of_more_bands_the_first_coefficients_are_asked_for() -> None:
    assert sound.mfcc(sounds.vowel(), 13, 40).shape == (121, 13)
    np.testing.assert_array_equal(sound.mfcc(sounds.vowel(), 13), sound.mfcc(sounds.vowel(), 20)[:, :13])
