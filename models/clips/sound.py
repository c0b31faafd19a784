"""The sound of clips: the track of a video, or a file of its own; one channel, ``models.inference.sound.RATE``.

A file's time begins with its first picture, or where it has none with its first sample. Sound that its time stamps put
before or after that is put in step.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.clips import video
from models.errors import DatasetError
from models.inference.sound import RATE

Samples = NDArray[np.int16]
"""(n,): one channel, ``RATE`` a second."""

SOUNDS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac", ".wma", ".aif", ".aiff")
"""Files that are nothing but sound; of two with the same name, the earlier kind counts."""
APART_S = 2.0
"""Time stamps that put the beginnings of sound and pictures further apart are taken for wrong; and longer gaps, too."""
COVERED = 0.5
"""Of the time that is asked for, this share must have sound; the rest becomes silence."""
_LOWEST_HZ = 1000
"""A track that says it has fewer samples a second was damaged; it would grow beyond what fits memory."""
_GAP_S = 0.1
"""Time stamps jitter by less. A pause as long is one: it becomes silence."""


def beside(clip: Path) -> Path | None:
    """The file of sound that has the name of these pictures but for the ending, and lies beside them."""
    if clip.suffix.lower() in SOUNDS and not clip.is_dir():
        return None
    stem = clip if clip.is_dir() else clip.with_suffix("")
    endings = (written for ending in SOUNDS for written in (ending, ending.upper()))
    files = (stem.parent / (stem.name + ending) for ending in endings)  # with_name refuses a root, as a table may name
    return next((file for file in files if file.is_file()), None)


def heard(file: Path, start: float = 0.0, length: float | None = None) -> Samples:
    """What a file has to hear from ``start`` seconds on: ``length`` seconds, or all the rest.

    Where its track begins later or ends earlier, there is silence.

    Raises:
        DatasetError: it has no sound, can't be decoded, is out of step (``APART_S``), or has too little (``COVERED``).
        MissingVideoError: PyAV is not installed.
    """
    first = round(start * RATE)
    stop = None if length is None else first + round(length * RATE)
    there, begin = _decoded(file, stop)
    end = begin + len(there)
    wanted = max(end - first, 1) if stop is None else stop - first
    low, high = max(begin, first), min(end, first + wanted)
    if high - low < max(COVERED * wanted, 1):
        raise DatasetError(
            f"expected sound of {wanted / RATE:.2f} s from second {start:.2f} of {file} on, but its track has only "
            f"{max(high - low, 0) / RATE:.2f} s of them"
        )
    result = np.zeros(wanted, np.int16)
    result[low - first : high - first] = there[low - begin : high - begin]
    return result


def as_float(samples: Samples) -> NDArray[np.float32]:
    """The same in -1..1."""
    floats: NDArray[np.float32] = samples.astype(np.float32) / np.float32(32768)
    return floats


def _decoded(file: Path, stop: int | None) -> tuple[Samples, int]:
    """A file's sound up to sample ``stop`` at least, and the number of its first sample, which may be below 0.

    Raises:
        DatasetError, MissingVideoError: as ``heard``.
    """
    av = video.load_av()
    try:
        with av.open(str(file)) as container:
            if not container.streams.audio:
                raise DatasetError(f"expected sound, but {file} has no sound track")
            zero = _first_picture(av, container)
        with av.open(str(file)) as container:
            frames = container.decode(audio=0)
            first = next(frames, None)
            if first is None:
                raise DatasetError(f"expected sound, but the sound track of {file} is empty")
            if first.sample_rate < _LOWEST_HZ:
                raise DatasetError(
                    f"expected sound of {_LOWEST_HZ} samples a second at least, but {file} says it has "
                    f"{first.sample_rate}"
                )
            begins = first.time or 0.0
            late = 0.0 if zero is None else begins - zero
            if abs(late) > APART_S:
                raise DatasetError(
                    f"expected sound and pictures of {file} to begin within {APART_S:g} s of each other, but their "
                    f"time stamps are {late:+.2f} s apart: they don't belong together, or it was cut wrongly"
                )
            begin = round(late * RATE)
            parts, count = [], begin
            for part in _resampled(av, itertools.chain([first], frames), begins):
                parts.append(part)
                count += len(part)
                if stop is not None and count >= stop:
                    break
            if not parts:
                raise DatasetError(f"expected sound, but the sound track of {file} is shorter than one sample")
            return np.concatenate(parts), begin
    except (av.FFmpegError, OSError, ValueError) as error:  # PyAV raises ValueError for formats that change midway
        why = getattr(error, "strerror", None) or error
        raise DatasetError(f"expected sound, but {file} can't be decoded ({why})") from error


def _first_picture(av: Any, container: Any) -> float | None:
    """The time of a file's first picture in seconds; a record's cover is none."""
    for stream in container.streams.video:
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue
        picture = next(container.decode(stream), None)
        return None if picture is None else picture.time
    return None


def _resampled(av: Any, frames: Iterator[Any], begins: float) -> Iterator[Samples]:
    """The frames of a track as samples, with silence where their time stamps have a gap."""
    # Not as floating point numbers: the resampler would not scale down the sum of several channels then.
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    due = begins
    for frame in frames:
        if frame.time is not None:
            gap = frame.time - due
            if _GAP_S < gap < APART_S:
                yield np.zeros(round(gap * RATE), np.int16)
            if abs(gap) > _GAP_S:
                due = frame.time
        due += frame.samples / frame.sample_rate
        for part in resampler.resample(frame):
            yield part.to_ndarray().reshape(-1)
    for part in resampler.resample(None):
        yield part.to_ndarray().reshape(-1)
