"""Torch-free inference of static classifiers with ONNX Runtime."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelContractError
from models.registry import EXPRESSIONS, Weights

# Releases from 1.29 on report their use to the vendor unless told not to before the import. We require an older one;
# this is for who installs another.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""In order of preference; the first comes with the ``agent-gpu`` extra."""


class Classifier:
    """A network from faces (N, C, S, S) float32 to probabilities of the seven expressions, in contract order.

    What it sees of a pixel, and its own labels, stand in its registry entry. Labels beyond the seven (contempt) are
    left out before the softmax, which is the same as dropping them and scaling the rest to a sum of 1.

    Raises:
        ModelContractError: the file is no ONNX network, or its input or output has another shape.
    """

    def __init__(self, path: Path, weights: Weights) -> None:
        options = ort.SessionOptions()
        # One face every 200 ms needs no second thread; a pool would only wake cores the streamed game wants.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        available = set(ort.get_available_providers())
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=[name for name in PROVIDERS if name in available]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ModelContractError(f"{path} is not a network that ONNX Runtime can load: {error}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if weights.crop is None:
            raise ModelContractError(f"{weights.name!r} is no classifier: its registry entry has no crop")
        side, channels, labels = weights.crop.size, weights.crop.pixels.channels, len(weights.outputs)
        if len(inputs) != 1 or inputs[0].shape[1:] != [channels, side, side] or outputs[0].shape[1:] != [labels]:
            raise ModelContractError(
                f"{path} should map (N, {channels}, {side}, {side}) to (N, {labels}), but maps "
                f"{[i.shape for i in inputs]} to {[o.shape for o in outputs]}"
            )
        self._input, self._output = inputs[0].name, outputs[0].name
        self._mean = np.asarray(weights.crop.pixels.mean, np.float32)
        self._scale = 1 / np.asarray(weights.crop.pixels.std, np.float32)
        self._logits = weights.logits
        self._columns = [weights.outputs.index(expression) for expression in EXPRESSIONS]

    def probabilities(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(7,) float32 summing to 1, for one face, grey (S, S) or RGB (S, S, 3) uint8."""
        row: NDArray[np.float32] = self.batch(face[None])[0]
        return row

    def batch(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 7) float32, rows summing to 1, for faces, grey (N, S, S) or RGB (N, S, S, 3) uint8."""
        x = (faces if faces.ndim == 4 else faces[..., None]).astype(np.float32)
        x = np.ascontiguousarray(((x - self._mean) * self._scale).transpose(0, 3, 1, 2), np.float32)
        result: NDArray[np.float32] = self._session.run([self._output], {self._input: x})[0][:, self._columns]
        return softmax(result) if self._logits else result


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (N, K) of logits (N, K)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)
