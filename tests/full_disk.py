"""A real disk that is full: a small one in memory, that a program of its own sees and that goes with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'
FILL = """
import os, sys
from pathlib import Path

disk = Path(sys.argv[1])


def fill() -> None:
    with (disk / "filler").open("ab", 0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                assert error.errno == 28, error
"""
"""Goes before a program: ``fill()`` leaves no byte of ``disk``."""

TRAINING = """
import shutil
import moodcast
from models.training import distil, train

advance = train.Trainer.advance
distil.SEQUENCES = 8


def filling(trainer):
    fill()
    return advance(trainer)


train.Trainer.advance = filling
code = moodcast.main([*sys.argv[2:-1], "--run", str(disk / "run")])
shutil.copytree(disk / "run", sys.argv[-1])
sys.exit(code)
"""
"""A command that trains, into ``disk``, which another program fills before each step; the run is copied to the last
argument."""


def run(code: str, disk: Path, size: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python code with a disk of ``size`` (as mount takes it) in the folder ``disk``, its first argument.

    Skips where a user may make no disk of his own.
    """
    new_world = ["unshare", "--user", "--map-root-user", "--mount"]
    mounted = [*new_world, "sh", "-c", MOUNT, "sh", size, str(disk)]
    disk.mkdir(exist_ok=True)
    if shutil.which("unshare") is None or subprocess.run([*mounted, "true"], capture_output=True).returncode:
        pytest.skip("a disk of one's own needs Linux with user namespaces, and unshare of util-linux")
    program = [sys.executable, "-c", FILL + code, str(disk), *arguments]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # as conftest.py of the models' tests does it
    return subprocess.run([*mounted, *program], cwd=ROOT, env=one_thread, capture_output=True, text=True, timeout=200)
