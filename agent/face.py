"""The largest face of a frame as 478 points (MediaPipe face landmarker, VIDEO mode)."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingLibraryError

LARGEST_SIDE = 640
"""Wider or taller frames are shrunk before the search: the detector itself works on 128 pixels."""
MAX_FACES = 2
"""The viewer and whoever sits behind: of these, the largest face counts."""


class FaceFinder:
    """One landmarker with its tracking state; use it from one thread at a time.

    Raises:
        MissingLibraryError: a system library that MediaPipe loads is not installed.
    """

    def __init__(self, model: Path) -> None:
        with quiet_stderr():
            self._landmarker, self._image = _load(model)
            # The first call builds the graph and writes the last of the log lines.
            self._last_ms = -1
            self.find(np.zeros((64, 64, 3), np.uint8), 0)

    def find(self, frame: NDArray[np.uint8], time_ms: int) -> NDArray[np.float64] | None:
        """The points (478, 2), x and y in pixels of ``frame`` (H, W, 3) RGB, of the largest face; None without one.

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
        faces = [np.array([(p.x * width, p.y * height) for p in face]) for face in result.face_landmarks]
        return max(faces, key=_area) if faces else None

    def close(self) -> None:
        """Free the landmarker and its threads."""
        self._landmarker.close()


def find_in_picture(model: Path, picture: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """As ``FaceFinder.find``, for a picture (H, W, 3) RGB that is no frame of a video.

    Raises:
        MissingLibraryError: see ``FaceFinder``.
    """
    finder = FaceFinder(model)  # a new one each time: the old one would look where the last picture had its face
    try:
        return finder.find(picture, 1)
    finally:
        finder.close()


def _area(points: NDArray[np.float64]) -> float:
    return float(np.ptp(points, axis=0).prod())


def _load(model: Path):  # type: ignore[no-untyped-def]  # MediaPipe has no types
    """A landmarker, and the function that wraps a frame for it."""
    try:
        import mediapipe  # heavy, and its absence gets a sentence
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=MAX_FACES,
        )
        landmarker = vision.FaceLandmarker.create_from_options(options)
    except OSError as error:
        raise missing_library(error) from error
    return landmarker, lambda frame: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)


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
    """Send what C++ code writes to file descriptor 2 nowhere. Not for use while other threads have something to say."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
