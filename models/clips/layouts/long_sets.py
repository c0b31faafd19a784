"""Long videos of the published sets for spotting: SAMM Long Videos, CAS(ME)^2, CAS(ME)^3 part A and SMIC-E HS.

Assumed from the papers and from how public code reads these sets; none of them was at hand here. The tables may be
Excel (.xlsx) or the same saved as CSV. Moments are the numbers in the pictures' names; of a video, frames count from 1.
All videos that are there are listed, those without an event too. An onset of 0 is none where pictures count from 1, and
such an event is left out; without an offset an event ends at its apex, as most code for these sets has it.

SAMM Long Videos (Yap et al. 2020), 200 frames a second; no emotions::

    SAMM_LongVideos_V3_Release.xlsx         below some lines: Subject, Filename, Onset, Apex, Offset, Type (Macro or
    SAMM_longvideos/006_1/006_1_0001.jpg    Micro - 1/2); the file name's last number is the event's

CAS(ME)^2 (Qu et al. 2018), 30 frames a second::

    CAS(ME)^2code_final.xlsx                three sheets without headers: codes (person, such as anger1_1, onset, apex,
                                            offset, action units, emotion, micro- or macro-expression); persons (such as
                                            s15 second, the codes' number last); videos (0401, anger1). As CSV, three
                                            files: CASFEcode_final.csv, naming_rule1.csv and naming_rule2.csv
    rawpic/s15/15_0401girlcrashing/img001.jpg               or rawvideo/s15/15_0401girlcrashing.avi

CAS(ME)^3 part A (Li et al. 2022), 30 frames a second::

    CAS(ME)3_part_A_v2.xlsx                 Subject, Filename, Onset, Apex, Offset, Expression type; emotion if it is
    part_A/spNO.1/a/color/355.jpg           there (else, nobody says what the micro-expressions mean)

SMIC-E HS (Li et al. 2013), 100 frames a second, no apex, no ordinary expressions::

    HS_long/SMIC-HS-E_annotation.xlsx       Subject, Filename, OnsetF, OffsetF, Emotion; Onset2F, Offset2F, Onset3F and
    HS_long/SMIC-HS-E/s03/s3_sur_01/image308866.jpg         Offset3F for videos with more than one event
"""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from models.clips.layouts import files
from models.clips.layouts.events import Event, Gathering, LongFound, LongLayout, Told
from models.errors import DatasetError

_MEGC = ("negative", "positive", "surprise")
CASME_SQUARED = (*_MEGC, "others")
CASME_CUBED = ("anger", "disgust", "fear", "happy", "sad", "surprise", "others")


class _Video(NamedTuple):
    path: Path
    subject: str


class _Coded(NamedTuple):
    """An event of a table: the numbers of onset, apex and offset, None where there is none; ``place`` is the line."""

    moments: tuple[int | None, ...]
    label: int
    micro: bool
    place: str


def _gather(
    videos: Mapping[str, _Video],
    table: Path,
    told: Iterable[tuple[str, _Coded]],
    fps: float,
    classes: Sequence[str] = (),
) -> LongFound:
    """The videos with what the table tells of them, by the same names; ``classes`` are the layout's."""
    coded: dict[str, list[_Coded]] = defaultdict(list)
    for name, event in told:
        coded[name].append(event)
    gathering = Gathering()
    gathering.missing += [
        f"{name} is named in {table.name}, but is not there" for name in sorted(coded.keys() - videos.keys())
    ]
    for name, (path, subject) in videos.items():
        numbers = files.numbers(path) if path.is_dir() else None
        found = [_event(row, numbers, gathering) for row in coded[name]]
        gathering.add(path, subject, fps, [event for event in found if event])
    return gathering.found(tuple(classes))


def _event(coded: _Coded, numbers: Sequence[int] | None, gathering: Gathering) -> Told | None:
    """The event in frames from 0 on; None, and a sentence, where it has no begin or no end."""
    onset, apex, offset = (_index(number, numbers) for number in coded.moments)
    if onset < 0 or max(apex, offset) < 0:
        what = "onset" if onset < 0 else "offset"
        gathering.missing.append(f"an event is left out: it has no {what} on {coded.place}")
        return None
    if offset < 0:
        gathering.remarks.append(f"an event has no offset on {coded.place}: it ends at its apex")
    return Event(onset, apex, offset if offset >= 0 else apex, coded.label, coded.micro), coded.place


def _index(number: int | None, numbers: Sequence[int] | None) -> int:
    """Where the picture of that number is, or the next one; after the last one their count. -1 where it is not known.

    Without ``numbers``, of a video, the first frame has number 1.
    """
    if number is None or (number == 0 and (numbers is None or not numbers or numbers[0] > 0)):
        return -1
    return number - 1 if numbers is None else bisect.bisect_left(numbers, number)


def _is_micro(word: str) -> bool | None:
    """None for what is neither a micro-expression nor an ordinary one."""
    word = word.strip().lower()
    return True if word.startswith("micro") else False if word.startswith("macro") else None


def _label(word: str, classes: Sequence[str], micro: bool) -> int:
    """-1 for ordinary expressions, and where the word is none of the classes."""
    word = word.strip().lower()
    return classes.index(word) if micro and word in classes else -1


def _read_samm(folder: Path) -> LongFound:
    table = files.find_table(folder, "SAMM_LongVideos*", "the table of SAMM Long Videos")
    cut = files.locate(folder, ("SAMM_longvideos", "SAMM_LongVideos", "*/SAMM_longvideos"), "SAMM's long videos")
    videos = {film.stem: _Video(film, film.stem.partition("_")[0]) for film in files.clips_in(cut)}
    told = []
    for row, place in files.read_table(table, ("Filename", "Onset", "Apex", "Offset", "Type")):
        micro = _is_micro(row["Type"])
        if micro is not None:
            moments = tuple(files.whole(row[column]) for column in ("Onset", "Apex", "Offset"))
            told.append(("_".join(row["Filename"].split("_")[:2]), _Coded(moments, -1, micro, place)))
    return _gather(videos, table, told, 200)


def read_casme_squared(folder: Path) -> LongFound:
    table, codes, persons, films = _casme_squared_tables(folder)
    subjects = {number: words[1].strip() for words, _ in persons if (number := files.whole(words[-1])) is not None}
    numbers = {words[1].strip(): f"{number:04}" for words, _ in films if (number := files.whole(words[0])) is not None}
    held = ("rawpic", "rawpic/rawpic", "rawvideo", "rawvideo/rawvideo")
    people = files.locate(folder, (f"{place}/s[0-9]*" for place in held), "the folders of CAS(ME)^2's people").parent
    videos = {
        f"{person.name}/{film.stem[:7]}": _Video(film, person.name)
        for person in files.folders_in(people)
        for film in files.clips_in(person)
    }
    told, unknown = [], []
    for words, place in codes:
        micro = _is_micro(words[7]) if len(words) > 7 else None
        if micro is None:  # a header
            continue
        subject, film = subjects.get(files.whole(words[0]) or 0), numbers.get(words[1].partition("_")[0].strip())
        if subject is None or film is None:
            unknown.append(f"an event is left out: the naming rules lack {' or '.join(words[:2])}, on {place}")
            continue
        label = _label(words[6], CASME_SQUARED, micro)
        coded = _Coded(tuple(files.whole(word) for word in words[2:5]), label, micro, place)
        told.append((f"{subject}/{subject[1:]}_{film}", coded))
    found = _gather(videos, table, told, 30, CASME_SQUARED)
    return replace(found, missing=(*unknown, *found.missing))


def _casme_squared_tables(folder: Path) -> tuple[Path, list[files.Line], list[files.Line], list[files.Line]]:
    """The file of the codes; and the lines of codes, persons and videos, each of two words or more."""
    table = files.find_table(folder, "*code_final*", "CAS(ME)^2's coding file")
    if table.suffix == ".csv":
        rules = [files.find_table(folder, f"naming_rule{i}", f"CAS(ME)^2's naming rule {i}") for i in (1, 2)]
        sheets = [files.read_sheets(file)[0] for file in (table, *rules)]
    else:
        sheets = files.read_sheets(table)
    if len(sheets) < 3:
        raise DatasetError(f"expected three sheets (codes, persons, videos) in {table}, got {len(sheets)}")
    codes, persons, films = ([line for line in lines if len(line.words) > 1] for lines in sheets[:3])
    return table, codes, persons, films


def _read_casme_cubed(folder: Path) -> LongFound:
    table = files.find_table(folder, "CAS(ME)3_part_A_v*", "CAS(ME)^3's table of part A")
    depths = ("", "*/", "*/*/", "*/*/*/")
    first = files.locate(folder, (f"{depth}spNO.*/*/color" for depth in depths), "CAS(ME)^3's long videos")
    videos = {
        f"{person.name}/{film.name.lower()}": _Video(film / "color", person.name)
        for person in files.folders_in(first.parents[2])
        for film in files.folders_in(person)
        if (film / "color").is_dir()
    }
    columns = ("Subject", "Filename", "Onset", "Apex", "Offset", "Expression type")
    told = []
    for row, place in files.read_table(table, columns, ("emotion",)):
        micro = _is_micro(row["Expression type"])
        if micro is not None:
            moments = tuple(files.whole(row[column]) for column in ("Onset", "Apex", "Offset"))
            coded = _Coded(moments, _label(row.get("emotion", ""), CASME_CUBED, micro), micro, place)
            told.append((f"{row['Subject']}/{row['Filename'].lower()}", coded))
    return _gather(videos, table, told, 30, CASME_CUBED)


def _read_smic(folder: Path) -> LongFound:
    table = files.find_table(folder, "SMIC-HS-E_annotation*", "SMIC's table of long videos")
    cut = next(place for place in (table.parent / "SMIC-HS-E", table.parent) if place.is_dir())
    videos = {
        f"{person.name}/{film.name}": _Video(film, person.name.removeprefix("s"))
        for person in files.folders_in(cut)
        for film in files.clips_in(person)
    }
    pairs = (("OnsetF", "OffsetF"), ("Onset2F", "Offset2F"), ("Onset3F", "Offset3F"))
    more = tuple(column for pair in pairs[1:] for column in pair)
    told = []
    for row, place in files.read_table(table, ("Subject", "Filename", "OnsetF", "OffsetF", "Emotion"), more):
        number = files.whole(row["Subject"].lower().removeprefix("s"))
        if number is None:  # a note below the table
            continue
        for onset, offset in pairs:
            moments = files.whole(row.get(onset, "")), None, files.whole(row.get(offset, ""))
            if moments[0] or onset == "OnsetF":
                coded = _Coded(moments, _label(row["Emotion"], _MEGC, True), True, place)
                told.append((f"s{number:02}/{row['Filename']}", coded))
    return _gather(videos, table, told, 100, _MEGC)


LAYOUTS = (
    LongLayout("samm-long", "SAMM Long Videos", (), _read_samm),
    LongLayout("casme-squared-long", "CAS(ME)^2, long videos", CASME_SQUARED, read_casme_squared),
    LongLayout("casme-cubed-long", "CAS(ME)^3 part A, long videos", CASME_CUBED, _read_casme_cubed),
    LongLayout("smic-long", "SMIC-E HS, long videos", _MEGC, _read_smic),
)
