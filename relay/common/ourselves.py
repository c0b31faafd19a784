"""How this program is started again, by itself or by the desktop."""

import sys
from pathlib import Path

_SCRIPT = Path(__file__).parents[2] / "moodcast.py"


def command(*arguments: str) -> list[str]:
    """The command line of ``moodcast ARGUMENTS``, with absolute paths, whatever the folder is that it is run in.

    Built into one program (PyInstaller), the interpreter is that program.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, str(_SCRIPT), *arguments]
