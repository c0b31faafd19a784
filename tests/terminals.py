"""A pseudo-terminal for a test, where the machine has any left."""

import pytest


def open_terminal() -> tuple[int, int]:
    """The file descriptors of a new terminal: the one where a person would sit, and the program's.

    Skips the test with the reason where there is none: on Windows, or where a sandbox has no devices for it.
    """
    pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be opened here: {error}")
    return ours, theirs
