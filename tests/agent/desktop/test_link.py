"""A link through the standard input."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_one_that_is_too_long_is_told_so() -> None:
    command = [sys.executable, str(ROOT / "moodcast.py"), "window", "--invitation=-"]
    run = subprocess.run(command, input="x" * 100_000, capture_output=True, text=True, check=False, timeout=60)
    expected = "moodcast: --invitation: expected at most 4096 characters on the standard input\n"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", expected)
