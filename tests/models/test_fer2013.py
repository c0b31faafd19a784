"""Reading a FER2013 folder, made small here; the real one is measured in test_evaluate.py."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DatasetError
from models.stills import fer2013

COLUMNS = ("row", "usage", "emotion", "sheet", "r", "c", "duplicate_of", "pixel_source", *fer2013.VOTES)


def write_folder(folder: Path) -> None:
    """Six tiles in one sheet, each filled with its number times ten; tile 4 repeats tile 1."""
    sheet = np.repeat(np.repeat(np.arange(6).reshape(2, 3) * 10, 48, 0), 48, 1).astype(np.uint8)
    Image.fromarray(sheet).save(folder / "sheet.png")
    with (folder / "fer2013-labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for i in range(6):
            usage = "PublicTest" if i == 5 else "Training"
            record = dict.fromkeys(fer2013.VOTES, i)
            record |= {"row": i, "usage": usage, "emotion": "happy", "sheet": "sheet.png", "r": i // 3, "c": i % 3}
            writer.writerow(record | {"duplicate_of": 1 if i == 4 else "", "pixel_source": "png"})


def test_tiles_labels_and_votes(tmp_path: Path) -> None:
    write_folder(tmp_path)
    faces = fer2013.load(tmp_path, "Training")
    assert [int(face[0, 0]) for face in faces.pixels] == [0, 10, 20, 30, 40]
    assert faces.pixels.shape == (5, 48, 48)
    assert set(faces.labels) == {3}
    assert faces.groups.tolist() == [0, 1, 2, 3, 1]
    assert faces.votes[2].tolist() == [2.0] * 10
    assert len(fer2013.load(tmp_path, "PublicTest")) == 1


@pytest.mark.parametrize("seed", range(20))
def test_duplicates_never_straddle_training_and_validation(tmp_path: Path, seed: int) -> None:
    write_folder(tmp_path)
    learn, check = fer2013.split_validation(fer2013.load(tmp_path, "Training"), 0.5, seed)
    assert len(learn) + len(check) == 5
    assert not set(learn.groups) & set(check.groups)


def test_missing_folder_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--data"):
        fer2013.load(tmp_path, "Training")


def test_missing_sheet_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "sheet.png").unlink()
    with pytest.raises(DatasetError, match=r"sheet\.png does not exist"):
        fer2013.load(tmp_path, "Training")


@pytest.mark.parametrize("name", ["PublicTest", "publictest", "public", "Public Test", "public-test", "p"])
def test_a_split_may_be_named_loosely(name: str) -> None:
    assert fer2013.find_split(name, {"Training", "PublicTest"}, Path("t.csv")) == "PublicTest"


@pytest.mark.parametrize("name", ["", "private", "Pub", "-"])
def test_a_split_that_is_not_there_is_answered_with_those_that_are(name: str) -> None:
    with pytest.raises(DatasetError, match=r"\(Pub1, Pub2, Training\), got"):
        fer2013.find_split(name, {"Training", "Pub1", "Pub2"}, Path("t.csv"))


def test_the_folder_above_will_do_too(tmp_path: Path) -> None:
    (tmp_path / "fer2013").mkdir()
    write_folder(tmp_path / "fer2013")
    assert len(fer2013.load(tmp_path, "training")) == 5


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (",emotion,", ",feeling,", "expected the columns emotion"),
        (",happy,", ",glad,", "angry, disgust, fear.* got 'glad'"),
        ("sheet.png,1,2", "sheet.png,9,2", "beyond the edge"),
        ("sheet.png,1,2", "sheet.png,1,x", "expected whole numbers"),
    ],
)
def test_a_table_that_is_wrong_is_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    write_folder(tmp_path)
    table = tmp_path / "fer2013-labels.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=sentence):
        fer2013.load(tmp_path, "PublicTest")


def test_tiles_that_also_stand_in_training_are_marked(tmp_path: Path) -> None:
    """Row 5 repeats a training row, or another public one, or one that the folder does not have."""
    write_folder(tmp_path)
    table = tmp_path / "fer2013-labels.csv"
    text = table.read_text()
    assert not fer2013.load(tmp_path, "PublicTest").trained.any()
    table.write_text(text.replace("sheet.png,1,2,,", "sheet.png,1,2,3,"))
    assert fer2013.load(tmp_path, "PublicTest").trained.all()
    table.write_text(text.replace("sheet.png,1,2,,", "sheet.png,1,2,99,"))
    assert fer2013.load(tmp_path, "PublicTest").trained.all()
    table.write_text(text.replace("3,Training,", "3,Other,").replace("sheet.png,1,2,,", "sheet.png,1,2,3,"))
    assert not fer2013.load(tmp_path, "PublicTest").trained.any()


def test_majority_needs_a_lone_leader_among_the_seven() -> None:
    votes = np.zeros((4, 10), np.float32)
    votes[0, [3, 6]] = 6, 4  # happy leads
    votes[1, [3, 6]] = 5, 5  # a tie
    votes[2, [4, 7]] = 4, 6  # contempt leads, which is none of the seven
    votes[3, [4, 9]] = 4, 3  # sad leads
    assert fer2013.majority(votes).tolist() == [3, -1, -1, 4]
