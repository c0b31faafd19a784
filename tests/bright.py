"""A clip network that one can work out by hand: the brighter the faces, the happier."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.inference.contract import ClipSpec, Contract, CropSpec, write
from relay.protocol import EXPRESSIONS

SIDE, FRAMES = 8, 4
HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")


def network(file: Path, clip: ClipSpec) -> Path:
    """A clip is the happier the brighter its faces are on average, and else sad; a face's feature is its brightness."""
    onnx = pytest.importorskip("onnx", reason="the networks of this test need onnx: make test TRAIN=1, or '.[train]'")
    helper, kind = onnx.helper, onnx.TensorProto
    face = ["N", 1, SIDE, SIDE] if clip.features else ["N", 1, clip.frames, SIDE, SIDE]
    inputs = [helper.make_tensor_value_info("faces", kind.FLOAT, face)]
    outputs = [helper.make_tensor_value_info("logits", kind.FLOAT, ["N", 7])]
    pixels = [onnx.numpy_helper.from_array(np.arange(1, len(face)), "pixels")]
    nodes = [helper.make_node("ReduceMean", ["faces", "pixels"], ["mean"], keepdims=0)]
    one = [onnx.numpy_helper.from_array(np.array([1]), "one")]
    if clip.features:
        inputs.append(helper.make_tensor_value_info("memory", kind.FLOAT, ["N", clip.frames - 1, 1]))
        outputs.append(helper.make_tensor_value_info("features", kind.FLOAT, ["N", 1]))
        nodes.append(helper.make_node("Unsqueeze", ["mean", "one"], ["features"]))
        nodes.append(helper.make_node("Squeeze", ["memory", "two"], ["before"]))
        nodes.append(helper.make_node("Concat", ["before", "features"], ["all"], axis=1))
        nodes.append(helper.make_node("ReduceMean", ["all", "one"], ["light"], keepdims=1))
        one.append(onnx.numpy_helper.from_array(np.array([2]), "two"))
    else:
        nodes.append(helper.make_node("Unsqueeze", ["mean", "one"], ["light"]))
    weights = np.zeros((1, 7), np.float32)
    weights[0, HAPPY], weights[0, SAD] = 0.05, -0.05
    bias = np.full(7, -30, np.float32)
    bias[[HAPPY, SAD]] = -6.4, 6.4
    one += [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")]
    nodes.append(helper.make_node("Gemm", ["light", "weights", "bias"], ["logits"]))
    graph = helper.make_graph(nodes, "brightness", inputs, outputs, pixels + one)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    write(model, Contract(CropSpec(SIDE, 1.0), logits=True, clip=clip))
    onnx.save(model, file)
    return file


def face(brightness: int) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE), brightness, np.uint8)


def happiness(brightness: float) -> float:
    return float(1 / (1 + np.exp(2 * (6.4 - 0.05 * brightness))))
