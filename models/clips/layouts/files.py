"""Tables and files of data sets: where they are and what is in them."""

import bisect
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from models.clips import sound, video
from models.errors import DatasetError


class Line(NamedTuple):
    """The fields of a line that is not empty. ``place`` says where it is, as errors tell it."""

    words: Sequence[str]
    place: str


class Row(NamedTuple):
    """The fields of a table's row by their columns, and its place."""

    fields: Mapping[str, str]
    place: str


def locate(folder: Path, names: Iterable[str], what: str) -> Path:
    """The first of ``names``, which may be patterns, that is in the folder.

    Raises:
        DatasetError: none is; ``what`` says what was looked for.
    """
    names = tuple(names)
    for name in names:
        if found := sorted(folder.glob(name)):
            return found[0]
    raise DatasetError(f"expected {what} in {folder}, as {' or '.join(names)}")


def clip_at(place: Path, sounds: bool = False) -> Path | None:
    """A folder of pictures of this name, or a video file of this name with any ending; None where there is neither.

    With ``sounds``, a file of sound where there is no video.
    """
    if place.is_dir():
        return place
    for suffix in (*sorted(video.VIDEOS), *(sound.SOUNDS if sounds else ())):
        if (file := place.with_name(place.name + suffix)).is_file():
            return file
    return place if place.is_file() and (is_seen(place) or (sounds and is_sound(place))) else None


def is_seen(entry: Path) -> bool:
    """Whether a file is a video, by its ending, or a folder has pictures directly in it."""
    return video.has_pictures(entry) if entry.is_dir() else entry.suffix.lower() in video.VIDEOS


def is_sound(entry: Path) -> bool:
    """Whether a file is one of sound alone, by its ending."""
    return entry.suffix.lower() in sound.SOUNDS and not entry.is_dir()


def clips_in(folder: Path, sounds: bool = False) -> list[Path]:
    """Video files and folders of pictures directly in a folder, by the numbers in their names.

    With ``sounds`` files of sound, too, but for those of a name that is seen (``models.clips.sound.beside``); of
    several with one name, the kind that is first in ``models.clips.sound.SOUNDS``.
    """
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    found = [entry for entry in entries if is_seen(entry)]
    if sounds:
        seen = {entry.name if entry.is_dir() else entry.stem for entry in found}
        heard: dict[str, Path] = {}
        for entry in sorted(filter(is_sound, entries), key=lambda entry: sound.SOUNDS.index(entry.suffix.lower())):
            heard.setdefault(entry.stem, entry)
        found += [entry for stem, entry in heard.items() if stem not in seen]
    return sorted(found, key=lambda entry: video.natural(entry.name))


def folders_in(folder: Path) -> list[Path]:
    """The folders of a folder, by name; hidden ones don't count."""
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _read_lines(file: Path, delimiter: str) -> list[Line]:
    """A table without a header.

    Raises:
        DatasetError: it can't be read.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.reader(lines, delimiter=delimiter)
            return [Line(row, f"line {table.line_num} of {file}") for row in table if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"expected a table in UTF-8, but {file} can't be read: {error}") from error


def read_names(file: Path) -> list[Line]:
    """Lines of two words or more, such as a clip's name and its label.

    Raises:
        DatasetError: it can't be read, or there is one word on a line.
    """
    lines = [Line([word for word in words if word], place) for words, place in _read_lines(file, " ")]
    for words, place in lines:
        if len(words) == 1:
            raise DatasetError(f"expected a clip's name and its label on {place}, got {words[0]!r}")
    return [line for line in lines if line.words]


def find_table(folder: Path, stem: str, what: str) -> Path:
    """The Excel or CSV file that begins with ``stem``, in the folder or up to three folders deep in it.

    Raises:
        DatasetError: there is none, or only one in the old Excel format; ``what`` says what was looked for.
    """
    depths = ("", "*/", "*/*/", "*/*/*/")
    try:
        return locate(folder, [f"{depth}{stem}{end}" for depth in depths for end in (".xlsx", ".csv")], what)
    except DatasetError:
        for file in (file for depth in depths for file in folder.glob(f"{depth}{stem}.xls")):
            raise DatasetError(
                f"expected {what} as .xlsx or .csv, got {file}: open it, and save it as .xlsx beside it"
            ) from None
        raise


def read_sheets(file: Path) -> list[list[Line]]:
    """All sheets of an Excel file, or a CSV file as the only one.

    Raises:
        DatasetError: it can't be read.
    """
    return _excel(file) if file.suffix.lower() == ".xlsx" else [_read_lines(file, ",")]


def read_table(file: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows under the first line that names all ``columns``, of a CSV or an Excel file; case does not count.

    What stands above that line is skipped, and so are rows without a value in the first column. ``optional`` columns
    are among the fields where the line has them. Of an Excel file, the first sheet with such a line counts.

    Raises:
        DatasetError: it can't be read, or lacks a column.
    """
    for lines in read_sheets(file):
        for i, line in enumerate(lines):
            names = [cell.strip().lower() for cell in line.words]
            if {name.lower() for name in columns} <= set(names):
                there = [*columns, *(name for name in optional if name.lower() in names)]
                number = {name: names.index(name.lower()) for name in there}
                found = [Row(_fields(number, words), place) for words, place in lines[i + 1 :]]
                return [row for row in found if row.fields[columns[0]]]
    raise DatasetError(f"expected the columns {', '.join(columns)} in {file}")


def _fields(number: Mapping[str, int], words: Sequence[str]) -> dict[str, str]:
    """By their columns, of which these are the numbers; a line may end early."""
    return {name: words[i].strip() if i < len(words) else "" for name, i in number.items()}


def _excel(file: Path) -> list[list[Line]]:
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise DatasetError(
            f"reading {file} needs the package openpyxl, which is not installed: pip install '.[train]' in Moodcast's "
            "folder, or save the table as CSV beside it and delete the Excel file"
        ) from error
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            return [
                [
                    Line(["" if cell is None else str(cell) for cell in row], f"line {i} of {file}")
                    for i, row in enumerate(sheet.iter_rows(values_only=True), 1)
                ]
                for sheet in book.worksheets
            ]
        finally:
            book.close()
    except Exception as error:  # a broken file raises whatever zipfile, the XML parser or openpyxl do
        raise DatasetError(f"expected an Excel table (.xlsx), but {file} can't be read: {error}") from error


def numbers(folder: Path) -> list[int]:
    """The last number in the name of each picture of a folder, in their order: ``reg_img46.jpg`` has 46."""
    found = [re.findall(r"\d+", file.stem) for file in video.pictures(folder)]
    return [int(parts[-1]) if parts else 0 for parts in found]


def whole(text: str) -> int | None:
    """A frame's number in a table; None for ``/`` and whatever else stands for not known."""
    try:
        number = int(float(text))
    except (ValueError, OverflowError):  # of "inf"
        return None
    return number if number >= 0 else None


def index_of(number: int | None, within: Sequence[int]) -> int:
    """Where the picture of that number is, or the next one there is, or the last; -1 where it is not known."""
    if number is None or not within:
        return -1
    return min(bisect.bisect_left(within, number), len(within) - 1)
