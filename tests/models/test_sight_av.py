"""What audio-visual networks see and hear of a clip: both of the same time, mirrored and mixed alike."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips import disturb, heard  # noqa: E402
from models.clips.source import Clips, in_memory  # noqa: E402
from models.errors import DatasetError, TrainingError  # noqa: E402
from models.inference.sound import RATE  # noqa: E402
from models.training import recipe, sights  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.zoo import audio_visual, networks  # noqa: E402

ENTRY = replace(networks.get("av-gru"), size=48)
SIGHT = sights.of(ENTRY, ClipsSection())
STILL = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}


def brightening(frames: int = 24, **how: Any) -> Clips:
    """A second whose frames brighten one by one, left more than right; in its second half there is a sound."""
    light = np.arange(frames).reshape(-1, 1, 1, 1) * 4
    clip = np.broadcast_to(light + np.linspace(100, 0, 80).reshape(1, 1, -1, 1), (frames, 80, 80, 3))
    hum = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE) * (np.arange(RATE) >= RATE // 2) * 0.3
    signals = [{"sound": hum.astype(np.float32)}]
    return in_memory([clip.astype(np.uint8)], [0], ("one",), rate=[24], signals=signals, **how)


def test_the_network_is_given_what_the_features_are() -> None:
    assert audio_visual.HEARD == heard.WIDTH
    faces, told = SIGHT.ready(SIGHT.views(brightening(), 0, None))
    assert tuple(ENTRY.inputs(1).values()) == (tuple(faces.shape), tuple(told.shape))


def test_frames_and_sound_are_of_the_whole_clip() -> None:
    faces, told = SIGHT.views(brightening(), 0, None)
    light = faces.unflatten(1, (ENTRY.frames, 3)).mean((2, 3, 4))[0]
    np.testing.assert_allclose(np.diff(light.numpy()), 12, atol=0.5)  # each third frame of 24
    energy = told[0, :, -1]
    assert (energy[:30] < -90).all()
    assert (energy[34:] > -20).all()


def test_chance_moves_the_frames_alone() -> None:
    source = brightening()
    views = [SIGHT.views(source, 0, np.random.default_rng(seed)) for seed in range(3)]
    assert not torch.equal(views[0][0], views[1][0])
    assert all(torch.equal(views[0][1], told) for _, told in views)


def test_a_mirrored_clip_sounds_the_same() -> None:
    source = brightening()
    turned = in_memory([source.frames(0)[:, :, ::-1]], [0], ("one",), signals=[{"sound": source.signal(0, "sound")}])
    faces, told = SIGHT.mirrored(SIGHT.ready(SIGHT.views(source, 0, None)))
    expected, same = SIGHT.ready(SIGHT.views(turned, 0, None))
    torch.testing.assert_close(faces, expected, atol=1e-4, rtol=0)
    assert torch.equal(told, same)


def test_faces_and_sound_are_mixed_alike() -> None:
    views = (torch.zeros(2, 3 * ENTRY.frames, 16, 16), torch.zeros(2, audio_visual.STEPS, heard.WIDTH))
    views[0][0], views[1][0] = 200, 1
    how = recipe.parse({"augmentation": STILL | {"mixup_alpha": 1.0}}, "here").augmentation
    (faces, told), kept = SIGHT.varied(views, how, torch.Generator().manual_seed(0))
    assert 0 < kept < 1
    for i, share in enumerate((kept, 1 - kept)):
        assert float(faces[i].mean()) == pytest.approx(200 * share, rel=1e-4)
        assert float(told[i].mean()) == pytest.approx(share, rel=1e-4)


def test_late_sound_is_heard_late() -> None:
    late = disturb.disturbed(brightening(), disturb.DISTURBANCES[-1], 0)
    _, told = SIGHT.views(late, 0, None)
    assert (told[0, :62, -1] < -90).all()


def test_a_clip_without_sound_and_another_sampling_are_told() -> None:
    silent = in_memory([np.zeros((9, 80, 80, 3), np.uint8)], [0], ("one",))
    with pytest.raises(DatasetError, match="sound"):
        SIGHT.views(silent, 0, None)
    with pytest.raises(TrainingError, match=r"av-gru hears the whole clip.*'segments', got 'strided'"):
        sights.of(ENTRY, ClipsSection(sampling="strided"))


def test_the_small_one_sees_moodnets_features() -> None:
    entry = networks.get("av-small")
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (24, 80, 80, 3)).astype(np.uint8)
    source = in_memory([frames], [0], ("one",), signals=[{"sound": np.zeros(RATE, np.float32)}])
    small = sights.of(entry, ClipsSection())
    features, told = small.ready(small.views(source, 0, None))
    assert {"features": tuple(features.shape), "mfcc": tuple(told.shape)} == entry.inputs(1)
    assert features.abs().sum() > 0
    moved, same = small.views(source, 0, np.random.default_rng(0))
    assert not torch.equal(features, moved)
    assert torch.equal(told, same)
    with pytest.raises(TrainingError, match="av-small hears the whole clip"):
        sights.of(entry, ClipsSection(sampling="strided"))
