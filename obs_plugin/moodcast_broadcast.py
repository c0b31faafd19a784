"""How the relay's session follows the broadcast, as plain decisions: no network, no thread, nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import math
from typing import Optional

RENEW_S = 60.0
"""A state is told again so often: the relay forgets it after 300 seconds, when it may take OBS for dead."""
_QUIET_S = 2.0  # after an answer, the relay's news may still be of the time before
_SCENE_S = 2.0
_MARKER_LENGTH = 200  # letters, as the relay takes them


def marker(text: str) -> str:
    """The text on one line that the relay takes: 200 printable letters at most."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split())[:_MARKER_LENGTH].strip()


class Broadcast:
    """What the relay should make of the session, and when to tell it. Times are of a steady clock, in seconds.

    The session is open while streaming or recording runs (``running``), and ended otherwise; paused is what the
    streamer wants (``pause``), or what somebody else told the relay meanwhile. Nothing is told before the relay has
    said how things are: a script that is loaded again in the middle of a pause must not end it.
    """

    def __init__(self) -> None:
        self.running = False
        self.paused = False
        self.refused = ""  # why the relay does not follow, as a sentence
        self._told: Optional[str] = None  # by the relay
        self._sent: Optional[str] = None
        self._sent_at = -math.inf
        self._ours = False  # the session that runs was opened here
        self._answered_at: Optional[float] = -math.inf  # None while an answer is missing

    @property
    def wanted(self) -> str:
        """The state that the relay should have."""
        if self.paused:
            return "paused"
        return "open" if self.running else "ended"

    @property
    def follows(self) -> bool:
        """Whether a session runs, as the broadcast does: the relay has said so."""
        return self.running and self._sent == self._told == "open"

    def run(self, running: bool) -> None:
        """Streaming or recording runs, or neither does. A pause ends with the broadcast."""
        if self.running and not running:
            self.paused = False
        self.running = running

    def pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused

    def status(self, state: str) -> None:
        """The relay says how things are."""
        self._told = state
        self.refused = ""

    def answered(self, state: str, now: float) -> None:
        """The relay has done what it was told."""
        self._answered_at = now
        if state == self._sent:
            self._told = state
            self._ours = state != "ended"

    def refuse(self, sentence: str, now: float) -> None:
        """The relay does not do what it was told: nothing more is, until it says how things are."""
        self._answered_at = now
        self.refused = sentence

    def lost(self) -> None:
        """What the relay was told did not reach it in time."""
        self._sent, self._answered_at = None, -math.inf

    def step(self, now: float) -> Optional[str]:
        """The state to tell the relay now; None when there is nothing to tell."""
        if self._told is None or self.refused:
            return None
        quiet = self._answered_at is not None and now - self._answered_at >= _QUIET_S
        if quiet:
            self._heed(now)
        wanted = self.wanted
        if wanted == "ended" and self._told == "open" and not self._ours:
            return None  # somebody else's session, or that of an OBS which died: it goes on when this broadcast begins
        forgotten = self._told == "auto" and quiet  # the relay was restarted, or took OBS for dead
        if wanted == self._sent and now - self._sent_at < RENEW_S and not forgotten:
            return None
        self._sent, self._sent_at, self._answered_at = wanted, now, None
        return wanted

    def _heed(self, now: float) -> None:
        """Somebody else paused, or ended a pause: that holds."""
        if self._told == "paused" and not self.paused and self._sent in (None, self.wanted):
            self.paused, self._sent, self._sent_at = True, "paused", now
        elif self._told == "open" and self.paused and self._sent == "paused":
            self.paused, self._sent, self._sent_at = False, "open", now


class Scenes:
    """Which changes of the scene become markers: not more than one in two seconds, of which the last one wins."""

    def __init__(self) -> None:
        self._marked = ""
        self._waiting = ""
        self._next = -math.inf

    def begin(self, name: str) -> None:
        """The scene that is shown when a session begins is no change."""
        self._marked, self._waiting = name, ""

    def change(self, name: str) -> None:
        self._waiting = name

    def due(self, now: float) -> str:
        """The text of the marker to set now; empty when there is none."""
        if not self._waiting or now < self._next:
            return ""
        name, self._waiting = self._waiting, ""
        if name == self._marked:
            return ""
        self._marked, self._next = name, now + _SCENE_S
        return marker("Scene: " + name)
