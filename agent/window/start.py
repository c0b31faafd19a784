"""What shows while the channel of the last run is joined again."""

from collections.abc import Callable

from agent.app.state import Place, Promise
from agent.window.door import Door
from agent.window.surface import Screen, Surface
from agent.window.troubles import explained
from agent.window.widgets import Page, paragraph
from relay.errors import RelayUnreachableError, WrongPasswordError

_FIRST_S, _LONGEST_S = 5.0, 60.0


class StartScreen(Screen):
    """Joins it, as often as it takes: after login the network may come later. ``other``: the way to another one."""

    def __init__(self, surface: Surface, door: Door, other: Callable[[], None]) -> None:
        super().__init__(surface)
        self._door, self._wait_s, self._attempt = door, _FIRST_S, 0
        self._relay, self._channel = self.app.remembered.relay, self.app.remembered.channel
        self._password = ""
        self._page = page = Page(self, self.texts("start.title", channel=self._channel))
        self._why = paragraph(page.body)
        page.add(self._why, 16)
        page.accent(self.texts("go.again"), self._begin)
        page.button(self.texts("start.other"), other)
        self._begin()

    def _begin(self) -> None:
        self._attempt += 1
        self._page.busy(self.texts("start.joining", channel=self._channel))
        self._join(self._password)

    def _find_password(self) -> None:
        """Only once the relay asks for it: few channels have one, and what reads a keyring takes 9 MB."""

        def found(password: str) -> None:
            self._password = password
            if password:
                self._begin()
            else:
                self._door.locked(Place(relay=self._relay, channel=self._channel))

        self.wait(self.surface.keys.find(self._relay, self._channel, "password"), found, lambda _: found(""))

    def _join(self, password: str) -> None:
        def failed(error: BaseException) -> None:
            if isinstance(error, WrongPasswordError):
                if password:
                    self._door.locked(Place(relay=self._relay, channel=self._channel, password=password))
                else:
                    self._find_password()
                return
            self._page.idle()
            self._why.configure(text=explained(self.texts, error, self._relay, self._channel))
            if isinstance(error, RelayUnreachableError):
                self._page.say(self.texts("start.again"))
                attempt = self._attempt
                self.later(self._wait_s, lambda: self._begin() if attempt == self._attempt else None)
                self._wait_s = min(self._wait_s * 2, _LONGEST_S)

        def joined(promise: Promise | None) -> None:
            assert promise is not None, "there is a last channel"
            self._door.open(promise)

        self.wait(self.app.resume(password), joined, failed)
