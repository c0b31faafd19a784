"""A picture that comes squeezed or stretched, told by the faces in it."""

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from agent import proportions
from agent.face import FaceFinder, StillFaceFinder
from agent.proportions import Proportions, face_width
from agent.recognition import Recogniser
from agent.remarks import Remarks
from models.errors import ModelMissingError
from models.inference import registry

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
VIDEO, LONDON = DATA / "video", DATA / "photos" / "london"
TURNING = "head-pose-face-detection-female.gif"
FRONTAL = "head-pose-face-detection-male.gif"

Picture = NDArray[np.uint8]


def face(
    stretch: float = 1.0,
    scale: float = 10.0,
    roll: float = 0.0,
    yaw: float = 0.0,
    pitch: float = 0.0,
    place: tuple[float, float] = (320.0, 240.0),
) -> NDArray[np.float64]:
    """The average face from so far away and turned like this (degrees), in a picture that comes stretched."""
    a, b, c = np.radians([pitch, yaw, roll])
    nod = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    turn = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    points = np.zeros((478, 2))
    points[proportions._POINTS] = (proportions._SHAPE @ (tilt @ turn @ nod).T)[:, :2] * scale
    return np.asarray((points + place) * (stretch, 1), np.float64)


def taught(faces: Iterable[NDArray[np.float64]], every_s: float = 1.0) -> Proportions:
    """What is learned from faces at so many seconds each, each a little different from the one before."""
    found, noise = Proportions(), np.random.default_rng(0)
    for number, points in enumerate(faces):
        found.learn(number * every_s, points + noise.normal(0, 0.3, points.shape))
    return found


WIDTHS = st.sampled_from([0.75, 1.0, 4 / 3]) | st.floats(0.6, 1.6)
UPRIGHT = st.floats(-13, 13)


@given(WIDTHS, st.floats(6, 100), UPRIGHT, UPRIGHT, UPRIGHT, st.tuples(st.floats(-500, 3000), st.floats(-500, 3000)))
def test_distance_place_and_pose_of_a_face_that_looks_at_the_camera_make_no_difference(
    stretch: float, scale: float, roll: float, yaw: float, pitch: float, place: tuple[float, float]
) -> None:
    assert face_width(face(stretch, scale, roll, yaw, pitch, place)) == pytest.approx(stretch, rel=1e-6)


@given(
    st.floats(0.6, 1.6),
    st.floats(5, 100),
    st.floats(-180, 180),
    st.floats(-80, 80),
    st.floats(-80, 80),
)
def test_a_turned_or_tilted_head_tells_nothing(
    stretch: float, scale: float, roll: float, yaw: float, pitch: float
) -> None:
    assume(max(abs(yaw), abs(pitch)) > 21 or abs(roll) > 32)
    assert face_width(face(stretch, scale, roll, yaw, pitch)) is None


def test_a_small_face_tells_nothing() -> None:
    assert face_width(face(0.75, scale=2.5)) is None
    assert face_width(np.zeros((478, 2))) is None


@pytest.mark.parametrize("stretch", [0.75, 1, 4 / 3])
@pytest.mark.parametrize("every_s", [1 / 30, 0.2, 1.0, 1.9])
def test_a_minute_of_faces_tells_at_any_frame_rate(stretch: float, every_s: float) -> None:
    before = taught([face(stretch)] * math.ceil(58 / every_s if every_s < 1 else 58), every_s)
    assert before.stretch == 1
    after = taught([face(stretch)] * (math.ceil(62 / every_s) if every_s < 1 else 62), every_s)
    assert after.stretch == pytest.approx(stretch)


def test_no_time_with_one_picture_tells_anything() -> None:
    found = Proportions()
    for second in range(1000):
        found.learn(second, face(0.75))
    assert found.stretch == 1


def test_many_faces_of_one_moment_tell_nothing() -> None:
    assert taught([face(0.75)] * 2000, every_s=1e-3).stretch == 1


def test_some_seconds_of_another_kind_change_nothing() -> None:
    """As of a film that is held before the camera, or of somebody who looks through the picture's edge."""
    assert taught([face()] * 40 + [face(0.75)] * 25).stretch == 1


@given(st.lists(st.floats(0.9, 1.11), min_size=60, max_size=60))
def test_a_narrow_or_broad_face_is_left_as_it_is(widths: list[float]) -> None:
    assert taught([face(width) for width in widths] * 3).stretch == 1


def test_what_is_undone_has_the_right_proportions_and_loses_no_pixel() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    assert Proportions().undone(frame) is frame
    assert taught([face(0.75)] * 60).undone(frame).shape == (480, 853, 3)
    assert taught([face(4 / 3)] * 60).undone(frame).shape == (640, 640, 3)


def test_it_stays_when_somebody_else_sits_down_and_goes_when_the_picture_changes() -> None:
    found = taught([face(0.75)] * 60)
    noise = np.random.default_rng(1)
    for second in range(60, 400):  # what is undone looks right, of whomever
        found.learn(second, face(1.06 if second > 200 else 0.97) + noise.normal(0, 0.3, (478, 2)))
    assert found.stretch == 0.75
    for second in range(400, 520):  # the camera was mended, so undoing it stretches
        found.learn(second, face(4 / 3) + noise.normal(0, 0.3, (478, 2)))
    assert found.stretch == 1


def test_no_picture_is_undone_twice() -> None:
    assert taught([face(0.6)] * 300).stretch == 0.75
    assert taught([face(1.7)] * 300).stretch == pytest.approx(4 / 3)


def test_the_viewer_is_told() -> None:
    told = Remarks(None)
    assert told.due(0.1, 1.0) == []
    for stretch, words in ((0.75, "squeezed to three quarters"), (4 / 3, "stretched"), (1.0, "nothing is undone")):
        (sentence,) = told.due(0.1, stretch)
        assert words in sentence
        assert told.due(0.1, stretch) == []


def squeezed(picture: Picture, stretch: float) -> Picture:
    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (round(width * stretch), height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("stretch", [0.75, 1, 4 / 3])
def test_the_agent_undoes_what_a_minute_of_the_camera_told(stretch: float) -> None:
    """A smile that comes squeezed; a sensor's noise makes each frame another."""
    try:
        picture = squeezed(np.asarray(Image.open(registry.path("portrait")).convert("RGB")), stretch)
        recogniser = Recogniser("moodnet-tiny")
    except ModelMissingError as error:
        pytest.skip(str(error))
    noise = np.random.default_rng(0)
    with contextlib.closing(recogniser):
        for second in range(61):
            noisy = np.clip(picture + noise.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
            recogniser.look(noisy, 1000 * second)
        assert recogniser.stretch == pytest.approx(stretch)


def minute_of(film: str, stretch: float) -> Proportions:
    """The film's frames over and over, one a second; all of them a minute at least."""
    if not (VIDEO / film).is_file():
        pytest.skip(f"needs {film} in ../shared/data/video")
    try:
        finder = FaceFinder(registry.path("face_landmarker"))
    except ModelMissingError as error:
        pytest.skip(str(error))
    with contextlib.closing(finder), Image.open(VIDEO / film) as picture:
        frames = [squeezed(np.asarray(frame.convert("RGB")), stretch) for frame in ImageSequence.Iterator(picture)]
        found = Proportions()
        for second in range(130):
            face = finder.find(found.undone(frames[second % len(frames)]), 1000 * second)
            if face is not None:
                found.learn(second, face.points)
    return found


@pytest.mark.parametrize("stretch", [*(pytest.param(one, marks=pytest.mark.nightly) for one in (0.75, 1)), 4 / 3])
def test_a_film_of_somebody_who_looks_at_the_camera_is_undone(stretch: float) -> None:
    assert minute_of(FRONTAL, stretch).stretch == pytest.approx(stretch)


@pytest.mark.parametrize("stretch", [*(pytest.param(one, marks=pytest.mark.nightly) for one in (0.75, 1)), 4 / 3])
def test_a_film_of_somebody_who_turns_about_tells_too_little(stretch: float) -> None:
    assert minute_of(TURNING, stretch).stretch == 1


@pytest.mark.slow
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
@pytest.mark.parametrize("each", [6, pytest.param(1, marks=pytest.mark.nightly)])
def test_no_portrait_looks_distorted_and_every_distorted_one_does(each: int) -> None:
    try:
        finder = StillFaceFinder(registry.path("face_landmarker"))
    except ModelMissingError as error:
        pytest.skip(str(error))
    files = sorted(LONDON.glob("*_neutral.jpg"))
    assert len(files) == 60
    with contextlib.closing(finder):
        for file in files[::each]:
            picture = np.asarray(Image.open(file).convert("RGB"))
            for stretch in (0.75, 1, 4 / 3):
                (found,) = finder.find(squeezed(picture, stretch))
                assert taught([found.points] * 60).stretch == pytest.approx(stretch), file.name
