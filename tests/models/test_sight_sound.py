"""What networks of speech hear: parts of long sound, short sound in silence, gain and noise to learn from."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.source import Clips, in_memory  # noqa: E402
from models.errors import DatasetError  # noqa: E402
from models.training import sights  # noqa: E402
from models.training.recipe import AugmentationSection, ClipsSection  # noqa: E402
from models.training.sight_sound import part, starts  # noqa: E402
from models.zoo import networks  # noqa: E402

SAMPLES = 800
ENTRY = dataclasses.replace(networks.get("moodnet-tiny"), size=0, sight="sound", signals={"sound": (SAMPLES,)})
FACE = np.zeros((1, 8, 8, 3), np.uint8)


def source(*sounds: Any) -> Clips:
    return in_memory([FACE] * len(sounds), [0] * len(sounds), ("a",), signals=[{"sound": each} for each in sounds])


def ramp(length: int) -> Any:
    """Every sample another, none of them 0."""
    return np.linspace(0.1, 0.9, length, dtype=np.float32)


@given(st.integers(0, 5000), st.integers(1, 1000), st.integers(1, 8), st.none() | st.integers(0, 100))
def test_parts_lie_in_the_sound_or_the_sound_in_them(length: int, samples: int, views: int, seed: int | None) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    begun = starts(length, samples, views, rng)
    assert 1 <= len(begun) <= (views if rng is None else 1)
    sound = ramp(length)
    for start in begun:
        cut = part(sound, int(start), samples)
        assert cut.shape == (samples,)
        assert np.count_nonzero(cut) == min(length, samples)


def test_tests_hear_the_whole_of_long_sound_with_enough_views() -> None:
    sound = ramp(2 * SAMPLES + 100)
    (heard,) = sights.of(ENTRY, ClipsSection(views=3)).views(source(sound), 0, None)
    assert heard.shape == (3, SAMPLES)
    assert set(heard.flatten().tolist()) == set(sound.tolist())
    (less,) = sights.of(ENTRY, ClipsSection(views=1)).views(source(sound), 0, None)
    assert torch.equal(less[0], torch.from_numpy(sound[450 : 450 + SAMPLES]))


def test_training_hears_another_part_each_time_and_the_same_by_the_same_chance() -> None:
    sight, clips = sights.of(ENTRY, ClipsSection()), source(ramp(5000))
    first, again, other = (sight.views(clips, 0, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert first.shape == (1, SAMPLES)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_short_sound_lies_in_silence_whole() -> None:
    sight, sound = sights.of(ENTRY, ClipsSection()), ramp(100)
    (heard,) = sight.views(source(sound), 0, None)
    assert heard.shape == (1, SAMPLES)
    assert heard[0, 350:450].tolist() == sound.tolist()
    (somewhere,) = sight.views(source(sound), 0, np.random.default_rng(0))
    assert somewhere[somewhere != 0].tolist() == sound.tolist()


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.full(10, np.nan, np.float32)])
def test_no_sound_and_no_numbers_are_silence(sound: Any) -> None:
    (heard,) = sights.of(ENTRY, ClipsSection()).views(source(sound), 0, None)
    assert heard.shape == (1, SAMPLES)
    assert not heard.any()


def test_what_is_louder_than_full_scale_is_cut() -> None:
    (heard,) = sights.of(ENTRY, ClipsSection()).views(source(np.float32([3, -2, np.inf] * 300)), 0, None)
    assert heard.abs().max() == 1


def test_clips_without_sound_are_refused_with_a_sentence() -> None:
    with pytest.raises(DatasetError, match="expected clips with sound, but clip 0 has none"):
        sights.of(ENTRY, ClipsSection()).views(in_memory([FACE], [0], ("a",), signals=[{}]), 0, None)


def test_training_varies_loudness_and_adds_noise_and_tests_do_not() -> None:
    sight = sights.of(ENTRY, ClipsSection())
    sound = torch.full((64, SAMPLES), 0.5)
    (heard,), kept = sight.varied((sound,), AugmentationSection(mixup_alpha=0), torch.Generator().manual_seed(0))
    assert kept == 1
    loud = heard.mean(1)
    assert loud.min() < 0.3
    assert loud.max() > 0.7
    assert heard.std(1).min() < 0.002 < heard.std(1).median() < 0.02
    assert heard.abs().max() <= 1
    as_is, _ = sight.varied(
        (sound,), AugmentationSection(operations=0, mixup_alpha=0), torch.Generator().manual_seed(0)
    )
    assert torch.equal(as_is[0], sound)
    assert torch.equal(sight.ready((sound,))[0], sound)
    assert torch.equal(sight.mirrored((sound,))[0], sound)


def test_two_sentences_are_mixed_as_their_targets_are() -> None:
    sight = sights.of(ENTRY, ClipsSection())
    sound = torch.stack([torch.full((SAMPLES,), 0.2), torch.full((SAMPLES,), 0.6)])
    how = AugmentationSection(operations=0, mixup_alpha=1, cutmix_share=1)
    (mixed,), kept = sight.varied((sound,), how, torch.Generator().manual_seed(3))
    assert 0 < kept < 1
    torch.testing.assert_close(mixed, kept * sound + (1 - kept) * sound.flip(0))
