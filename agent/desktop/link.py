"""The link that the program is started with: it may hold a password, and other users see command lines."""

import contextlib
import os
import sys

from agent.config import WindowSettings
from relay.common.invitation import LONGEST
from relay.common.ourselves import command
from relay.errors import SettingsError

STDIN = "-"
"""In place of the link: it comes through the standard input."""


def told() -> str:
    """The link that the standard input has.

    Raises:
        SettingsError: it is longer than one may be.
    """
    text = sys.stdin.buffer.read(4 * LONGEST + 1).decode(errors="replace").strip()
    if len(text) > LONGEST:
        raise SettingsError(f"--invitation: expected at most {LONGEST} characters on the standard input")
    return text


def hide(values: WindowSettings) -> None:
    """Begin anew, as the same process, where the command line has the link: it is handed over through a pipe.

    Returns where that is not needed, as on Windows, where a program's command line is its user's alone.
    """
    if os.name != "posix" or not values.invitation or not any(values.invitation in word for word in sys.argv):
        return
    words = command("window", f"--invitation={STDIN}", *(["--background"] if values.background else []))
    link = values.invitation.encode(errors="surrogateescape")
    ours, theirs = os.pipe()
    try:
        os.set_blocking(theirs, False)
        with contextlib.suppress(OSError):  # a full pipe, or a program that has gone: then it goes on as it is
            if os.write(theirs, link) == len(link):
                os.close(theirs)
                theirs = -1
                os.dup2(ours, 0)
                os.execv(words[0], words)  # noqa: S606  # ourselves
    finally:
        for end in (ours, theirs):
            with contextlib.suppress(OSError):
                os.close(end)
