"""``moodcast agent --explain``: ten seconds of what would be sent, to the letter. Nothing is sent, nobody is contacted.

The camera is asked for as always. What is shown comes from where else it goes out: the same recogniser, the same
``Sender``, the same messages; only that nobody is at the other end.
"""

import queue
import sys
import time
from typing import TextIO

from agent import sources, stopping, terminal
from agent.capture import Capture
from agent.client import hello
from agent.config import AgentSettings
from agent.recognition import Look, Recogniser
from agent.search import others_s
from agent.sending import Sender
from agent.smoothing import Reading
from relay.common.printable import escaped
from relay.protocol import HEARTBEAT_S, Away, Label, encode

_SECONDS = 10.0
_RELEASE_S, _LOOK_S = 0.7, 0.7
"""For the camera's driver, and for the look at hand; whatever takes longer ends with the process."""

_Event = tuple[Reading | None, Look] | str
"""What a look found, or why it is over."""


def run(settings: AgentSettings) -> int:
    """Show it, give the camera back, say what it was; returns the exit code 0, with Ctrl-C too.

    Raises:
        agent.errors.AgentError: no consent, no camera, an unreadable file, ...
        models.errors.ModelError: a model is unknown, missing or damaged.
    """
    sources.check(settings.source)
    recogniser = Recogniser(settings.model, sources.is_live(settings.source), others_s(settings.source))
    terminal.agree(settings, _question(settings), sys.stdin, sys.stdout)
    events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    capture = Capture(settings, recogniser, lambda *seen: events.put(seen), lambda: events.put("end"))
    stopping.listen(lambda: events.put("stop"))
    capture.start()
    shown = _Rehearsal(settings, sys.stdout)
    shown.go_on(events)
    released = capture.release(_RELEASE_S)
    recogniser.stop()
    capture.join(_LOOK_S if released else 0)
    if capture.is_alive():
        words = shown.summary() if released else f"{terminal.STUCK}\n"
        stopping.leave(0, lambda: sys.stdout.write(words))
    recogniser.close()
    if capture.error and not shown.is_over:
        raise capture.error
    sys.stdout.write(shown.summary())
    return 0


def _question(settings: AgentSettings) -> str:
    """What is about to happen, in the words of someone who is asked to agree to it."""
    return (
        f"Moodcast will {terminal.what_is_read(settings)}, for ten seconds.\n"
        "It shows here what it would send, to the letter, and sends nothing: nobody is contacted, the relay neither.\n"
        "The pictures are looked at on this computer only, and kept nowhere. Ctrl-C stops it at any time.\n"
    )


def _joining(settings: AgentSettings) -> list[str]:
    """What goes out before the first label. A password and a ticket are not shown."""
    channel = settings.channel or "CHANNEL"
    body = '{"role": "streamer"}' if settings.role == "streamer" else '{"password": "…"}' if settings.password else "{}"
    with_key = ", with the channel's admin key in a header" if settings.role == "streamer" else ""
    return [
        f"POST /v1/channels/{channel}/tickets {body}{with_key}",
        f"GET /v1/channels/{channel}/viewer, which stays open for the messages that follow",
        encode(hello(settings, "…", settings.delay)).decode(),
    ]


class _Rehearsal:
    """The messages of a connection that nobody is at the other end of, as they are due."""

    def __init__(self, settings: AgentSettings, out: TextIO) -> None:
        self._settings, self._out = settings, out
        self._sender = Sender()
        self._began: float | None = None
        self._look: Look | None = None
        self._said = self._bytes = 0
        self.is_over = False
        """Whether all of its seconds have passed, or it was told to stop."""

    def go_on(self, events: "queue.SimpleQueue[_Event]") -> None:
        """From the first look on for ``_SECONDS``, or until an event says that it is over."""
        while not self.is_over:
            try:
                event = events.get(timeout=self._wait(time.monotonic()))
            except queue.Empty:
                event = None
            now = time.monotonic()
            if isinstance(event, str):
                self.is_over = event == "stop" or self._began is not None
                return
            if event is not None:
                self._observe(now, *event)
            self._say_what_is_due(now)

    def summary(self) -> str:
        """What it was."""
        lasted = 0.0 if self._began is None else min(_SECONDS, time.monotonic() - self._began)
        where = "the relay and the channel that you choose"
        if self._settings.channel:
            where = f"{self._settings.relay}, channel {self._settings.channel}"
        return (
            f"That is all of {lasted:.0f} seconds: {self._said} requests and messages, {self._bytes} bytes. They would "
            f"have gone to\n{where}, which sees your network address, too.\n"
            "Nothing was sent, nobody was contacted, and nothing is captured any more.\n"
        )

    def _wait(self, now: float) -> float:
        """Until something may be due; signals are heard in between."""
        step = self._sender.next(now)
        return min(stopping.POLL_S, max(0.0, step.at - now)) if step else stopping.POLL_S

    def _observe(self, now: float, reading: Reading | None, look: Look) -> None:
        if self._began is None:
            self._began = now
            self._sender.opened(HEARTBEAT_S)
            for line in _joining(self._settings):
                self._show(now, line)
        self._look = look
        self._sender.observe(now, reading)

    def _say_what_is_due(self, now: float) -> None:
        if self._began is not None and now - self._began >= _SECONDS:
            self.is_over = True
        elif message := self._sender.take(now):
            self._show(now, encode(message).decode(), self._why(message))

    def _why(self, message: Label | Away) -> str:
        """What the viewer alone is told of an ``away``."""
        if self._look is None or not isinstance(message, Away):
            return ""
        if not self._look.has_face:
            return "   (no face)"
        return f"   ({self._look.unread.words})" if self._look.unread else ""

    def _show(self, now: float, line: str, beside: str = "") -> None:
        assert self._began is not None
        self._said, self._bytes = self._said + 1, self._bytes + len(line.encode())
        self._out.write(f"{now - self._began:5.1f} s  {escaped(line)}{beside}\n")
        self._out.flush()
