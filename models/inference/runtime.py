"""ONNX Runtime, which is imported here alone, and not before it is used."""

import importlib
import os
from typing import Any


def onnxruntime(part: str = "") -> Any:
    """The package, or a ``part`` of it (``.quantization``).

    Releases from 1.29 on report their use to the vendor unless told not to before the import. We require an older one;
    this is for who installs another.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return importlib.import_module(f"onnxruntime{part}")
