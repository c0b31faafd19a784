"""What happens when in long videos, as adapters find it, and what becomes of events that can't be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.clips import rates, video
from models.errors import DatasetError


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
            why = "its offset" if onset > offset else f"the {frames} frames of {path}"
            self.missing.append(f"an event is left out: its onset comes after {why} on {place}")
            return None
        if frames and offset >= frames:
            self.remarks.append(f"an offset comes after the {frames} frames of {path} on {place}: its last one counts")
            offset = frames - 1
        if apex >= 0 and not onset <= apex <= offset:
            self.remarks.append(f"an apex is not between onset and offset on {place}: it counts as unknown")
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
