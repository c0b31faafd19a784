"""Measuring how late the stream is seen: a large button while the streamer counts down, then what came of it."""

import time
import tkinter
from tkinter import ttk

from agent.app.state import State
from agent.window import shown
from agent.window.surface import Screen
from agent.window.widgets import paragraph, put


class CalibrationPanel:
    """Pack ``frame`` once, with nothing around it: it is empty but while a countdown runs."""

    def __init__(self, screen: Screen, parent: tkinter.Misc) -> None:
        self._screen, px = screen, screen.px
        self.frame = ttk.Frame(parent)
        self._card = ttk.Frame(self.frame, style="Card.TFrame", padding=px(12))
        self._lead = paragraph(self._card)
        self._lead.pack(fill="x")
        self._button = ttk.Button(
            self._card, text=screen.texts("zero.tap"), command=screen.app.tap_zero, style="Accent.TButton",
            padding=px(12),
        )  # fmt: skip
        self._stands: shown.Calibration = "nothing"

    def update(self, state: State) -> None:
        """Show what there is to do now."""
        stands = shown.calibration(state, time.monotonic())
        if stands != "nothing":
            put(self._lead, text=self._screen.texts(f"zero.{stands}", seconds=state.measured))
        if stands != self._stands:
            self._stands = stands
            self._place(stands)

    def _place(self, stands: shown.Calibration) -> None:
        if stands == "open":
            self._button.pack(fill="x", pady=(self._screen.px(8), 0))
            self._screen.keys["space"] = self._button.invoke
            self._button.focus_set()  # so that Space and Return tap, whatever had the keyboard
        else:
            self._button.pack_forget()
            self._screen.keys.pop("space", None)
        if stands == "nothing":
            self._card.pack_forget()
            self.frame.configure(height=1)  # a frame keeps the height of what was in it last
        else:
            self._card.pack(fill="x", pady=(0, self._screen.px(12)))
