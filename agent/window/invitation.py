"""An invitation that came from outside: a link that was clicked."""

from collections.abc import Callable
from tkinter import ttk

from agent.address import readable_on_the_way
from agent.app.state import Place, State
from agent.window.door import Door, knock
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, paragraph
from relay.common.invitation import Invitation


class InvitationScreen(Screen):
    """Says what it is to, and asks. Until then nobody is asked for anything, and what is shared elsewhere goes on."""

    def __init__(self, surface: Surface, door: Door, invitation: Invitation, no: Callable[[], None]) -> None:
        super().__init__(surface)
        self._door, texts = door, self.texts
        self._place = Place(relay=invitation.relay, channel=invitation.channel, password=invitation.password)
        self._page = page = Page(self, texts("invitation.title"), texts("invitation.lead"))
        card = ttk.Frame(page.body, style="Card.TFrame", padding=self.px(14))
        for name, value in (("channel", invitation.channel), ("relay", invitation.relay)):
            ttk.Label(card, text=texts(f"invitation.{name}"), style="Caption.TLabel").pack(anchor="w")
            paragraph(card, value, "Large.TLabel" if name == "channel" else "TLabel").pack(
                fill="x", pady=(0, self.px(8))
            )
        page.add(card, 20)
        if readable_on_the_way(invitation.relay):
            page.add(paragraph(page.body, texts("relay.unencrypted"), "Problem.TLabel"))
        page.add(paragraph(page.body, texts("invitation.question")))
        self._stops = paragraph(page.body, "", "Muted.TLabel")
        page.add(self._stops)
        self._problem = paragraph(page.body, "", "Problem.TLabel")
        page.add(self._problem)
        page.back(no, texts("invitation.no"))
        page.accent(texts("channels.join"), self._join)
        self.focus = self.frame
        self.accent = None  # a link opens by itself: a Return that was meant for another program must not answer

    def update(self, state: State) -> None:
        """What is joined may change meanwhile."""
        place = state.place
        stops = self.texts("invitation.stops", channel=place.channel, relay=place.relay) if place else ""
        if stops != self._stops.cget("text"):
            self._stops.configure(text=stops)

    def _join(self) -> None:
        self._problem.configure(text="")
        self._page.busy(self.texts("channels.joining", channel=self._place.channel))
        knock(self._door, self, self._place, self._failed)

    def _failed(self, sentence: str) -> None:
        self._page.idle()
        self._problem.configure(text=sentence)


class BrokenInvitationScreen(Screen):
    """Says why a link can't be followed."""

    def __init__(self, surface: Surface, why: str, close: Callable[[], None]) -> None:
        super().__init__(surface)
        page = Page(self, self.texts("invitation.broken"))
        page.add(paragraph(page.body, self.texts("relay.wrong", why=why[:1].upper() + why[1:].rstrip("."))), 16)
        self.focus = page.accent(self.texts("invitation.closed"), close)
        self.escape = close
