"""What the agent sends, and when. Pure: every method takes the time, nothing here touches a socket.

The rules: at most two labels a second; a label when the expression changes and again every heartbeat; ``away`` once
when nobody is there; only the newest reading counts, so a slow or lost connection never has a backlog.
"""

import math
import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from agent.smoothing import Reading
from relay.protocol import MAX_LABELS_PER_S, Away, Label

SPACING_S = 1.02 / MAX_LABELS_PER_S
"""Between two labels: a little more than half a second, so that jitter on the way never makes three in one second."""

STALE_S = 3.0
"""A reading that the camera has not confirmed for this long is withdrawn: a hung capture must not keep voting."""

SHORTEST_WAIT_S = 1.0
"""Whatever chance and the relay's hint say: a relay that turns every connection away gets no loop of them."""
_FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
LONGEST_HINT_S = 300.0
STEADY_S = 10.0
"""A connection that lasted this long was a good one: the next loss starts over with short waits."""

MOST_NOTES, NOTES_S = 6, 60.0
"""So many sentences of a relay's making are shown in so many seconds: more would push ours off the screen."""


class Step(NamedTuple):
    """A message and the time at which it is due."""

    at: float
    message: Label | Away


class Sender:
    """Decides about one viewer's messages. Call ``opened`` after each welcome and ``closed`` after each loss."""

    def __init__(self) -> None:
        self._reading: Reading | None = None
        self._observed_at = -math.inf
        self._heartbeat_s: float | None = None
        self._label_at = self._muted_until = -math.inf
        self.sent: Label | Away | None = None
        """What the relay has of this viewer now; None before the first message of a connection."""

    def opened(self, heartbeat_s: float) -> None:
        """The relay said welcome. It knows nothing of this viewer, so the current reading is due."""
        self._heartbeat_s = heartbeat_s
        self.sent = None

    def closed(self) -> None:
        """The connection is gone; readings are kept up to date, nothing is due."""
        self._heartbeat_s = None
        self.sent = None

    def observe(self, time: float, reading: Reading | None) -> None:
        """The newest reading; None while nobody is there. It replaces the one before."""
        self._reading = None if self.is_mute(time) else reading
        self._observed_at = time

    def mute(self, until: float) -> None:
        """Nothing that is observed before ``until`` is said, and what was said of it before is withdrawn at once."""
        self._muted_until, self._reading = until, None

    def is_mute(self, time: float) -> bool:
        """Whether what is observed at ``time`` is not said."""
        return time < self._muted_until

    def forgotten(self) -> None:
        """The relay has forgotten what was sent: it is said anew."""
        self.sent = None

    def next(self, time: float) -> Step | None:
        """The next message if nothing else happens, and when; None if there will be none."""
        if self._heartbeat_s is None or self._observed_at == -math.inf:
            return None
        stale_at = self._observed_at + STALE_S
        if self._reading is not None and time < stale_at:
            step = self._label(time, self._reading, self._heartbeat_s)
            if step.at < stale_at:
                return step
        if isinstance(self.sent, Away):
            return None
        return Step(time if self._reading is None else max(time, stale_at), Away())

    def take(self, time: float) -> Label | Away | None:
        """The message that is due by ``time``, which counts as sent from now on; None if none is due."""
        step = self.next(time)
        if step is None or step.at > time:
            return None
        self.sent = step.message
        if isinstance(step.message, Label):
            self._label_at = time
        return step.message

    def _label(self, time: float, reading: Reading, heartbeat_s: float) -> Step:
        # Two decimals are all anyone can use of it, and the less leaves the machine the better.
        label = Label(emotion=reading.emotion, confidence=round(reading.confidence, 2))
        repeated = isinstance(self.sent, Label) and self.sent.emotion == reading.emotion
        gap = max(heartbeat_s, SPACING_S) if repeated else SPACING_S
        return Step(max(time, self._label_at + gap), label)


_TAP_S, _FRAME_S = 0.2 / MAX_LABELS_PER_S, 1 / MAX_LABELS_PER_S
"""What the relay reckons a tap and any other frame at: a label's time, and a fifth of it."""
_TAPS_UP_TO_S = 30.0
"""Half of what the relay lets come at once: the rest is for labels, and for what a slow network piles up."""


class Allowance:
    """How many taps the relay takes of one connection: those beyond that are dropped here, not answered by its end."""

    def __init__(self) -> None:
        self._paid_at = -math.inf
        """When the relay will have forgotten what was sent so far."""

    def spend(self, time: float) -> None:
        """A frame that is no tap is sent at ``time``."""
        self._paid_at = max(self._paid_at, time) + _FRAME_S

    def tap(self, time: float) -> bool:
        """Whether a tap may be sent at ``time``, which then counts as sent."""
        paid_at = max(self._paid_at, time) + _TAP_S
        if paid_at - time > _TAPS_UP_TO_S:
            return False
        self._paid_at = paid_at
        return True


class Notes:
    """Which of the sentences that a relay makes the agent say are said."""

    def __init__(self) -> None:
        self._said: deque[float] = deque(maxlen=MOST_NOTES)

    def passes(self, time: float) -> bool:
        """Whether one is said at ``time``; the others are dropped."""
        if len(self._said) == MOST_NOTES and time - self._said[0] < NOTES_S:
            return False
        self._said.append(time)
        return True


class Backoff:
    """How long to wait before the next attempt: ``SHORTEST_WAIT_S``, and on top exponential with full jitter (Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015); never less than the relay's hint asks for.
    """

    def __init__(self, uniform: Callable[[], float] = random.random) -> None:
        """``uniform`` gives random numbers in [0, 1)."""
        self._uniform = uniform
        self._failures = 0

    def wait(self, lasted_s: float, retry_after_s: float = 0.0) -> float:
        """Seconds to wait after a connection that lasted ``lasted_s`` from its welcome on (0 if there was none).

        ``retry_after_s`` is the relay's hint: about that long, times a random 0.5 to 1.5. One that is no positive
        number says nothing.
        """
        if lasted_s >= STEADY_S:
            self._failures = 0
        ceiling = min(LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        hint = min(retry_after_s, LONGEST_HINT_S) * (0.5 + self._uniform()) if retry_after_s > 0 else 0.0
        return max(hint, SHORTEST_WAIT_S + self._uniform() * ceiling)
