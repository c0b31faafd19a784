"""Folds by subject: every clip is held out once, nobody is on both sides, and the folds are about as large."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips.layouts.entry import OfficialFold
from models.errors import DatasetError, RecipeError
from models.training import folds
from models.training.recipe import ClipsSection, DataSection

SUBJECTS = st.lists(st.sampled_from([f"s{i}" for i in range(12)]), min_size=2, max_size=60).filter(
    lambda names: len(set(names)) >= 2
)


@given(SUBJECTS, st.integers(2, 12), st.integers(0, 9))
def test_folds_part_the_clips_and_keep_subjects_whole(subjects: list[str], number: int, seed: int) -> None:
    number = min(number, len(set(subjects)))
    held_out = folds.by_subject(subjects, number, seed)
    assert len(held_out) == number
    assert sorted(np.concatenate(held_out).tolist()) == list(range(len(subjects)))
    people = [{subjects[i] for i in fold} for fold in held_out]
    assert all(people)  # no fold is empty,
    assert sum(map(len, people)) == len(set(subjects))  # and nobody is in two
    assert all((np.diff(fold) > 0).all() for fold in held_out)
    largest = max(subjects.count(name) for name in subjects)
    sizes = [len(fold) for fold in held_out]
    assert max(sizes) - min(sizes) <= largest


@given(SUBJECTS)
def test_leaving_one_subject_out_names_each_in_turn(subjects: list[str]) -> None:
    held_out = folds.leave_one_out(subjects)
    assert [{subjects[i] for i in fold} for fold in held_out] == [{name} for name in sorted(set(subjects))]
    assert sum(map(len, held_out)) == len(subjects)


def test_the_seed_decides_who_is_tested_together() -> None:
    subjects = [f"s{i}" for i in range(20)]
    one, again, other = (folds.by_subject(subjects, 4, seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert not all((a == b).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("subjects", "number"), [(["a", "a"], 2), (["a", "b"], 3), (["a", "b"], 1)])
def test_folds_that_cannot_be_are_a_sentence(subjects: list[str], number: int) -> None:
    with pytest.raises(DatasetError, match=r"folds|two subjects or more"):
        folds.by_subject(subjects, number, 0)


OFFICIAL = {"a": OfficialFold((0, 1), (2, 3)), "b": OfficialFold((2, 3), (0, 1))}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"protocol": "official"}, ["a", "b"]),
        ({"protocol": "official", "only": ("b",)}, ["b"]),
        ({"protocol": "folds", "folds": 2}, ["1", "2"]),
        ({"protocol": "leave-one-out"}, ["x", "y", "z"]),
        ({}, [""]),
    ],
)
def test_a_recipe_names_its_folds_and_none_learns_from_who_is_tested(fields: dict[str, Any], names: list[str]) -> None:
    subjects = ["z", "z", "x", "y"]
    found = folds.of_recipe(subjects, OFFICIAL, ClipsSection(**fields), DataSection())
    assert list(found) == names
    for fold in found.values():
        assert not {subjects[i] for i in fold.learn} & {subjects[i] for i in fold.test}
        assert sorted([*fold.learn, *fold.test]) == [0, 1, 2, 3]


def test_folds_that_there_are_not_are_a_sentence() -> None:
    with pytest.raises(DatasetError, match="official"):
        folds.of_recipe(["x", "y"], {}, ClipsSection(protocol="official"), DataSection())
    with pytest.raises(RecipeError, match=r"clips\.only"):
        folds.of_recipe(["x", "y"], {}, ClipsSection(protocol="leave-one-out", only=("q",)), DataSection())
