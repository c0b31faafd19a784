"""The pages' plain functions, in Node.js without a browser: each ``*.test.mjs`` of this folder."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import HANG_S

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))
OLDEST = 20
"""The first version of Node.js whose test runner has what the tests use."""


@pytest.fixture(scope="module")
def node() -> str:
    """The program; skips with the reason where there is none that can run the tests."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node.js is not installed")
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=HANG_S)
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST:
        pytest.skip(f"Node.js {OLDEST} or newer is needed, not {answer.stdout.strip() or answer.stderr.strip()!r}")
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.partition(".")[0])
def test_functions_of_the_pages(node: str, path: Path) -> None:
    done = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, timeout=4 * HANG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\W tests [1-9]", done.stdout, re.MULTILINE), "no test ran"
