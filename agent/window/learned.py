"""The screen of what was learned of the viewer's face: how many answers there are, and what they are worth."""

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from agent.app.state import State
from agent.window import pictures, shown, taught
from agent.window.fetch import FetchScreen
from agent.window.lesson import LessonScreen
from agent.window.stored import StoredPanel
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, button, paragraph, put, put_state
from models.inference import fetch
from relay.protocol import EXPRESSIONS

_FACE = 24


class LearnedScreen(Screen):
    """Turns teaching on and off, leads to the guided minute, exports and deletes."""

    def __init__(self, surface: Surface, back: Callable[[], None]) -> None:
        super().__init__(surface)
        self._back, texts = back, self.texts
        self._page = page = Page(self, texts("teach.name"), texts("learned.how"))
        self._on = tkinter.BooleanVar(self.frame, self.app.remembered.personal)
        switch = ttk.Checkbutton(
            page.body, text=texts("learned.on"), variable=self._on, style="Switch.TCheckbutton",
            command=lambda: self.app.use_personal(self._on.get()),
        )  # fmt: skip
        page.add(switch, 14)
        self._only_me = tkinter.BooleanVar(self.frame, self.app.remembered.personal_only_me)
        self._apart = ttk.Checkbutton(
            page.body, text=texts("learned.only_me"), variable=self._only_me, style="Switch.TCheckbutton",
            command=self._tell_apart,
        )  # fmt: skip
        page.add(self._apart, 10)
        page.add(paragraph(page.body, texts("learned.only_me_keeps"), "Caption.TLabel"), 2)
        self._me = button(self, page.body, texts("learned.me"), self.app.enrol_me)
        self._worth()
        self._faces: list[tkinter.PhotoImage] = []
        self._section("learned.counts")
        self._counts = self._answers()
        self._section("learned.file")
        page.add(StoredPanel(self, page.body).frame, 8)
        self._lesson = page.accent(texts("learned.lesson"), self._guide)
        page.back(back)
        self.focus = switch

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        is_on = self.app.remembered.personal
        self._show_worth(taught.worth(state.personal, is_on))
        counts = state.personal.counts if state.personal else [""] * len(EXPRESSIONS)
        for label, count in zip(self._counts, counts, strict=True):
            put(label, text=count)
        put_state(self._lesson, "!disabled" if is_on else "disabled")
        put_state(self._apart, "!disabled" if is_on else "disabled")
        is_stranger = is_on and state.personal is not None and state.personal.whose == "stranger"
        if is_stranger != bool(self._me.winfo_manager()):
            if is_stranger:
                self._me.pack(anchor="w", pady=(self.px(6), 0), after=self._details)
            else:
                self._me.pack_forget()

    def _section(self, key: str) -> None:
        self._page.add(ttk.Label(self._page.body, text=self.texts(key), style="Strong.TLabel"), 20)

    def _worth(self) -> None:
        self._section("learned.worth")
        body = self._page.body
        self._headline = ttk.Label(body)
        self._page.add(self._headline, 4)
        self._details = paragraph(body, style="Muted.TLabel")
        self._page.add(self._details, 2)
        self._tested = ttk.Frame(body)
        self._tested.columnconfigure(1, weight=1)
        self._words = paragraph(self._tested, style="Muted.TLabel")
        self._words.grid(row=0, column=0, columnspan=3, sticky="ew", pady=(self.px(8), self.px(4)))
        self._bars = []
        for row, key in enumerate(("learned.before", "learned.after"), 1):
            ttk.Label(self._tested, text=self.texts(key)).grid(row=row, column=0, sticky="w", pady=self.px(3))
            bar = ttk.Progressbar(self._tested, maximum=1.0)
            bar.grid(row=row, column=1, sticky="ew", padx=self.px(10))
            share = ttk.Label(self._tested)
            share.grid(row=row, column=2, sticky="e")
            self._bars.append((bar, share))

    def _show_worth(self, worth: taught.ShownWorth) -> None:
        put(self._headline, text=shown.say(self.texts, worth.headline))
        put(self._headline, style="Good.TLabel" if worth.is_good else "TLabel")
        put(self._details, text="\n".join(shown.say(self.texts, words) for words in worth.details))
        if (worth.right is not None) != bool(self._tested.winfo_manager()):
            if worth.right:
                self._tested.pack(fill="x", after=self._details)
            else:
                self._tested.pack_forget()
        if worth.right:
            *rights, of = worth.right
            put(self._words, text=self.texts("learned.tested", count=of))
            for (bar, share), right in zip(self._bars, rights, strict=True):
                put(bar, value=right / of)
                put(share, text=self.texts("learned.share", right=right, all=of))

    def _answers(self) -> list[ttk.Label]:
        """A line for each expression, in two columns."""
        grid = ttk.Frame(self._page.body)
        self._page.add(grid, 6)
        made = []
        for number, name in enumerate(EXPRESSIONS):
            cell = ttk.Frame(grid)
            cell.grid(row=number // 2, column=number % 2, sticky="ew", pady=self.px(3))
            if number % 2:
                cell.grid_configure(padx=(self.px(28), 0))
            photo = pictures.photo(cell, pictures.face(name, self.px(_FACE)))
            self._faces.append(photo)
            ttk.Label(cell, image=photo).pack(side="left", padx=(0, self.px(8)))
            ttk.Label(cell, text=self.texts(f"label.{name}")).pack(side="left")
            count = ttk.Label(cell, style="Strong.TLabel")
            count.pack(side="right")
            made.append(count)
        for column in (0, 1):
            grid.columnconfigure(column, weight=1, uniform="answers")
        return made

    def _guide(self) -> None:
        self.surface.show(lambda: LessonScreen(self.surface, self._again))

    def _again(self) -> None:
        self.surface.show(partial(LearnedScreen, self.surface, self._back))

    def _tell_apart(self) -> None:
        """Turn it on or off; it takes a network that may have to be fetched first."""
        from models.inference import identity  # with what works on pictures, which the window has no use for

        needed = fetch.missing((identity.NETWORK, identity.LAYOUT)) if self._only_me.get() else fetch.Missing()
        if not needed.entries:
            self.app.tell_apart(self._only_me.get())
            return

        def fetched() -> None:
            self.app.tell_apart(True)
            self._again()

        self.surface.show(lambda: FetchScreen(self.surface, needed, fetched, self._again))
