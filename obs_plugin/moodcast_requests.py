"""What Moodcast's OBS script asks of the relay beside listening: one thread that sends, one request after the other.

It knows nothing of OBS. Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import http.client
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Deque, Dict, List, NamedTuple, Tuple

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_wire as wire
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_wire as wire

_MOST_WAITING = 32


class Request(NamedTuple):
    """A request with the admin key that waits to be sent; nobody wants it any more after ``until`` (steady clock)."""

    method: str
    what: str
    body: Dict[str, Any]
    until: float


class Answer(NamedTuple):
    """What became of a request: the fields of the relay's answer, or why there is none, as a sentence."""

    request: Request
    fields: Dict[str, Any]
    refused: str


class Requests:
    """Sends requests for one channel in a daemon thread until stopped; none of its methods waits.

    The relay being away, a request is tried again until its time is over.
    """

    def __init__(self, settings: core.Settings) -> None:
        self._settings = settings
        self._wire = wire.Wire(settings)
        self._waiting: Deque[Request] = collections.deque(maxlen=_MOST_WAITING)
        self._answers: Deque[Answer] = collections.deque(maxlen=_MOST_WAITING)
        self._changed = threading.Condition()
        self.thread = threading.Thread(target=self._work, name="moodcast-requests", daemon=True)
        self.thread.start()

    def put(self, what: str, body: Dict[str, Any], lasts: float) -> None:
        """Set a state of the channel, for so many seconds; an earlier one that still waits is forgotten."""
        with self._changed:
            later = [one for one in self._waiting if (one.method, one.what) != ("PUT", what)]
            self._waiting = collections.deque(later, _MOST_WAITING)
        self._send(Request("PUT", what, body, time.monotonic() + lasts))

    def post(self, what: str, body: Dict[str, Any], lasts: float) -> None:
        """Add something to the channel, or not at all when it can't be done in so many seconds."""
        self._send(Request("POST", what, body, time.monotonic() + lasts))

    def _send(self, request: Request) -> None:
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()

    def take(self) -> List[Answer]:
        """The answers since the last call, in order; the oldest are lost when nobody takes them."""
        taken = []
        while self._answers:
            taken.append(self._answers.popleft())
        return taken

    def stop(self) -> None:
        """Ask the thread to end, whatever it is about; returns at once."""
        self._wire.stop()
        with self._changed:
            self._changed.notify()

    def _work(self) -> None:
        attempt = 0
        while not self._wire.stopped.is_set():
            with self._changed:
                if not self._waiting:
                    if not self._wire.stopped.is_set():  # looked at here: else ``stop`` may come before the wait
                        self._changed.wait()
                    continue
                request = self._waiting[0]
            answer, pause = self._try(request, attempt)
            if answer.refused and pause and time.monotonic() + pause < request.until:
                attempt += 1
                with self._changed:
                    replaced = request not in self._waiting
                if not replaced:
                    self._wire.stopped.wait(pause)
                    continue
            attempt = 0
            with self._changed:
                if request in self._waiting:
                    self._waiting.remove(request)
            self._answers.append(answer)

    def _try(self, request: Request, attempt: int) -> Tuple[Answer, float]:
        """The answer to one attempt, and the seconds to wait before a new one; 0 where that can't help."""
        if time.monotonic() >= request.until:
            return Answer(request, {}, "The relay was not there in time."), 0.0
        asked = 0.0
        try:
            return Answer(request, self._ask(request), ""), 0.0
        except core.RefusedError as refused:
            if not refused.again:
                return Answer(request, {}, str(refused)), 0.0
            sentence, asked = str(refused), refused.wait
        except (OSError, http.client.HTTPException, ValueError) as error:
            sentence = core.trouble(self._settings, error)
        return Answer(request, {}, sentence), core.backoff(attempt, random.random(), asked)  # noqa: S311 (no secret)

    def _ask(self, request: Request) -> Dict[str, Any]:
        with self._wire.open("requests") as connection:
            response = self._wire.send(connection, request.method, request.what, json.dumps(request.body), "admin")
            fields = core.answer_of(response.read(core.MAX_EVENT_BYTES))
        if fields is None:
            raise core.RefusedError(f"What answers at {self._settings.relay} is no Moodcast relay.", True)
        return fields
