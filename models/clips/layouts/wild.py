"""Clips from films and shows: DFEW, FERV39K, MAFW and AFEW, each with its official split files.

Assumed from the authors' pages, and from how the official code of Former-DFER and MAE-DFER reads these sets; none of
the sets was at hand here. None names who is seen, so every clip counts as somebody else's.

DFEW (Jiang et al. 2020), single-labelled clips, five folds::

    EmoLabel_DataSplit/train(single-labeled)/set_1.csv      video_name,label with labels from 1; test(single-labeled)
    Clip/clip_224x224/00001/*.jpg                           or Clip/jpg_256, Clip/clip_224x224_16f (16 frames each),
    Clip/original/1.mp4                                     or the uncut videos

FERV39K (Wang et al. 2022), all scenes, one fold::

    4_setups/All_scenes/train_All.csv                       Action/Happy/0267 Happy; test_All.csv
    2_ClipsforFaceCrop/Action/Happy/0267/*.jpg              or another folder that begins with 2_

MAFW (Liu et al. 2022), single expressions, five folds::

    Train & Test Set/single/no_caption/set_1/train.txt      00001.mp4 anger; test.txt; or under split/
    data/clips/00001.mp4                                    or data/frames/00001/*.png

AFEW (Dhall et al. 2012, as in EmotiW), one fold, tested on its validation part::

    Train_AFEW/Angry/000046280.avi                          or train/; Val_AFEW or val; also folders of pictures
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from models.clips.layouts import files
from models.clips.layouts.entry import Clip, Found, Layout, OfficialFold, expression_of
from models.errors import DatasetError
from relay.protocol import EXPRESSIONS

_SEVEN = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
"""DFEW's order (its labels less one), which FERV39K's users and Former-DFER's AFEW lists keep."""
_ELEVEN = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
    "contempt", "anxiety", "helplessness", "disappointment",
)  # fmt: skip
"""MAFW's order."""

Rows = list[tuple[str, int]]
"""Name and label of each clip of one part of a split."""


def gather(parts: Mapping[str, tuple[Rows, Rows]], place: Callable[[str], Iterable[Path]]) -> Found:
    """The clips that the parts (train, test) of all folds name; each is at the first of its places that is there.

    Raises:
        DatasetError: a clip is in both parts of a fold.
    """
    for fold, (train, test) in parts.items():
        if both := {name for name, _ in train} & {name for name, _ in test}:
            raise DatasetError(
                f"expected each clip in the training or in the test part of fold {fold}, got {len(both)} in both, such "
                f"as {min(both)}"
            )
    clips: dict[str, Clip] = {}
    missing: dict[str, str] = {}
    for name, label in (row for fold in parts.values() for part in fold for row in part):
        if name in clips or name in missing:
            continue
        places = list(place(name))
        path = next((found for found in map(files.clip_at, places) if found), None)
        if path is None:
            missing[name] = f"{places[0]} is named in a split file, but is not there"
        else:
            clips[name] = Clip(path, label, subject=name)
    number = {name: i for i, name in enumerate(clips)}
    folds = {
        fold: OfficialFold(*(tuple(number[name] for name, _ in part if name in number) for part in both))
        for fold, both in parts.items()
    }
    return Found(tuple(clips.values()), folds, tuple(missing.values()))


def _read_dfew(folder: Path) -> Found:
    splits = files.locate(folder, ("EmoLabel_DataSplit",), "the folder of split files")

    def rows(part: str, fold: int) -> Rows:
        file = files.locate(splits, (f"{part}(single-labeled)/set_{fold}.csv",), "DFEW's split files")
        return [
            (_number(row["video_name"], place), _label(row["label"], len(_SEVEN), place) - 1)
            for row, place in files.read_table(file, ("video_name", "label"))
        ]

    def place(name: str) -> Iterable[Path]:
        for cut in ("clip_224x224", "jpg_256", "clip_224x224_16f"):
            yield folder / "Clip" / cut / name
        for original in (name, str(int(name))):
            yield folder / "Clip" / "original" / original

    return gather({str(fold): (rows("train", fold), rows("test", fold)) for fold in range(1, 6)}, place)


def _number(text: str, place: str) -> str:
    """A clip's number as the folders write it: 00001 for 1 or 1.0."""
    number = files.whole(text)
    if number is None:
        raise DatasetError(f"expected a clip's number on {place}, got {text!r}")
    return f"{number:05}"


def _label(text: str, classes: int, place: str) -> int:
    """A label from 1 up."""
    label = files.whole(text)
    if label is None or not 1 <= label <= classes:
        raise DatasetError(f"expected labels from 1 to {classes} on {place}, got {text!r}")
    return label


def _read_ferv39k(folder: Path) -> Found:
    splits = files.locate(folder, ("4_setups/All_scenes", "All_scenes"), "FERV39K's split folder")
    cut = files.locate(folder, ("2_ClipsforFaceCrop", "2_*"), "FERV39K's clips")

    def rows(part: str) -> Rows:
        file = splits / f"{part}_All.csv"
        return [(words[0], _named(words[1], _SEVEN, place)) for words, place in files.read_names(file)]

    return gather({"all scenes": (rows("train"), rows("test"))}, lambda name: (cut / name,))


def _named(word: str, classes: tuple[str, ...], place: str) -> int:
    """A label that is a word, one of the classes or another word for it."""
    word = word.strip().lower()
    meant = expression_of(word)
    name = next((name for name in classes if name == word or (meant and meant == expression_of(name))), None)
    if name is None:
        raise DatasetError(f"expected one of {', '.join(classes)} on {place}, got {word!r}")
    return classes.index(name)


def _read_mafw(folder: Path) -> Found:
    names = ("Train & Test Set/single/no_caption", "split/single/no_caption", "single/no_caption")
    splits = files.locate(folder, names, "MAFW's split folder")

    def rows(part: str, fold: int) -> Rows:
        file = splits / f"set_{fold}" / f"{part}.txt"
        names = files.read_names(file)
        return [(words[0].partition(".")[0], _named(words[1], _ELEVEN, place)) for words, place in names]

    def place(name: str) -> Iterable[Path]:
        return folder / "data" / "clips" / name, folder / "data" / "frames" / name

    return gather({str(fold): (rows("train", fold), rows("test", fold)) for fold in range(1, 6)}, place)


def _read_afew(folder: Path) -> Found:
    parts = (("Train_AFEW", "train"), ("Val_AFEW", "val"))
    where: dict[str, Path] = {}
    both: list[Rows] = []
    for names in parts:
        part = files.locate(folder, names, "AFEW's clips")
        rows = []
        for group in files.folders_in(part):
            label = expression_of(group.name)
            if label is None:  # AFEW's own folders of points and faces lie beside those of the classes
                continue
            for clip in files.clips_in(group):
                name = f"{part.name}/{group.name}/{clip.name}"
                where[name] = clip
                rows.append((name, _SEVEN.index(label)))
        both.append(rows)
    return gather({"validation": (both[0], both[1])}, lambda name: (where[name],))


LAYOUTS = (
    Layout("dfew", "DFEW, single-labelled, five folds", _SEVEN, _SEVEN, _read_dfew),
    Layout("ferv39k", "FERV39K, all scenes", _SEVEN, _SEVEN, _read_ferv39k),
    Layout(
        "mafw",
        "MAFW, single expressions, five folds",
        _ELEVEN,
        tuple(name if name in EXPRESSIONS else None for name in map(expression_of, _ELEVEN)),
        _read_mafw,
    ),
    Layout("afew", "AFEW as in EmotiW, training and validation part", _SEVEN, _SEVEN, _read_afew),
)
