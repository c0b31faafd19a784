"""The examples of docs/embedding.md run as they stand there, in processes of their own."""

import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import ModelMissingError
from models.inference import registry

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "embedding.md").read_text()
RELAY, RECOGNISER = re.findall(r"^```python\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(example: str, *arguments: str) -> str:
    """What the example prints."""
    command = [sys.executable, "-W", "error", "-c", example, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_relay_in_ones_own_event_loop() -> None:
    assert json.loads(run(RELAY).replace("'", '"'))["happy"] == 1.0


def test_the_recogniser_reads_a_smile() -> None:
    pytest.importorskip("mediapipe", reason="the face finder needs mediapipe: pip install '.[agent]'")
    try:
        _, portrait = (registry.path(name) for name in ("face_landmarker", "portrait"))
    except ModelMissingError as missing:
        pytest.skip(str(missing))
    assert run(RECOGNISER, str(portrait)).split()[0] == "happy"


def test_every_name_of_the_tables_is_there() -> None:
    """Also those that no example uses."""
    names = re.findall(r"^\| `([a-z]\w*(?:\.\w+)+)", PAGE, re.MULTILINE)
    assert len(names) > 8
    for name in names:
        pkgutil.resolve_name(name)
