"""Faces as 478 points and 52 blendshapes each (MediaPipe face landmarker): of a video, or of still pictures."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingLibraryError
from models.inference.blendshapes import Shapes
from models.inference.boxes import SAME_FACE, Points, area, overlap

LARGEST_SIDE = 640
"""Wider or taller frames are shrunk before the search: the detector itself works on 128 pixels."""
_MAX_FACES = 2
"""The viewer and whoever sits behind: of these, the largest face counts."""
_MAX_STILL_FACES = 10
"""In the whole of a still picture, and again in each of its windows."""
_NATIVE_LOG_LINE = re.compile(rb"[IWEF]\d{4} |(INFO|WARNING|ERROR): ")
"""How absl and TensorFlow Lite begin a line."""

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


class FoundFace(NamedTuple):
    """What the landmarker tells of a face."""

    points: Points
    """The landmarks (478, 2), x and y in pixels of the whole frame."""
    shapes: Shapes
    """The blendshapes (52,), 0..1, in the order of ``models.inference.blendshapes``."""


class FaceFinder:
    """One landmarker with its tracking state; use it from one thread at a time.

    Raises:
        MissingLibraryError: a system library that MediaPipe loads is not installed.
    """

    def __init__(self, model: Path) -> None:
        with quiet_stderr():
            self._landmarker, self._image = load_landmarker(model, "VIDEO", _MAX_FACES)
            # The first call builds the graph and writes the last of the log lines.
            self._last_ms = -1
            self.find(np.zeros((64, 64, 3), np.uint8), 0)

    def find(self, frame: NDArray[np.uint8], time_ms: int) -> FoundFace | None:
        """The largest of the faces that ``find_all`` sees; None without one."""
        return max(self.find_all(frame, time_ms), key=lambda face: area(face.points), default=None)

    def find_all(self, frame: NDArray[np.uint8], time_ms: int) -> list[FoundFace]:
        """Up to ``_MAX_FACES`` faces of ``frame`` (H, W, 3) RGB.

        Times that do not grow are moved on by a millisecond, since the tracker refuses them.
        """
        height, width = frame.shape[:2]
        scale = LARGEST_SIDE / max(height, width)
        small = frame
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        self._last_ms = max(time_ms, self._last_ms + 1)
        result = self._landmarker.detect_for_video(self._image(small), self._last_ms)
        return _faces(result, (0, 0, width, height))

    def close(self) -> None:
        """Free the landmarker and its threads."""
        self._landmarker.close()


class StillFaceFinder:
    """A landmarker without memory, for pictures of which each stands alone; use it from one thread at a time.

    Raises:
        MissingLibraryError: as ``FaceFinder``.
    """

    def __init__(self, model: Path) -> None:
        with quiet_stderr():
            self._landmarker, self._image = load_landmarker(model, "IMAGE", _MAX_STILL_FACES)
            self.find(np.zeros((64, 64, 3), np.uint8))

    def find(self, picture: NDArray[np.uint8]) -> list[FoundFace]:
        """Each face of ``picture`` (H, W, 3) RGB, as one reads.

        The detector sees all of what it gets on 128 pixels, so of a group it misses most. Pictures larger than a
        webcam's frame are therefore searched in overlapping windows as well.
        """
        height, width = picture.shape[:2]
        found: list[FoundFace] = []
        for window in windows(width, height):
            left, top, right, bottom = window
            part = np.ascontiguousarray(picture[top:bottom, left:right])
            faces = _faces(self._landmarker.detect(self._image(part)), window)
            found += [face for face in faces if _is_whole(face.points, window, width, height)]
        return as_one_reads(_distinct(found))

    def close(self) -> None:
        """Free the landmarker and its threads."""
        self._landmarker.close()


def windows(width: int, height: int) -> list[Window]:
    """Where to search a still picture: all of it, then overlapping squares of half its longer side, of half of that.

    The smallest are not smaller than half of ``LARGEST_SIDE``, and a picture of up to ``LARGEST_SIDE`` has none. A face
    of half a square's side or less lies wholly in one of them.
    """
    found = [(0, 0, width, height)]
    side = max(width, height) // 2
    while side >= LARGEST_SIDE // 2 and max(width, height) > LARGEST_SIDE:
        found += [
            (left, top, min(left + side, width), min(top + side, height))
            for top in _starts(height, side)
            for left in _starts(width, side)
        ]
        side //= 2
    return found


def _starts(length: int, side: int) -> list[int]:
    """Evenly spread from 0 to where a window ends with the picture, at most half a window apart."""
    room = max(0, length - side)
    steps = -(-2 * room // side)
    return [round(i * room / steps) for i in range(steps + 1)] if steps else [0]


def _is_whole(points: Points, window: Window, width: int, height: int) -> bool:
    """Whether no edge of the window cuts the face; one that the picture's own edge cuts is all there is."""
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return bool(
        (left > window[0] or window[0] == 0)
        and (top > window[1] or window[1] == 0)
        and (right < window[2] or window[2] == width)
        and (bottom < window[3] or window[3] == height)
    )


def _distinct(faces: Sequence[FoundFace]) -> list[FoundFace]:
    """The faces without those that were found before, by their boxes."""
    kept: list[FoundFace] = []
    for face in faces:
        if all(overlap(face.points, other.points) < SAME_FACE for other in kept):
            kept.append(face)
    return kept


def as_one_reads(faces: Sequence[FoundFace]) -> list[FoundFace]:
    """The faces row by row from the top, and in a row from left to right.

    A face is in the row of the one above as long as its middle is not below the other's chin.
    """
    rows: list[list[FoundFace]] = []
    for face in sorted(faces, key=lambda face: float(face.points[:, 1].mean())):
        if rows and face.points[:, 1].mean() < rows[-1][0].points[:, 1].max():
            rows[-1].append(face)
        else:
            rows.append([face])
    return [face for row in rows for face in sorted(row, key=lambda face: float(face.points[:, 0].mean()))]


def _faces(result, window: Window) -> list[FoundFace]:  # type: ignore[no-untyped-def]
    """Each face of MediaPipe's result for what is in ``window``."""
    left, top, right, bottom = window
    return [
        FoundFace(
            np.array([(p.x, p.y) for p in points]) * (right - left, bottom - top) + (left, top),
            np.array([shape.score for shape in shapes], np.float32),
        )
        for points, shapes in zip(result.face_landmarks, result.face_blendshapes, strict=True)
    ]


def load_landmarker(model: Path, mode: str, faces: int):  # type: ignore[no-untyped-def]  # MediaPipe has no types
    """A landmarker that tells blendshapes, and the function that wraps a frame for it. ``mode``: VIDEO or IMAGE.

    Raises:
        MissingLibraryError: a system library that MediaPipe loads is not installed.
    """
    try:
        with _without_sound():
            import mediapipe  # heavy, and its absence gets a sentence
            from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode[mode],
            num_faces=faces,
            output_face_blendshapes=True,
        )
        landmarker = vision.FaceLandmarker.create_from_options(options)
    except OSError as error:
        raise missing_library(error) from error
    return landmarker, lambda frame: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)


@contextlib.contextmanager
def _without_sound() -> Iterator[None]:
    """While MediaPipe is imported, its microphone package can't be: MediaPipe does without, as where it is missing.

    It looks for a sound library with ldconfig, gcc and ld, 15 programs that write temporary files, for nothing that the
    agent does.
    """
    if "sounddevice" in sys.modules:
        yield
        return
    sys.modules["sounddevice"] = None  # type: ignore[assignment]  # the import system's word for: there is none
    try:
        yield
    finally:
        del sys.modules["sounddevice"]


def missing_library(error: OSError) -> MissingLibraryError:
    """The sentence for a shared library that the loader did not find."""
    advice = "install it and start the agent again"
    if "libEGL" in str(error) or "libGLES" in str(error):
        advice = (
            "MediaPipe needs it even without a graphics card; on Debian and Ubuntu: sudo apt install libegl1 libgles2"
        )
    return MissingLibraryError(f"a system library is missing ({error}): {advice}")


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep the log lines of C++ libraries from file descriptor 2; what else is written there goes on."""
    sys.stderr.flush()
    saved, (reading, writing) = os.dup(2), os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    reader = threading.Thread(target=_pass_on, args=(reading, saved), daemon=True)
    reader.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)  # closes the pipe's other end, and with it the reader's file ends
        reader.join()


def _pass_on(source: int, target: int) -> None:
    with open(source, "rb") as lines, open(target, "wb", buffering=0) as rest:
        for line in lines:
            if not _NATIVE_LOG_LINE.match(line):
                with contextlib.suppress(OSError):  # a full disk, or nobody who reads
                    rest.write(line)
