"""Local learning: a face is told by its own machine, which knows its neighbours alone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast
from models.compared import local_learning
from models.compared.local_learning import Rows
from tests.tiles import write_tiles


def on_a_circle(count: int, seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """Directions in eight sectors that belong to two classes in turn: no line through the middle divides them."""
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, count)
    away = np.abs(angles / (np.pi / 4) % 1 - 0.5) < 0.4  # none at a border
    angles = angles[away]
    points = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    return local_learning.unit_rows(3 * points), (angles // (np.pi / 4)).astype(np.int64) % 2


def test_what_no_single_machine_divides_is_learned_locally() -> None:
    (learned, labels), (asked, expected) = on_a_circle(600, 0), on_a_circle(120, 1)
    assert (local_learning.global_answers(learned, labels, asked) == expected).mean() < 0.7
    assert (local_learning.local_answers(learned, labels, asked, 30) == expected).mean() > 0.95


def test_more_neighbours_than_faces_are_all_faces() -> None:
    (learned, labels), (asked, _) = on_a_circle(60, 0), on_a_circle(30, 1)
    every = local_learning.local_answers(learned, labels, asked, len(labels))
    np.testing.assert_array_equal(local_learning.local_answers(learned, labels, asked, 10_000), every)


def test_neighbours_of_one_class_need_no_machine() -> None:
    (learned, labels), (asked, expected) = on_a_circle(600, 0), on_a_circle(120, 1)
    assert (local_learning.local_answers(learned, labels, asked, 2) == expected).mean() > 0.95
    assert (local_learning.local_answers(learned, labels * 0 + 5, asked, 20) == 5).all()


def test_kinds_of_features_count_alike_whatever_their_units() -> None:
    one, other = np.eye(3, dtype=np.float32), np.array([[1, 1], [1, 1], [1, -1]], np.float32)
    both = local_learning.together([local_learning.unit_rows(1000 * one), local_learning.unit_rows(other)])
    np.testing.assert_allclose((both @ both.T).toarray(), [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], atol=1e-6)


@pytest.fixture
def local(tmp_path: Path) -> Callable[..., int]:
    """`models local` on happy and sad tiles, those held out being asked about."""
    data = write_tiles(tmp_path / "data", 60)

    def perform(*arguments: str) -> int:
        few = ("--split", "validation", "--words", "6", "--neighbours", "9")
        return moodcast.main(["models", "local", "--data", str(data), *few, *arguments])

    return perform


def test_the_command_tells_tiles_apart_by_each_kind_of_features(
    local: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert local("--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["learned_from"], found["asked"], found["copies"], found["networks"]) == (54, 6, 0, ["moodnet"])
    kinds = ["moodnet", "words", "moodnet + words"]
    assert [(row["features"], row["learning"]) for row in found["rows"]] == [
        (kind, way) for kind in kinds for way in ("global", "local")
    ]
    assert all(row["all"] == row["without_copies"] for row in found["rows"])
    assert all(row["all"]["accuracy"] > 0.8 for row in found["rows"])


def test_the_command_speaks_to_people_too(local: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert local("--network", "moodnet-tiny", "--network", "mini-xception") == 0
    told = capsys.readouterr().out
    assert "validation: 6 faces; learned from 54; 6 words, 9 neighbours" in told
    assert "moodnet-tiny + mini-xception + words" in told


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--network", "mudnet"), 21, "mudnet"),
        (("--network", "r3d18"), 25, "looks at clips"),
        (("--split", "Hidden"), 28, "expected a split"),
        (("--split", "training"), 28, "learned from"),
        (("--words", "20000"), 28, "expected at most"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    local: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, says: str
) -> None:
    assert local(*arguments) == code
    assert says in capsys.readouterr().err
