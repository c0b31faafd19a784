"""The heads' temperatures: what they may change and what not, and that the ONNX file carries them."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="calibration needs onnx: make test TRAIN=1, or pip install '.[train]'")

from models.errors import ModelContractError  # noqa: E402
from models.export import calibrate  # noqa: E402
from models.inference import contract  # noqa: E402
from models.inference.contract import Contract, CropSpec  # noqa: E402
from models.inference.infer import load_still  # noqa: E402
from models.inference.temperature import tempered  # noqa: E402
from models.stills import fer2013  # noqa: E402

FACES = 600


def test_each_head_gets_the_temperature_of_what_it_was_taught(tmp_path: Path) -> None:
    """The votes head is sure and right about the majorities, the label head sure and wrong about the labels."""
    chance = np.random.default_rng(3)
    pixels = chance.integers(0, 256, (FACES, 48, 48)).astype(np.uint8)
    file, out = tmp_path / "plain.onnx", tmp_path / "calibrated.onnx"
    plain(file)
    by_votes, by_label = calibrate.answers(file, pixels)
    votes = np.zeros((FACES, 10), np.float32)
    votes[np.arange(FACES), by_votes.argmax(1)] = 10
    none = np.zeros(FACES, np.bool_)
    faces = fer2013.LabelledFaces(pixels, chance.integers(0, 7, FACES), votes, np.arange(FACES), np.arange(FACES), none)
    told = list(calibrate.calibrate(file, faces, out))
    assert told[1].startswith("votes, on FER+ majorities     1.0000")
    temperatures = [float(line.rpartition(" ")[2]) for line in told[1:3]]
    assert temperatures[0] < 1 < temperatures[1]
    found = np.stack(load_still(str(out)).heads(pixels[:5]))
    pairs = zip((by_votes, by_label), temperatures, strict=True)
    expected = np.stack([tempered(head[:5], temperature) for head, temperature in pairs])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    with pytest.raises(ValueError, match="already"):
        list(calibrate.calibrate(out, faces, tmp_path / "twice.onnx"))


def test_what_is_no_number_stays_visible_behind_the_temperature(tmp_path: Path) -> None:
    """It became seven equal probabilities, and the agent said "angry"."""
    file, out = tmp_path / "plain.onnx", tmp_path / "calibrated.onnx"
    plain(file)
    pixels = np.random.default_rng(3).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    first = np.arange(20)
    faces = fer2013.LabelledFaces(
        pixels, first % 7, np.eye(10, dtype=np.float32)[first % 7], first, first, np.zeros(20, np.bool_)
    )
    list(calibrate.calibrate(file, faces, out))
    model = onnx.load(out)
    for tensor in model.graph.initializer:
        if tensor.name == "votes_weights":
            broken = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(broken, tensor.name))
    onnx.save(model, out)
    with pytest.raises(ModelContractError, match="answers with what is no number"):
        load_still(str(out))


def plain(file: Path) -> None:
    """A random linear network with two heads, as an export makes it."""
    from onnx import TensorProto, helper, numpy_helper

    chance, outputs = np.random.default_rng(0), ("votes", "label")
    weights = [chance.normal(0, 0.002, (48 * 48, 7)).astype(np.float32) for _ in outputs]
    nodes = [helper.make_node("Flatten", ["faces"], ["flat"])]
    for name in outputs:
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_weights"], [f"{name}_logits"]))
        nodes.append(helper.make_node("Softmax", [f"{name}_logits"], [name], axis=1))
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, 48, 48])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 7]) for name in outputs],
        [numpy_helper.from_array(w, f"{name}_weights") for name, w in zip(outputs, weights, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    contract.write(model, Contract(CropSpec(48, 1.0), label_head=True))
    onnx.save(model, file)
