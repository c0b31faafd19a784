"""What overlay/reading has of the agent's Python, asked in Node.js: many cases in one process of it."""

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import HANG_S

RUNNER = Path(__file__).with_name("ports.mjs")


def of_function(name: str, *args: Any) -> dict[str, Any]:
    """A case: what this function of the module answers."""
    return {"name": name, "args": args}


def of_object(name: str, *args: Any, calls: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A case: what a new object of this class answers to all calls (method, argument, ...), one after the other."""
    return {"name": name, "args": args, "calls": calls}


def answers(module: str, cases: Sequence[dict[str, Any]]) -> list[Any]:
    """The answers of overlay/reading/MODULE.js to all cases; skips where there is no Node.js."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    given = json.dumps({"module": module, "cases": cases}, default=_said)
    done = subprocess.run([node, RUNNER], input=given, capture_output=True, text=True, timeout=4 * HANG_S)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout, object_hook=_told)
    return found


def image(frame: NDArray[np.uint8]) -> dict[str, Any]:
    """An RGB frame (H, W, 3) as the pages have it."""
    height, width = frame.shape[:2]
    opaque = np.full((height, width, 1), 255, np.uint8)
    return {"data": _array(np.concatenate([frame, opaque], 2), "Uint8ClampedArray"), "width": width, "height": height}


def pixels(found: dict[str, Any]) -> NDArray[np.uint8]:
    """The way back: an image of the pages as RGB (H, W, 3)."""
    data: NDArray[np.uint8] = found["data"].reshape(found["height"], found["width"], 4)[..., :3]
    return data


def _array(array: NDArray[Any], kind: str) -> dict[str, str]:
    return {"kind": kind, "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


_KINDS = {"Float64Array": np.float64, "Float32Array": np.float32, "Uint8Array": np.uint8, "Uint8ClampedArray": np.uint8}


def _said(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array(
            value, {"float64": "Float64Array", "float32": "Float32Array", "uint8": "Uint8Array"}[str(value.dtype)]
        )
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value))


def _told(value: dict[str, Any]) -> Any:
    kind = _KINDS.get(value.get("kind", ""))
    return value if kind is None else np.frombuffer(base64.b64decode(value["base64"]), kind)
