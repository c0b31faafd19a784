"""face-api.js' expression network, rebuilt as an ONNX graph from the project's weight files.

Four blocks of four 3x3 convolutions, densely added up (each later input is the rectified sum of all earlier outputs of
its block); the first of each block has stride 2, all but the very first are depth-wise separable. Then the mean over
7x7 and one dense layer. Weights are stored as 8-bit numbers with scale and offset.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

MANIFEST, WEIGHTS = "face_expression_model-weights_manifest.json", "face_expression_model.bin"
SIDE = 112
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
"""Of red, green and blue; a network's input is a pixel less this, over 255."""
LABELS = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""Order of its outputs, in our words."""


def read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor by name, widened."""
    data, start, tensors = (folder / WEIGHTS).read_bytes(), 0, {}
    for entry in json.loads((folder / MANIFEST).read_text())[0]["weights"]:
        packed = entry.get("quantization")
        kind = np.dtype(packed["dtype"] if packed else entry["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, kind, count, start).astype(np.float32)
        start += count * kind.itemsize
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        tensors[entry["name"]] = values.reshape(entry["shape"])
    return tensors


def build(weights: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Faces (N, 3, 112, 112) to probabilities (N, 7)."""
    nodes, tensors = [], []

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(name: str, values: NDArray[np.float32]) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(x: str, name: str, stride: int) -> str:
        bias = constant(f"{name}/bias", weights[f"{name}/bias"])
        same = {"auto_pad": "SAME_UPPER", "strides": [stride, stride]}
        if f"{name}/filters" in weights:
            kernel = constant(f"{name}/filters", weights[f"{name}/filters"].transpose(3, 2, 0, 1))
            return node("Conv", [x, kernel, bias], name, **same)
        depth = weights[f"{name}/depthwise_filter"].transpose(2, 3, 0, 1)
        wide = node("Conv", [x, constant(f"{name}/depth", depth)], f"{name}/wide", group=len(depth), **same)
        point = constant(f"{name}/point", weights[f"{name}/pointwise_filter"].transpose(3, 2, 0, 1))
        return node("Conv", [wide, point, bias], name)

    x = "faces"
    for block in (f"dense{i}" for i in range(4)):
        total = node("Relu", [convolution(x, f"{block}/conv0", 2)], f"{block}/relu0")
        rectified = total
        for i in (1, 2, 3):
            further = convolution(rectified, f"{block}/conv{i}", 1)
            total = node("Add", [total, further], f"{block}/sum{i}")
            rectified = node("Relu", [total], f"{block}/relu{i}")
        x = rectified
    flat = node("Flatten", [node("AveragePool", [x], "pooled", kernel_shape=[7, 7])], "flat")
    dense = [constant("fc/weights", weights["fc/weights"]), constant("fc/bias", weights["fc/bias"])]
    node("Softmax", [node("Gemm", [flat, *dense], "logits")], "probabilities", axis=1)
    faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(LABELS)])
    graph = helper.make_graph(nodes, "face-api", [faces], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
