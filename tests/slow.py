"""A network that takes a minute for a face or a clip: hundreds of products of large matrices."""

from pathlib import Path

import numpy as np
import pytest

from models.inference.contract import ClipSpec, Contract, CropSpec, write

SIDE, STEPS = 8, 400


def network(file: Path, clip: ClipSpec | None) -> Path:
    """Looks at clips (N, 1, F, S, S), or without ``clip`` at faces (N, 1, S, S), and says nothing of use."""
    onnx = pytest.importorskip("onnx", reason="the networks of this test need onnx: make test TRAIN=1, or '.[train]'")
    helper, kind = onnx.helper, onnx.TensorProto
    faces = ["N", 1, *([clip.frames] if clip else []), SIDE, SIDE]
    inputs = [helper.make_tensor_value_info("faces", kind.FLOAT, faces)]
    outputs = [helper.make_tensor_value_info("logits", kind.FLOAT, ["N", 7])]
    nodes = [helper.make_node("ReduceMean", ["faces", "pixels"], ["mean"], keepdims=0)]
    nodes.append(helper.make_node("Mul", ["mean", "square"], ["y0"]))
    nodes += [helper.make_node("MatMul", [f"y{i}", "square"], [f"y{i + 1}"]) for i in range(STEPS)]
    nodes.append(helper.make_node("Slice", [f"y{STEPS}", "from", "to"], ["logits"]))
    square = np.random.default_rng(0).normal(0, 0.03, (1024, 1024)).astype(np.float32)
    constants = {"pixels": np.arange(1, len(faces)), "square": square, "from": np.array([0, 0]), "to": np.array([1, 7])}
    values = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "slow", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    write(model, Contract(CropSpec(SIDE, 1.0), logits=True, clip=clip))
    onnx.save(model, file)
    return file
