"""``moodcast agent``: check, ask, then share until stopped; the summary comes last."""

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from agent import (
    address,
    explain,
    first_start,
    kept_answers,
    priority,
    remarks,
    sources,
    stopping,
    terminal,
    typed_teaching,
)
from agent.capture import Capture
from agent.client import Client
from agent.config import AgentSettings
from agent.errors import MissingLibraryError, NoCamerasError, NoFaceError, ReportFileError
from agent.hints import Hints
from agent.outset import INTERRUPTED, at_once
from agent.personal.store import usual_folder
from agent.personal.teacher import Teacher
from agent.recognition import Look, Recogniser
from agent.remarks import Remarks
from agent.search import others_s
from agent.sending import Sender
from agent.smoothing import Reading
from agent.stopping import within
from agent.typed_teaching import TypedTeaching
from agent.unread import Unread
from relay.common.deadline import end
from relay.errors import MoodcastError
from relay.protocol import FromRelay, Mood, Welcome

if TYPE_CHECKING:
    from agent.voice.listening import Listener
    from models.inference.hearing import VoiceNetwork

_SHOW_EVERY_S = 0.5
_RELEASE_S = 0.7
"""A driver has so long to give the camera back; then the process ends itself, within a second of Ctrl-C."""
_ORDER_S = 0.5
"""After the camera is back: for the goodbye to the relay and the frame at hand."""
_SAVED_S = 0.15
"""For an answer that was given just now to get into its file."""
_END_S = 1.4
"""From Ctrl-C, or the end of the sharing, to the end of the process, whatever still goes on."""

_STOP, _END = "stop", "end"

Result = TypeVar("Result")


def run(settings: AgentSettings) -> int:
    """Share expressions until Ctrl-C, SIGTERM, a closed window or the end of the file; returns the exit code 0.

    Where a driver, a network or a library does not let go in time, the process is ended here.

    Raises:
        relay.errors.SettingsError: there is no channel, and nobody to ask for one.
        agent.errors.AgentError: no consent, no camera, an unreadable file, no face in a whole file, ...
        models.errors.ModelError: a model is unknown, missing or damaged.
        relay.errors.RelayError: the relay can't be reached at the start, does not know the channel, or turns us out; or
            what is said here can't be written, so that nobody would see that it goes on.
    """
    with at_once():
        priority.lower()
        sources.set_opencv_up()
    if settings.personal_export or settings.personal_delete:
        return kept_answers.run(settings)
    if not settings.explain:
        settings = terminal.with_channel(settings, sys.stdin, sys.stdout)
    terminal.require_someone_to_ask(settings, sys.stdin)
    first_start.ensure(settings, sys.stdin, sys.stdout)
    if settings.explain:
        return explain.run(settings)
    # Here, where Ctrl-C leaves the terminal showing again what is typed.
    return _Run(terminal.with_admin_key(settings, sys.stdin)).supervise()


class _Run:
    """The work in a thread of its own, while this one waits for its end or for a signal."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._display = terminal.Display(sys.stdout, sys.stderr, settings.plain)
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="agent", daemon=True)
        self._sharing: Sharing | None = None
        self._told = False
        self._error: BaseException | None = None

    def supervise(self) -> int:
        """As ``run``."""
        stopping.listen(lambda: self._events.put(_STOP))
        self._thread.start()
        event = stopping.wait_for_event(self._events)
        until = time.monotonic() + _END_S
        released = self._stop() if event == _STOP else True
        if released:
            self._thread.join(until - time.monotonic())
        if self._thread.is_alive() or (self._sharing and self._sharing.is_capturing()):
            stopping.leave(self._exit_code(), lambda: self._last_words(released))
        if self._error is None and not stopping.within(stopping.LAST_WORDS_S, self._say_stopped):
            stopping.leave(0, lambda: None)  # the terminal takes nothing
        stopping.listen(lambda: os._exit(self._exit_code()))  # nor does it wait for the sentence of an error
        if self._error:
            raise self._error
        return 0

    def _stop(self) -> bool:
        """The camera first, then the rest. Returns whether the camera is back; never, where there was none yet."""
        self._told = True
        if self._sharing is None:
            stopping.leave(INTERRUPTED, lambda: self._display.note("\nStopped: nothing was captured."))
        return self._sharing.stop()

    def _work(self) -> None:
        try:
            self._share()
        except BaseException as error:  # the main thread raises it again
            self._error = error
        finally:
            self._events.put(_END)

    def _share(self) -> None:
        settings, display, sender = self._settings, self._display, Sender()
        _require_writable(settings.report)
        sources.check(settings.source)
        if settings.role == "streamer" and address.readable_on_the_way(settings.relay):
            display.note(terminal.KEY_UNENCRYPTED)
        client = Client(settings, sender, display.note)
        voice = _voice(settings)
        recogniser = Recogniser(settings.model, sources.is_live(settings.source), others_s(settings.source))
        try:
            welcome = asyncio.run(self._known_at_once(client.check()))
            if settings.role == "viewer" and not welcome.cameras:
                raise _no_cameras(settings, "nothing was captured")
            for sentence in remarks.about_model(settings.model, recogniser.contract.clip, recogniser.missed_card):
                display.note(sentence)
            if settings.personal:
                recogniser.require_features()
            terminal.ask(settings, welcome, sys.stdin, sys.stdout)
            teacher = self._teacher(recogniser) if settings.personal else None
            self._sharing = Sharing(settings, recogniser, sender, client, display, teacher, voice)
            if self._told:
                return  # the main thread has said, or is about to, that nothing was captured
            asyncio.run(self._until_the_end(self._sharing))
        finally:
            if not (self._sharing and self._sharing.is_capturing()):  # else a thread is in there
                recogniser.close()

    def _teacher(self, recogniser: Recogniser) -> Teacher:
        return recogniser.taught_in(usual_folder(), self._settings.personal_only_me)

    async def _until_the_end(self, sharing: "Sharing") -> None:
        await self._known_at_once(sharing.run())
        self._events.put(_END)

    async def _known_at_once(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What goes wrong ends it before ``asyncio.run`` does, which waits for threads that look names up."""
        try:
            return await work
        except Exception as error:
            self._error = error
            self._events.put(_END)
            raise

    def _exit_code(self) -> int:
        return 0 if self._error is None else getattr(self._error, "exit_code", 1)

    def _last_words(self, released: bool) -> None:
        """What is said, and written, by a process that ends itself."""
        self._display.end()
        if self._error is None:
            assert self._sharing is not None  # without, there is an error or another end
            self._sharing.write_report()
            self._say_stopped()
        elif isinstance(self._error, MoodcastError):
            self._display.note(f"moodcast: {self._error}")
        else:
            traceback.print_exception(self._error)
        if not released:
            at_microphone = self._sharing is not None and self._sharing.microphone_is_held
            self._display.note(terminal.STUCK_MICROPHONE if at_microphone else terminal.STUCK)

    def _say_stopped(self) -> None:
        try:
            sys.stdout.write("Stopped: nothing is captured or sent any more.\n")
            sys.stdout.flush()
        except (OSError, MoodcastError) as error:
            self._error = error


class Sharing:
    """The capture thread, the client and the status line, while they run together in one event loop."""

    def __init__(
        self,
        settings: AgentSettings,
        recogniser: Recogniser,
        sender: Sender,
        client: Client,
        display: terminal.Display,
        teacher: Teacher | None = None,
        voice: "VoiceNetwork | None" = None,
    ) -> None:
        """``voice``: of a streamer who is listened to; without, there is no microphone."""
        self._settings, self._sender, self._client, self._display = settings, sender, client, display
        self._recogniser, self._teacher = recogniser, teacher
        self._teaching = TypedTeaching(teacher, sender, client.wake, self._say) if teacher else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._stopped = "end"
        self._reported = self._is_barred = False
        self._hints = Hints(time.monotonic())
        self._unread: Unread | None = None
        self._remarks = Remarks(recogniser.contract.clip)
        self._enter = terminal.Enter(sys.stdin, lambda line: self._in_loop(self._typed, line))
        client.on_countdown, client.on_heard = self._ask_for_zero, self._hear
        self._listener = self._listening(voice) if voice is not None else None
        fused = None if self._listener is None else self._listener.fused
        self._capture = Capture(settings, recogniser, self._publish, self._finish, fused=fused)

    async def run(self) -> None:
        """Share until told to stop, until the source ends, or something fails; see ``run`` for the errors."""
        self._loop = asyncio.get_running_loop()
        client = asyncio.create_task(self._client.run())
        show = asyncio.create_task(self._show())
        ended = asyncio.create_task(self._ended.wait())
        if self._stopped != "end":  # before there was a loop to tell
            self._ended.set()
        if self._enter.listen():
            self._display.note(terminal.LEARNING)
            if self._teaching is not None:
                self._display.note(typed_teaching.KEYS)
                if self._settings.personal_only_me:
                    self._display.note(typed_teaching.ONLY_ME_KEYS)
        self._capture.start()
        if self._listener is not None:
            self._listener.start()
        try:
            await asyncio.wait({client, show, ended}, return_when=asyncio.FIRST_COMPLETED)
            for work in (client, show):
                if work.done():
                    work.result()  # neither returns a value: raises what ended it
            if error := self._capture.error or (self._listener and self._listener.error):
                raise error
            if self._is_barred:
                raise _no_cameras(self._settings, "your camera is off, and nothing is captured or sent any more")
            self._require_a_face()
        except Exception as error:
            self._stopped = str(error)
            raise
        finally:
            await asyncio.to_thread(self._release)
            until = time.monotonic() + _ORDER_S
            self._recogniser.stop()
            if self._listener is not None:
                self._listener.stop_network()
            await end(client, show, ended, patience_s=_ORDER_S)
            await asyncio.to_thread(self._capture.join, max(0.0, until - time.monotonic()))
            if self._teacher is not None:
                await asyncio.to_thread(within, _SAVED_S, self._teacher.close)
            self._display.end()
            self.write_report()

    def interrupt(self) -> None:
        """End the run as Ctrl-C does; call it in the event loop."""
        self._stopped = "interrupted"
        self._ended.set()

    def stop(self) -> bool:
        """The same from any other thread, whatever the event loop is at, and before ``run`` too.

        The camera is given back first, with the microphone; False where a driver does not let go.
        """
        self._stopped = "interrupted"
        released = self._release()
        self._in_loop(self.interrupt)
        return released

    def is_capturing(self) -> bool:
        """Whether the thread that looks or the one that listens still goes on, in a driver's code or a network's."""
        return self._capture.is_alive() or (self._listener is not None and self._listener.is_alive())

    @property
    def microphone_is_held(self) -> bool:
        return self._listener is not None and self._listener.is_held

    def _release(self) -> bool:
        """Camera and microphone, at the same time; False where a driver does not let go."""
        until = time.monotonic() + _RELEASE_S
        if self._listener is not None:
            self._listener.stop()
        released = self._capture.release(_RELEASE_S)
        return released and (self._listener is None or self._listener.is_released(until - time.monotonic()))

    def report(self) -> dict[str, Any]:
        """The summary: counts, rates and times, never anything about single moments."""
        return {
            "source": self._settings.source,
            "labels": self._client.labels.total(),
            "by_expression": dict(self._client.labels),
            "model": self._settings.model,
            "device": self._recogniser.device,
            "fps": round(self._capture.mean_rate(), 2),
            "frames_taken": self._capture.frames_taken,
            "frames": self._capture.frames,
            "frames_without_face": self._capture.frames_without_face,
            "frames_unread": {reason.key: self._capture.unread[reason] for reason in Unread},
            "stage_ms": self._capture.stage_ms(),
            "stretch": round(self._recogniser.stretch, 4),
            "core_share": round(self._capture.mean_load(), 4),
            "stopped": self._stopped,
        }

    def _listening(self, voice: "VoiceNetwork") -> "Listener":
        from agent.voice.listening import Listener  # no viewer's agent loads it

        return Listener(voice, self._say, self._finish)

    def _microphone(self) -> str:
        """The sign in the status line that it is open, and that somebody is heard."""
        if self._listener is None:
            return ""
        if not self._listener.is_held:
            return "microphone closed · "
        return "MICROPHONE OPEN, speech · " if self._listener.is_speech else "MICROPHONE OPEN · "

    def _publish(self, reading: Reading | None, look: Look) -> None:
        self._in_loop(self._observe, reading, look.has_face, look.unread)

    def _say(self, sentence: str) -> None:
        self._in_loop(self._display.note, sentence)

    def _finish(self) -> None:
        self._in_loop(self._ended.set)

    def _in_loop(self, call: Callable[..., object], *arguments: object) -> None:
        """From another thread to the event loop, which may not be there yet, or be gone before a slow frame."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call, *arguments)

    def _observe(self, reading: Reading | None, has_face: bool, unread: Unread | None) -> None:
        now = time.monotonic()
        self._sender.observe(now, reading)
        self._client.wake()
        self._unread = unread
        if hint := self._hints.update(now, has_face, unread):
            self._display.note(hint)

    def _hear(self, message: FromRelay) -> None:
        if isinstance(message, Welcome | Mood) and not message.cameras and self._settings.role == "viewer":
            self._is_barred = True
            self._ended.set()

    def _ask_for_zero(self) -> None:
        if self._enter.listen():
            self._display.note(terminal.AT_ZERO)

    def _typed(self, line: str) -> None:
        if line == terminal.FORGET:
            self._recogniser.forget()
            self._display.note(terminal.FORGOTTEN)
        elif self._teaching is None or not self._teaching.typed(line):
            self._client.tap_zero()  # whoever is to press Enter may have typed before

    async def _show(self) -> None:
        while True:
            labels, rate, load = self._client.labels.total(), self._capture.rate(), self._capture.load()
            sent, connected, paused = self._sender.sent, self._client.connected, self._client.paused
            if moment := self._teaching and self._teaching.go_on():
                what, details = typed_teaching.asked(moment)
            else:
                is_mute = self._sender.is_mute(time.monotonic())
                what, details = terminal.status(sent, connected, paused, self._unread, labels, rate, load, is_mute)
            self._display.show(what, self._microphone() + details)
            took_s = self._capture.stage_ms()["classify"] / 1000
            for sentence in self._remarks.due(took_s, self._recogniser.stretch):
                self._display.note(sentence)
            await asyncio.sleep(_SHOW_EVERY_S)

    def _require_a_face(self) -> None:
        frames = self._capture.frames
        if self._stopped == "end" and frames == self._capture.frames_without_face:
            raise NoFaceError(
                f"no face was found in {self._settings.source} ({frames} frames looked at): expected one that looks "
                "towards the camera and is at least a tenth as high as the picture from forehead to chin"
            )

    def write_report(self) -> None:
        """Once, and only where one was asked for."""
        if self._settings.report and not self._reported:
            self._reported = True
            try:
                Path(self._settings.report).write_bytes(msgspec.json.format(msgspec.json.encode(self.report())) + b"\n")
            except OSError as error:
                raise _unwritable(self._settings.report, error.strerror) from error


def _voice(settings: AgentSettings) -> "VoiceNetwork | None":
    """The network that is to hear the streamer, where they want that; no microphone is opened, nor its library loaded.

    Raises:
        MissingLibraryError: this program is one of viewers, which can't listen.
        models.errors.ModelContractError: see ``agent.voice.listening.load``.
    """
    if settings.role != "streamer" or not settings.voice:
        return None
    try:
        from agent.voice import listening
    except ModuleNotFoundError as error:
        if error.name != "agent.voice":
            raise
        raise MissingLibraryError(
            "--voice is for the streamer, and this packaged program is for viewers, too: nothing in it can open a "
            "microphone. Install Moodcast with pip, in its folder: pip install '.[agent,voice]'"
        ) from error
    return listening.load(Path(settings.voice))


def _no_cameras(settings: AgentSettings, so: str) -> NoCamerasError:
    return NoCamerasError(
        f"the streamer takes no cameras in the channel {settings.channel!r} of {settings.relay}, only taps, which the "
        f"terminal does not have: {so}. Join with taps in the window, or in the browser; for the face, start again "
        "when the streamer takes cameras"
    )


def _require_writable(report: str) -> None:
    """Find out before the capture, not after it, that the report has no place."""
    folder = Path(report).absolute().parent
    if report and not folder.is_dir():
        raise _unwritable(report, f"there is no folder {folder}")
    if report and (Path(report).is_dir() or not os.access(folder, os.W_OK)):
        raise _unwritable(report, "it is a folder, or in one that you may not write to")


def _unwritable(report: str, reason: str | None) -> ReportFileError:
    return ReportFileError(f"the report can't be written to {report}: {reason}; choose another file with --report")
