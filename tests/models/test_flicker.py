"""The benchmark of flicker counts what a viewer sees."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.readers import reader
from benchmarks import flicker
from models.clips.source import in_memory
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.contract import ClipSpec
from models.inference.infer import load_still
from relay.protocol import EXPRESSIONS
from tests import bright

VIDEO = Path(__file__).parents[3] / "shared" / "data" / "video" / "WolfgangLanger_Pexels.mp4"


POINTS = np.random.default_rng(0).uniform(20, 40, (478, 2))
"""Of a face in a picture that is as bright everywhere."""


def picture(brightness: int) -> flicker.Picture:
    return np.full((64, 64, 3), brightness, np.uint8)


def test_changes_and_total_variation_are_counted_a_second() -> None:
    answers = np.zeros((5, 7))
    answers[[0, 1, 3, 4], 3] = 1.0  # happy, for one frame of the five sad
    answers[2, 4] = 1.0
    assert flicker.flicker(answers, seconds=2.0) == (1.0, 1.0)
    assert flicker.flicker(np.full((5, 7), 1 / 7), seconds=2.0) == (0.0, 0.0)


def test_a_truth_is_a_label_and_a_span() -> None:
    assert flicker.Truth.parse("sad:0-6.5") == flicker.Truth("sad", 0.0, 6.5)


def by_face(folder: Path) -> str:
    return str(bright.network(folder / "by_face.onnx", ClipSpec(bright.FRAMES, 0.2, features=1)))


def test_faces_of_before_a_loss_are_forgotten_as_in_the_agent(tmp_path: Path) -> None:
    seen = [(0.2 * i, picture(250), POINTS) for i in range(8)]
    lost = [(0.2 * i, picture(0), None) for i in range(8, 13)]
    again = [(0.2 * i, picture(0), POINTS) for i in range(13, 18)]
    truths = [flicker.Truth("happy", 0, 1.6), flicker.Truth("sad", 2.6, 9)]
    make = flicker.made(by_face(tmp_path))
    row = flicker.on_video(make, [[*seen, *lost, *again]], truths)
    assert row["happy"] == 1.0
    assert row["sad"] == 1.0
    one_lost = flicker.on_video(make, [[*seen, (1.6, picture(0), None), *again]], truths)
    assert one_lost["sad"] < 1.0


def test_the_yardstick_forgets_when_a_clip_network_would() -> None:
    rng = np.random.default_rng(0)
    faces = [rng.integers(0, 256, (48, 48), np.uint8) for _ in range(4)]
    alone = [load_still("moodnet").probabilities(face) for face in faces]
    mean = flicker.MeanReader(reader(load_still("moodnet")))
    mean.read(0.0, faces[0])
    np.testing.assert_allclose(mean.read(0.2, faces[1]), (7 * alone[0] + alone[1]) / 8, atol=1e-6)
    mean.miss()
    np.testing.assert_allclose(mean.read(0.6, faces[2]), (6 * alone[0] + alone[1] + alone[2]) / 8, atol=1e-6)
    for _ in range(5):
        mean.miss()
    np.testing.assert_allclose(mean.read(1.8, faces[3]), alone[3], atol=1e-6)


def test_frames_without_a_face_are_among_the_sights(tmp_path: Path) -> None:
    try:
        registry.path("face_landmarker")
        face = cv2.imread(str(registry.path("portrait")))
    except ModelMissingError as error:
        pytest.skip(str(error))
    assert face is not None
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 5, (face.shape[1], face.shape[0]))
    for shown in (face, face, np.full_like(face, 100), np.full_like(face, 100), face):
        writer.write(shown)
    writer.release()
    found = flicker.sights(film, 0)
    assert [at for at, _, _ in found] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert [points is not None for _, _, points in found] == [True, True, False, False, True]


def test_clips_without_moments_count_as_a_whole_and_to_no_delay(tmp_path: Path) -> None:
    size, moments = flicker.CLIP_SIZE, (12, 24)
    smile = np.zeros((26, size, size, 3), np.uint8)
    smile[moments[0] :] = 250
    calm = np.zeros((40, size, size, 3), np.uint8)
    happy, sad = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
    make = flicker.made(by_face(tmp_path))
    alone = flicker.on_clips(make, in_memory([smile], [happy], EXPRESSIONS, moments=[moments]))
    both = flicker.on_clips(make, in_memory([smile, calm], [happy, sad], EXPRESSIONS, moments=[moments, (-1, -1)]))
    # Happy is what has three bright frames among four, 0.2 s apart.
    assert alone["delay s"] == both["delay s"] == pytest.approx(0.4)
    assert alone["right"] == both["right"] == 1.0
    none = flicker.on_clips(make, in_memory([calm], [sad], EXPRESSIONS))
    assert np.isnan(none["delay s"])
    assert none["right"] == 1.0


def test_the_default_on_the_video_is_sad_then_happy() -> None:
    if not VIDEO.is_file():
        pytest.skip(f"needs the video {VIDEO.name}, which is not part of the project")
    try:
        registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    truths = [flicker.Truth("sad", 0, 6), flicker.Truth("happy", 11, 20)]
    row = flicker.on_video(flicker.made(registry.DEFAULT), [flicker.sights(VIDEO, 0)], truths)
    assert row["sad"] > 0.8
    assert row["happy"] > 0.8
    assert row["sad from"] < 2 < row["happy from"] < 12
    assert 0 <= row["shown/s"] <= row["changes/s"] < 5
