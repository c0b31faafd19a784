"""Whose a study's folder is, and answers that are kept in it."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.clips.source import in_memory
from models.errors import TrainingError
from models.micro import study_folder
from models.training.recipe import Recipe

FACES = [np.zeros((2, 4, 4, 3), np.uint8)] * 2


def told(kind: str = "across", people: tuple[str, ...] = ("a", "b"), rate: float = 60) -> dict[str, str]:
    return study_folder.about(kind, Recipe(), in_memory(FACES, [0, 1], ("x", "y"), people, rate=[rate] * 2))


def test_a_folder_is_that_of_one_study_from_its_first_result_on(tmp_path: Path) -> None:
    study_folder.check_same(tmp_path, told())
    study_folder.check_same(tmp_path, told("rates"))  # there is nothing to lose yet
    (tmp_path / "answers.json").write_text("[0]")
    study_folder.check_same(tmp_path, told("rates"))
    for other, what in (
        (told("across"), "its kind: "),
        (told("rates", ("a", "c")), "its clips: "),
        (told("rates", rate=120), "its clips: "),
        (told("rates") | {"start": "weights"}, "its start: "),
    ):
        with pytest.raises(TrainingError, match=what):
            study_folder.check_same(tmp_path, other)
    (tmp_path / "study.json").unlink()
    with pytest.raises(TrainingError, match="kind and recipe and clips"):  # whoever made the answers
        study_folder.check_same(tmp_path, told())
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(TrainingError, match=r"can't read .*study.json"):
        study_folder.check_same(tmp_path, told())


def test_answers_are_made_once(tmp_path: Path) -> None:
    file, made = tmp_path / "answers.json", []

    def make() -> np.ndarray:
        made.append(1)
        return np.array([2, 0])

    for _ in range(2):
        np.testing.assert_array_equal(study_folder.kept(file, make), [2, 0])
    assert len(made) == 1
    assert json.loads(file.read_text()) == [2, 0]
    file.write_text("[2, ")
    with pytest.raises(TrainingError, match=r"can't read .*answers.json.*delete it, and it is made anew"):
        study_folder.kept(file, make)
    with pytest.raises(TrainingError, match=r"can't write .*Nothing is lost"):
        study_folder.kept(tmp_path / "nowhere" / "answers.json", make)
