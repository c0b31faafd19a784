"""``CLASS/CLIP.mp4``, or ``CLASS/CLIP/`` with pictures: the layout of `moodcast models synth` and of own recordings.

``CLASS/SUBJECT_CLIP.mp4`` also says who is seen: what stands before the first underscore. Without one, each clip is of
somebody else. A table ``clips.csv`` beside the class folders, with the columns file, label, subject, intensity, onset
and apex, says more of the clips that it names, and the others don't count; any of its last four fields may be empty.
Intensities are 0 to 1, onset and apex a clip's frames, counted from 0. A column offset may name the expression's last
frame, a column fps say how many frames a second a clip has; without it, or where it is empty, the header of a video
does. Labels need not be names of folders; where one is, all are, in these words or others for the same expression.
Classes that are all names of Moodcast's expressions come in Moodcast's order, others by name.

``CLASS/CLIP.wav`` is a clip for networks that only hear, and the sound of ``CLASS/CLIP.mp4`` or of the pictures in
``CLASS/CLIP/`` where it lies beside them; of pictures, fps must be told then.

``people`` is the same the other way round, and has no table: ``SUBJECT/CLASS/CLIP.mp4``, or with pictures in ``CLIP/``.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.clips import rates, sound
from models.clips.layouts import files
from models.clips.layouts.entry import Clip, Found, Layout, expression_of
from models.errors import DatasetError
from relay.protocol import EXPRESSIONS

TABLE = "clips.csv"
COLUMNS = ("file", "label", "subject", "intensity", "onset", "apex")


def read(folder: Path) -> Found:
    if (folder / TABLE).is_file():
        rows = files.read_table(folder / TABLE, COLUMNS, ("offset", "fps"))
        _check_classes(folder, rows)
    else:
        rows = [
            files.Row({"file": f"{group.name}/{clip.name}", "label": group.name, "subject": ""}, str(clip))
            for group in files.folders_in(folder)
            for clip in files.clips_in(group, sounds=True)
        ]
    if not rows:
        raise DatasetError(f"expected clips as CLASS/CLIP.mp4 or CLASS/CLIP/PICTURES in {folder}, got none")
    classes = order({row.fields["label"] for row in rows})
    clips, missing = [], []
    for row, place in rows:
        path = files.clip_at(folder / row["file"], sounds=True)
        if path is None:
            missing.append(f"{folder / row['file']} is named in {TABLE}, but is not there")
            continue
        onset, apex, offset = (frame_of(row, name, place) for name in ("onset", "apex", "offset"))
        if onset > apex >= 0:
            raise DatasetError(f"expected the onset before the apex on {place}, got {onset} and {apex}")
        if max(onset, apex) > offset >= 0:
            raise DatasetError(f"expected the offset after onset and apex on {place}, got {offset}")
        clips.append(
            Clip(
                path,
                label_of(row["label"], classes),
                row["subject"] or subject_of(path),
                _intensity(row, place),
                onset=onset,
                apex=apex,
                offset=offset,
                fps=rate_of(row, place),
                sound=sound.beside(path),
            )
        )
    return Found(tuple(clips), missing=tuple(missing), classes=classes)


def _read_people(folder: Path) -> Found:
    found = [
        (person.name, shown.name, clip)
        for person in files.folders_in(folder)
        for shown in files.folders_in(person)
        for clip in files.clips_in(shown, sounds=True)
    ]
    if not found:
        raise DatasetError(
            f"expected clips as SUBJECT/CLASS/CLIP.mp4 or SUBJECT/CLASS/CLIP/PICTURES in {folder}, got none"
        )
    classes = order({name for _, name, _ in found})
    clips = tuple(Clip(path, label_of(name, classes), person, sound=sound.beside(path)) for person, name, path in found)
    return Found(clips, classes=classes)


def _check_classes(folder: Path, rows: Sequence[files.Row]) -> None:
    """Check that labels are names of folders where one of them is: else one is misspelt, and would be a class.

    Raises:
        DatasetError: one is not, and others are.
    """
    there = {Path(row["file"]).parent.name for row, _ in rows}
    there |= {group.name for group in files.folders_in(folder) if files.clips_in(group, sounds=True)}
    there.discard("")
    meant = {expression_of(name) for name in there} - {None}
    strange = [row for row in rows if not {row.fields["label"], expression_of(row.fields["label"])} & (there | meant)]
    if 0 < len(strange) < len(rows):
        row, place = strange[0]
        raise DatasetError(
            f"expected one of {', '.join(sorted(there))} on {place}, got {row['label']!r}: mend the label, or put the "
            "clip into a folder of that name"
        )


def _told(row: Mapping[str, str], name: str) -> str:
    """A field that may be empty; programs write nan for that."""
    text = row.get(name, "")
    return "" if text.lower() == "nan" else text


def _intensity(row: Mapping[str, str], place: str) -> float:
    """NaN where the table does not tell."""
    if not (text := _told(row, "intensity")):
        return math.nan
    try:
        intensity = float(text)
    except ValueError:
        intensity = math.nan
    if not 0 <= intensity <= 1:
        raise DatasetError(f"expected an intensity from 0 to 1, or none, on {place}, got {text!r}")
    return intensity


def rate_of(row: Mapping[str, str], place: str) -> float:
    """Frames a second, NaN where the table does not tell or has no such column.

    Raises:
        DatasetError: no camera has that rate.
    """
    if not (text := _told(row, "fps")):
        return math.nan
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not rates.plausible(rate):
        low, high = rates.PLAUSIBLE
        raise DatasetError(f"expected {low:g} to {high:g} frames a second as fps, or none, on {place}, got {text!r}")
    return rate


def frame_of(row: Mapping[str, str], name: str, place: str) -> int:
    """-1 where the table does not tell.

    Raises:
        DatasetError: it is no number of a frame.
    """
    if not (text := _told(row, name)):
        return -1
    if (number := files.whole(text)) is None:
        raise DatasetError(f"expected the number of a frame as {name}, or none, on {place}, got {text!r}")
    return number


def subject_of(clip: Path) -> str:
    """``anna`` for ``anna_03.mp4``; for ``03.mp4`` a name that no other clip has."""
    subject, underscore, _ = clip.stem.partition("_")
    return subject if underscore and subject else f"{clip.parent.name}/{clip.stem}"


def order(names: set[str]) -> tuple[str, ...]:
    """The classes in the order of the labels: Moodcast's where all are its expressions, else by name."""
    if all(expression_of(name) for name in names):
        return EXPRESSIONS
    return tuple(sorted(names))


def label_of(name: str, classes: tuple[str, ...]) -> int:
    return classes.index(expression_of(name) or name if classes == EXPRESSIONS else name)


LAYOUTS = (
    Layout("plain", "CLASS/CLIP.mp4 or CLASS/SUBJECT_CLIP.mp4, also folders of pictures, or sound alone", (), (), read),
    Layout("people", "SUBJECT/CLASS/CLIP.mp4, also folders of pictures, or sound alone", (), (), _read_people),
)
