"""What a screen leaves behind."""

import os
import subprocess
import sys

LEFT = """
import tkinter
from types import SimpleNamespace

from agent.window.surface import Screen

root = tkinter.Tk()
screen = Screen(SimpleNamespace(root=root, app=None, texts=None, px=round))
screen.later(60, root.quit)
screen.left = True
screen.frame.destroy()
(timer,) = root.tk.splitlist(root.tk.call("after", "info"))
(command, _) = root.tk.splitlist(root.tk.call("after", "info", timer))
assert root.tk.call("info", "commands", command), f"{command} is to be called, and may be another's by then"
"""


def test_what_waits_on_a_screen_that_is_left_calls_nothing_of_the_next(display: str) -> None:
    """Tk knows a call by a number that Python gives anew, be it to the button that opens the camera."""
    run = subprocess.run(
        [sys.executable, "-c", LEFT],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
