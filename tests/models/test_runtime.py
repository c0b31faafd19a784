"""Importing our modules changes nothing in the process; ONNX Runtime comes at first use, told to report nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in sorted((ROOT / "models").rglob("*.py"))
    if file.name != "__init__.py"
]
CHANGED = """
import contextlib, importlib, logging, os, sys, warnings

names = "av cv2 msgspec numpy onnx onnxruntime.quantization openpyxl scipy.sparse torch tqdm"
for name in names.split():
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(name)


def state():
    loggers = [it for it in logging.root.manager.loggerDict.values() if isinstance(it, logging.Logger)]
    return dict(os.environ), list(warnings.filters), {it.name: it.level for it in loggers if it.level}


before = state()
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert not error.name.startswith("models"), error  # a package that is not installed here
print([now for now, then in zip(state(), before) if now != then])
"""
FIRST_USE = """
import os, sys


class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("imported with", os.environ.get("ORT_DISABLE_TELEMETRY"))


os.environ.pop("ORT_DISABLE_TELEMETRY", None)
sys.meta_path.insert(0, Watch())
from models.inference import infer
print("first use", "ORT_DISABLE_TELEMETRY" in os.environ)
infer.load_still("moodnet")
"""


def test_importing_modules_changes_no_environment_filters_or_log_levels() -> None:
    run = subprocess.run(
        [sys.executable, "-c", CHANGED, *MODULES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_onnx_runtime_is_imported_when_it_is_used_and_told_to_report_nothing() -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime comes with the agent: pip install '.[agent]'")
    run = subprocess.run([sys.executable, "-c", FIRST_USE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["first use False", "imported with 1"]


def test_nobody_else_imports_it() -> None:
    importing = re.compile(r"^\s*(?:import|from) onnxruntime\b", re.MULTILINE)
    for top in ("agent", "models", "relay"):
        for file in (ROOT / top).rglob("*.py"):
            assert not importing.search(file.read_text()), f"{file}: use models.inference.runtime"
