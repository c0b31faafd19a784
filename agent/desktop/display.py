"""Whether a window can be opened here."""

import os
import sys

_NO_TKINTER = (
    "the window needs tkinter, which this Python lacks: `sudo apt install python3-tk` brings it on Debian and Ubuntu, "
    "elsewhere a Python from python.org has it"
)
_NO_DISPLAY = "there is no display to open a window on"


def missing() -> str:
    """What a window lacks here, as a sentence without its full stop; empty where one can be opened.

    It opens one, which is not seen, so call it in the main thread.
    """
    try:
        import tkinter
    except ImportError:
        return _NO_TKINTER
    if sys.platform not in ("win32", "darwin") and not os.environ.get("DISPLAY"):
        return _NO_DISPLAY
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        return f"{_NO_DISPLAY} ({error})"
    root.destroy()
    return ""
