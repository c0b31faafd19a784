"""The running agent's state, which one thread changes and others read."""

import threading
import time

import msgspec

from agent.app.sight import FromEyes, Opened, Remark, Sight
from agent.app.state import Person, Said, State
from agent.hints import Hints
from agent.unread import Unread
from relay.protocol import Countdown, Delay, FromRelay, Mood, People, Welcome

_MOST_SAID = 200
_REASONS = {reason.key: reason for reason in Unread}


class StateBoard:
    """Every method but ``see`` may be called from any thread."""

    def __init__(self, state: State) -> None:
        self.now = state
        self._setting = threading.Lock()
        self._hints = Hints(time.monotonic())

    def set(self, **changes: object) -> None:
        """Change fields of it, all at the same moment."""
        with self._setting:
            self.now = msgspec.structs.replace(self.now, **changes)

    def tell(self, text: str) -> None:
        """That this was sent to the relay."""
        self.set(sent=(*self.now.sent[1 - _MOST_SAID :], Said(time.time(), text)))

    def note(self, sentence: str) -> None:
        """What the relay has objected to, or the agent."""
        self.set(notice=sentence[:1].upper() + sentence[1:])

    def lose(self, reason: str) -> None:
        """The relay, and with it what it told."""
        self.set(link="lost", problem=f"The relay is lost: {reason.rstrip('.')}.", notice="")
        self.forget_audience()

    def see(self, message: FromEyes) -> None:
        """What the eyes told."""
        if isinstance(message, Opened):
            self._hints = Hints(time.monotonic())
        elif isinstance(message, Remark):
            self.set(notice=message.sentence)
        elif isinstance(message, Sight):
            unread = _REASONS.get(message.unread or "")
            hint = self._hints.update(time.monotonic(), message.has_face, unread)
            kept = "" if message.emotion is not None else self.now.hint
            self.set(label=message.emotion, confidence=message.confidence, unread=unread, hint=hint or kept)

    def hear(self, message: FromRelay) -> None:
        """What the relay told."""
        if isinstance(message, Welcome):
            self.set(link="joined", problem="", notice="", grid_allowed=message.grid)
        elif isinstance(message, Mood):
            self.set(mood=message, grid_allowed=message.grid)
        elif isinstance(message, People):
            self.set(people=tuple(Person(one.name, one.emotion) for one in message.people), more=message.more)
        elif isinstance(message, Countdown):
            self.set(measured=None)
        elif isinstance(message, Delay):
            self.set(measured=message.seconds, delay=float(message.seconds))

    def close_eyes(self) -> None:
        """Whoever looked and learned has ended: what was told of it last stays, but for a fit that was under way."""
        personal = self.now.personal
        if personal is not None and personal.learning:
            self.set(personal=msgspec.structs.replace(personal, learning=False))

    def forget_audience(self) -> None:
        """What the relay told of others."""
        self.set(mood=None, people=(), more=0)
