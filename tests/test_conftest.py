"""What the conftest does for all tests, tried on small tests of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES_CLIENTS_OPEN = """
import gc

from tests.support import Viewer


async def test_it_fails(relay):
    relay.create_channel("demo")
    circle = [await Viewer.connect(relay.url)]
    circle.append(circle)
    assert False


def test_it_collects_garbage():
    gc.collect()
"""


@pytest.mark.slow
def test_what_a_failed_test_leaves_open_is_no_failure_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(LEAVES_CLIENTS_OPEN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml")]
    said = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "1 failed, 1 passed" in said.stdout, said.stdout + said.stderr
