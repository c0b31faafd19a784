"""Faces that can't be read, and those that can, through the agent's own stages: drawn on real portraits."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agent import covered
from agent.face import StillFaceFinder
from agent.readable import uncovered
from agent.recognition import Look, Recogniser
from agent.unread import Unread
from benchmarks.spoilt_portraits import COVERED, CUT, ORDINARY, TURNED, Picture, Points, Spoil
from models.errors import ModelMissingError
from models.inference import boxes, registry
from models.inference.align import aligned_face

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
UNREADABLE = {**COVERED, **CUT, "upside down": TURNED["upside down"]}


@pytest.fixture(scope="module")
def finder() -> Iterator[StillFaceFinder]:
    try:
        model = registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    with contextlib.closing(StillFaceFinder(model)) as opened:
        yield opened


@pytest.fixture(scope="module")
def portrait(finder: StillFaceFinder) -> tuple[Picture, Points]:
    """A picture that no weight was fitted to, and its landmarks."""
    try:
        picture = np.asarray(Image.open(registry.path("portrait")).convert("RGB"))
    except ModelMissingError as error:
        pytest.skip(str(error))
    return landmarked(finder, picture)


def landmarked(finder: StillFaceFinder, picture: Picture) -> tuple[Picture, Points]:
    face = max(finder.find(picture), key=lambda one: boxes.area(one.points), default=None)
    assert face is not None
    return picture, face.points


@pytest.fixture
def recogniser(finder: StillFaceFinder) -> Iterator[Recogniser]:
    with contextlib.closing(Recogniser(registry.DEFAULT)) as opened:
        yield opened


def look(recogniser: Recogniser, portrait: tuple[Picture, Points], spoil: Spoil) -> Look:
    return recogniser.look(spoil(*portrait, np.random.default_rng(0)), 0)


@pytest.mark.parametrize("how", UNREADABLE)
def test_what_cant_be_read_has_no_answer(recogniser: Recogniser, portrait: tuple[Picture, Points], how: str) -> None:
    seen = look(recogniser, portrait, UNREADABLE[how])
    assert seen.probabilities is None
    assert seen.unread or not seen.has_face


@pytest.mark.parametrize(
    ("how", "reason"),
    [("chin 30 % out", Unread.CHIN_CUT), ("mask, blue", Unread.COVERED), ("mask, patterned", Unread.COVERED)],
)
def test_the_reason_is_told(recogniser: Recogniser, portrait: tuple[Picture, Points], how: str, reason: Unread) -> None:
    assert look(recogniser, portrait, UNREADABLE[how])[:3] == (True, None, reason)


@pytest.mark.parametrize("how", ORDINARY)
def test_what_rooms_and_cameras_do_is_read(recogniser: Recogniser, portrait: tuple[Picture, Points], how: str) -> None:
    seen = look(recogniser, portrait, ORDINARY[how])
    assert seen.probabilities is not None
    assert seen.unread is None


def test_of_a_camera_a_photograph_on_the_wall_is_read_for_a_minute_and_again_when_it_moves(
    finder: StillFaceFinder, portrait: tuple[Picture, Points]
) -> None:
    rng, wall = np.random.default_rng(0), portrait[0]

    def seen(picture: Picture) -> Picture:
        return np.clip(np.rint(picture + rng.normal(0, 3, picture.shape)), 0, 255).astype(np.uint8)

    with contextlib.closing(Recogniser(registry.DEFAULT, live=True)) as recogniser:
        looks = {second: recogniser.look(seen(wall), 1000 * second) for second in range(70)}
        assert all(looks[second].probabilities for second in range(60))
        assert looks[69][:3] == (True, None, Unread.LIFELESS)
        assert recogniser.look(seen(np.roll(wall, 12, axis=1)), 70_000).probabilities


def test_of_a_camera_the_same_picture_for_ten_seconds_is_frozen_and_of_a_file_it_is_not(
    finder: StillFaceFinder, portrait: tuple[Picture, Points]
) -> None:
    for live in (True, False):
        with contextlib.closing(Recogniser(registry.DEFAULT, live)) as recogniser:
            looks = [recogniser.look(portrait[0].copy(), 2000 * i) for i in range(7)]
        assert [look.unread for look in looks] == [Unread.FROZEN if live and i >= 5 else None for i in range(7)]


@pytest.mark.skipif(not LONDON.is_dir(), reason=f"the London portraits are not at {LONDON}")
def test_a_few_people_are_read_without_a_mask_and_not_with_one(finder: StillFaceFinder) -> None:
    rng = np.random.default_rng(0)
    for file in sorted(LONDON.glob("*.jpg"))[::20]:
        picture, points = landmarked(finder, np.asarray(Image.open(file).convert("RGB")))
        assert uncovered(aligned_face(picture, points, covered.CROP)) is None
        for how in ("mask, white", "mask, black, grey camera"):
            masked = COVERED[how](picture, points, rng)
            assert uncovered(aligned_face(masked, points, covered.CROP)) is Unread.COVERED


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.floats(0.2, 1), st.integers(0, 50))
def test_light_and_contrast_are_not_looked_at(seed: int, contrast: float, light: int) -> None:
    face = np.random.default_rng(seed).integers(0, 200, covered.CROP.size * np.ones(2, int), np.uint8)
    other = np.rint(face * contrast + light).astype(np.uint8)
    assert np.abs(covered.measured(face) - covered.measured(other)).max() < 0.1


@given(st.integers(0, 255))
def test_a_crop_of_one_shade_has_scores(shade: int) -> None:
    assert np.isfinite(covered.scores(np.full((48, 48), shade, np.uint8))).all()
