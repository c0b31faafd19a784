"""Micro-expressions: CASME II, SAMM and SMIC, with onset and apex. All are tested by leaving one subject out.

CASME and its later ones are in ``casme.py``, long videos in ``long_sets.py``.

Assumed from the papers and from how public code reads these sets; none of them was at hand here. The annotation files
may be Excel (.xlsx) or the same saved as CSV. Frames are annotated by the numbers in the pictures' names.

CASME II (Yan et al. 2014), 200 frames a second::

    CASME2-coding-20140508.xlsx     Subject, Filename, OnsetFrame, ApexFrame (or /), OffsetFrame, Estimated Emotion
    CASME2_RAW_selected/sub01/EP02_01f/img46.jpg            or CASME2-RAW, Cropped (reg_img46.jpg)

``casme2`` has the five classes and the order of MMNet, ``casme2-3`` the three of the MEGC 2019 challenge.

SAMM (Davison et al. 2018), 200 frames a second::

    SAMM_Micro_FACS_Codes_v2.xlsx   below some lines: Subject, Filename, Onset Frame, Apex Frame, Offset Frame,
    SAMM/006/006_1_2/006_05562.jpg                          Estimated Emotion; or the subjects' folders at the top

``samm`` has its five largest classes, ``samm-3`` the three of MEGC 2019.

SMIC HS (Li et al. 2013), 100 frames a second; it has no apex::

    SMIC_all_cropped/HS/s01/micro/negative/s1_ne_01/reg_image036237.bmp         the expression alone, or
    HS_long/SMIC-HS-E/SMIC-HS-E_annotation.xlsx             Subject, Filename, OnsetF, OffsetF, Emotion
    HS_long/SMIC-HS-E/s03/s3_sur_01/image308866.jpg         (the first onset of each recording)
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from models.clips.layouts import files
from models.clips.layouts.entry import Clip, Found, Layout, Read
from models.errors import DatasetError

MEGC = ("negative", "positive", "surprise")
MEGC_EXPRESSIONS = (None, "happy", "surprise")
"""In these sets every positive micro-expression is a happy one; a negative one may be any of four."""
_CASME_2 = ("happiness", "repression", "disgust", "surprise", "others")
_SAMM = ("anger", "contempt", "happiness", "surprise", "other")

_TO_MEGC: Mapping[str, str] = {
    "happiness": "positive",
    "surprise": "surprise",
    "happy": "positive",
    **dict.fromkeys(("anger", "contempt", "disgust", "fear", "sad", "sadness", "repression"), "negative"),
}


def _numbered_clip(
    path: Path, label: int, subject: str, fps: float, onset: int | None, apex: int | None, offset: int | None
) -> Clip | None:
    """The pictures from onset to offset, by the numbers in their names; all where these are not known.

    None where there are fewer than two pictures. An apex outside of them is not known.
    """
    within = files.numbers(path)
    start = max(files.index_of(onset, within), 0)
    stop = files.index_of(offset, within) + 1 if offset is not None else len(within)
    if stop - start < 2:
        return None
    top = files.index_of(apex, within)
    apex = top - start if start <= top < stop else -1
    last = -1 if offset is None else stop - start - 1
    return Clip(path, label, subject, start=start, stop=stop, onset=0, apex=apex, offset=last, fps=fps)


def read_annotated(
    folder: Path,
    table: Path,
    columns: tuple[str, str, str, str | None, str, str],
    label: Callable[[str], int | None],
    place: Callable[[str, str, str], Path],
    subject: Callable[[str], str],
    fps: float,
) -> Found:
    """The clips of an annotation file; rows whose emotion has no label are left out.

    These tables can't be mended by who uses them, so a row that contradicts itself is no error: an apex outside of its
    expression counts as not known, and a clip whose offset comes before its onset as missing.

    ``columns`` are those of subject, file name, onset, apex (if any), offset and emotion. ``place`` is where the clip
    of a subject with this file name and onset is; ``fps`` the set's frames a second.
    """
    who, name, first, top, last, emotion = columns
    clips, missing, remarks = [], [], []
    for row, line in files.read_table(table, [column for column in columns if column]):
        known = label(row[emotion].strip().lower())
        if known is None:
            continue
        person = subject(row[who])
        path = place(person, row[name], row[first])
        onset, apex, offset = (files.whole(row[column]) if column else None for column in (first, top, last))
        if onset is not None and offset is not None and onset > offset:
            missing.append(f"{path} is left out: its onset {onset} comes after its offset {offset} on {line}")
            continue
        if not path.is_dir():
            missing.append(f"{path} is named in {table.name}, but has no pictures")
            continue
        clip = _numbered_clip(path, known, person, fps, onset, apex, offset)
        if clip is None:
            missing.append(f"{path} is left out: it has fewer than two pictures from onset to offset on {line}")
            continue
        if apex is not None and clip.apex < 0:
            remarks.append(f"the apex {apex} of {path} is not from {onset} to {offset} on {line}: it counts as unknown")
        clips.append(clip)
    if not clips:
        why = f": {missing[0]}" if missing else ""
        raise DatasetError(f"expected the clips that {table} names in {folder}, got none{why}")
    return Found(tuple(clips), missing=tuple(missing), remarks=tuple(remarks))


def padded(text: str, digits: int) -> str:
    """A subject's number as the folders write it: 01 for 1 or 1.0; other names stay."""
    number = files.whole(text)
    return text if number is None else f"{number:0{digits}}"


def _read_casme2(label: Callable[[str], int | None]) -> Read:
    def read(folder: Path) -> Found:
        table = files.find_table(folder, "CASME2-coding*", "CASME II's coding file")
        cut = files.locate(
            folder, ("CASME2_RAW_selected", "CASME2-RAW", "CASME2_RAW", "Cropped"), "CASME II's pictures"
        )
        return read_annotated(
            folder,
            table,
            ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion"),
            label,
            lambda person, name, onset: cut / f"sub{person}" / name,
            lambda text: padded(text.lower().removeprefix("sub"), 2),
            200,
        )

    return read


def _read_samm(label: Callable[[str], int | None]) -> Read:
    def read(folder: Path) -> Found:
        table = files.find_table(folder, "SAMM_Micro_FACS_Codes*", "SAMM's codes")
        cut = folder / "SAMM" if (folder / "SAMM").is_dir() else folder
        return read_annotated(
            folder,
            table,
            ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Estimated Emotion"),
            label,
            lambda person, name, onset: cut / person / name,
            lambda text: padded(text, 3),
            200,
        )

    return read


def _read_smic(folder: Path) -> Found:
    if any(folder.rglob("SMIC-HS-E_annotation*")):
        table = files.find_table(folder, "SMIC-HS-E_annotation*", "SMIC's table of long videos")
        cut = next(place for place in (table.parent / "SMIC-HS-E", table.parent) if place.is_dir())
        return read_annotated(
            folder,
            table,
            ("Subject", "Filename", "OnsetF", None, "OffsetF", "Emotion"),
            lambda word: MEGC.index(word) if word in MEGC else None,
            lambda person, name, onset: cut / f"s{person}" / name,
            lambda text: padded(text.lower().removeprefix("s"), 2),
            100,
        )
    # The slow cameras' clips, VIS and NIR, show the same, and so may another cut of these: one folder of people counts.
    groups = sorted(folder.rglob("micro"), key=lambda group: (group.parts[-3] != "HS", group))
    clips, missing = [], []
    for group in (group for group in groups if group.parents[1] == groups[0].parents[1]):
        person = group.parent.name.lower().removeprefix("s")
        for kind in files.folders_in(group):
            if kind.name.lower() not in MEGC:
                raise DatasetError(f"expected folders called {', '.join(MEGC)} in {group}, got {kind.name!r}")
            for path in files.folders_in(kind):
                clip = _numbered_clip(path, MEGC.index(kind.name.lower()), person, 100, None, None, None)
                clips += [clip] if clip else []
                missing += [] if clip else [f"{path} is left out: it has fewer than two pictures"]
    if not clips:
        raise DatasetError(f"expected clips such as HS/s01/micro/negative/s1_ne_01 in {folder}, got none")
    return Found(tuple(clips), missing=tuple(missing))


def _casme2_label(word: str) -> int | None:
    return _CASME_2.index(word) if word in _CASME_2 else None


def _samm_label(word: str) -> int | None:
    word = "other" if word == "others" else word
    return _SAMM.index(word) if word in _SAMM else None


def megc_label(word: str) -> int | None:
    return MEGC.index(_TO_MEGC[word]) if word in _TO_MEGC else None


LAYOUTS = (
    Layout(
        "casme2",
        "CASME II, five classes",
        _CASME_2,
        ("happy", None, "disgust", "surprise", None),
        _read_casme2(_casme2_label),
        steady=True,
    ),
    Layout("casme2-3", "CASME II, three classes", MEGC, MEGC_EXPRESSIONS, _read_casme2(megc_label), steady=True),
    Layout(
        "samm", "SAMM, five classes", _SAMM, ("angry", None, "happy", "surprise", None), _read_samm(_samm_label), True
    ),
    Layout("samm-3", "SAMM, three classes", MEGC, MEGC_EXPRESSIONS, _read_samm(megc_label), steady=True),
    Layout("smic", "SMIC, high speed, three classes", MEGC, MEGC_EXPRESSIONS, _read_smic, steady=True),
)
