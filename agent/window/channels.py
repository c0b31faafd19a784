"""The channels of a relay."""

import re
from collections.abc import Callable
from tkinter import ttk

from agent.app.state import ChannelListing, Listed, Place
from agent.window.door import Door, knock
from agent.window.surface import Screen, Surface
from agent.window.troubles import explained
from agent.window.widgets import Field, Page, paragraph, scrollable
from relay.common.texts import Texts
from relay.protocol import CHANNEL_PATTERN

_REFRESH_S = 10.0


def _line(texts: Texts, channel: Listed) -> tuple[str, str, str]:
    """What the list says of a channel: its name, viewers, and whether it asks for a password."""
    viewers = texts("channels.some", count=channel.viewers) if channel.viewers else texts("channels.few")
    return channel.name, viewers, texts("channels.password") if channel.password else ""


class ChannelsScreen(Screen):
    """Lists what the relay tells of its channels, and takes the name of any.

    ``name`` is what it takes at first; ``why`` says why there is no list.
    """

    def __init__(
        self,
        surface: Surface,
        door: Door,
        listing: ChannelListing,
        create: Callable[[], None],
        back: Callable[[], None],
        name: str = "",
        why: str = "",
    ) -> None:
        super().__init__(surface)
        self._door, self._relay = door, listing.relay
        texts = self.texts
        self._page = page = Page(self, texts("channels.title"), texts("channels.lead", relay=listing.relay))
        holder = ttk.Frame(page.body)
        page.add(holder, 16, expand=True)
        self._none = paragraph(holder, why or texts("channels.none"))
        self._listed = ttk.Frame(holder)
        self._list = self._table(self._listed)
        self._list.pack(side="left", fill="both", expand=True)
        scrollable(self._list)
        self._field = Field(self, page.body, texts("channels.field"), name)
        page.add(self._field.frame, 16)
        self._stale = paragraph(page.body, "", "Caption.TLabel")
        page.add(self._stale, 6)
        page.back(back)
        page.accent(texts("channels.join"), self._join)
        page.button(texts("channels.create"), create)
        self._put(listing)
        self.focus = self._list if listing.channels and not name else self._field.entry
        self.later(_REFRESH_S, self._refresh)

    def _table(self, parent: ttk.Frame) -> ttk.Treeview:
        columns = "name", "viewers", "password"
        table = ttk.Treeview(parent, columns=columns, show="headings", height=4, selectmode="browse")
        for column, title, width in (
            ("name", self.texts("channels.name"), 150),
            ("viewers", self.texts("channels.viewers"), 115),
            ("password", "", 95),
        ):
            table.heading(column, text=title, anchor="w")
            stretch = column == "name"
            table.column(column, width=self.px(width), minwidth=self.px(60), stretch=stretch, anchor="w")
        table.bind("<<TreeviewSelect>>", self._chosen)
        table.bind("<FocusIn>", lambda _: table.selection() or table.selection_set(table.focus()))
        table.bind("<Double-Button-1>", lambda _: self._join())
        return table

    def _put(self, listing: ChannelListing) -> None:
        """Show this list; what was chosen stays so."""
        chosen = self._list.selection()
        self._list.delete(*self._list.get_children())
        for channel in listing.channels:
            self._list.insert("", "end", iid=channel.name, values=_line(self.texts, channel))
        if chosen and self._list.exists(chosen[0]):
            self._list.selection_set(chosen[0])
        if listing.channels and not self._list.focus():
            self._list.focus(listing.channels[0].name)  # where the arrow keys begin
        shown, other = (self._listed, self._none) if listing.channels else (self._none, self._listed)
        other.pack_forget()
        shown.pack(fill="both", expand=True)

    def _refresh(self) -> None:
        def done(listing: ChannelListing) -> None:
            self._stale.configure(text="")
            self._put(listing)

        def failed(error: BaseException) -> None:
            why = explained(self.texts, error, self._relay)
            self._stale.configure(text=self.texts("channels.stale", why=why))

        self.wait(self.app.channels(self._relay), done, failed)
        self.later(_REFRESH_S, self._refresh)

    def _chosen(self, _: object) -> None:
        for name in self._list.selection():
            self._field.put(name)

    def _join(self) -> None:
        name = self._field.text
        if not re.fullmatch(CHANNEL_PATTERN, name):
            return self._field.problem(self.texts("channels.wrong" if name else "channels.empty"))
        self._page.busy(self.texts("channels.joining", channel=name))
        return knock(self._door, self, Place(relay=self._relay, channel=name), self._problem)

    def _problem(self, sentence: str) -> None:
        self._page.idle()
        self._field.problem(sentence)
