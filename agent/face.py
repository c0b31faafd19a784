"""Faces as 478 points and 52 blendshapes each (MediaPipe face landmarker): of a video, or of still pictures."""

import contextlib
import os
import re
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingLibraryError
from agent.search import (
    LARGEST_SIDE,
    OTHERS_S,
    ROOMY,
    TIGHT,
    Lookout,
    Window,
    around,
    holds,
    is_whole,
    outweighs,
    windows,
)
from models.inference.blendshapes import Shapes
from models.inference.boxes import SAME_FACE, Points, area, overlap

_MAX_FILM_FACES = 2
_MAX_STILL_FACES = 10
"""In the whole of a still picture, and again in each of its windows."""
_LIKELY, _POSSIBLE, _CLEAR = 0.5, 0.4, 0.8
"""Scores of the detector, 0..1, for a face in the whole frame (MediaPipe's own threshold), for one in a window, and for
the latter looked at again close up. There, small portraits score 0.93 and more, turned heads 0.8, and what is none up
to 0.7."""
_TRIES = 2
"""So many of the faces that the detector found in a window or in all are looked at again, the largest first."""
_APART_MS = 1_000_000
"""What the tracker is told between two frames. It smooths the landmarks of its one face over about a second, from which
rest and movement can no longer be told; frames that are far apart are left as they are."""
_NATIVE_LOG_LINE = re.compile(rb"[IWEF]\d{4} |(INFO|WARNING|ERROR): ")
"""How absl and TensorFlow Lite begin a line."""
_EMPTY = np.zeros((64, 64, 3), np.uint8)


class FoundFace(NamedTuple):
    """What the landmarker tells of a face."""

    points: Points
    """The landmarks (478, 2), x and y in pixels of the whole frame."""
    shapes: Shapes
    """The blendshapes (52,), 0..1, in the order of ``models.inference.blendshapes``."""


class FaceFinder:
    """Follows one face through a video, the largest; use it from one thread at a time.

    A detector looks for faces where ``agent.search.Lookout`` says, in the whole frame and in windows of it. The face is
    then followed by a landmarker, which searches nothing as long as it has it and sees a window around it alone.
    ``others_s``: how often others are looked for meanwhile, in seconds.

    Raises:
        MissingLibraryError: a system library that MediaPipe loads is not installed.
    """

    def __init__(self, model: Path, others_s: float = OTHERS_S) -> None:
        self._lookout = Lookout(others_s)
        self._now_s = 0.0
        self._window: Window | None = None
        """What the landmarker sees of the frame; None while no face is followed."""
        self._last: Points | None = None
        """Where the face that is followed was."""
        self._calls = 0
        self._is_tracking = False
        with quiet_stderr():
            self._landmarker, self._image = load_landmarker(model, "VIDEO", 1)
            self._detector = _load_detector(model)
            # The first calls build the graphs and write the last of the log lines.
            self._detect(_EMPTY, (0, 0, 64, 64), _LIKELY)
            self._track(_EMPTY, (0, 0, 64, 64))

    def find(self, frame: NDArray[np.uint8], time_ms: int) -> FoundFace | None:
        """The largest face of ``frame`` (H, W, 3) RGB; None without one. Times that run backwards stand still."""
        height, width = frame.shape[:2]
        self._now_s = max(self._now_s, time_ms / 1000)
        face = self._follow(frame)
        for box in self._search(frame, self._lookout.where(self._now_s, width, height, face is not None), face):
            other = self._begin(frame, box)
            if other is not None and (face is None or outweighs(other.points, face.points)):
                return other
            if face is not None:
                self._window, self._last = None, face.points
                self._lookout.in_vain(self._now_s)
                break
        return face

    def close(self) -> None:
        """Free the detector, the landmarker and their threads."""
        self._detector.close()
        self._landmarker.close()

    def _follow(self, frame: NDArray[np.uint8]) -> FoundFace | None:
        """The face of the frame before, in the same window if that still has room around it."""
        if self._last is None:
            return None
        if self._window is None or not holds(self._window, self._last, frame.shape[1], frame.shape[0]):
            return self._begin(frame, self._last)
        face = self._track(frame, self._window)
        self._last = face.points if face else None
        return face

    def _begin(self, frame: NDArray[np.uint8], box: Points) -> FoundFace | None:
        """Follow the face in ``box`` from now on, in a new window; None if there is none, or only another one."""
        for sides in (ROOMY, TIGHT):
            if self._is_tracking:
                self._track(_EMPTY, (0, 0, 64, 64))  # else it would look where the face was in another window
            self._window = around(box, sides, frame.shape[1], frame.shape[0])
            face = self._track(frame, self._window)
            if face is not None and overlap(face.points, box) >= SAME_FACE:
                self._last = face.points
                return face
        self._last = None
        return None

    def _track(self, frame: NDArray[np.uint8], window: Window) -> FoundFace | None:
        """The face that the landmarker had before, or else the likeliest in a window of the frame."""
        self._calls += 1
        result = self._landmarker.detect_for_video(self._image(_shrunk(_part(frame, window))), self._calls * _APART_MS)
        faces = _faces(result, window)
        self._is_tracking = bool(faces)
        return faces[0] if faces else None

    def _search(self, frame: NDArray[np.uint8], where: Sequence[Window], followed: FoundFace | None) -> list[Points]:
        """Boxes of the largest faces in windows of the frame, the first of which is all of it."""
        found = [box for whole in where[:1] for box in self._detect(frame, whole, _LIKELY)]
        for window in where[1:]:
            seen = _candidates(self._detect(frame, window, _POSSIBLE), followed)[:_TRIES]
            close = [around(box, ROOMY, frame.shape[1], frame.shape[0]) for box in seen]
            found += [box for box, near in zip(seen, close, strict=True) if self._detect(frame, near, _CLEAR)]
        return _candidates(found, followed)[:_TRIES]

    def _detect(self, frame: NDArray[np.uint8], window: Window, least: float) -> list[Points]:
        """The corners (2, 2) of a box from the brows to the chin of each face in a window of the frame."""
        found = self._detector.detect(self._image(_part(frame, window))).detections
        likely = [one.bounding_box for one in found if one.categories[0].score >= least]
        corners = [[(it.origin_x, it.origin_y), (it.origin_x + it.width, it.origin_y + it.height)] for it in likely]
        boxes = [np.array(corner, float) + np.array(window[:2]) for corner in corners]
        return [box for box in boxes if is_whole(box, window, frame.shape[1], frame.shape[0])]


def _candidates(boxes: Sequence[Points], followed: FoundFace | None) -> list[Points]:
    """The largest first, each face once; while one is followed, those that seem to outweigh it."""
    kept: list[Points] = []
    for box in sorted(boxes, key=area, reverse=True):
        known = kept if followed is None else [*kept, followed.points]
        seems = followed is None or outweighs(box, followed.points)
        if seems and all(overlap(box, other) < SAME_FACE for other in known):
            kept.append(box)
    return kept


class FilmFaceFinder:
    """Up to two faces in every frame of a film, for sets of clips; use it from one thread at a time.

    Raises:
        MissingLibraryError: as ``FaceFinder``.
    """

    def __init__(self, model: Path) -> None:
        with quiet_stderr():
            self._landmarker, self._image = load_landmarker(model, "VIDEO", _MAX_FILM_FACES)
            self._last_ms = -1
            self.find(_EMPTY, 0)

    def find(self, frame: NDArray[np.uint8], time_ms: int) -> list[FoundFace]:
        """Each face of ``frame`` (H, W, 3) RGB. Times that do not grow are moved on: else it fails."""
        self._last_ms = max(time_ms, self._last_ms + 1)
        result = self._landmarker.detect_for_video(self._image(_shrunk(frame)), self._last_ms)
        return _faces(result, (0, 0, frame.shape[1], frame.shape[0]))

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
            self.find(_EMPTY)

    def find(self, picture: NDArray[np.uint8]) -> list[FoundFace]:
        """Each face of ``picture`` (H, W, 3) RGB, as one reads.

        Of a group, and of a webcam's frame with somebody far away, most are found in the windows.
        """
        height, width = picture.shape[:2]
        found: list[FoundFace] = []
        for window in windows(width, height):
            faces = _faces(self._landmarker.detect(self._image(_part(picture, window))), window)
            found += [face for face in faces if is_whole(face.points, window, width, height)]
        return as_one_reads(_distinct(found))

    def close(self) -> None:
        """Free the landmarker and its threads."""
        self._landmarker.close()


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


def _part(picture: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    left, top, right, bottom = window
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most ``LARGEST_SIDE`` high and wide."""
    height, width = picture.shape[:2]
    scale = LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _faces(result, window: Window) -> list[FoundFace]:  # type: ignore[no-untyped-def]
    """Each face of MediaPipe's result for what is in ``window``."""
    shapes = [np.array([shape.score for shape in face], np.float32) for face in result.face_blendshapes]
    return [FoundFace(*face) for face in zip(_points(result, window), shapes, strict=True)]


def _points(result, window: Window) -> list[Points]:  # type: ignore[no-untyped-def]
    """The landmarks alone."""
    left, top, right, bottom = window
    return [
        np.array([(p.x, p.y) for p in face]) * (right - left, bottom - top) + np.array([left, top])
        for face in result.face_landmarks
    ]


def load_landmarker(  # type: ignore[no-untyped-def]  # MediaPipe has no types
    model: Path, mode: str, faces: int, blendshapes: bool = True
):
    """A landmarker, and the function that wraps a frame for it. ``mode``: VIDEO or IMAGE.

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
            output_face_blendshapes=blendshapes,
        )
        landmarker = vision.FaceLandmarker.create_from_options(options)
    except OSError as error:
        raise missing_library(error) from error
    return landmarker, lambda frame: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)


def _load_detector(model: Path):  # type: ignore[no-untyped-def]
    """The detector of faces that is a part of the landmarker's file."""
    from mediapipe.tasks.python import BaseOptions, vision  # heavy

    with zipfile.ZipFile(model) as bundle:
        base_options = BaseOptions(model_asset_buffer=bundle.read("face_detector.tflite"))
    options = vision.FaceDetectorOptions(base_options=base_options, min_detection_confidence=_POSSIBLE)
    return vision.FaceDetector.create_from_options(options)


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
