"""The classifier gives probabilities, and refuses a file that is not what the registry says."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelContractError, UnknownModelError
from models.inference import contract, infer, registry
from models.inference.infer import Classifier, OnnxNetwork, load, load_still
from models.inference.runtime import onnxruntime


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_still("moodnet")


def test_probabilities_sum_to_one(classifier: Classifier) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48)).astype(np.uint8)
    answers = classifier.batch(faces)
    assert answers.shape == (5, 7)
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-4)


def test_a_face_alone_gets_the_same_answer_as_in_a_batch(classifier: Classifier) -> None:
    faces = np.random.default_rng(1).integers(0, 256, (3, 48, 48)).astype(np.uint8)
    np.testing.assert_allclose(classifier.probabilities(faces[1]), classifier.batch(faces)[1], atol=1e-4)


def test_brightness_and_contrast_of_the_camera_do_not_matter(classifier: Classifier) -> None:
    """The network standardises each face; half the contrast, 40 levels brighter must read the same."""
    face = np.random.default_rng(2).integers(0, 128, (48, 48)).astype(np.uint8) * 2 // 2 * 2
    dimmer = (face // 2 + 40).astype(np.uint8)
    np.testing.assert_allclose(classifier.probabilities(face), classifier.probabilities(dimmer), atol=1e-3)


def test_blank_face_gives_no_nonsense(classifier: Classifier) -> None:
    assert np.isfinite(classifier.probabilities(np.zeros((48, 48), np.uint8))).all()


def test_a_file_that_was_exported_before_there_were_contracts_works_by_its_path(
    classifier: Classifier, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx comes with the training: make test TRAIN=1")
    model, file = onnx.load(registry.path("moodnet")), tmp_path / "old.onnx"
    del model.metadata_props[:]
    onnx.save(model, file)
    assert contract.KEY not in infer.open_session(file).get_modelmeta().custom_metadata_map
    face = np.random.default_rng(3).integers(0, 256, (48, 48)).astype(np.uint8)
    np.testing.assert_array_equal(load_still(str(file)).probabilities(face), classifier.probabilities(face))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "moodnet.onnx"
    file.write_bytes(b"no network")
    with pytest.raises(ModelContractError, match="can load"):
        load(str(file))


def test_another_input_size_is_refused() -> None:
    with pytest.raises(ModelContractError, match="its own contract is another"):
        OnnxNetwork(registry.path("moodnet"), contract.of_first_kind(64))


def test_a_name_that_is_neither_registered_nor_a_file_lists_the_classifiers() -> None:
    with pytest.raises(UnknownModelError, match=r"moodnet.*ONNX file, got 'mudnet'") as caught:
        load("mudnet")
    assert "portrait" not in str(caught.value)


def test_where_the_graphics_card_fails_the_processor_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ONNX Runtime for CUDA on a machine without its libraries."""
    monkeypatch.setattr(onnxruntime(), "get_available_providers", lambda: ["CUDAExecutionProvider", infer.PROCESSOR])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = load_still("moodnet").network
    assert network.on_processor
    assert network.missed_card
