"""The keys of a new channel, which are shown once."""

import tkinter
from collections.abc import Callable
from concurrent.futures import Future
from tkinter import ttk

from agent.app.state import CreatedChannel
from agent.desktop.keys import Where
from agent.window.surface import Screen, Surface
from agent.window.troubles import explained
from agent.window.widgets import Page, button, check, paragraph

_COPIED_S = 2.0


class KeysScreen(Screen):
    """Shows them to be copied, keeps them where wished, and has the channel listed where wished.

    It can't be left before, by a second click on the button that led here, for example: nobody tells the keys again.
    """

    def __init__(self, surface: Surface, relay: str, created: CreatedChannel, done: Callable[[], None]) -> None:
        super().__init__(surface)
        self._relay, self._created, texts = relay, created, self.texts
        self._page = page = Page(self, texts("keys.title", channel=created.channel), texts("keys.lead"))
        for name, key in (("admin", created.admin_key), ("display", created.display_key)):
            page.add(ttk.Label(page.body, text=texts(f"keys.{name}")), 16)
            page.add(self._line(key), 4)
        self._keep = button(self, page.body, texts("keys.keep"), self._kept)
        self._keep.pack(anchor="w", pady=(self.px(16), 0))
        self._where = paragraph(page.body, "", "Muted.TLabel")
        page.add(self._where, 4)
        self._listed = tkinter.BooleanVar(self.frame, False)
        switch = check(self, page.body, texts("keys.list"), self._listed)
        switch.configure(command=self._list)
        page.add(switch, 12)
        self._told = paragraph(page.body, texts("keys.unlisted"), "Muted.TLabel")
        page.add(self._told, 4)
        self._secured: set[str] = set()
        page.accent(texts("keys.done"), done)
        page.busy(texts("keys.first"))
        self.holds = True

    def _line(self, key: str) -> ttk.Frame:
        line = ttk.Frame(self._page.body)
        entry = ttk.Entry(line)
        entry.insert(0, key)
        entry.state(["readonly"])

        def put() -> None:
            self.surface.root.clipboard_clear()
            self.surface.root.clipboard_append(key)
            copy.configure(text=self.texts("keys.copied"))
            self.later(_COPIED_S, again)
            self._secure(key)

        def again() -> None:
            copy.configure(text=self.texts("keys.copy"))

        copy = button(self, line, self.texts("keys.copy"), put)
        copy.pack(side="right", padx=(self.px(8), 0))
        entry.pack(side="left", fill="x", expand=True, ipady=self.px(3))
        return line

    def _kept(self) -> None:
        self._keep.state(["disabled"])
        keys, channel = self.surface.keys, self._created.channel
        keys.keep(self._relay, channel, "display", self._created.display_key)
        kept: Future[Where] = keys.keep(self._relay, channel, "admin", self._created.admin_key)

        def told(where: Where) -> None:
            if where != "nowhere":
                self._secure(self._created.admin_key, self._created.display_key)
            self._where.configure(text=self.texts(f"keys.in_{where}", file=keys.file))

        self.wait(kept, told, lambda _: told("nowhere"))

    def _secure(self, *keys: str) -> None:
        """Their owner has them."""
        self._secured.update(keys)
        if len(self._secured) == 2:
            self._page.idle()

    def _list(self) -> None:
        on = self._listed.get()

        def done(_: object) -> None:
            self._told.configure(text=self.texts("keys.listed" if on else "keys.unlisted"))

        def failed(error: BaseException) -> None:
            self._listed.set(not on)
            self._told.configure(text=explained(self.texts, error, self._relay, self._created.channel))

        self.wait(self.app.enlist(self._relay, self._created, on), done, failed)
