"""The window in a process of its own, since Tk wants its main thread.

    python -m tests.agent.window.child FOLDER [URL SHA256 SIZE]

With three more, one model file is missing, and comes from there; without them none is, whatever this machine has.

For each line on standard input it prints what is seen on the window, as a line of JSON. The end of the input ends it.
"""

import json
import os
import sys
import threading
import tkinter
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tkinter import ttk
from types import TracebackType
from typing import Any

from agent.app.app import App
from agent.desktop.keys import Keys
from agent.window.shell import Window
from models.inference import fetch, registry


def seen(widget: tkinter.Misc) -> Iterator[dict[str, Any]]:
    """Each widget that shows, with what stands in it and where it is on the screen."""
    if not widget.winfo_viewable():
        return
    keys = widget.keys() or ()
    text = str(widget.cget("text")) if "text" in keys else ""
    if isinstance(widget, tkinter.Entry):  # ttk's, too
        text = widget.get()
    elif isinstance(widget, tkinter.Text):
        text = widget.get("1.0", "end-1c")
    box = widget.winfo_rootx(), widget.winfo_rooty(), widget.winfo_width(), widget.winfo_height()
    states = [str(state) for state in widget.state()] if isinstance(widget, ttk.Widget) else []
    yield {
        "kind": widget.winfo_class(), "text": text, "box": box, "states": states,
        "focused": str(widget.tk.call("focus")) == str(widget), "needs": widget.winfo_reqwidth(),
    }  # fmt: skip
    if isinstance(widget, ttk.Treeview):
        for item in widget.get_children():
            if place := widget.bbox(item):
                x, y, width, height = place
                line = [str(value) for value in (widget.item(item, "text"), *widget.item(item, "values"))]
                yield {
                    "kind": "row", "text": " ".join(filter(None, line)), "box": (box[0] + x, box[1] + y, width, height),
                    "states": ["selected"] if item in widget.selection() else [], "focused": False, "needs": 0,
                }  # fmt: skip
    for child in widget.winfo_children():
        yield from seen(child)


def tell(root: tkinter.Tk, before: Sequence[dict[str, Any]] = ()) -> None:
    """What is seen once nothing waits to be laid out anew: a click would meet what has moved there meanwhile."""
    root.update_idletasks()  # Tk's part is done, and X has been told
    now = list(seen(root))
    if now != before:  # what changed may change others
        root.after(1, tell, root, now)
        return
    sys.stdout.write(json.dumps(now) + "\n")
    sys.stdout.flush()


def answer(root: tkinter.Tk, window: Window) -> None:
    """Answer each line, in Tk's thread."""
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "invite":
            window.open_invitation(rest)
        else:
            root.after(0, tell, root)
    window.quit()


def end_at_errors(root: tkinter.Tk) -> None:
    """What is raised where Tk calls, which Tk goes on after, ends the program: who is at the window notices."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace)
        os._exit(1)

    root.report_callback_exception = report


def put_files(url: str = "", sha256: str = "", size: str = "0") -> None:
    """What is missing, and where it is."""
    if not url:
        fetch.missing = lambda _: fetch.Missing()
        return
    landmarker = registry.WEIGHTS[registry.LANDMARKER]
    entry = replace(landmarker, sources=(registry.Url(url),), sha256=sha256, size=int(size))
    registry.WEIGHTS = {**registry.WEIGHTS, registry.LANDMARKER: entry}  # type: ignore[misc]


def main() -> None:
    put_files(*sys.argv[2:])
    folder = Path(sys.argv[1])
    app = App(folder)
    app.start()
    window = Window(app, Keys(folder))
    root = tkinter._default_root  # type: ignore[attr-defined]
    end_at_errors(root)
    threading.Thread(target=answer, args=(root, window), daemon=True).start()
    window.run()
    app.close()


if __name__ == "__main__":
    main()
