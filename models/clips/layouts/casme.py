"""Micro-expressions: CASME, CAS(ME)^2 and CAS(ME)^3. All are tested by leaving one subject out.

Assumed from the papers and from how public code reads these sets; none of them was at hand here. The tables may be
Excel (.xlsx) or the same saved as CSV.

CASME (Yan et al. 2013), sections A and B, 60 frames a second::

    casme.xlsx                              also CASME*.csv: Subject, Filename, OnsetF, ApexF1, OffsetF, Emotion
    CASME_raw_selected/sub01/EP01_5/EP01_5-12.jpg           or Cropped (reg_EP01_5-12.jpg), or the sections' own folders
                                                            (Section A, Section B)

One table numbers the people of both sections, so both are read as one. ``casme`` has the four classes that have clips
enough, as most papers (and AKMNet's code, which expects four), ``casme-3`` the three of the MEGC 2019 challenge.

CAS(ME)^2 (Qu et al. 2018), 30 frames a second: ``casme-squared`` has the micro-expressions of the long videos, cut out
as ``long_sets.py`` finds them.

CAS(ME)^3 part A (Li et al. 2022), 30 frames a second::

    cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx               Subject, Filename, Onset, Apex, Offset, emotion
    Part_A_ME_clip/frame/spNO.1_a_355/355.jpg               or out of the long videos: part_A/spNO.1/a/color/355.jpg

``casme-cubed`` has its seven classes, ``casme-cubed-3`` the three of MEGC 2019.
"""

from collections.abc import Callable
from pathlib import Path

from models.clips.layouts import files, long_sets
from models.clips.layouts.entry import Clip, Found, Layout, Read
from models.clips.layouts.micro import MEGC, MEGC_EXPRESSIONS, megc_label, padded, read_annotated
from models.errors import DatasetError

_CASME = ("disgust", "repression", "surprise", "tense")


def _read_casme(label: Callable[[str], int | None]) -> Read:
    def read(folder: Path) -> Found:
        table = files.find_table(folder, "[Cc][Aa][Ss][Mm][Ee]*", "CASME's coding file")
        cuts = [folder / name for name in ("CASME_raw_selected", "Cropped", "Section A", "Section B")]

        def place(person: str, name: str, onset: str) -> Path:
            places = [cut / f"sub{person}" / name for cut in cuts]
            return next((path for path in places if path.is_dir()), places[0])

        columns = ("Subject", "Filename", "OnsetF", "ApexF1", "OffsetF", "Emotion")
        return read_annotated(
            folder, table, columns, label, place, lambda text: padded(text.lower().removeprefix("sub"), 2), 60
        )

    return read


def _read_squared(folder: Path) -> Found:
    long = long_sets.read_casme_squared(folder)
    clips = tuple(
        Clip(
            film.path,
            event.label,
            film.subject,
            start=event.onset,
            stop=event.offset + 1,
            onset=0,
            apex=event.apex - event.onset if event.apex >= 0 else -1,
            offset=event.offset - event.onset,
            fps=film.fps,
        )
        for film in long.clips
        for event in film.events
        if event.micro and event.label >= 0 and event.offset > event.onset
    )
    if not clips:
        raise DatasetError(f"expected micro-expressions with their emotions in the coding file of {folder}, got none")
    return Found(clips, missing=long.missing, remarks=long.remarks)


def _read_cubed(label: Callable[[str], int | None]) -> Read:
    def read(folder: Path) -> Found:
        table = files.find_table(folder, "cas(me)3_part_A_ME_label*", "CAS(ME)^3's table of micro-expressions")
        columns = ("Subject", "Filename", "Onset", "Apex", "Offset", "emotion")
        return read_annotated(folder, table, columns, label, _cubed_places(folder), lambda text: text, 30)

    return read


def _cubed_places(folder: Path) -> Callable[[str, str, str], Path]:
    """Where the pictures of CAS(ME)^3 are: cut out, or in the long videos."""
    depths = ("", "*/", "*/*/", "*/*/*/")
    cut = next((found.parent for depth in depths for found in sorted(folder.glob(f"{depth}frame/spNO.*"))), None)
    if cut is not None:
        return lambda person, name, onset: cut / f"{person}_{name}_{files.whole(onset)}"
    long = files.locate(folder, (f"{depth}spNO.*/*/color" for depth in depths), "CAS(ME)^3's pictures").parents[2]
    return lambda person, name, onset: long / person / name.lower() / "color"


def _label_among(classes: tuple[str, ...]) -> Callable[[str], int | None]:
    return lambda word: classes.index(word) if word in classes else None


LAYOUTS = (
    Layout(
        "casme",
        "CASME, sections A and B, four classes",
        _CASME,
        ("disgust", None, "surprise", None),
        _read_casme(_label_among(_CASME)),
        steady=True,
    ),
    Layout("casme-3", "CASME, three classes", MEGC, MEGC_EXPRESSIONS, _read_casme(megc_label), steady=True),
    Layout(
        "casme-squared",
        "CAS(ME)^2, micro-expressions, four classes",
        long_sets.CASME_SQUARED,
        (*MEGC_EXPRESSIONS, None),
        _read_squared,
        steady=True,
    ),
    Layout(
        "casme-cubed",
        "CAS(ME)^3 part A, seven classes",
        long_sets.CASME_CUBED,
        ("angry", "disgust", "fear", "happy", "sad", "surprise", None),
        _read_cubed(_label_among(long_sets.CASME_CUBED)),
        steady=True,
    ),
    Layout(
        "casme-cubed-3", "CAS(ME)^3 part A, three classes", MEGC, MEGC_EXPRESSIONS, _read_cubed(megc_label), steady=True
    ),
)
