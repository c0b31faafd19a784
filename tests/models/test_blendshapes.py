"""The blendshape baseline, with a reader that sees what a tile was made of; and the real one."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import blendshapes
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.contract import CropSpec
from models.stills import fer2013
from relay.protocol import EXPRESSIONS
from tests.tiles import write_folder

SHAPES = 52


def read(picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """A made-up reader: the picture's light says which blendshape is full; in the dark there is no face."""
    light = int(picture.mean())
    return None if light < 10 else np.eye(SHAPES, dtype=np.float32)[light // 30]


def tiles(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.stack([np.full((48, 48), 40 + 30 * label, np.uint8) for label in labels])


def made(folder: Path, light: int = 40) -> fer2013.LabelledFaces:
    labels = np.arange(70) % 7
    pixels = tiles(labels) if light else np.zeros((70, 48, 48), np.uint8)
    return fer2013.load(write_folder(folder, pixels, [EXPRESSIONS[k] for k in labels]), "Training")


def test_expressions_are_learned_and_without_a_face_the_shares_stand(tmp_path: Path) -> None:
    predict = blendshapes.fit(read, made(tmp_path))
    answers = predict(np.concatenate([tiles(np.arange(7)), np.zeros((1, 48, 48), np.uint8)]))
    assert answers[:7].argmax(1).tolist() == list(range(7))
    np.testing.assert_allclose(answers[7], np.full(7, 1 / 7), atol=1e-6)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-5)


def test_without_any_face_the_shares_are_all_there_is(tmp_path: Path) -> None:
    predict = blendshapes.fit(read, made(tmp_path, light=0))
    np.testing.assert_allclose(predict(tiles(np.arange(2))), 1 / 7, atol=1e-6)


def test_the_real_landmarker_sees_a_smile_in_a_tile() -> None:
    cv2 = pytest.importorskip("cv2", reason="the agent's packages are not installed")
    from agent.face import StillFaceFinder
    from models.inference.align import aligned_face

    try:
        landmarker, portrait = registry.path("face_landmarker"), registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))
    picture = np.asarray(cv2.cvtColor(cv2.imread(str(portrait)), cv2.COLOR_BGR2RGB), np.uint8)
    with contextlib.closing(StillFaceFinder(landmarker)) as finder:
        tile = aligned_face(picture, finder.find(picture)[0].points, CropSpec(fer2013.TILE, 1.0))
    with contextlib.closing(blendshapes.BlendshapeReader(landmarker)) as reader:
        shapes = reader.read(blendshapes.as_picture(tile))
        assert reader.read(np.zeros((64, 64, 3), np.uint8)) is None
    assert shapes is not None
    assert shapes.shape == (SHAPES,)
    assert shapes[44:46].mean() > 0.5  # mouthSmileLeft, mouthSmileRight: the portrait smiles
