"""Temperature and class biases: what they may change and what not, and that the ONNX file carries them."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="calibration needs onnx: make test TRAIN=1, or pip install '.[train]'")

from models import metrics  # noqa: E402
from models.export import calibrate  # noqa: E402
from models.inference.infer import load_still, softmax  # noqa: E402
from models.stills import fer2013  # noqa: E402

FACES = 600


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and these: perfectly calibrated, with a rare second class."""
    chance = np.random.default_rng(seed)
    rarity = np.array([0, -1.5, 0, 0, 0, 0, 0], np.float32)
    probabilities = softmax(chance.normal(0, 1.5, (4000, 7)).astype(np.float32) + rarity)
    labels = (probabilities.cumsum(1) > chance.random((4000, 1))).argmax(1)
    return probabilities, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_finds_the_temperature_that_was_applied(temperature: float) -> None:
    probabilities, labels = answers()
    none = np.zeros(7, np.float32)
    spoilt = calibrate.Calibration(1 / temperature, none).apply(probabilities)
    assert calibrate.fit_temperature(spoilt, labels, none) == pytest.approx(temperature, rel=0.08)
    repaired = calibrate.Calibration(temperature, none).apply(spoilt)
    assert metrics.reliability(repaired, labels).ece < 0.03


def test_temperature_changes_no_answer() -> None:
    probabilities, _ = answers()
    tempered = calibrate.Calibration(3.0, np.zeros(7, np.float32)).apply(probabilities)
    assert (tempered.argmax(1) == probabilities.argmax(1)).all()
    np.testing.assert_allclose(tempered.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("cost", [0.0, 0.01, 1.0])
def test_biases_lift_the_rare_class_within_their_cost(cost: float) -> None:
    probabilities, labels = answers()
    biases = calibrate.choose_biases(probabilities, labels, labels, cost)
    biased = calibrate.Calibration(1, biases).apply(probabilities)
    before, after = (metrics.confusion(labels, p.argmax(1), 7) for p in (probabilities, biased))
    assert metrics.accuracy(after) >= metrics.accuracy(before) - cost
    if cost == 1:
        assert metrics.recalls(before)[1] < calibrate.RECALL_FLOOR
        assert metrics.recalls(after).min() >= calibrate.RECALL_FLOOR


def test_a_network_that_finds_all_gets_no_biases() -> None:
    labels = np.arange(70) % 7
    sure = np.eye(7, dtype=np.float32)[labels]
    assert not calibrate.choose_biases(sure, labels, np.full(70, -1)).any()


def test_the_file_answers_as_calibrated_and_is_not_calibrated_twice(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    pixels = chance.integers(0, 256, (FACES, 48, 48)).astype(np.uint8)
    none, first = np.zeros((FACES, 10), np.float32), np.arange(FACES)
    faces = fer2013.LabelledFaces(pixels, chance.integers(0, 7, FACES), none, first, first, np.zeros(FACES, np.bool_))
    file, out = tmp_path / "plain.onnx", tmp_path / "calibrated.onnx"
    plain(file)
    calibration, told = calibrate.calibrate(file, faces, out)
    assert calibration.temperature > 1  # its answers to noise are right by chance only
    assert told[-1].startswith(f"temperature {calibration.temperature:.3f}")
    expected = calibration.apply(calibrate.answers(file, pixels[:5]))
    found = load_still(str(out)).batch(pixels[:5])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ValueError, match="already"):
        calibrate.calibrate(out, faces, tmp_path / "twice.onnx")


def plain(file: Path) -> None:
    """A random linear network of the registered shape, and sure of itself."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(0, 0.002, (48 * 48, 7)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["faces"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "plain",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, 48, 48])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 7])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)
