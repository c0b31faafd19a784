"""A network that sees the same in every face: somewhat happy, and a little less sad."""

from pathlib import Path

import numpy as np
import pytest

from models.inference.contract import Contract, CropSpec, write
from relay.protocol import EXPRESSIONS

SAYS = {"happy": 0.55, "sad": 0.35}
"""The rest is the other expressions', evenly."""


def network(file: Path) -> Path:
    """Looks at faces (N, 1, 8, 8)."""
    onnx = pytest.importorskip("onnx", reason="the networks of this test need onnx: make test TRAIN=1, or '.[train]'")
    helper, kind = onnx.helper, onnx.TensorProto
    rest = (1 - sum(SAYS.values())) / (len(EXPRESSIONS) - len(SAYS))
    said = np.log([[SAYS.get(name, rest) for name in EXPRESSIONS]]).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["faces", "pixels"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "said"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("faces", kind.FLOAT, ["N", 1, 8, 8])]
    outputs = [helper.make_tensor_value_info("logits", kind.FLOAT, ["N", 7])]
    constants = {"pixels": np.array([2, 3]), "nothing": np.float32([0]), "said": said}
    values = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "undecided", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    write(model, Contract(CropSpec(8, 1.0), logits=True))
    onnx.save(model, file)
    return file
