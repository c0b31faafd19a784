"""A channel of one's own: its name, and then its keys."""

import re
from collections.abc import Callable

from agent.app.state import ChannelListing, CreatedChannel
from agent.window.surface import Screen, Surface
from agent.window.troubles import explained
from agent.window.widgets import Field, Page, paragraph
from relay.errors import WrongKeyError
from relay.protocol import CHANNEL_PATTERN


class CreateScreen(Screen):
    """Makes a channel; ``done`` gets it."""

    def __init__(
        self,
        surface: Surface,
        listing: ChannelListing,
        done: Callable[[CreatedChannel], None],
        back: Callable[[], None],
    ) -> None:
        super().__init__(surface)
        self._relay, self._done, texts = listing.relay, done, self.texts
        self._page = page = Page(self, texts("create.title"), texts("create.lead", relay=listing.relay))
        self._name = Field(self, page.body, texts("create.field"))
        page.add(self._name.frame, 28)
        self._key = None if listing.may_create else Field(self, page.body, texts("create.key"), hidden=True)
        if self._key:
            page.add(self._key.frame, 16)
            page.add(paragraph(page.body, texts("create.why_key", relay=listing.relay), "Caption.TLabel"), 6)
        page.back(back)
        page.accent(texts("create.go"), self._create)
        self.focus = self._name.entry

    def _create(self) -> None:
        name, key = self._name.text, self._key.text if self._key else ""
        if not re.fullmatch(CHANNEL_PATTERN, name):
            return self._name.problem(self.texts("channels.wrong"))
        if self._key and not key:
            return self._key.problem(self.texts("create.key_empty"))
        self._page.busy(self.texts("create.busy", channel=name))
        return self.wait(self.app.create(self._relay, name, key), self._done, self._failed, even_left=True)

    def _failed(self, error: BaseException) -> None:
        self._page.idle()
        is_key = self._key and isinstance(error, WrongKeyError)
        field = self._key if self._key and is_key else self._name
        field.problem(explained(self.texts, error, self._relay))
