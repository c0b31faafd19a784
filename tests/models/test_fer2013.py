"""Reading a FER2013 folder, made small here; the real one is measured in test_accuracy.py."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import fer2013

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
    with pytest.raises(fer2013.DatasetError, match="--data"):
        fer2013.load(tmp_path, "Training")


def test_missing_sheet_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "sheet.png").unlink()
    with pytest.raises(fer2013.DatasetError, match=r"sheet\.png does not exist"):
        fer2013.load(tmp_path, "Training")


def test_majority_needs_a_lone_leader_among_the_seven() -> None:
    votes = np.zeros((4, 10), np.float32)
    votes[0, [3, 6]] = 6, 4  # happy leads
    votes[1, [3, 6]] = 5, 5  # a tie
    votes[2, [4, 7]] = 4, 6  # contempt leads, which is none of the seven
    votes[3, [4, 9]] = 4, 3  # sad leads
    assert fer2013.majority(votes).tolist() == [3, -1, -1, 4]
