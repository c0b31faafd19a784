"""The published posteriors of three recognisers on RAVDESS, and the classifier that fuses them.

The folder is that of MMEmotionRecognition (Luna-Jimenez et al. 2022, MIT): what an MLP and a bi-LSTM over action units
and wav2vec2 over speech answered to each clip, for five folds by actor, with the recognisers' own training clips.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError
from models.inference.softmax import Matrix, SoftmaxRegression, fit, softmax

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""In RAVDESS' order, numbers 01 to 08 of the clips' names: that of labels, and of each recogniser's columns here."""
FOLDS = 5
FACE = slice(0, 16)
"""The columns of the two recognisers that saw the face; the others heard the speech."""
FACE_AND_SPEECH = slice(0, 24)

_ALPHABETICAL = (5, 1, 4, 6, 0, 3, 2, 7)
"""Where ``EMOTIONS`` stand in: angry, calm, disgust, fear, happy, neutral, sad, surprise."""
_RECOGNISERS = {"au_mlp": tuple(range(8)), "au_bilstm": _ALPHABETICAL, "wav2vec2": _ALPHABETICAL}
"""Folder names, in the order of the columns, each with the place of ``EMOTIONS`` in its files."""
RECOGNISERS = tuple(_RECOGNISERS)
_WITH_PROBABILITIES = "au_mlp"
_WITHOUT_HEADER = "au_bilstm"
_PUBLISHED = "fusion"
_TOGETHER = "posteriors"
"""A folder that may be around those of the recognisers."""
_SUM_TO_1 = 1e-3
"""How far a row of probabilities may be from it."""
_LARGEST = 1e6
"""No network's logit is larger; far larger ones can't be added up."""

Scaling = Literal["min-max", "standard"]
"""Of a column: 0..1 over the clips that are learned from, or mean 0 and deviation 1."""


@dataclass(frozen=True, eq=False)
class PosteriorClips:
    """N clips: ``names`` as RAVDESS has them, ``columns`` (N, 24) float64 as published (probabilities 0..1 of the MLP,
    then logits), ``labels`` (N,) indices of ``EMOTIONS``, ``actors`` (N,) numbers from 1."""

    names: tuple[str, ...]
    columns: NDArray[np.float64]
    labels: NDArray[np.int64]
    actors: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> "PosteriorClips":
        """Those where the mask (N,) is true."""
        names = tuple(name for name, keep in zip(self.names, chosen, strict=True) if keep)
        return PosteriorClips(names, self.columns[chosen], self.labels[chosen], self.actors[chosen])


@dataclass(frozen=True, eq=False)
class PosteriorFold:
    """``train``: clips that the recognisers learned from; ``test``: clips of actors that they never saw."""

    train: PosteriorClips
    test: PosteriorClips


@dataclass(frozen=True, eq=False)
class PosteriorFusion:
    """A scaling (``origin`` and ``unit``, (D,) each) and a logistic regression over ``columns`` of the clips."""

    columns: slice
    origin: Matrix
    unit: Matrix
    regression: SoftmaxRegression

    def scaled(self, clips: PosteriorClips) -> Matrix:
        """What the regression sees: (N, D), 0..1 over the clips that it learned from, or standardised."""
        scaled: Matrix = (clips.columns[:, self.columns] - self.origin) / self.unit
        return scaled

    def logits(self, clips: PosteriorClips) -> Matrix:
        """(N, 8), in the order of ``EMOTIONS``."""
        return self.regression.logits(self.scaled(clips))

    def probabilities(self, clips: PosteriorClips) -> Matrix:
        """(N, 8), each row 0..1 with the sum 1."""
        return self.regression.probabilities(self.scaled(clips))


def fused(clips: PosteriorClips, columns: slice, *, cost: float = 1.0, scaling: Scaling = "min-max") -> PosteriorFusion:
    """A logistic regression of this ``cost`` (C), learned from clips of every emotion. As it is called without more,
    and with all 24 columns, it is the published fusion, posteriors and all.

    The official help calls the published scaling standardisation; its code scales columns to 0..1.
    """
    chosen = clips.columns[:, columns]
    origin, unit = (chosen.min(0), np.ptp(chosen, 0)) if scaling == "min-max" else (chosen.mean(0), chosen.std(0))
    unit[unit == 0] = 1.0
    regression = fit((chosen - origin) / unit, clips.labels, len(EMOTIONS), strength=1 / cost)
    return PosteriorFusion(columns, origin, unit, regression)


def answers(clips: PosteriorClips, recogniser: str) -> Matrix:
    """The probabilities (N, 8) of one of ``RECOGNISERS``, each row 0..1 with the sum 1."""
    width = len(EMOTIONS)
    first = width * RECOGNISERS.index(recogniser)
    chosen = clips.columns[:, first : first + width]
    return chosen if recogniser == _WITH_PROBABILITIES else softmax(chosen)


def read(folder: Path) -> tuple[PosteriorFold, ...]:
    """The five folds of a folder, or of ``posteriors`` in it; clips are sorted by name.

    Raises:
        DatasetError: there is no such folder, a file or a column is missing, an entry is no number or a name no clip's,
            the recognisers tell of different clips, or training clips lack an emotion or have an actor of test clips.
    """
    folder = _place(folder)
    if not (folder / RECOGNISERS[0]).is_dir():
        raise DatasetError(
            f"expected a folder with the folders {', '.join(_RECOGNISERS)}, but there is none at {folder}"
        )
    folds = []
    for number in range(FOLDS):
        train, test = (_clips(folder, f"{part}_fold{number}.csv") for part in ("train", "test"))
        _check(train, test, folder, number)
        folds.append(PosteriorFold(train, test))
    return tuple(folds)


def read_published(folder: Path, folds: Sequence[PosteriorFold]) -> list[Matrix] | None:
    """The published posteriors of the fusion: (N, 8) for the test clips of each fold, in their order.

    None where the folder has no ``fusion``. The files for training clips have the names of test clips, so those can't
    be told apart and are left out.

    Raises:
        DatasetError: as ``read``, or a file lacks one of the fold's clips or has another's.
    """
    folder = _place(folder)
    if not (folder / _PUBLISHED).is_dir():
        return None
    found = []
    for number, fold in enumerate(folds):
        file = folder / _PUBLISHED / f"test_fold{number}.csv"
        table = _table(file, _PUBLISHED)
        if odd := sorted(set(fold.test.names) ^ set(table)):
            raise DatasetError(
                f"expected the test clips of fold {number} in {file}, but {odd[0]} is "
                f"{'not one of them' if odd[0] in table else 'missing'}"
            )
        found.append(np.array([table[name] for name in fold.test.names], np.float64))
    return found


def _place(folder: Path) -> Path:
    around = (folder / _TOGETHER / RECOGNISERS[0]).is_dir() and not (folder / RECOGNISERS[0]).is_dir()
    return folder / _TOGETHER if around else folder


def _check(train: PosteriorClips, test: PosteriorClips, folder: Path, number: int) -> None:
    lacking = sorted(set(range(len(EMOTIONS))) - set(train.labels.tolist()))
    if lacking:
        raise DatasetError(
            f"expected clips of all emotions in train_fold{number}.csv of {folder}, got none of {EMOTIONS[lacking[0]]}"
        )
    both = sorted(set(train.actors.tolist()) & set(test.actors.tolist()))
    if both:
        raise DatasetError(
            f"expected other actors to be tested in fold {number} of {folder} than are learned from, "
            f"got actor {both[0]:02} in both"
        )


def _clips(folder: Path, file: str) -> PosteriorClips:
    """The clips that the files of that name tell of."""
    tables = {name: _table(folder / name / file, name) for name in _RECOGNISERS}
    names = sorted(next(iter(tables.values())))
    for recogniser, table in tables.items():
        odd = sorted(set(names) ^ set(table))
        if odd:
            there, not_there = (recogniser, "au_mlp") if odd[0] in table else ("au_mlp", recogniser)
            raise DatasetError(
                f"expected the same clips of all recognisers in {folder}, but {there}/{file} has {odd[0]} "
                f"and {not_there}/{file} has not"
            )
    columns = [
        [table[name][place] for recogniser, table in tables.items() for place in _RECOGNISERS[recogniser]]
        for name in names
    ]
    fields = np.array([name.split("-") for name in names], np.int64)
    return PosteriorClips(tuple(names), np.array(columns, np.float64), fields[:, 2] - 1, fields[:, 6])


def _table(file: Path, recogniser: str) -> dict[str, list[float]]:
    """A file's eight numbers by clip."""
    rows = _listed_rows(file) if recogniser == _WITHOUT_HEADER else _headed_rows(file)
    table: dict[str, list[float]] = {}
    try:
        for line, name, entries in rows:
            _check_name(name, file, line)
            if name in table:
                raise DatasetError(f"expected each clip once in {file}, but line {line} has {name} again")
            table[name] = _numbers(entries, file, line, recogniser in (_WITH_PROBABILITIES, _PUBLISHED))
    except OSError as error:
        raise DatasetError(f"can't read {file}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"expected a CSV file in UTF-8, but {file} is none: {error}") from error
    if not table:
        raise DatasetError(f"expected a line a clip in {file}, got none")
    return table


def _headed_rows(file: Path) -> Iterator[tuple[int, str, Sequence[object]]]:
    """Line, clip and entries of a file with a header; the clip's column has one of two names."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        table = csv.DictReader(opened, delimiter=";")
        header = table.fieldnames or ()
        clip = "name" if "name" in header else "video_name"
        wanted = [f"embs{k}" for k in range(len(EMOTIONS))]
        missing = [name for name in (*wanted, clip) if name not in header]
        if missing:
            raise DatasetError(
                f"expected the columns embs0 to embs7 and name or video_name in {file}, got no {missing[0]}"
            )
        for row in table:
            yield table.line_num, row[clip] or "", [row[name] for name in wanted]


def _listed_rows(file: Path) -> Iterator[tuple[int, str, Sequence[object]]]:
    """Of a file without a header: ``CLIP.csv,"[eight numbers]"``."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        table = csv.reader(opened)
        for row in table:
            try:
                name, text = row
                entries = json.loads(text)
            except (ValueError, RecursionError):
                entries = None
            if not isinstance(entries, list):
                raise DatasetError(
                    f"expected a clip and a list of numbers in line {table.line_num} of {file}, "
                    f"got {','.join(row)!r:.80}"
                )
            yield table.line_num, name.removesuffix(".csv"), entries


def _check_name(name: str, file: Path, line: int) -> None:
    fields = name.split("-")
    whole = len(fields) == 7 and all(len(one) == 2 and one.isascii() and one.isdigit() for one in fields)
    if not whole or not 1 <= int(fields[2]) <= len(EMOTIONS):
        raise DatasetError(
            f"expected a clip's name as 01-01-05-02-01-01-16, with an emotion from 01 to 08, in line {line} of {file}, "
            f"got {name!r}"
        )


def _numbers(entries: Sequence[object], file: Path, line: int, are_probabilities: bool) -> list[float]:
    try:
        numbers = [float(entry) for entry in entries if isinstance(entry, str | int | float)]
    except (ValueError, OverflowError):
        numbers = []
    fit_in = all(-_LARGEST <= number <= _LARGEST for number in numbers)  # nan does not
    if len(entries) != len(EMOTIONS) or len(numbers) != len(entries) or not fit_in:
        raise DatasetError(
            f"expected {len(EMOTIONS)} numbers from -1e6 to 1e6 in line {line} of {file}, got "
            f"{', '.join(str(entry) for entry in entries)!r:.80}"
        )
    if are_probabilities and (min(numbers) < 0 or abs(sum(numbers) - 1) > _SUM_TO_1):
        raise DatasetError(
            f"expected probabilities from 0 to 1 with the sum 1 in line {line} of {file}, got "
            f"{', '.join(f'{number:.4g}' for number in numbers)}"
        )
    return numbers
