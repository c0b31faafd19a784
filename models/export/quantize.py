"""Smaller weights for a network's ONNX file: stored as float16, or computed with as INT8.

float16 is half the size; ONNX Runtime widens the weights once, while loading. INT8 is a quarter of the size of what it
holds:

* Convolutions take a third of the time, by post-training static quantisation (Jacob et al. 2018, "Quantization and
  Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"): activations as uint8 in the range that
  they have on faces that were learned from, weights as int8 per output channel. The first one stays as it is: it costs
  little, and what it sees needs the finest steps.
* Matrix products get faster mostly. Their ranges are taken anew from each input (ONNX Runtime's dynamic quantisation),
  by which convolutions would only get slower.

Weights keep seven bits, since processors without VNNI add two products in 16 bits and would overflow with eight.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.inference.runtime import onnxruntime

_BATCH = 20
_LARGE = 1024
"""Weights of at least as many numbers are stored as float16."""


def store_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 initializers become float16 with a Cast behind them, in place."""
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LARGE:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_f16"))
        casts.append(helper.make_node("Cast", [f"{name}_f16"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def int8_convolutions(model: onnx.ModelProto, faces: NDArray[np.float32]) -> onnx.ModelProto:
    """The float32 network with INT8 convolutions, ranges taken from ``faces`` as its input wants them, some hundred."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    for number, node in enumerate(convolutions):
        node.name = f"convolution_{number}"

    quantization, name = onnxruntime(".quantization"), model.graph.input[0].name

    class CalibrationFaces(quantization.CalibrationDataReader):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self._batches = iter([{name: faces[i : i + _BATCH]} for i in range(0, len(faces), _BATCH)])

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._batches, None)

    def quantize(before: Path, after: Path) -> None:
        quantization.quantize_static(
            before,
            after,
            CalibrationFaces(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[0].name],
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )

    return _by_files(model, quantize)


def int8_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float32 network with INT8 matrix products."""

    def quantize(before: Path, after: Path) -> None:
        onnxruntime(".quantization").quantize_dynamic(
            before, after, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=True
        )

    return _by_files(model, quantize)


def _by_files(model: onnx.ModelProto, quantize: Callable[[Path, Path], None]) -> onnx.ModelProto:
    """ONNX Runtime's quantisers go from file to file."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        logging.disable(logging.WARNING)  # it advises a preparation that torch's exporter has done
        try:
            quantize(before, after)
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(after)
