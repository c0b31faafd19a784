"""Importing changes nothing: who imports a module of ours keeps their warnings, environment, logging and signals."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import rooms

ROOT = Path(__file__).parents[1]

PROGRAM = """
import importlib, json, logging, os, signal, sys, threading, warnings

foreign, ours = json.loads(sys.argv[1])
for name in foreign:  # what the libraries themselves do is theirs
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        pass

def state():
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        "warnings": [str(entry) for entry in warnings.filters],
        "environment": dict(os.environ),
        "logging": {
            name: (logger.level, logger.disabled, list(map(str, logger.handlers)), list(map(str, logger.filters)))
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger)
            and (logger.level or logger.disabled or logger.handlers or logger.filters)
        },
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "streams and hooks": [str(it) for it in (sys.stdin, sys.stdout, sys.stderr, sys.excepthook, sys.path)],
        "folder": os.getcwd(),
        "pictures": getattr(sys.modules.get("PIL.Image"), "MAX_IMAGE_PIXELS", None),
        "cv2": sys.modules["cv2"].getNumThreads() if "cv2" in sys.modules else None,
    }

changed = {}
for name in ours:
    before = state()
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] in {"agent", "demo", "models", "obs_plugin", "relay"}:
            raise
        continue
    after = state()
    if differing := [what for what in before if before[what] != after[what]]:
        changed[name] = differing
json.dump(changed, sys.stdout)
"""


def libraries(texts: dict[str, str]) -> list[str]:
    """What modules import when they are imported themselves, and is not ours; some names are none of a module."""
    found = set()
    for text in texts.values():
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return sorted(name for name in found if name.split(".")[0] not in rooms.MAY)


def one_by_one(texts: dict[str, str]) -> list[str]:
    """Our modules, before each what it needs: so what one of them changes is not laid to another."""
    needs: dict[str, list[str]] = {}
    for found in rooms.imports(texts):
        needs.setdefault(found.by, []).append(found.of)
    order: dict[str, None] = {}

    def take(name: str, above: tuple[str, ...]) -> None:
        for other in needs.get(name, ()):
            if other not in order and other not in above:
                take(other, (*above, name))
        order[name] = None

    for path in texts:
        take(rooms.module(path), ())
    # The OBS script is OBS's to import: it needs its module obspython.
    return [name for name in order if name != "obs_plugin.moodcast_obs"]


@pytest.mark.slow
def test_importing_changes_nothing() -> None:
    texts = rooms.working_tree()
    asked = json.dumps([libraries(texts), one_by_one(texts)])
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}  # and nothing of this process
    command = [sys.executable, "-c", PROGRAM, asked]
    run = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    changed = json.loads(run.stdout)
    assert changed == {}
