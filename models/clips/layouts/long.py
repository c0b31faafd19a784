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

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from models.clips.layouts import files, long_sets, plain
from models.clips.layouts.events import Event, Gathering, LongClip, LongFound, LongLayout, LongListing, Told
from models.errors import DatasetError

__all__ = ["LAYOUTS", "Event", "LongClip", "LongListing", "find"]

TABLE = "events.csv"
COLUMNS = ("file", "subject", "fps", "onset", "apex", "offset", "label")
_MACRO = "macro"
"""The label of an ordinary expression in ``TABLE``."""


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


def _read_plain(folder: Path) -> LongFound:
    rows = files.read_table(files.locate(folder, (TABLE,), "the table of what happens in the videos"), COLUMNS)
    labels = {row.fields["label"] for row in rows if row.fields["onset"]}
    classes = plain.order({label for label in labels if label and not _is_macro(label)})
    videos: dict[Path, list[files.Row]] = {}
    gathering = Gathering()
    for name in dict.fromkeys(row.fields["file"] for row in rows):
        path = files.clip_at(folder / name)
        if path is None:
            gathering.missing.append(f"{folder / name} is named in {TABLE}, but is not there")
        else:  # one video may be named with and without its ending
            videos.setdefault(path, []).extend(row for row in rows if row.fields["file"] == name)
    for path, lines in videos.items():
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
    label, micro = row["label"], not _is_macro(row["label"])
    known = label and micro
    return Event(onset, apex, offset, plain.label_of(label, classes) if known else -1, micro), place


def _is_macro(label: str) -> bool:
    return label.lower() == _MACRO


LAYOUTS: Mapping[str, LongLayout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            LongLayout("long-plain", "long videos or folders of pictures, and events.csv", (), _read_plain),
            *long_sets.LAYOUTS,
        )
    }
)
