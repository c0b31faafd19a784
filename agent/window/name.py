"""The first screen: a name, or none."""

from collections.abc import Callable

from agent.window.surface import Screen, Surface
from agent.window.widgets import Field, Page, paragraph
from relay.common.printable import is_printable

_LONGEST = 40


class NameScreen(Screen):
    """Asks for the display name; ``done`` once it is remembered."""

    def __init__(self, surface: Surface, done: Callable[[], None]) -> None:
        super().__init__(surface)
        self._done = done
        page = Page(self, self.texts("name.title"), self.texts("name.lead"))
        self._name = Field(self, page.body, self.texts("name.field"), self.app.remembered.name)
        page.add(self._name.frame, 28)
        page.add(paragraph(page.body, self.texts("name.meaning"), "Caption.TLabel"), 10)
        for warning in self.app.warnings():  # damaged settings look like a first start
            page.add(paragraph(page.body, self.texts("trouble.other", why=warning), "Problem.TLabel"), 20)
        page.accent(self.texts("go.next"), self._next)
        self.focus = self._name.entry

    def _next(self) -> None:
        if len(self._name.text) > _LONGEST or not is_printable(self._name.text):
            self._name.problem(self.texts("name.wrong"))
            return
        self.app.change(name=self._name.text)
        self._done()
