"""Frames made of one portrait: the landmarker, which knows nothing of the warping, sees what they should show."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent import face_stage
from benchmarks import portrait_frames
from benchmarks.blendshapes import BlendshapeReader
from models.clips import warp
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.blendshapes import BLENDSHAPES

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
TIMES = np.arange(0, 6, 0.4)


@pytest.fixture(scope="module")
def someone(tmp_path_factory: pytest.TempPathFactory) -> warp.FaceMesh:
    if not LONDON.is_dir():
        pytest.skip(f"the London portraits are not at {LONDON}")
    folder = tmp_path_factory.mktemp("one")
    (folder / "001_neutral.jpg").symlink_to((LONDON / "001_neutral.jpg").resolve())
    with face_stage.finding("tests") as find:
        return portrait_frames.load(folder, find)["001"]


@pytest.fixture(scope="module")
def reader() -> Iterator[BlendshapeReader]:
    try:
        model = registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    with contextlib.closing(BlendshapeReader(model)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("act", "shape"),
    [
        ("talking", "jawOpen"),
        ("yawning", "jawOpen"),
        ("squinting", "eyeSquintLeft"),
        ("squinting", "browDownLeft"),
        ("raised brows", "browInnerUp"),
    ],
)
def test_a_frame_shows_what_is_done(someone: warp.FaceMesh, reader: BlendshapeReader, act: str, shape: str) -> None:
    most = {}
    for shown in ("still", act):
        frames = portrait_frames.filmed(someone, shown, TIMES, np.random.default_rng(1))
        found = [shapes for frame in frames if (shapes := reader.read(frame)) is not None]
        assert len(found) == len(TIMES)
        most[shown] = max(shapes[BLENDSHAPES.index(shape)] for shapes in found)
    assert most[act] > most["still"] + 0.1


def test_the_same_seed_gives_the_same_frames_and_another_other_ones(someone: warp.FaceMesh) -> None:
    def made(seed: int) -> list[warp.Picture]:
        return list(portrait_frames.filmed(someone, "talking", TIMES[:2], np.random.default_rng(seed)))

    assert all((a == b).all() for a, b in zip(made(3), made(3), strict=True))
    assert any((a != b).any() for a, b in zip(made(3), made(4), strict=True))


def test_no_frames_of_no_times(someone: warp.FaceMesh) -> None:
    for act in portrait_frames.ACTS:
        assert list(portrait_frames.filmed(someone, act, np.zeros(0), np.random.default_rng(0))) == []
