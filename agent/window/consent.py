"""The question before anything is captured."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from agent.address import readable_on_the_way
from agent.app.state import Promise, Wish
from agent.window.agreement import kind_of, paragraphs
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, check, paragraph


class ConsentScreen(Screen):
    """Says what will happen, and asks. Nothing but a press of its buttons agrees: Return alone does not.

    ``done`` once the channel is joined, with the face, or with taps alone; ``no`` where the viewer does not want to.
    Where the channel takes no cameras, it asks for no more than taps.
    """

    def __init__(self, surface: Surface, promise: Promise, done: Callable[[], None], no: Callable[[], None]) -> None:
        super().__init__(surface)
        self._promise, self._done = promise, done
        texts, place = self.texts, promise.place
        takes_faces = promise.welcome.cameras
        title = "consent.title" if takes_faces else "consent.barred_title"
        page = Page(self, texts(title, channel=place.channel), stacked=True)
        self._at_once = tkinter.BooleanVar(self.frame, False)
        asked = paragraphs(texts, promise, self.app.remembered, readable_on_the_way(place.relay))
        for one in asked:
            if one.heading:
                page.add(ttk.Label(page.body, text=one.heading, style="Strong.TLabel"), 14)
            page.add(paragraph(page.body, one.text, "Problem.TLabel" if one.careful else "TLabel"), 2)
        if takes_faces:
            page.add(check(self, page.body, texts("consent.at_once"), self._at_once), 14)
            page.accent(texts(f"consent.yes_{kind_of(self.app.remembered.camera)}"), self._yes)
            page.button(texts("consent.taps"), self._taps)
        else:
            page.accent(texts("consent.barred_yes"), lambda: self._join("taps"))
        self.accent = None  # a Return too many, typed for the screen before, must not agree
        page.back(no, texts("consent.no"))
        self.focus = self.frame

    def _yes(self) -> None:
        self.app.agree(self._promise, self._at_once.get())
        self.app.change(taps_only=False)
        self._join("face")

    def _taps(self) -> None:
        self.app.change(taps_only=True)  # pausing and going on, too
        self._join("taps")

    def _join(self, wish: Wish) -> None:
        self.app.join(self._promise)
        self.app.share(wish)
        self._done()
