"""The micro-expressions of videos, from the file to a table, CSV or JSON."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.clips import cache, rates, video
from models.clips.layouts.entry import Clip
from models.clips.source import Frames
from models.errors import DatasetError
from models.inference.face_stage import TrackFaces
from models.micro.curve_picture import Panel
from models.micro.methods import Method
from models.micro.recogniser import ClipRecogniser
from models.micro.spotting import MICRO, Curve, Spotted

_COLUMNS = ("video", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "score", "label")


class Named(NamedTuple):
    """A micro-expression in a video, and what a recogniser calls it; empty without one."""

    spotted: Spotted
    label: str


@dataclass(frozen=True)
class Looked:
    """A video that was looked at. ``curve`` (F,) has a number for each of its frames, NaN where no face is seen.

    ``remarks`` has a sentence for each stretch that was left out, and for each micro-expression without a label.
    """

    path: Path
    rate: float
    curve: Curve
    named: tuple[Named, ...]
    remarks: tuple[str, ...]


def look_at(path: Path, fps: float, method: Method, look: TrackFaces | None, knows: ClipRecogniser | None) -> Looked:
    """Spot the micro-expressions of a video file, or of a folder of pictures.

    ``fps`` is NaN where the video's header is to say it. ``look`` finds the faces; without it the frames are faces.

    Raises:
        DatasetError: it can't be read, shows no face for long enough, or its frames a second are not known.
        MissingVideoError: it is a video file, and PyAV is not installed.
    """
    rate = _rate(path, fps)
    fewest = math.ceil(MICRO.longest * rate)
    stretches = list(_stretches(path, method.size, look, fewest))
    count = max(length for _, _, length in stretches)
    curve = np.full(count, np.nan)
    named: list[Named] = []
    remarks: list[str] = []
    for first, frames, _ in stretches:
        if len(frames) < fewest:
            continue
        answer = method(frames, rate)
        curve[first : first + len(frames)] = answer.curve
        for one in answer.spotted:
            moved = Spotted(one.onset + first, one.apex + first, one.offset + first, one.score)
            named.append(Named(moved, _label(path, moved, rate, look, knows, remarks)))
    if np.isnan(curve).all():
        longest = max(len(frames) for _, frames, _ in stretches)
        raise DatasetError(
            f"expected a face for {fewest} frames ({MICRO.longest:g} s) or more in {path}, for a micro-expression may "
            f"last as long; got {longest}"
        )
    remarks = [f"{path}: no face for long enough in frames {first} to {last}" for first, last in _gaps(curve)] + remarks
    return Looked(path, rate, curve, tuple(sorted(named, key=lambda one: one.spotted.onset)), tuple(remarks))


def _rate(path: Path, fps: float) -> float:
    """Frames a second.

    Raises:
        DatasetError: nobody says, or it can't be true.
    """
    if not path.exists():
        raise DatasetError(f"expected a video or a folder of pictures, but there is no {path}")
    low, high = rates.PLAUSIBLE
    if math.isnan(fps) and path.is_dir():
        raise DatasetError(f"pictures do not say how many of them are a second: say it with --fps for {path}")
    rate = video.header(path).rate if math.isnan(fps) else fps
    if rates.plausible(rate):
        return rate
    where = f"in the header of {path}" if math.isnan(fps) else "with --fps"
    got = "none" if math.isnan(fps) and not rate else f"{rate:g}"
    raise DatasetError(f"expected {low:g} to {high:g} frames a second {where}, got {got}: say with --fps what is true")


def _stretches(path: Path, size: int, look: TrackFaces | None, fewest: int) -> Iterator[tuple[int, Frames, int]]:
    """Stretches in which a face is seen: the first frame, the faces, and how many frames the video has at least.

    ``cache.cut`` follows one face as long as it goes on; what is before and after it is looked at again, where it is
    ``fewest`` frames or more.

    Raises:
        DatasetError: as ``models.clips.cache.cut``, or there is no face at all.
    """
    todo: list[tuple[int, int | None]] = [(0, None)]
    found = False
    while todo:
        start, stop = todo.pop()
        faces = cache.cut(Clip(path, 0, "", start=start, stop=stop), size, cache.MARGIN, look, steady=False)
        if faces is None:
            continue
        found = True
        first, end = start + faces.first, start + faces.length
        after = first + len(faces.frames)
        yield first, np.stack(faces.frames), end
        todo += [(a, b) for a, b in ((start, first), (after, end)) if b - a >= fewest]
    if not found:
        raise DatasetError(f"expected a face in {path}, found none")


def _gaps(curve: Curve) -> list[tuple[int, int]]:
    """First and last frame of each stretch that was not looked at."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isnan(curve), [False]]).astype(np.int8)))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]


def _label(
    path: Path, spotted: Spotted, rate: float, look: TrackFaces | None, knows: ClipRecogniser | None, remarks: list[str]
) -> str:
    """What a recogniser says; where it can't, nothing, and a remark."""
    if knows is None:
        return ""
    clip = Clip(path, 0, "", start=spotted.onset, stop=spotted.offset + 1)
    try:
        faces = cache.cut(clip, knows.size, cache.MARGIN, look, steady=True)
        if faces is not None:
            onset = spotted.onset + faces.first
            moved = replace(spotted, onset=onset, apex=max(spotted.apex, onset))
            return knows.name(np.stack(faces.frames), moved, rate)
        why = "in which the face is lost"
    except DatasetError as error:  # such as a single frame, at few a second
        why = str(error)
    remarks.append(f"{path}: no label for frames {spotted.onset} to {spotted.offset}: {why}")
    return ""


def panel(one: Looked, method: Method) -> Panel:
    found = [named.spotted for named in one.named]
    return Panel(f"{one.path.name}: {method.name}", one.curve, one.rate, found, method.most)


def _rows(looked: Sequence[Looked]) -> Iterator[tuple[Looked, Named, tuple[float, float, float]]]:
    """Each micro-expression with its moments in seconds."""
    for one in looked:
        for named in one.named:
            onset, apex, offset = (
                frame / one.rate for frame in (named.spotted.onset, named.spotted.apex, named.spotted.offset)
            )
            yield one, named, (onset, apex, offset)


def describe(looked: Sequence[Looked]) -> str:
    """A table for a terminal."""
    lines = []
    for one in looked:
        number = len(one.named)
        lines.append(f"{one.path}: {len(one.curve)} frames, {one.rate:g} a second; {number or 'nothing'} spotted")
        if number:
            lines.append(f"  {'onset':>7} {'apex':>7} {'offset':>7}   {'seconds':<15} {'score':>6}  label")
        for _, (spotted, label), (onset, apex, offset) in _rows([one]):
            seconds = f"{onset:.2f} {apex:.2f} {offset:.2f}"
            moments = f"{spotted.onset:>7} {spotted.apex:>7} {spotted.offset:>7}"
            lines.append(f"  {moments}   {seconds:<15} {spotted.score:>6.3f}  {label}".rstrip())
    return "\n".join(lines)


def as_csv(looked: Sequence[Looked]) -> str:
    """A line for each micro-expression."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one, (spotted, label), seconds in _rows(looked):
        frames = (spotted.onset, spotted.apex, spotted.offset)
        writer.writerow((one.path, *frames, *(f"{moment:.4f}" for moment in seconds), f"{spotted.score:.4f}", label))
    return text.getvalue()


def as_json(looked: Sequence[Looked], method: str) -> dict[str, Any]:
    """All of it; a frame without a face has null in the curve."""
    return {
        "schema": 1,
        "method": method,
        "videos": [
            {
                "video": str(one.path),
                "fps": one.rate,
                "spotted": [vars(spotted) | {"label": label or None} for spotted, label in one.named],
                "curve": [None if math.isnan(value) else round(value, 5) for value in one.curve.tolist()],
                "remarks": one.remarks,
            }
            for one in looked
        ],
    }
