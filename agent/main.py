"""``moodcast agent``: check, ask, then share until stopped; the summary comes last."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from agent import sources, terminal
from agent.capture import Capture
from agent.client import Client
from agent.config import AgentSettings
from agent.errors import NoFaceError, ReportFileError
from agent.recognition import Recogniser
from agent.sending import Sender
from agent.smoothing import Reading

NO_FACE_HINT_S = 20.0
SHOW_EVERY_S = 0.5
STOP_S = 0.7


def run(settings: AgentSettings) -> int:
    """Share expressions until Ctrl-C, SIGTERM or the end of the file; returns the exit code 0.

    Raises:
        agent.errors.AgentError: no consent, no camera, an unreadable file, no face in a whole file, ...
        models.errors.ModelError: a model is unknown, missing or damaged.
        relay.errors.RelayError: the relay can't be reached at the start, does not know the channel, or turns us out; or
            what is said here can't be written, so that nobody would see that it goes on.
    """
    terminal.require_someone_to_ask(settings, sys.stdin)
    _require_writable(settings.report)
    sources.check(settings.source)
    display = terminal.Display(sys.stdout, sys.stderr)
    sender = Sender()
    client = Client(settings, sender, display.note)
    with contextlib.closing(Recogniser(settings.model)) as recogniser:
        welcome = asyncio.run(client.check())
        for sentence in terminal.about_model(settings.model, recogniser.contract.clip, recogniser.missed_card):
            display.note(sentence)
        terminal.ask(settings, welcome, sys.stdin, sys.stdout)
        asyncio.run(Sharing(settings, recogniser, sender, client, display).run())
    sys.stdout.write("Stopped: nothing is captured or sent any more.\n")
    return 0


class Sharing:
    """The capture thread, the client and the status line, while they run together in one event loop."""

    def __init__(
        self,
        settings: AgentSettings,
        recogniser: Recogniser,
        sender: Sender,
        client: Client,
        display: terminal.Display,
    ) -> None:
        self._settings, self._sender, self._client, self._display = settings, sender, client, display
        self._recogniser = recogniser
        self._ended = asyncio.Event()
        self._stopped = "end"
        self._face_at = time.monotonic()
        self._hinted = self._warned = False
        self._enter = terminal.Enter(sys.stdin, self._entered)
        client.on_countdown = self._ask_for_zero
        self._capture = Capture(settings, recogniser, self._publish, self._finish)

    async def run(self) -> None:
        """Share until a signal comes, the source ends, or something fails; see ``run`` for the errors."""
        self._loop = asyncio.get_running_loop()
        client = asyncio.create_task(self._client.run())
        show = asyncio.create_task(self._show())
        ended = asyncio.create_task(self._ended.wait())
        self._capture.start()
        try:
            with signals(self.interrupt):
                await asyncio.wait({client, show, ended}, return_when=asyncio.FIRST_COMPLETED)
            for work in (client, show):
                if work.done():
                    work.result()  # neither returns a value: raises what ended it
            if self._capture.error:
                raise self._capture.error
            self._require_a_face()
        except Exception as error:
            self._stopped = str(error)
            raise
        finally:
            for task in (client, show, ended):
                task.cancel()
            await asyncio.gather(client, show, ended, return_exceptions=True)
            self._capture.stop()
            self._recogniser.stop()
            await asyncio.to_thread(self._capture.join, STOP_S)
            self._display.end()
            self._write_report()

    def interrupt(self) -> None:
        """End the run as Ctrl-C does; call it in the event loop."""
        self._stopped = "interrupted"
        self._ended.set()

    def report(self) -> dict[str, Any]:
        """The summary: counts, rates and times, never anything about single moments."""
        return {
            "source": self._settings.source,
            "labels": self._client.labels.total(),
            "by_expression": dict(self._client.labels),
            "model": self._settings.model,
            "device": self._recogniser.device,
            "fps": round(self._capture.mean_rate(), 2),
            "frames": self._capture.frames,
            "frames_without_face": self._capture.frames_without_face,
            "stage_ms": self._capture.stage_ms(),
            "core_share": round(self._capture.mean_load(), 4),
            "stopped": self._stopped,
        }

    def _publish(self, reading: Reading | None, has_face: bool) -> None:
        """From the capture thread to the event loop, which may be gone when a slow frame comes last."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._observe, reading, has_face)

    def _finish(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended.set)

    def _observe(self, reading: Reading | None, has_face: bool) -> None:
        now = time.monotonic()
        self._sender.observe(now, reading)
        self._client.wake()
        if has_face:
            self._face_at, self._hinted = now, False
        elif not self._hinted and now - self._face_at >= NO_FACE_HINT_S:
            self._hinted = True
            self._display.note(terminal.NO_FACE_HINT)

    def _ask_for_zero(self) -> None:
        if self._enter.listen():
            self._display.note(terminal.AT_ZERO)

    def _entered(self) -> None:
        """From the thread that reads the terminal, as in ``_publish``."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._client.tap_zero)

    async def _show(self) -> None:
        while True:
            labels, rate, load = self._client.labels.total(), self._capture.rate(), self._capture.load()
            self._display.show(*terminal.status(self._sender.sent, self._client.connected, labels, rate, load))
            self._warn_of_late_labels()
            await asyncio.sleep(SHOW_EVERY_S)

    def _warn_of_late_labels(self) -> None:
        """Once, as soon as it is known that a clip network is too slow for this machine."""
        took = self._capture.stage_ms()["classify"] / 1000
        warning = terminal.late_labels(self._recogniser.contract.clip, took)
        if warning and not self._warned:
            self._warned = True
            self._display.note(warning)

    def _require_a_face(self) -> None:
        frames = self._capture.frames
        if self._stopped == "end" and frames == self._capture.frames_without_face:
            raise NoFaceError(
                f"no face was found in {self._settings.source} ({frames} frames looked at): expected one that looks "
                "towards the camera and is at least about a tenth of the picture wide"
            )

    def _write_report(self) -> None:
        if self._settings.report:
            try:
                Path(self._settings.report).write_bytes(msgspec.json.format(msgspec.json.encode(self.report())) + b"\n")
            except OSError as error:
                raise _unwritable(self._settings.report, error.strerror) from error


@contextlib.contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the event loop on Ctrl-C and SIGTERM; elsewhere than in the main thread there are no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    # Not loop.add_signal_handler: Windows has none.
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_writable(report: str) -> None:
    """Find out before the capture, not after it, that the report has no place."""
    folder = Path(report).absolute().parent
    if report and not folder.is_dir():
        raise _unwritable(report, f"there is no folder {folder}")
    if report and (Path(report).is_dir() or not os.access(folder, os.W_OK)):
        raise _unwritable(report, "it is a folder, or in one that you may not write to")


def _unwritable(report: str, reason: str | None) -> ReportFileError:
    return ReportFileError(f"the report can't be written to {report}: {reason}; choose another file with --report")
