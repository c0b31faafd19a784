"""Where frames come from: a camera, the screen, a video file or a still picture. Nothing is captured before ``open``.

Frames are RGB, (H, W, 3) uint8. A source is used by one thread.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from agent import cameras
from agent.errors import NoCameraError, ScreenCaptureError, UnreadableVideoError

Frame = NDArray[np.uint8]

_CAMERA_SIZE = (640, 480)
_LARGEST_STILL = (1280, 1280)
_FIRST_FRAME_S = 5.0
_FILMS, _ANIMATED = ("MPEG", "FLI"), ("GIF", "PNG", "WEBP", "AVIF")
"""Formats of Pillow that always move, and that may."""
_BROKEN_FRAMES = 30
"""A camera may send this many frames in a row that can't be decoded."""


class FrameSource(Protocol):
    """An opened source."""

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let time pass until the next frame is due; returns early when ``stop`` is set."""

    def read(self) -> Frame | None:
        """The frame of this moment; None when the source has ended."""

    def close(self) -> None:
        """Give the device or file back."""


def set_opencv_up() -> None:
    """For the whole process, before anything is opened: one thread, and no complaints about files and devices.

    These go to stderr, in words no viewer understands; ours follow.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    cv2.setNumThreads(1)


def check(name: str) -> None:
    """Find out what can be known without capturing anything; see ``open_source`` for the errors."""
    number = cameras.number_of(name)
    if number is not None:
        if problem := cameras.problem(number):
            raise problem
    elif name == "screen":
        _Screen().close()
    else:
        open_file(Path(name), loop=False).close()


def open_source(name: str, loop: bool) -> FrameSource:
    """Open what the ``source`` option names; ``loop`` plays a video file for ever.

    Raises:
        NoCameraError, CameraBusyError: no camera, or not for us.
        ScreenCaptureError: no screen, or not for us.
        UnreadableVideoError: no such file, or nothing in it that can be decoded.
    """
    number = cameras.number_of(name)
    if number is not None:
        return _Camera(number)
    if name == "screen":
        return _Screen()
    return open_file(Path(name), loop)


def is_live(name: str) -> bool:
    """Whether the ``source`` option names a camera or the screen, not a file."""
    return name == "screen" or cameras.number_of(name) is not None


def open_file(path: Path, loop: bool) -> FrameSource:
    """A still picture or a video, told apart by the content; see ``open_source``."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file" if path.exists() else "does not exist"
        raise UnreadableVideoError(
            f"expected webcam, webcam:N, screen or a video or picture file as the source, but {path} {what}"
        )
    try:
        with path.open("rb") as file:
            return _picture(file, path) or Video(path, loop)
    except OSError as error:
        raise UnreadableVideoError(f"{path} can't be read: {error.strerror or error}") from error


def _picture(file: BinaryIO, path: Path) -> "Still | None":
    """What Pillow knows as a picture that does not move; None where it may be a film."""
    try:
        picture = Image.open(file)
    except Image.DecompressionBombError as error:
        raise UnreadableVideoError(f"{path} is a picture of too many pixels: give a smaller copy") from error
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None):
            raise  # of the file itself
        return None
    try:
        return None if _is_film(picture) else Still(picture)
    except Exception as error:  # what Pillow's decoders raise for broken files has no common base
        # OpenCV would show the part that is there, with grey below: no face, and no word of what is wrong.
        raise UnreadableVideoError(
            f"{path} is a broken {picture.format} picture: it ends too early or is damaged. Copy or save it again"
        ) from error


def _is_film(picture: Image.Image) -> bool:
    """Whether what Pillow takes for a picture moves. The pages of a TIFF file and the two pictures that some phones put
    into a JPEG file do not."""
    return picture.format in _FILMS or (picture.format in _ANIMATED and getattr(picture, "is_animated", False))


class _Camera:
    """A webcam. It is drained at its own speed, so that a frame is never older than one camera interval."""

    def __init__(self, number: int) -> None:
        # Video4Linux by name: OpenCV would otherwise also try backends that take the number for a file.
        backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
        self._number = number
        self._capture = cv2.VideoCapture(number, backend)
        if not self._capture.isOpened():
            raise cameras.problem(number) or cameras.busy(number)
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, _CAMERA_SIZE[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _CAMERA_SIZE[1])
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        deadline = time.monotonic() + _FIRST_FRAME_S
        while not self._capture.grab():  # A camera in use opens, but delivers nothing.
            if time.monotonic() > deadline:
                self._capture.release()
                raise cameras.busy(number)
            time.sleep(0.05)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not stop.is_set():
            self._grab()

    def read(self) -> Frame | None:
        for _ in range(_BROKEN_FRAMES):
            decoded, frame = self._capture.retrieve()
            if decoded:
                return _to_rgb(frame)
            self._grab()
        raise self._stopped()

    def close(self) -> None:
        self._capture.release()

    def _grab(self) -> None:
        if not self._capture.grab():
            raise self._stopped()

    def _stopped(self) -> NoCameraError:
        return NoCameraError(
            f"camera {self._number} stopped delivering pictures: plug it in again, or see whether another program "
            "took it"
        )


class _Screen:
    """The primary monitor; grabbed only when a frame is asked for."""

    def __init__(self) -> None:
        import mss  # only this source needs it

        try:
            self._grabber = mss.MSS()
            self._monitor = self._grabber.monitors[1]
        except (mss.ScreenShotError, OSError, IndexError) as error:
            raise _no_screen(error) from error
        self._error = mss.ScreenShotError

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)

    def read(self) -> Frame | None:
        try:
            shot = self._grabber.grab(self._monitor)
        except self._error as error:
            raise _no_screen(error) from error
        pixels = np.frombuffer(shot.bgra, np.uint8).reshape(shot.height, shot.width, 4)
        frame: Frame = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
        return frame

    def close(self) -> None:
        self._grabber.close()


def _no_screen(error: Exception) -> ScreenCaptureError:
    return ScreenCaptureError(
        f"the screen can't be captured ({error}): run the agent inside the desktop session; on Wayland log in to an "
        "X11 session, on macOS allow screen recording for the terminal; or use --source webcam"
    )


class Video:
    """A video or an animated GIF, played at its own speed: frames that come too late are skipped."""

    def __init__(self, path: Path, loop: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._loop, self._clock = path, loop, clock
        self._began: float | None = None
        self._frame: Frame | None = None
        self._fresh = False
        self._rewind()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)

    def read(self) -> Frame | None:
        now = self._clock()
        if self._began is None:
            self._began = now
        while self._at + self._interval <= now - self._began:
            if not self._advance():
                if not self._loop:
                    return None
                self._capture.release()
                self._rewind()
                self._began = now
        if self._fresh:
            decoded, frame = self._capture.retrieve()
            if decoded:
                self._frame = _to_rgb(frame)
            self._fresh = False
        return self._frame

    def close(self) -> None:
        self._capture.release()

    def _rewind(self) -> None:
        self._capture = cv2.VideoCapture(str(self._path))
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._interval = 1 / fps if fps > 0 else 0.04
        self._at = -self._interval
        if not self._capture.isOpened() or not self._advance():
            self._capture.release()
            raise UnreadableVideoError(f"{self._path} holds no video or picture that can be decoded: {_expected()}")

    def _advance(self) -> bool:
        """Move to the next frame; False at the end."""
        if not self._capture.grab():
            return False
        # Time stamps where the file has them (the rate may vary), else the nominal rate.
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._at = stamp if stamp > self._at else self._at + self._interval
        self._fresh = True
        return True


def _expected() -> str:
    """Which files can be read with the OpenCV that is here; a packaged program may have a small one."""
    films = (cv2.CAP_FFMPEG, cv2.CAP_MSMF, cv2.CAP_AVFOUNDATION)
    if any(cv2.videoio_registry.hasBackend(one) for one in films):
        return "expected a file such as MP4, MKV, WebM, GIF, JPEG or PNG; does it play in a video player?"
    return "expected a file such as JPEG, PNG or AVI of JPEG pictures; this Moodcast was built without other films"


class Still:
    """A picture that never ends."""

    def __init__(self, picture: Image.Image) -> None:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        upright.thumbnail(_LARGEST_STILL)
        self._frame: Frame = np.asarray(upright)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)

    def read(self) -> Frame | None:
        return self._frame

    def close(self) -> None:
        pass


def _to_rgb(frame: Frame) -> Frame:
    """OpenCV's BGR as RGB."""
    rgb: Frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    return rgb
