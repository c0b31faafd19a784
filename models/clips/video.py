"""Frames of a clip, which is a video file or a folder of pictures; and the way back."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError, MissingVideoError
from models.inference.sound import RATE

Frame = NDArray[np.uint8]
"""(H, W, 3), RGB."""

VIDEOS = frozenset((".mp4", ".avi", ".flv", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".gif"))
PICTURES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"))
FPS = 25
_SOUND_BITS = 64_000
"""A second of a track."""


def load_av() -> Any:
    """PyAV, the binding to FFmpeg's libraries.

    Raises:
        MissingVideoError: it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingVideoError(
            "video files need the package av, which is not installed. In Moodcast's folder: pip install '.[train]'"
        ) from error
    av.logging.set_level(None)  # what FFmpeg says of a broken file is in words that no user understands; ours follow
    return av


@dataclass(frozen=True)
class Header:
    """What a video file says of itself, whether true or not: frames a second, and how many; 0 where it does not say."""

    rate: float
    frames: int


def header(file: Path) -> Header:
    """A video file's header; no frame is decoded.

    Raises:
        DatasetError: the file is no video, or is broken.
        MissingVideoError: PyAV is not installed.
    """
    av = load_av()
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise DatasetError(f"expected a video, but {file} has no pictures in it")
            stream = container.streams.video[0]
            return Header(float(stream.average_rate or 0), stream.frames)
    except (av.FFmpegError, OSError) as error:
        raise DatasetError(f"expected a video, but {file} can't be decoded ({error.strerror or error})") from error


def frames(clip: Path) -> Iterator[Frame]:
    """The frames of a video file, or of a folder of pictures in the order of their numbers; upright, one at a time.

    All have the size of the first.

    Raises:
        DatasetError: the clip is missing, broken or empty; it may come after some frames.
        MissingVideoError: it is a video file, and PyAV is not installed.
    """
    found = _pictures(pictures(clip)) if clip.is_dir() else _video(clip)
    shape: tuple[int, ...] | None = None
    for frame in found:
        shape = shape or frame.shape
        if frame.shape != shape:
            raise DatasetError(f"expected frames of one size in {clip}, got {shape[:2]} and {frame.shape[:2]}")
        yield frame
    if shape is None:
        raise DatasetError(f"expected a clip, but {clip} has no frame")


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, in the order of the numbers in their names: 9 before 10, with or without zeros."""
    return sorted(_pictures_in(folder), key=lambda file: natural(file.stem))


def has_pictures(folder: Path) -> bool:
    """Whether a picture is directly in a folder."""
    return next(_pictures_in(folder), None) is not None


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (file for file in folder.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith("."))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names by the numbers in them, and by their letters where there are none."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _pictures(files: Iterable[Path]) -> Iterator[Frame]:
    for file in files:
        yield read_picture(file)


def read_picture(file: Path) -> Frame:
    """A picture as RGB.

    Raises:
        DatasetError: it is none that can be decoded.
    """
    try:
        pixels = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:  # OpenCV raises for an empty file and answers None for any other
        raise DatasetError(f"expected a picture, but {file} can't be read ({error})") from error
    if pixels is None:
        raise DatasetError(f"expected a picture, but {file} can't be decoded")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _video(file: Path) -> Iterator[Frame]:
    av = load_av()
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise DatasetError(f"expected a video, but {file} has no pictures in it")
            for frame in container.decode(video=0):
                # The picture as it is stored; a phone notes beside it how it was held, in degrees counterclockwise.
                yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))
    except (av.FFmpegError, OSError) as error:
        raise DatasetError(f"expected a video, but {file} can't be decoded ({error.strerror or error})") from error


def write_mp4(clip: Iterable[Frame], file: Path, rate: int = FPS, sound: NDArray[np.int16] | None = None) -> None:
    """H.264 in MP4, nearly lossless, ``rate`` frames a second, the same bytes for the same frames; sides must be even.

    ``sound`` (n,), one channel of ``models.inference.sound.RATE`` samples a second, becomes a track (AAC).

    Raises:
        DatasetError: it can't be written; nothing is left of it.
        MissingVideoError: PyAV is not installed.
    """
    av = load_av()
    try:
        with av.open(str(file), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
            stream = track = None
            for frame in clip:
                if stream is None:
                    # x264's tree of macroblocks differs from run to run, by bits that nobody sees.
                    options = {"crf": "12", "threads": "1", "x264-params": "mbtree=0"}
                    stream = container.add_stream("libx264", rate, options=options)
                    stream.height, stream.width = frame.shape[:2]
                    stream.pix_fmt = "yuv420p"
                    if sound is not None:
                        options = {"flags": "+bitexact", "b": str(_SOUND_BITS)}
                        track = container.add_stream("aac", RATE, layout="mono", options=options)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            if stream is not None:
                container.mux(stream.encode())
            if track is not None and sound is not None:
                _write_track(av, container, track, sound)
    except (av.FFmpegError, OSError) as error:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        raise DatasetError(f"can't write {file}: {error.strerror or error}") from error


def _write_track(av: Any, container: Any, track: Any, sound: NDArray[np.int16]) -> None:
    part = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound)[None], "s16", "mono")
    part.sample_rate, part.pts, part.time_base = RATE, 0, Fraction(1, RATE)
    container.mux(track.encode(part))
    container.mux(track.encode())


def write_pictures(clip: Iterable[Frame], folder: Path) -> None:
    """A folder of PNG files, 0001.png and so on.

    Raises:
        DatasetError: one can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for i, frame in enumerate(clip, 1):
            png = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1]
            (folder / f"{i:04}.png").write_bytes(png.tobytes())
    except OSError as error:
        raise DatasetError(f"can't write {folder}: {error.strerror or error}") from error
