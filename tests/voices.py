"""Voice files for tests: networks that hear, which no training made."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from models.inference import voice
from models.inference.sound import RATE
from models.inference.voice import VoiceContract

CONTRACT = VoiceContract(
    classes=("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    labels=("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"),
    samples=2 * RATE,
    recorded=True,
    learned_from="ravdess",
    temperature=1.0,
    weight=0.5,
)
"""As of a network that learned from RAVDESS."""


def made(file: Path, contract: VoiceContract = CONTRACT, logits: Any = None, **metadata: str) -> Path:
    """A file that answers every sound with ``logits`` (classes,), by default the second class; and its metadata.

    Without ``metadata`` it carries the contract.
    """
    onnx = pytest.importorskip("onnx", reason="writing files needs onnx: make test TRAIN=1, or '.[train]'")
    helper, kind = onnx.helper, onnx.TensorProto
    count = len(contract.classes)
    said = np.asarray(8.0 * np.eye(count)[1] if logits is None else logits, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["sound", "axes"], ["mean"], keepdims=1),
            helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
            helper.make_node("Add", ["zero", "said"], ["logits"]),
        ],
        "voice",
        [helper.make_tensor_value_info("sound", kind.FLOAT, [1, contract.samples])],
        [helper.make_tensor_value_info("logits", kind.FLOAT, [1, count])],
        [
            helper.make_tensor("axes", kind.INT64, [1], [1]),
            helper.make_tensor("nothing", kind.FLOAT, [1], [0.0]),
            helper.make_tensor("said", kind.FLOAT, [1, count], said),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if metadata:
        helper.set_model_props(model, metadata)
    else:
        voice.write(model, contract)
    file.write_bytes(model.SerializeToString())
    return file


def told(contract: VoiceContract = CONTRACT, **fields: Any) -> str:
    """A contract's metadata with some fields exchanged."""
    return msgspec.json.encode({"version": 1, **msgspec.to_builtins(contract), **fields}).decode()
