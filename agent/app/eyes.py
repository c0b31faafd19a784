"""The eyes: a process of their own that looks through the camera, and tells what it sees to who started it.

``moodcast eyes``, a command that the program gives itself. There is no network in it: what comes in and goes out are
the messages of ``agent.app.sight``. It ends with its standard input, whatever it is at, and gives the camera back.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import cv2

from agent import priority, remarks, sources, stopping
from agent.app import sight
from agent.app.learner import EyesLearner
from agent.app.sight import Begin, Failed, Forget, FromEyes, Glimpse, Opened, Remark, Sight, ToEyes, WantPictures
from agent.capture import Capture
from agent.config import AgentSettings
from agent.errors import (
    CameraBusyError,
    MissingLibraryError,
    NoCameraError,
    NoFeaturesError,
    ScreenCaptureError,
    UnreadableVideoError,
)
from agent.recognition import Look, Recogniser
from agent.search import others_s
from agent.smoothing import Reading
from agent.sources import Frame, FrameSource
from models.errors import ModelError
from relay.errors import MoodcastError

_RELEASE_S = 0.4
"""A driver has so long to give the camera back; then the end of the process has to do."""
_END_S = 0.5
"""In all; what is left then is for an answer that was given just now to get into its file. Who started this process
ends it after ``agent.app.looking._ASKED_S``."""
_PICTURE_S = 1 / 8
_PR_SET_PDEATHSIG = 1
_CAMERA = (CameraBusyError, NoCameraError, ScreenCaptureError, UnreadableVideoError)


def run() -> NoReturn:
    """Look until the standard input ends, and with it the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for who started this, and ends it
    if sys.platform == "linux":
        # What hangs and lets nothing else of Python run would keep the end of the input from being heard.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    priority.lower()
    eyes = _Eyes(_own_output())
    unpacker = sight.told()
    with contextlib.suppress(ValueError):
        while chunk := os.read(0, sight.MOST_TOLD):
            for message in unpacker.feed(chunk):
                eyes.hear(message)
    eyes.shut()


def _own_output() -> int:
    """The standard output for our messages alone: what libraries print goes to the standard error."""
    ours = os.dup(1)
    os.dup2(2, 1)
    return ours


class _Eyes:
    """What they are told comes from the main thread, which only listens; the looking is done in another."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._writing = threading.Lock()
        self._wants_pictures = threading.Event()
        self._recogniser: Recogniser | None = None
        self._capture: Capture | None = None
        self._remarks = remarks.Remarks(None)
        self._box: sight.Box | None = None
        self._learner = EyesLearner(self._say)

    def hear(self, message: ToEyes) -> None:
        """What ``message`` asks for."""
        if isinstance(message, Begin):
            self._want_pictures(message.pictures)
            threading.Thread(target=self._look, args=[message], name="look", daemon=True).start()
        elif isinstance(message, WantPictures):
            self._want_pictures(message.on)
        elif not isinstance(message, Forget):
            self._learner.hear(message)
        elif self._recogniser is not None:
            self._recogniser.forget()

    def shut(self) -> NoReturn:
        """Give the camera back and end."""
        until = time.monotonic() + _END_S
        if self._capture is not None:
            self._capture.release(_RELEASE_S)
        stopping.within(until - time.monotonic(), self._learner.close)
        os._exit(0)  # threads may be in libraries, which would have it take its time

    def _want_pictures(self, on: bool) -> None:
        (self._wants_pictures.set if on else self._wants_pictures.clear)()

    def _look(self, begin: Begin) -> None:
        try:
            self._see(begin)
        except MoodcastError as error:
            self._say(Failed(sentence=error.sentence(), is_camera=isinstance(error, _CAMERA)))
        except Exception as error:  # whatever a library makes of a picture or a model
            self._say(Failed(sentence=f"Looking failed ({type(error).__name__}: {error}).", is_camera=False))
        self.shut()

    def _see(self, begin: Begin) -> None:
        sources.set_opencv_up()
        settings = AgentSettings(source=begin.source, model=begin.model, fps=begin.fps, loop=True)
        sources.check(settings.source)
        # Before the network, which takes a second or two to load: most of the times, a camera is all that is missing.
        source = _Shown(sources.open_source(settings.source, settings.loop), self._wants_pictures, self._show)
        self._say(Opened())
        self._recogniser = Recogniser(settings.model, sources.is_live(settings.source), others_s(settings.source))
        clip = self._recogniser.contract.clip
        for sentence in remarks.about_model(settings.model, clip, self._recogniser.missed_card):
            self._say(Remark(sentence))
        if begin.personal:
            self._learn(Path(begin.personal), self._recogniser, begin.only_me)
        self._remarks = remarks.Remarks(clip)
        self._capture = Capture(settings, self._recogniser, self._tell, lambda: None, source)
        self._capture.run()
        if self._capture.error is not None:
            raise self._capture.error

    def _learn(self, folder: Path, recogniser: Recogniser, only_me: bool) -> None:
        """Be taught; where that can't be, a sentence, and what is seen is read as for everybody."""
        try:
            self._learner.teacher = recogniser.taught_in(folder, only_me)
        except (MissingLibraryError, NoFeaturesError, ModelError) as error:
            self._say(Remark(error.sentence()))
            self._learner.refuse(error.sentence())

    def _tell(self, reading: Reading | None, look: Look) -> None:
        self._box = look.box
        assert self._capture is not None
        assert self._recogniser is not None
        took_s = self._capture.stage_ms()["classify"] / 1000
        for sentence in self._remarks.due(took_s, self._recogniser.stretch):
            self._say(Remark(sentence))
        self._learner.tell()
        self._say(
            Sight(
                emotion=reading.emotion if reading else None,
                confidence=reading.confidence if reading else 0.0,
                has_face=look.has_face,
                unread=look.unread.key if look.unread else None,
                box=look.box,
            )
        )

    def _show(self, frame: Frame) -> None:
        height, width = frame.shape[:2]
        shrink = min(1.0, sight.WIDEST / max(height, width))
        size = max(1, round(shrink * width)), max(1, round(shrink * height))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if shrink < 1 else frame
        self._say(Glimpse(width=size[0], height=size[1], pixels=small.tobytes(), box=self._box))

    def _say(self, message: FromEyes) -> None:
        left = memoryview(sight.packed(message))
        try:
            with self._writing:
                while left:
                    left = left[os.write(self._output, left) :]
        except OSError:  # nobody listens any more
            self.shut()


class _Shown:
    """A source of whose frames some are shown, about eight a second, while that is wanted."""

    def __init__(self, source: FrameSource, wanted: threading.Event, show: Callable[[Frame], None]) -> None:
        self._source, self._wanted, self._show = source, wanted, show
        self._due = 0.0

    def wait(self, seconds: float, stop: threading.Event) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stop.is_set():
            self._source.wait(min(left, _PICTURE_S), stop)
            if left > _PICTURE_S and self._wanted.is_set():
                self.read()

    def read(self) -> Frame | None:
        frame = self._source.read()
        now = time.monotonic()
        if frame is not None and self._wanted.is_set() and now >= self._due - _PICTURE_S / 4:
            self._due = max(self._due + _PICTURE_S, now)
            self._show(frame)
        return frame

    def close(self) -> None:
        self._source.close()
