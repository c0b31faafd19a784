"""Each screen of a channel that was joined, in each state, in a process of its own: what of it is cut.

    python -m tests.agent.window.scripted FOLDER

Language and theme are those of the settings in the folder. Writes JSON: ``[screen, state, widget, text]`` for
all that is cut, in a window of the usual size and of the least.
"""

import json
import sys
import tkinter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from tkinter import font, ttk
from typing import Any

import numpy as np

from agent.app.app import App
from agent.app.state import CameraInfo, Picture, State
from agent.desktop.keys import Keys
from agent.window.learned import LearnedScreen
from agent.window.lesson import LessonScreen
from agent.window.live import Live
from agent.window.people import PeopleScreen
from agent.window.preferences import Preferences
from agent.window.sent import SentScreen
from agent.window.shell import Window
from agent.window.surface import Surface
from agent.window.teach import TeachScreen
from agent.window.widgets import Scroll
from tests.agent.window import states

BOXES = (
    (0.0, 0.0, 0.4, 1.0), (0.7, 0.0, 1.0, 1.0), (0.4, 0.3, 0.6, 0.6), (0.96, 0.9, 1.0, 1.0), (0.0, 0.98, 0.02, 1.0),
)  # fmt: skip
"""Where the face is: also at the edges."""
_ARROW = 40
"""Pixels of a usual screen that a list to choose from has beside its text."""


class ScriptedApp(App):
    """An agent that shows what it is told to."""

    shown = State()
    box = BOXES[0]

    def state(self) -> State:
        return self.shown

    def picture(self) -> Picture | None:
        return Picture(np.zeros((240, 320, 3), np.uint8), self.box) if self.shown.camera == "on" else None

    def preview(self, on: bool) -> None:
        """It opens nothing."""

    def start_lesson(self) -> None:
        """As ``preview``."""

    def stop_lesson(self) -> None:
        """As ``preview``."""

    def warnings(self) -> tuple[str, ...]:
        return (states.LONG,)

    def cameras(self) -> "Future[tuple[CameraInfo, ...]]":
        found: Future[tuple[CameraInfo, ...]] = Future()
        found.set_result((CameraInfo("webcam:0", "Integrated Camera with a name as long as they come: HD 1080p"),))
        return found


def all_of(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    """It, and all that it holds, as far as it shows."""
    if widget.winfo_viewable():
        yield widget
        for child in widget.winfo_children():
            yield from all_of(child)


def cut(root: tkinter.Tk, scale: float) -> Iterator[tuple[str, str]]:
    """The widgets of which something does not show even where it is scrolled to, and their texts."""
    for widget in all_of(root):
        name, text = widget.winfo_class(), str(widget.cget("text")) if "text" in (widget.keys() or ()) else ""
        if isinstance(widget, tkinter.Canvas):
            yield from ((name, said) for said in _drawn(widget))
            continue
        needs = widget.winfo_reqwidth(), widget.winfo_reqheight()
        if isinstance(widget, ttk.Combobox):
            used = font.nametofont("SunValleyBodyFont", root)
            needs = used.measure(text := widget.get()) + round(_ARROW * scale), needs[1]
        elif isinstance(widget, ttk.Entry | tkinter.Text):
            needs = 0, needs[1] if isinstance(widget, ttk.Entry) else 0  # what is longer is scrolled
        if isinstance(widget, tkinter.Tk | ttk.Frame):  # what does not fit is in it
            needs = 0, 0
        if not lies_within(widget) or needs[0] > widget.winfo_width() or needs[1] > widget.winfo_height():
            yield name, text


def lies_within(widget: tkinter.Misc) -> bool:
    """Whether what holds it shows all of it, where it is not scrolled."""
    held = widget.master
    if held is None or isinstance(held, tkinter.Canvas):
        return True
    right, bottom = widget.winfo_x() + widget.winfo_width(), widget.winfo_y() + widget.winfo_height()
    across = widget.winfo_x() >= 0 and right <= held.winfo_width()
    return across and widget.winfo_y() >= 0 and bottom <= held.winfo_height()


def _drawn(canvas: tkinter.Canvas) -> Iterator[str]:
    """Texts that reach over a canvas's edge."""
    for item in canvas.find_all():
        if canvas.type(item) == "text" and canvas.itemcget(item, "state") == "normal":
            left, top, right, bottom = canvas.bbox(item)
            if left < 0 or top < 0 or right > canvas.winfo_width() or bottom > canvas.winfo_height():
                yield canvas.itemcget(item, "text")


def settle(root: tkinter.Tk) -> None:
    """Until all texts have come to their sizes."""
    before: list[Any] = []
    same = 0
    while same < 3:
        root.update()
        now = [(str(one), one.winfo_geometry()) for one in all_of(root)]
        same, before = (same + 1 if now == before else 0), now


def main() -> None:
    folder = Path(sys.argv[1])
    app = ScriptedApp(folder)
    app.start()
    window = Window(app, Keys(folder))
    root, surface = window._root, window._surface
    found = []
    least, usual = root.minsize(), (surface.px(500), surface.px(740))
    usually, taught = list(states.all_states()), list(states.taught_states())
    kinds = [(kind, usually) for kind in (Live, PeopleScreen, SentScreen, Preferences)]
    kinds += [(kind, taught) for kind in (Live, TeachScreen, LearnedScreen, BegunLesson)]
    for kind, shown in kinds:
        app.change(personal=shown is taught)
        root.deiconify()
        for size in (usual, least):
            surface.show(lambda kind=kind, surface=surface: made(kind, surface))  # type: ignore[misc]
            root.geometry(f"{size[0]}x{size[1]}")
            while (root.winfo_width(), root.winfo_height()) != size:
                root.update()
            for number, (name, state) in enumerate(shown):
                app.shown, app.box = state, BOXES[number % len(BOXES)]
                for _ in range(2):  # as it is a moment later
                    _go_on(root, surface)
                if any(cut(root, surface.scale)):  # a scroll bar has come: beside it a text may take a line more
                    _go_on(root, surface)
                found += [(kind.__name__, name, *one) for one in cut(root, surface.scale)]
                if (low := least_room(surface)) < 0.3:
                    found.append((kind.__name__, name, "scroll", f"{low:.2f} of the window is left"))
    sys.stdout.write(json.dumps(found))
    root.destroy()
    app.close()


def _go_on(root: tkinter.Tk, surface: Surface) -> None:
    """To the next time that the window is brought up to date."""
    surface.update()
    settle(root)


def made(kind: Any, surface: Surface) -> Any:
    return kind(surface, surface.home) if kind in (TeachScreen, LearnedScreen, BegunLesson) else kind(surface)


class BegunLesson(LessonScreen):
    """As it is from the press of its button on."""

    def __init__(self, surface: Surface, back: Callable[[], None]) -> None:
        super().__init__(surface, back)
        self._begin()


def least_room(surface: Surface) -> float:
    """The share of the window's height that is left for what scrolls."""
    assert surface.screen
    scroll = surface.screen.scroll
    assert isinstance(scroll, Scroll)
    return scroll.outer.winfo_height() / surface.root.winfo_height()


if __name__ == "__main__":
    main()
