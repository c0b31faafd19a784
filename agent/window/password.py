"""The join password of a channel."""

import tkinter
from collections.abc import Callable

import msgspec

from agent.app.state import Place, Promise
from agent.window.door import Door, knock
from agent.window.surface import Screen, Surface
from agent.window.widgets import Field, Page, check


class PasswordScreen(Screen):
    """Asks for it. A place that already has one has a wrong one."""

    def __init__(self, surface: Surface, door: Door, place: Place, back: Callable[[], None]) -> None:
        super().__init__(surface)
        self._place = place
        wrong = self.texts("password.wrong", channel=place.channel)
        self._door = Door(self._opened, lambda _: self._problem(wrong))
        self._open = door.open
        title, lead = (
            self.texts(f"password.{part}", channel=place.channel, relay=place.relay) for part in ("title", "lead")
        )
        self._page = page = Page(self, title, lead)
        self._field = Field(self, page.body, self.texts("password.field"), hidden=True)
        page.add(self._field.frame, 28)
        shown = tkinter.BooleanVar(self.frame, False)
        shown.trace_add("write", lambda *_: self._field.hide(not shown.get()))
        page.add(check(self, page.body, self.texts("password.show"), shown), 8)
        self._keep = tkinter.BooleanVar(self.frame, False)
        page.add(check(self, page.body, self.texts("password.keep"), self._keep), 0)
        page.back(back)
        page.accent(self.texts("channels.join"), self._join)
        self.focus = self._field.entry
        if place.password:
            self._field.problem(wrong)

    def _join(self) -> None:
        if not self._field.exact:
            return self._field.problem(self.texts("password.empty"))
        self._page.busy(self.texts("channels.joining", channel=self._place.channel))
        place = msgspec.structs.replace(self._place, password=self._field.exact)
        return knock(self._door, self, place, self._problem)

    def _problem(self, sentence: str) -> None:
        self._page.idle()
        self._field.problem(sentence)

    def _opened(self, promise: Promise) -> None:
        if self._keep.get():
            place = promise.place
            self.surface.keys.keep(place.relay, place.channel, "password", place.password)
        self._open(promise)
