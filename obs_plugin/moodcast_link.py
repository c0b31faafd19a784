"""The link of Moodcast's OBS script to the relay: its threads and connections. It knows nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import http.client
import math
import random
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Deque, Dict, List, Optional

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_wire as wire
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_wire as wire

_MAX_PICTURE_BYTES = 16 << 20
STALE_S = 6.0  # a picture is taken down after so long without an event; the slowest tick is 5 s
MOVING_S = 6.0  # pictures are fetched for so long after the last change, so that the end of a reaction is seen
_PICTURE_INTERVAL_S = 0.2
LASTED_S = 5.0  # a connection that ends sooner counts as a failed one, so that attempts never follow each other fast
REACTION_S = 4.0  # the time a reaction floats in the relay's picture
COUNTDOWN_S = 32.0  # the longest countdown and its zero


class Link:
    """Subscribes to one channel in daemon threads until stopped. Never touches OBS.

    ``state`` (connecting, connected, retrying or refused) and ``sentence`` say how it stands, ``mood`` holds the fields
    of the last mood event. With a ``folder`` it also keeps the newest PNG of the overlay in there, and
    ``picture_problem`` says why it can't, ``picture_notice`` what the relay could not write in it.
    """

    def __init__(self, settings: core.Settings, folder: Optional[Path] = None) -> None:
        self.settings = settings
        self.state = "connecting"
        self.sentence = f"Connecting to {settings.relay}."
        self.mood: Optional[Dict[str, Any]] = None
        self.last_mood: Optional[core.Message] = None
        self.picture_problem = self.picture_notice = ""
        self.admin_key = False  # whether the relay refused to be seen with the key, as it is the admin key
        self._measured = ("", -math.inf)
        self._messages: Deque[core.Message] = collections.deque(maxlen=256)
        self._picture: Optional[Path] = None
        self._folder = folder
        self._wire = wire.Wire(settings)
        self._stop = self._wire.stopped
        self._heard = 0.0
        self._moving_until = 0.0
        self._tested = -math.inf
        self._wanted = threading.Event()
        self._countdown: Optional[threading.Thread] = None
        self._threads = [threading.Thread(target=self._follow, name="moodcast-events", daemon=True)]
        if folder is not None:
            self._threads.append(threading.Thread(target=self._draw, name="moodcast-pictures", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end; returns at once."""
        self._wire.stop()
        self._wanted.set()

    def join(self, timeout: float) -> bool:
        """Wait for the threads, so many seconds for all together; whether they ended."""
        until = time.monotonic() + timeout
        threads = [*self._threads, *filter(None, [self._countdown])]
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def take(self) -> List[core.Message]:
        """The events since the last call, in order; the oldest are lost when nobody takes them."""
        taken = []
        while self._messages:
            taken.append(self._messages.popleft())
        return taken

    def picture(self) -> Optional[Path]:
        """The newest picture; None when its mood is too old to be shown as the current one."""
        return self._picture if time.monotonic() - self._heard < STALE_S else None

    def test(self) -> None:
        """Let a reaction that no viewer made float in the next pictures."""
        self._tested = time.monotonic()
        self._wanted.set()

    def measure(self) -> None:
        """Ask the relay for a countdown, in a thread; nothing while an earlier call is under way."""
        if self._countdown is not None and self._countdown.is_alive():
            return
        self._tell("Asking the relay for a countdown.")
        self._countdown = threading.Thread(target=self._start_countdown, name="moodcast-countdown", daemon=True)
        self._countdown.start()

    @property
    def measuring(self) -> str:
        """What became of the last call of ``measure``; empty once its countdown is over."""
        sentence, since = self._measured
        return sentence if time.monotonic() - since < COUNTDOWN_S else ""

    def _tell(self, sentence: str) -> None:
        self._measured = (sentence, time.monotonic())

    def _start_countdown(self) -> None:
        try:
            with self._wire.open("countdown") as connection:
                self._wire.send(connection, "POST", "countdown", "{}", "display").read(core.MAX_EVENT_BYTES)
            self._tell("The countdown was started. The dashboard shows what the viewers answer.")
        except core.RefusedError as refused:
            self._tell(f"No countdown. {refused}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._tell(f"No countdown. {core.trouble(self.settings, error)}")

    def _follow(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            began, before, asked = time.monotonic(), self._heard, 0.0
            try:
                self._subscribe()
                self._say("retrying", "The relay ended the connection.")
            except core.RefusedError as refused:
                self._say("retrying" if refused.again else "refused", str(refused))
                if not refused.again:
                    return
                asked = refused.wait
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._say("retrying", core.trouble(self.settings, error))
            if self._heard > before and time.monotonic() - began >= LASTED_S:
                attempt = 0
            self._stop.wait(core.backoff(attempt, random.random(), asked))  # noqa: S311 (no secret)
            attempt += 1

    def _say(self, state: str, sentence: str) -> None:
        self.sentence = sentence + (" Trying again by itself." if state == "retrying" else "")
        self.state = state

    def _subscribe(self) -> None:
        """One connection, until it ends."""
        with self._wire.open("events") as connection:
            response = self._wire.get(connection, "mood", "text/event-stream")
            if not (response.getheader("Content-Type") or "").startswith("text/event-stream"):
                raise core.RefusedError(f"What answers at {self.settings.relay} is no Moodcast relay.", True)
            if response.getheader("Moodcast-Right") == "admin":
                self.admin_key = True
                raise core.RefusedError(core.ADMIN_RIGHT, False)
            self._say("connected", f'Connected to channel "{self.settings.channel}".')
            parser = core.SseParser()
            while not self._stop.is_set():
                chunk = response.read1(8192)
                if not chunk:
                    return
                for message in filter(None, (core.message_of(*event) for event in parser.feed(chunk))):
                    if message.kind == "bye":
                        raise core.farewell(self.settings, message.fields)
                    self._take(message)

    def _take(self, message: core.Message) -> None:
        now = time.monotonic()
        if now - self._heard >= STALE_S:  # what was drawn before the silence is no picture of now
            self._picture = None
            self._wanted.set()
        self._heard = now
        self._messages.append(message)
        if message.kind == "mood":
            last, self.mood, self.last_mood = self.mood, message.fields, message
            if last is None or core.looks(last) != core.looks(message.fields):
                self._moving_until = max(self._moving_until, now + MOVING_S)
        elif message.kind == "reaction":
            self._moving_until = max(self._moving_until, now + MOVING_S)
        elif message.kind == "countdown":
            self._moving_until = now + COUNTDOWN_S
        if now < self._moving_until:
            self._wanted.set()

    def _draw(self) -> None:
        """Fetch the newest picture whenever one is wanted."""
        shown, turn, attempt = b"", 0, 0
        while self._wanted.wait() and not self._stop.is_set():
            began, drawn, asked = time.monotonic(), False, 0.0
            try:
                with self._wire.open("pictures") as connection:
                    # The socket is gone where the relay, or a proxy, ends the connection with its answer.
                    while connection.sock is not None and self._wanted.wait(10) and not self._stop.is_set():
                        self._wanted.clear()
                        age = time.monotonic() - self._tested
                        body = self._fetch(connection, age)
                        if body != shown or self._picture is None:
                            # Two names in turn: OBS may still have the one open that it shows.
                            turn = 1 - turn
                            self._picture = self._write(f"overlay-{id(self)}-{turn}.png", body)
                            shown = body
                        self.picture_problem, drawn = "", True
                        self._stop.wait(_PICTURE_INTERVAL_S)
                        if age <= REACTION_S:
                            self._wanted.set()
            except (core.RefusedError, OSError, http.client.HTTPException, ValueError) as error:
                self.picture_problem = (
                    str(error) if isinstance(error, core.RefusedError) else core.trouble(self.settings, error)
                )
                asked = error.wait if isinstance(error, core.RefusedError) else 0.0
                self._wanted.set()
            if drawn and time.monotonic() - began >= LASTED_S:
                attempt = 0
                continue
            if drawn:
                attempt = min(attempt, 1)  # a picture every 2 to 4 seconds is better than none
            self._stop.wait(core.backoff(attempt, random.random(), asked))  # noqa: S311 (no secret)
            attempt += 1

    def _fetch(self, connection: http.client.HTTPConnection, age: float) -> bytes:
        """The current picture; ``age``: seconds since a test reaction was asked for."""
        width, height = self.settings.width, self.settings.height
        test = f"&reaction={core.TEST_REACTION}&age={age:.2f}" if age <= REACTION_S else ""
        words = "".join(f"&{urllib.parse.urlencode([pair])}" for pair in self.settings.look)
        path = f"overlay.png?width={width}&height={height}{words}{test}"
        response = self._wire.get(connection, path, "image/png")
        self.picture_notice = response.getheader("Moodcast-Notice") or ""
        body = response.read(_MAX_PICTURE_BYTES)
        if response.read(1) or not core.is_picture(body, width, height):
            raise core.RefusedError(f"The relay sent something else than a picture of {width} x {height} pixels.", True)
        return body

    def _write(self, name: str, body: bytes) -> Path:
        assert self._folder is not None
        part, path = self._folder / (name + ".part"), self._folder / name
        part.write_bytes(body)
        part.replace(path)
        return path
