"""The screen of those who chose to be shown to everybody who opens it."""

import tkinter
from tkinter import ttk

from agent.app.state import Person, State
from agent.window import pictures, shown
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, measured, paragraph, put, put_state

_COLUMNS, _FACE, _WIDEST = 3, 48, 110
"""The latter two in pixels of a usual screen: of a picture, and of a name."""


class PeopleScreen(Screen):
    """Names with faces; and the switch to be one of them, with a consent of its own."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface)
        self._page = page = Page(self, self.texts("people.title"), self.texts("people.lead"))
        card = ttk.Frame(page.body, style="Card.TFrame", padding=self.px(12))
        page.add(card, 14)
        self._on = tkinter.BooleanVar(card, False)
        self._switch = ttk.Checkbutton(
            card, text=self.texts("people.show_me"), variable=self._on, style="Switch.TCheckbutton",
            command=lambda: self.app.show_me(self._on.get()),
        )  # fmt: skip
        self._switch.pack(anchor="w")
        self._meaning = paragraph(card, style="Muted.TLabel")
        self._meaning.pack(fill="x", pady=(self.px(6), 0))
        self._empty = paragraph(page.body, self.texts("people.none"), "Muted.TLabel")
        self._grid = ttk.Frame(page.body)
        page.add(self._grid, 16)
        self._more = paragraph(page.body, style="Muted.TLabel")
        for column in range(_COLUMNS):
            self._grid.columnconfigure(column, weight=1, uniform="person")
        self._tiles: list[tuple[ttk.Frame, ttk.Label, ttk.Label, ttk.Label]] = []
        self._photos: dict[str, tkinter.PhotoImage] = {}
        self._people: tuple[Person, ...] = ()
        self._opened = False
        page.back(surface.home)
        self.focus = self._switch

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        self._open(state.grid_allowed)
        if state.shown != self._on.get():
            self._on.set(state.shown)
        may = shown.may_be_shown(state, self.app.remembered.name)
        put_state(self._switch, "!disabled" if may is None else "disabled")
        meaning = may or shown.Words("people.meaning", {"name": self.app.remembered.name})
        put(self._meaning, text=shown.say(self.texts, meaning))
        people = state.people if state.grid_allowed else ()
        if (state.grid_allowed and not people) != bool(self._empty.winfo_manager()):
            if people or not state.grid_allowed:
                self._empty.pack_forget()
            else:
                self._empty.pack(fill="x", pady=(self.px(16), 0), before=self._grid)
        if people != self._people:
            self._people = people
            self._show(people)
        self._show_more(state.more if people else 0)

    def cover(self) -> None:
        """Nobody looks."""
        self._open(False)

    def leave(self) -> None:
        """As ``cover``."""
        self._open(False)

    def _open(self, on: bool) -> None:
        if on != self._opened:
            self._opened = on
            self.app.open_grid(on)

    def _show(self, people: tuple[Person, ...]) -> None:
        measure, widest = measured(self._grid, "Strong.TLabel"), self.px(_WIDEST)
        while len(self._tiles) < len(people):
            self._tiles.append(self._tile(len(self._tiles)))
        for number, (tile, face, name, label) in enumerate(self._tiles):
            if number >= len(people):
                tile.grid_remove()
                continue
            person = people[number]
            put(face, image=self._photo(person.emotion))
            put(name, text=shown.shortened(person.name, widest, measure))
            put(label, text=self.texts(f"label.{person.emotion}" if person.emotion else "people.untold"))
            tile.grid()

    def _show_more(self, more: int) -> None:
        """That they are not all."""
        if more:
            put(self._more, text=self.texts("people.more", count=more))
        if bool(more) == bool(self._more.winfo_manager()):
            return
        if more:
            self._more.pack(fill="x", pady=(self.px(4), self.px(8)))
        else:
            self._more.pack_forget()

    def _tile(self, number: int) -> tuple[ttk.Frame, ttk.Label, ttk.Label, ttk.Label]:
        tile = ttk.Frame(self._grid, padding=self.px(8))
        tile.grid(row=number // _COLUMNS, column=number % _COLUMNS, sticky="nsew", pady=(0, self.px(4)))
        face, name = ttk.Label(tile), ttk.Label(tile, style="Strong.TLabel")
        label = ttk.Label(tile, style="Caption.TLabel")
        for widget in (face, name, label):
            widget.pack()
        return tile, face, name, label

    def _photo(self, emotion: str | None) -> tkinter.PhotoImage:
        key = emotion or ""
        if key not in self._photos:
            face = pictures.face(emotion or "neutral", self.px(_FACE))
            self._photos[key] = pictures.photo(self.frame, face if emotion else pictures.pale(face))
        return self._photos[key]
