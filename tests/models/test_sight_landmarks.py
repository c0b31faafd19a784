"""What networks are told of landmarks: of the apex or the middle, mirrored and mixed as a whole."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips import gabor, landmarks  # noqa: E402
from models.clips.cache import MARGIN  # noqa: E402
from models.clips.source import Clips, in_memory  # noqa: E402
from models.errors import DatasetError  # noqa: E402
from models.training import recipe, sights  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.training.sight import ClipSight  # noqa: E402
from models.zoo import networks  # noqa: E402

FRAMES = 7
PLAIN = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}
BOTH = pytest.mark.parametrize("name", ["landmark-svm", "gabor-dbn"])


def sight(name: str) -> ClipSight:
    return sights.of(networks.get(name), ClipsSection())


def told(points: bool = True, **how: Any) -> Clips:
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 255, (FRAMES, 64, 64, 3)).astype(np.uint8)
    signal = {"points": rng.uniform(0, 200, (FRAMES, 478, 2)).astype(np.float32)}
    return in_memory([frames], [0], ("one",), signals=[signal] if points else (), **how)


@pytest.mark.parametrize(("how", "frame"), [({"moments": [(1, 5)]}, 5), ({}, 3)])
def test_the_labelled_apex_is_seen_else_the_middle(how: dict[str, Any], frame: int) -> None:
    source = told(**how)
    points = source.signal(0, "points")[frame]
    (distances,) = sight("landmark-svm").views(source, 0, None)
    np.testing.assert_array_equal(distances.numpy(), landmarks.distances(points)[None])
    (jets,) = sight("gabor-dbn").views(source, 0, None)
    places = landmarks.placed(points, landmarks.INNER, 64, MARGIN)
    np.testing.assert_array_equal(jets.numpy(), gabor.jets(source.frames(0)[frame], places).reshape(1, -1))


@BOTH
def test_views_have_the_shape_of_the_networks_entry(name: str) -> None:
    (figures,) = sight(name).views(told(), 0, np.random.default_rng(0))
    assert figures.shape == networks.get(name).shape(1)
    assert networks.build(name).eval()(*sight(name).ready((figures,))).shape == (1, networks.get(name).classes)


@BOTH
def test_clips_without_landmarks_are_told_of(name: str) -> None:
    with pytest.raises(DatasetError, match="expected clips with points"):
        sight(name).views(told(points=False), 0, None)


@BOTH
def test_landmarks_in_one_point_and_a_plain_face_give_numbers(name: str) -> None:
    signal = {"points": np.full((4, 478, 2), 9, np.float32)}
    source = in_memory([np.full((4, 64, 64, 3), 90, np.uint8)], [0], ("one",), signals=[signal])
    (figures,) = sight(name).views(source, 0, None)
    assert torch.equal(figures, torch.zeros_like(figures))
    assert networks.build(name).eval()(figures).isfinite().all()


@BOTH
def test_half_are_mirrored_in_training_and_twice_mirrored_is_itself(name: str) -> None:
    seen = sight(name)
    views = seen.views(told(), 0, None)
    how = recipe.parse({"augmentation": PLAIN}, "here").augmentation
    (figures,), kept = seen.varied((views[0].repeat(32, 1),), how, torch.Generator().manual_seed(0))
    assert kept == 1
    mirrored = seen.mirrored(views)
    plain = [torch.equal(row, views[0][0]) for row in figures]
    assert 8 < sum(plain) < 24
    assert all(same or torch.equal(row, mirrored[0][0]) for same, row in zip(plain, figures, strict=True))
    assert torch.equal(seen.mirrored(mirrored)[0], views[0])
    assert not torch.equal(mirrored[0], views[0])


def test_figures_are_mixed_as_their_targets_are() -> None:
    seen = sight("landmark-svm")
    views = (torch.stack([torch.zeros(68), torch.ones(68)]),)
    how = recipe.parse({"augmentation": PLAIN | {"mixup_alpha": 1.0}}, "here").augmentation
    (figures,), kept = seen.varied(views, how, torch.Generator().manual_seed(0))
    assert 0 < kept < 1
    torch.testing.assert_close(figures[0], torch.full((68,), 1 - kept))
    torch.testing.assert_close(figures[1], torch.full((68,), kept))
