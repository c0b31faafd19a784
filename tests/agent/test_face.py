"""The face finder on the packaged portrait."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from agent.face import FaceFinder, missing_library
from models import registry
from models.errors import ModelMissingError


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    try:
        return Image.open(registry.path("portrait")).convert("RGB")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def finder() -> Iterator[FaceFinder]:
    try:
        model = registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    finder = FaceFinder(model)
    yield finder
    finder.close()


def centre(points: np.ndarray) -> tuple[float, float]:
    low, high = points.min(0), points.max(0)
    return float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2


def test_the_points_are_pixels_of_the_frame_whatever_its_size(finder: FaceFinder, portrait: Image.Image) -> None:
    for side in (512, 1536):
        points = finder.find(np.asarray(portrait.resize((side, side))), 100 * side)
        assert points is not None
        assert points.shape == (478, 2)
        x, y = centre(points)
        assert x / side == pytest.approx(0.435, abs=0.03)
        assert y / side == pytest.approx(0.22, abs=0.03)


def test_the_largest_face_counts(finder: FaceFinder, portrait: Image.Image) -> None:
    for small_left in (True, False):
        canvas = Image.new("RGB", (1100, 600), (90, 90, 90))
        small = portrait.crop((110, 0, 340, 230)).resize((250, 250))
        large = portrait.crop((110, 0, 340, 230)).resize((500, 500))
        canvas.paste(small, (30 if small_left else 820, 50))
        canvas.paste(large, (570 if small_left else 30, 50))
        points = finder.find(np.asarray(canvas), 1000 if small_left else 5000)
        assert points is not None
        assert (centre(points)[0] > 550) == small_left


def test_no_face_and_times_that_stand_still(finder: FaceFinder, portrait: Image.Image) -> None:
    empty = np.full((240, 320, 3), 128, np.uint8)
    assert finder.find(empty, 5) is None
    assert finder.find(empty, 5) is None
    assert finder.find(np.asarray(portrait), 3) is not None


def test_nothing_is_written_on_the_terminal(portrait: Image.Image, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        model = registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    finder = FaceFinder(model)
    finder.find(np.asarray(portrait), 1)
    finder.close()
    assert capfd.readouterr() == ("", "")


def test_a_missing_system_library_is_named_with_its_package() -> None:
    error = missing_library(OSError("libEGL.so.1: cannot open shared object file: No such file or directory"))
    assert "libEGL.so.1" in str(error)
    assert "apt install libegl1 libgles2" in str(error)
    assert error.exit_code == 15
    assert "apt" not in str(missing_library(OSError("libfoo.so: cannot open shared object file")))
