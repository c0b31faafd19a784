"""The classifier gives probabilities, and refuses a file that is not what the registry says."""

import dataclasses
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


SHIPPED = {
    "moodnet": (256, "de9b8da89d2a7b860b154c2599179ca58ceb68b436c9a5530bd89a3de533b554"),
    "moodnet-tiny": (88, "9cdedf61c8f8d9e8183ea7148e0c20cbdef06f20ebbc3ed391c9d89f46ea1568"),
}
"""The shipped networks: how many features they tell, and the sha256 of their files before they told any."""


@pytest.mark.parametrize("name", SHIPPED)
def test_features_are_those_of_the_face_and_its_mirror_and_change_no_answer(name: str) -> None:
    shipped, faces = load_still(name), np.random.default_rng(4).integers(0, 256, (6, 48, 48)).astype(np.uint8)
    probabilities, features = shipped.read(faces)
    assert features is not None
    assert (features.shape, features.dtype) == ((6, SHIPPED[name][0]), np.float32)
    mirrored = shipped.read(faces[:, :, ::-1])[1]
    np.testing.assert_allclose(features, mirrored, atol=1e-6)
    assert len(np.unique(features.round(3), axis=0)) == 6
    np.testing.assert_array_equal(probabilities, shipped.batch(faces))
    np.testing.assert_array_equal(probabilities, shipped.heads(faces)[0])
    assert (probabilities != shipped.heads(faces)[1]).any()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_of_an_older_release_answers_bit_by_bit_as_the_shipped_one_but_without_features(
    name: str, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx comes with the training: make test TRAIN=1")
    model, file = onnx.load(registry.path(name)), tmp_path / "old.onnx"
    own = contract.read({entry.key: entry.value for entry in model.metadata_props}, file)
    graph = model.graph
    for added in [node for node in graph.node if "view_features" in [*node.input, *node.output]]:
        graph.node.remove(added)
    graph.initializer.remove(next(tensor for tensor in graph.initializer if tensor.name == "features_by_view"))
    graph.output.remove(next(output for output in graph.output if output.name == "features"))
    contract.write(model, dataclasses.replace(own, features=0))
    entry = next(entry for entry in model.metadata_props if entry.key == contract.KEY)
    entry.value = entry.value.replace(',"features":0', "")
    onnx.save(model, file)
    assert registry.checksum(file) == SHIPPED[name][1], "more was changed in the file than its second output"
    faces = np.random.default_rng(5).integers(0, 256, (9, 48, 48)).astype(np.uint8)
    old, new = load_still(str(file)), load_still(name)
    np.testing.assert_array_equal(old.heads(faces), new.heads(faces))
    assert old.read(faces)[1] is None


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
