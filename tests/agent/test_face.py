"""The face finders on the packaged portrait."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agent.face import (
    LARGEST_SIDE,
    FaceFinder,
    FoundFace,
    StillFaceFinder,
    as_one_reads,
    load_landmarker,
    missing_library,
    quiet_stderr,
    windows,
)
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.blendshapes import BLENDSHAPES


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
        face = finder.find(np.asarray(portrait.resize((side, side))), 100 * side)
        assert face is not None
        assert face.points.shape == (478, 2)
        x, y = centre(face.points)
        assert x / side == pytest.approx(0.435, abs=0.03)
        assert y / side == pytest.approx(0.22, abs=0.03)


def test_the_blendshapes_tell_a_smile(finder: FaceFinder, portrait: Image.Image) -> None:
    picture = np.asarray(portrait)
    (still,), moving = still_finder().find(picture), finder.find(picture, 1)
    for face in (still, moving):
        assert face is not None
        assert (face.shapes.shape, face.shapes.dtype) == ((52,), np.float32)
        told = dict(zip(BLENDSHAPES, face.shapes.tolist(), strict=True))
        assert min(told["mouthSmileLeft"], told["mouthSmileRight"]) > 0.5
        assert max(told["mouthFrownLeft"], told["mouthFrownRight"], told["eyeBlinkLeft"]) < 0.3


def test_the_blendshapes_are_named_in_mediapipes_order(portrait: Image.Image) -> None:
    still_finder().close()  # else there is no landmarker
    landmarker, image = load_landmarker(registry.path("face_landmarker"), "IMAGE", 1)
    (shapes,) = landmarker.detect(image(np.asarray(portrait))).face_blendshapes
    landmarker.close()
    assert tuple(shape.category_name for shape in shapes) == BLENDSHAPES


def test_the_largest_face_counts(finder: FaceFinder, portrait: Image.Image) -> None:
    for small_left in (True, False):
        canvas = Image.new("RGB", (1100, 600), (90, 90, 90))
        small = portrait.crop((110, 0, 340, 230)).resize((250, 250))
        large = portrait.crop((110, 0, 340, 230)).resize((500, 500))
        canvas.paste(small, (30 if small_left else 820, 50))
        canvas.paste(large, (570 if small_left else 30, 50))
        face = finder.find(np.asarray(canvas), 1000 if small_left else 5000)
        assert face is not None
        assert (centre(face.points)[0] > 550) == small_left


def test_all_faces_of_a_frame(finder: FaceFinder, portrait: Image.Image) -> None:
    canvas = Image.new("RGB", (1000, 500), (90, 90, 90))
    for left in (0, 500):
        canvas.paste(portrait.crop((110, 0, 340, 230)).resize((500, 500)), (left, 0))
    for time_ms in (9000, 9040):
        both = finder.find_all(np.asarray(canvas), time_ms)
        assert sorted(centre(face.points)[0] > 500 for face in both) == [False, True]


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


def test_the_lines_of_others_pass_while_the_libraries_are_kept_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"W0000 00:00:1795274980.846172   28099 face_landmarker_graph.cc:174] Sets acceleration\n")
        os.write(
            2, b"WARNING relay.store.history: the history can't be written\nINFO: Created TensorFlow Lite delegate\n"
        )
        os.write(2, b"2026-01-01 12:00:00 INFO relay.app: started\n")
    assert capfd.readouterr().err == (
        "WARNING relay.store.history: the history can't be written\n2026-01-01 12:00:00 INFO relay.app: started\n"
    )


@given(st.integers(1, 4000), st.integers(1, 4000), st.data())
def test_a_face_of_half_a_windows_side_lies_wholly_in_one(width: int, height: int, data: st.DataObject) -> None:
    found = windows(width, height)
    assert found[0] == (0, 0, width, height)
    assert (len(found) == 1) == (max(width, height) <= LARGEST_SIDE)
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in found)
    if len(found) == 1:
        return
    sides = sorted({max(right - left, bottom - top) for left, top, right, bottom in found[1:]})
    face = data.draw(st.sampled_from(sides)) // 2
    x, y = (data.draw(st.integers(0, max(0, length - face))) for length in (width, height))
    right, bottom = min(x + face, width), min(y + face, height)
    assert any(w[0] <= x and w[1] <= y and right <= w[2] and bottom <= w[3] for w in found[1:])


def test_every_face_of_a_group_is_found_once_and_in_order(portrait: Image.Image) -> None:
    finder = still_finder()
    face, side = portrait.crop((110, 0, 340, 230)), 300
    group = Image.new("RGB", (5 * side, 2 * side))
    for i in range(10):
        group.paste(face.resize((side, side)), (i % 5 * side, i // 5 * side))
    found = finder.find(np.asarray(group))
    finder.close()
    places = [tuple(int(middle // side) for middle in centre(face.points)) for face in found]
    assert places == [(x, y) for y in range(2) for x in range(5)]


def test_faces_of_unequal_height_are_one_row() -> None:
    def face(x: float, y: float) -> FoundFace:
        return FoundFace(np.array([(x - 50, y - 60), (x + 50, y + 60), (x, y)]), np.zeros(52, np.float32))

    tall, short, child, behind = face(400, 120), face(100, 170), face(300, 260), face(500, 20)
    ordered = [tuple(face.points[2]) for face in as_one_reads([child, short, tall, behind])]
    assert ordered == [(500, 20), (100, 170), (400, 120), (300, 260)]


@pytest.mark.parametrize("size", [(1, 1), (1, 2048), (2048, 1), (3, 700)])
def test_odd_pictures_have_no_face(size: tuple[int, int]) -> None:
    finder = still_finder()
    assert finder.find(np.asarray(Image.new("RGB", size, "white"))) == []
    finder.close()


def still_finder() -> StillFaceFinder:
    try:
        return StillFaceFinder(registry.path("face_landmarker"))
    except ModelMissingError as error:
        pytest.skip(str(error))
