"""Targets from votes, and a validation share without copies of what is learned."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.stills import fer2013  # noqa: E402
from models.training import data, inputs  # noqa: E402
from models.training.recipe import (  # noqa: E402
    DataSection,
    NetworkSection,
    Recipe,
    ScheduleSection,
)
from tests.tiles import write_folder  # noqa: E402


def photos(number: int, seed: int = 0) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    small = np.random.default_rng(seed).integers(20, 236, (number, 12, 12))
    return small.repeat(4, 1).repeat(4, 2).astype(np.uint8)


def test_stray_votes_do_not_count_and_empty_rows_fall_back_on_the_label() -> None:
    votes = np.zeros((2, 10), np.float32)
    votes[0, [3, 6, 0]] = 6, 3, 1
    targets = data.vote_targets(votes, np.array([0, 4]))
    np.testing.assert_allclose(targets[0], [0, 0, 0, 6 / 9, 0, 0, 3 / 9])
    assert targets[1].tolist() == [0, 0, 0, 0, 1, 0, 0]


def test_near_copies_are_found_though_brighter_marked_or_mirrored_and_strangers_are_not() -> None:
    one = photos(1, 7)
    brighter = (one * 0.8 + 40).astype(np.uint8)
    marked = one.copy()
    marked[:, 40:44, 8:20] = 200
    others = photos(600)
    faces = np.concatenate([one, brighter, marked, one[:, :, ::-1], photos(20, 8), np.full((1, 48, 48), 9, np.uint8)])
    found = data.near_copies(faces, np.concatenate([others, one]))
    assert found.tolist() == [True] * 4 + [False] * 21


def test_validation_has_no_near_copy_of_a_face_to_learn_from(tmp_path: Path) -> None:
    twins = np.concatenate([photos(40), (photos(40) * 0.9).astype(np.uint8)])
    write_folder(tmp_path, twins, ["happy"] * 80)
    learn, check = data.split(fer2013.load(tmp_path, "Training"), DataSection(validation_share=0.5, seed=3))
    assert len(learn) == 40
    assert 0 < len(check) < 40
    assert not set(check.rows % 40) & set(learn.rows % 40)


def test_faces_come_as_the_network_wants_them() -> None:
    from models.zoo import networks

    wanted = networks.get("mobilefacenet")
    out = inputs.prepared(inputs.at_size(torch.full((2, 1, 48, 48), 255.0), wanted.size), wanted.pixels)
    assert out.shape == (2, 3, wanted.size, wanted.size)
    torch.testing.assert_close(out, torch.full_like(out, (255 - 127.5) / 128))


@pytest.mark.parametrize(("small_epochs", "size"), [(0, 224), (2, 224), (3, 48)])
def test_a_network_that_saw_small_faces_alone_is_one_for_small_faces(small_epochs: int, size: int) -> None:
    schedule = ScheduleSection(epochs=3, small_epochs=small_epochs, small_size=48)
    found = inputs.architecture(Recipe(network=NetworkSection(name="micro-attention"), schedule=schedule))
    assert found.shape(2) == (2, 1, size, size)
