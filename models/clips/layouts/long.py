"""Long videos with the moments of what is shown in them, for spotting: when does somebody's face move, and how.

``long-plain`` is the layout of ``moodcast models synth --micro`` and of own recordings: videos or folders of pictures
anywhere in a folder, and beside them a table ``events.csv`` with an event on each line::

    file,subject,fps,onset,apex,offset,label
    videos/anna_1.mp4,anna,60,412,421,436,happy
    videos/anna_1.mp4,anna,60,1003,,1180,macro
    videos/ben_1.mp4,ben,60,,,,                             nothing happens in it

Frames count from 0. The subject may be empty as in ``plain``, and so may fps (the header of a video then counts) and
the apex. The label ``macro`` is an ordinary expression, which a spotter of micro-expressions should not name; an empty
one is a micro-expression of which nobody knows what it means.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from models.clips import rates, video
from models.clips.layouts import files, plain
from models.errors import DatasetError

TABLE = "events.csv"
COLUMNS = ("file", "subject", "fps", "onset", "apex", "offset", "label")
MACRO = "macro"
"""The label of an ordinary expression in ``TABLE``."""


@dataclass(frozen=True)
class Event:
    """A movement of a face from frame ``onset`` to ``offset``, inclusive, counted from the video's first frame.

    ``apex`` is -1 where it is not known. ``label`` indexes the listing's classes; it is -1 for ordinary expressions
    (``micro`` is False) and where it is not known.
    """

    onset: int
    apex: int
    offset: int
    label: int
    micro: bool


@dataclass(frozen=True)
class LongClip:
    """A video file or a folder of pictures, and all that happens in it, in the order of the onsets.

    ``fps`` are frames a second, NaN where not known; ``frames`` how many, 0 where the file does not say.
    """

    path: Path
    subject: str
    fps: float
    events: tuple[Event, ...]
    frames: int = 0


@dataclass(frozen=True)
class LongFound:
    """What an adapter finds: as ``LongListing``, with classes only where the layout leaves them to the folder."""

    clips: tuple[LongClip, ...]
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LongLayout:
    """A folder layout of long videos. ``read`` raises ``DatasetError`` where a folder is laid out otherwise."""

    name: str
    title: str
    classes: tuple[str, ...]
    read: Callable[[Path], LongFound]


@dataclass(frozen=True)
class LongListing:
    """The long videos of a folder.

    ``missing`` has a sentence for each video and event that is left out, ``remarks`` one for each contradiction and
    for how it was settled.
    """

    layout: LongLayout
    classes: tuple[str, ...]
    clips: tuple[LongClip, ...]
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def find(folder: Path, name: str = "long-plain") -> LongListing:
    """The long videos of a folder by the layout of that name.

    Raises:
        DatasetError: there is no such layout or folder, or the folder is not laid out that way.
        MissingVideoError: there are video files, and PyAV is not installed.
    """
    if name not in LAYOUTS:
        raise DatasetError(f"expected the name of a layout of long videos ({', '.join(LAYOUTS)}), got {name!r}")
    if not folder.is_dir():
        raise DatasetError(f"expected a folder of long videos, but {folder} is none")
    layout = LAYOUTS[name]
    try:
        found = layout.read(folder)
    except OSError as error:
        raise DatasetError(f"can't read {folder}: {error.strerror or error}") from error
    if not found.clips:
        why = f"none of those that are named can be used: {found.missing[0]}" if found.missing else "none is named"
        raise DatasetError(f"expected long videos in {folder}, but {why}")
    return LongListing(layout, found.classes or layout.classes, found.clips, found.missing, found.remarks)


Told = tuple[Event, str]
"""An event as a table has it, and the line."""


class Gathering:
    """The videos found so far, and what was said of those that are left out or contradict themselves."""

    def __init__(self) -> None:
        self._clips: list[LongClip] = []
        self.missing: list[str] = []
        self.remarks: list[str] = []

    def add(self, path: Path, subject: str, fps: float, events: Sequence[Told]) -> None:
        """A video that is there; broken ones and events that can't be are told, and the rest counts.

        ``fps`` is the table's or the set's, NaN where neither says; the moments count from the video's first frame.
        """
        try:
            frames, header = _extent(path)
        except DatasetError as error:
            self.missing.append(str(error))
            return
        if frames == 1:
            self.missing.append(f"expected a long video, but {path} has one frame")
            return
        fps, remark = rates.settled(fps, header, path)
        self.remarks += [remark] if remark else []
        kept = [event for event in (self._settled(*told, path, frames) for told in events) if event]
        kept.sort(key=lambda event: (event.onset, event.offset))
        self._clips.append(LongClip(path, subject, fps, tuple(kept), frames))

    def _settled(self, event: Event, place: str, path: Path, frames: int) -> Event | None:
        """The event as it counts, None where it can't be."""
        onset, apex, offset = event.onset, event.apex, event.offset
        if onset > offset or (frames and onset >= frames):
            why = f"its offset {offset}" if onset > offset else f"the {frames} frames of {path}"
            self.missing.append(f"an event is left out: its onset {onset} comes after {why} on {place}")
            return None
        if frames and offset >= frames:
            self.remarks.append(
                f"the offset {offset} comes after the {frames} frames of {path} on {place}: its last frame counts"
            )
            offset = frames - 1
        if apex >= 0 and not onset <= apex <= offset:
            self.remarks.append(f"the apex {apex} is not from {onset} to {offset} on {place}: it counts as not known")
            apex = -1
        return replace(event, apex=apex, offset=offset)

    def found(self, classes: tuple[str, ...] = ()) -> LongFound:
        return LongFound(tuple(self._clips), tuple(self.missing), tuple(self.remarks), classes)


def _extent(path: Path) -> tuple[int, float | None]:
    """Number of frames, 0 where it is not known, and the rate of a video's header (``rates.settled``).

    Raises:
        DatasetError: there is no picture in it, or the file is no video.
    """
    if not path.is_dir():
        header = video.header(path)
        return header.frames, header.rate
    count = len(video.pictures(path))
    if not count:
        raise DatasetError(f"expected a clip, but {path} has no frame")
    return count, None


def _read_plain(folder: Path) -> LongFound:
    rows = files.read_table(folder / TABLE, COLUMNS)
    labels = {row.fields["label"] for row in rows if row.fields["onset"]}
    classes = plain.order(labels - {"", MACRO})
    videos: dict[str, list[files.Row]] = {}
    for row in rows:
        videos.setdefault(row.fields["file"], []).append(row)
    gathering = Gathering()
    for name, lines in videos.items():
        path = files.clip_at(folder / name)
        if path is None:
            gathering.missing.append(f"{folder / name} is named in {TABLE}, but is not there")
            continue
        _check_same(lines)
        first, place = lines[0]
        told = [event for line in lines if (event := _told(line, classes))]
        gathering.add(path, first["subject"] or plain.subject_of(path), plain.rate_of(first, place), told)
    return gathering.found(classes)


def _check_same(lines: Sequence[files.Row]) -> None:
    """Check that the lines of one video agree on who is seen and at which rate.

    Raises:
        DatasetError: they don't.
    """
    first = lines[0].fields
    for row, place in lines:
        for column in ("subject", "fps"):
            if row[column] != first[column]:
                raise DatasetError(
                    f"expected one {column} for all of {row['file']}, got {first[column]!r} and, on {place}, "
                    f"{row[column]!r}"
                )


def _told(line: files.Row, classes: tuple[str, ...]) -> Told | None:
    """None for a line that says that nothing happens.

    Raises:
        DatasetError: a frame's number is none, or onset or offset is missing.
    """
    row, place = line
    onset, apex, offset = (plain.frame_of(row, name, place) for name in ("onset", "apex", "offset"))
    if (onset, apex, offset) == (-1, -1, -1):
        return None
    if -1 in (onset, offset):
        raise DatasetError(f"expected onset and offset of an event, or no moments at all, on {place}")
    label = row["label"]
    known = label not in ("", MACRO)
    return Event(onset, apex, offset, plain.label_of(label, classes) if known else -1, label != MACRO), place


LAYOUTS: Mapping[str, LongLayout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (LongLayout("long-plain", "videos or folders of pictures, and events.csv", (), _read_plain),)
    }
)
