"""The part of the live screen that shows the audience, and its reactions at a tap."""

import tkinter
from functools import partial
from tkinter import ttk

from agent.app.state import State
from agent.window import pictures, shown
from agent.window.surface import Screen
from agent.window.widgets import paragraph, put, put_state
from relay.protocol import TAPS, Mood, Tap

_BAR, _TAP = 32, 30
_PRESSED_S = 0.15
"""A button tapped by its key looks pressed for so long."""


class AudiencePanel:
    """Counts, mood bar, and a button for each reaction. Pack ``frame``."""

    def __init__(self, screen: Screen, parent: tkinter.Misc) -> None:
        self._screen, px = screen, screen.px
        self.frame = ttk.Frame(parent)
        head = ttk.Frame(self.frame)
        head.pack(fill="x")
        ttk.Label(head, text=screen.texts("audience.title"), style="Strong.TLabel").pack(side="left")
        self._counts = ttk.Label(head, style="Muted.TLabel")
        self._counts.pack(side="right")
        self._bar = ttk.Label(self.frame, padding=0)
        self._bar.pack(fill="x", pady=(px(8), 0))
        self._bar.bind("<Configure>", lambda event: self._draw(event.width))
        self._words = paragraph(self.frame, style="Caption.TLabel")
        self._words.pack(fill="x", pady=(px(6), 0))
        self._photo: tkinter.PhotoImage | None = None
        self._drawn: object = None
        self._mood: Mood | None = None
        self._shares: tuple[float, ...] | None = None
        self._faces: list[tkinter.PhotoImage] = []
        self._taps = self._tap_buttons()
        self._show_mood()

    def update(self, state: State) -> None:
        """Show this audience."""
        if state.mood is not self._mood:
            self._mood = state.mood
            self._show_mood()
        wanted = "!disabled" if shown.may_tap(state) else "disabled"
        for button in self._taps.values():
            put_state(button, wanted)

    def tap(self, kind: Tap) -> None:
        """As if its button were clicked."""
        button = self._taps[kind]
        if button.instate(["!disabled"]):
            button.state(["pressed"])
            self._screen.later(_PRESSED_S, partial(put_state, button, "!pressed"))
            button.invoke()

    def _tap_buttons(self) -> dict[Tap, ttk.Button]:
        screen, px = self._screen, self._screen.px
        row = ttk.Frame(self.frame)
        row.pack(fill="x", pady=(px(12), 0))
        made = {}
        for column, kind in enumerate(TAPS):
            face = pictures.face(kind, px(_TAP))
            bright, pale = pictures.photo(row, face), pictures.photo(row, pictures.pale(face))
            button = ttk.Button(
                row, text=str(column + 1), image=(bright, "disabled", pale),  # type: ignore[arg-type]
                compound="top",
                command=partial(screen.app.tap, kind), style="Tap.TButton", width=1,
            )  # fmt: skip
            button.grid(row=0, column=column, sticky="nsew", padx=(0 if column == 0 else px(6), 0))
            row.columnconfigure(column, weight=1, uniform="tap")
            screen.keys[str(column + 1)] = screen.keys[f"KP_{column + 1}"] = partial(self.tap, kind)
            made[kind] = button
            self._faces += bright, pale
        return made

    def _show_mood(self) -> None:
        texts, audience = self._screen.texts, shown.audience(self._mood)
        self._shares = audience.shares
        put(self._counts, text=shown.say(texts, audience.counts) if audience.counts else "")
        if audience.words:
            put(self._words, text=shown.say(texts, audience.words))
        else:
            parts = (
                texts("audience.share", percent=percent, label=texts(f"label.{name}").lower())
                for name, percent in audience.ranking
            )
            put(self._words, text=" · ".join(parts))
        self._draw(self._bar.winfo_width())

    def _draw(self, width: int) -> None:
        """The bar, where its width or what it shows is new."""
        wanted = width, self._shares
        if width > _BAR and wanted != self._drawn:
            self._drawn = wanted
            self._photo = pictures.photo(self._bar, pictures.bar(self._shares, width, self._screen.px(_BAR)))
            self._bar.configure(image=self._photo)
