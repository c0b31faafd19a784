"""Where to: the address of a relay, or an invitation."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from agent import address
from agent.app.state import ChannelListing, Place
from agent.window.door import Door, knock
from agent.window.surface import Screen, Surface
from agent.window.troubles import explained
from agent.window.widgets import Field, Page, button, paragraph
from relay.errors import RefusedError


class RelayScreen(Screen):
    """Asks for the relay. It leads to its ``listed`` channels, or why they are not told; or to what the link is to.

    ``text`` stands in the field at first; ``typed`` is called with what stands there when it leads on.
    """

    def __init__(
        self,
        surface: Surface,
        door: Door,
        listed: Callable[[ChannelListing, str], None],
        back: Callable[[], None],
        text: str,
        typed: Callable[[str], None],
    ) -> None:
        super().__init__(surface)
        self._door, self._listed, self._typed = door, listed, typed
        self._page = page = Page(self, self.texts("relay.title"), self.texts("relay.lead"))
        self._field = Field(self, page.body, self.texts("relay.field"), text)
        page.add(self._field.frame, 28)
        under = ttk.Frame(page.body)
        button(self, under, self.texts("relay.paste"), self._paste).pack(side="right")
        paragraph(under, self.texts("relay.example"), "Caption.TLabel").pack(side="left", fill="x", expand=True)
        page.add(under, 8)
        page.back(back)
        page.accent(self.texts("go.next"), self._next)
        self.focus = self._field.entry

    def _paste(self) -> None:
        try:
            self._field.put(self.surface.root.clipboard_get().strip())
        except tkinter.TclError:  # it is empty, or holds no text
            self._field.put("")
        self._field.entry.focus_set()

    def _next(self) -> None:
        text = self._field.text
        if not text:
            return self._field.problem(self.texts("relay.empty"))
        try:
            found = address.parse(text)
        except ValueError as error:
            why = str(error)
            return self._field.problem(self.texts("relay.wrong", why=why[:1].upper() + why[1:].rstrip(".")))
        self._typed(text)
        self._page.busy(self.texts("relay.asking", relay=found.relay))
        if found.channel:
            place = Place(relay=found.relay, channel=found.channel, password=found.password)
            return knock(self._door, self, place, self._problem)
        return self.wait(
            self.app.channels(found.relay),
            lambda listing: self._listed(listing, ""),
            lambda error: self._failed(error, found.relay),
        )

    def _failed(self, error: BaseException, relay: str) -> None:
        why = explained(self.texts, error, relay)
        if isinstance(error, RefusedError):  # older than the list, or asked too often: a name still leads on
            self._listed(ChannelListing(relay=relay), why)
        else:
            self._problem(why)

    def _problem(self, sentence: str) -> None:
        self._page.idle()
        self._field.problem(sentence)
