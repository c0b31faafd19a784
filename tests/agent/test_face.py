"""The face finders on the packaged portrait."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.face import (
    FaceFinder,
    FilmFaceFinder,
    FoundFace,
    StillFaceFinder,
    as_one_reads,
    load_landmarker,
    missing_library,
    quiet_stderr,
)
from benchmarks import distance
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.blendshapes import BLENDSHAPES


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    try:
        return Image.open(registry.path("portrait")).convert("RGB")
    except ModelMissingError as error:
        pytest.skip(str(error))


def landmarker() -> Path:
    try:
        return registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def finder() -> Iterator[FaceFinder]:
    finder = FaceFinder(landmarker())
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
    finder, image = load_landmarker(landmarker(), "IMAGE", 1)
    (shapes,) = finder.detect(image(np.asarray(portrait))).face_blendshapes
    finder.close()
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


def test_a_face_that_comes_nearer_than_the_one_that_is_followed_counts(
    finder: FaceFinder, portrait: Image.Image
) -> None:
    face, empty = portrait.crop((110, 0, 340, 230)), Image.new("RGB", (640, 480), (90, 90, 90))
    far, both = empty.copy(), empty.copy()
    far.paste(face.resize((140, 140)), (40, 40))
    both.paste(face.resize((140, 140)), (40, 40))
    both.paste(face.resize((300, 300)), (320, 100))
    seen = [finder.find(np.asarray(far if i < 5 else both), 200 * i) for i in range(60)]
    places = [centre(one.points)[0] > 320 for one in seen if one is not None]
    assert len(places) == len(seen)
    assert not any(places[:5])
    assert all(places[31:])  # five seconds after the last look at others, at the latest
    back = [finder.find(np.asarray(far), 12_000 + 200 * i) for i in range(15)][-1]
    assert back is not None
    assert centre(back.points)[0] < 320


def test_of_two_faces_alike_one_is_kept(portrait: Image.Image) -> None:
    finder, face = FaceFinder(landmarker(), 0), portrait.crop((110, 0, 340, 230))
    places = set()
    for i in range(20):
        canvas = Image.new("RGB", (640, 480), (90, 90, 90))
        canvas.paste(face.resize((200 + 6 * (i % 2),) * 2), (60, 100))
        canvas.paste(face.resize((206 - 6 * (i % 2),) * 2), (360, 100))
        found = finder.find(np.asarray(canvas), 200 * i)
        assert found is not None
        places.add(centre(found.points)[0] > 320)
    finder.close()
    assert len(places) == 1


@pytest.mark.parametrize(("size", "height"), [((640, 480), 60), ((640, 480), 45), ((480, 270), 40), ((1920, 1080), 75)])
def test_a_face_far_away_is_found_and_followed(
    size: tuple[int, int], height: int, finder: FaceFinder, portrait: Image.Image
) -> None:
    """``height``: from the forehead to the chin, in pixels; of the portrait's 512 they are 107."""
    side = round(512 * height / 107)
    person = portrait.resize((side, side)).crop((side // 6, 0, side * 3 // 4, side // 2))
    seen = []
    for i in range(45):
        canvas = Image.new("RGB", size, (90, 110, 90))
        canvas.paste(person, (30 + 4 * max(0, i - 15), size[1] // 2))
        seen.append(finder.find(np.asarray(canvas), 200 * i))
    assert seen[13] is not None  # in less than three seconds, at five frames a second
    for i in range(15, 45):  # it moves on by twice its height
        found = seen[i]
        assert found is not None
        x, y = centre(found.points)
        middle = 30 + 4 * (i - 15) + 0.435 * side - side // 6
        assert (x, y) == pytest.approx((middle, size[1] // 2 + 0.22 * side), abs=0.25 * height)
        assert found.points[152, 1] - found.points[10, 1] == pytest.approx(height, rel=0.2)


@pytest.mark.parametrize("seed", [24, 86, 111])
def test_furniture_is_no_face(seed: int, finder: FaceFinder) -> None:
    """In these rooms the detector sees a face in a window, and the landmarker agrees."""
    picture = distance.room((640, 480), np.random.default_rng(seed))
    assert [finder.find(picture, 200 * i) for i in range(14)] == [None] * 14


def test_pictures_of_another_size_in_the_middle_of_a_video(finder: FaceFinder, portrait: Image.Image) -> None:
    for i, side in enumerate((1024, 400, 1, 1024, 600)):
        found = finder.find(np.asarray(portrait.resize((side, side))), 200 * i)
        assert (found is not None) == (side > 1)
        if found is not None:
            assert np.array(centre(found.points)) / side == pytest.approx([0.435, 0.22], abs=0.03)


def test_all_faces_of_a_films_frame(portrait: Image.Image) -> None:
    finder = FilmFaceFinder(landmarker())
    canvas = Image.new("RGB", (1000, 500), (90, 90, 90))
    for left in (0, 500):
        canvas.paste(portrait.crop((110, 0, 340, 230)).resize((500, 500)), (left, 0))
    for time_ms in (9000, 9040):
        both = finder.find(np.asarray(canvas), time_ms)
        assert sorted(centre(one.points)[0] > 500 for one in both) == [False, True]
    finder.close()


def test_no_face_and_times_that_stand_still(finder: FaceFinder, portrait: Image.Image) -> None:
    empty = np.full((240, 320, 3), 128, np.uint8)
    assert finder.find(empty, 5) is None
    assert finder.find(empty, 5) is None
    assert finder.find(np.asarray(portrait), 3) is not None


def test_nothing_is_written_on_the_terminal(portrait: Image.Image, capfd: pytest.CaptureFixture[str]) -> None:
    finder = FaceFinder(landmarker())
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
    return StillFaceFinder(landmarker())
