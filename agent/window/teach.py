"""The question before anything of the viewer's face is kept."""

from collections.abc import Callable
from tkinter import ttk

from agent.window.learned import LearnedScreen
from agent.window.stored import StoredPanel
from agent.window.surface import Screen, Surface
from agent.window.taught import consent
from agent.window.widgets import Page, paragraph


def teaching(surface: Surface, back: Callable[[], None]) -> Screen:
    """The screen of teaching: the question, or, once agreed to, what was learned. ``back``: where it leads on."""
    if surface.app.remembered.personal:
        return LearnedScreen(surface, back)
    return TeachScreen(surface, back)


class TeachScreen(Screen):
    """Says what would be kept, where, and how it is deleted, and asks. Return alone does not agree."""

    def __init__(self, surface: Surface, back: Callable[[], None]) -> None:
        super().__init__(surface)
        self._back, texts = back, self.texts
        page = Page(self, texts("teach.title"))
        for heading, text in consent(texts):
            page.add(ttk.Label(page.body, text=heading, style="Strong.TLabel"), 14)
            page.add(paragraph(page.body, text), 2)
        page.add(StoredPanel(self, page.body, exports=False).frame, 10)
        page.accent(texts("teach.yes"), self._yes)
        self.accent = None  # a Return too many, typed for the screen before, must not agree
        page.back(back)
        self.focus = self.frame

    def _yes(self) -> None:
        self.app.use_personal(True)
        self.surface.show(lambda: LearnedScreen(self.surface, self._back))
