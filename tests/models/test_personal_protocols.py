"""The study's protocols: nobody and nothing is on both sides, and what is compared is asked the same."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.errors import DatasetError
from models.personal import protocols
from models.personal.protocols import HeadTask

Counts = list[list[int]]
USERS = st.integers(2, 5).flatmap(
    lambda classes: st.lists(
        st.lists(st.integers(0, 9), min_size=classes, max_size=classes).filter(any), min_size=2, max_size=6
    )
)
"""Clips of each class that each user has."""


def laid_out(counts: Counts) -> tuple[NDArray[np.int64], list[str]]:
    rows = [
        (label, f"u{user}")
        for user, classes in enumerate(counts)
        for label, count in enumerate(classes)
        for _ in range(count)
    ]
    return np.array([label for label, _ in rows], np.int64), [user for _, user in rows]


def listed(counts: Counts, draws: int = 2, seed: int = 0) -> list[HeadTask]:
    labels, subjects = laid_out(counts)
    return list(protocols.tasks(labels, subjects, protocols.held_out_users(subjects), draws, seed))


@given(USERS, st.integers(0, 9))
def test_a_user_is_parted_class_by_class(counts: Counts, seed: int) -> None:
    labels, subjects = laid_out(counts)
    learn, test = protocols.within_user(labels, subjects, "u0", (seed,))
    assert sorted([*learn, *test]) == [i for i, subject in enumerate(subjects) if subject == "u0"]
    for label, count in enumerate(counts[0]):
        asked = int((labels[test] == label).sum())
        assert asked == (0 if count < 2 else max(1, round(count / 5)))


@given(USERS, st.integers(0, 9))
def test_nobody_who_is_held_out_is_learned_from(counts: Counts, seed: int) -> None:
    labels, subjects = laid_out(counts)
    held_out = protocols.held_out_users(subjects)
    learn, test = protocols.actor_split(subjects, held_out)
    assert {subjects[i] for i in test} == set(held_out)
    assert not {subjects[i] for i in learn} & set(held_out)
    assert sorted([*learn, *test]) == list(range(len(subjects)))
    learn, test = protocols.random_split(labels, (seed,))
    assert sorted([*learn, *test]) == list(range(len(subjects)))
    assert set(labels[learn]) == set(labels)


@given(USERS, st.integers(0, 9))
def test_more_clips_are_the_fewer_and_some_more(counts: Counts, seed: int) -> None:
    labels, subjects = laid_out(counts)
    learn = protocols.within_user(labels, subjects, "u0", (seed,)).learn
    there = np.bincount(labels[learn], minlength=len(counts[0]))
    chosen = [protocols.clips_per_class(labels, learn, count, (seed,)) for count in range(11)]
    for count, clips in enumerate(chosen):
        assert np.bincount(labels[clips], minlength=len(there)).tolist() == np.minimum(there, count).tolist()
    for few, more in itertools.pairwise(chosen):
        assert set(few) <= set(more) <= set(learn)


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 9))
def test_common_clips_are_as_many_and_of_many(users: int, count: int, seed: int) -> None:
    labels, subjects = laid_out([[8, 8, 8]] * users)
    sides = [np.flatnonzero(np.asarray(subjects) == f"u{user}") for user in range(users)]
    clips = protocols.common_clips(labels, sides, count, (seed,))
    assert np.bincount(labels[clips]).tolist() == [count] * 3
    for label in range(3):
        per_user = [sum(subjects[i] == f"u{user}" for i in clips[labels[clips] == label]) for user in range(users)]
        assert max(per_user) - min(per_user) <= 1
    assert len(protocols.common_clips(labels, sides, None, (seed,))) == 24


@settings(max_examples=40)
@given(USERS, st.integers(0, 3))
def test_all_heads_of_a_draw_are_asked_about_the_same_clips(counts: Counts, seed: int) -> None:
    _, subjects = laid_out(counts)
    if all(count < 2 for user in protocols.held_out_users(subjects) for count in counts[int(user[1:])]):
        with pytest.raises(DatasetError, match="expected two clips of a class at least of one of"):
            listed(counts, seed=seed)
        return
    found = listed(counts, seed=seed)
    assert [task.kind for task in found[:2]] == ["random", "universal"]
    asked: dict[tuple[int, str], set[int]] = {}
    for task in found:
        assert not set(task.learn) & set(task.asked) or task.kind == "common"
        if task.kind == "personal":
            assert {subjects[i] for i in [*task.learn, *task.asked]} == {task.user}
            assert asked.setdefault((task.draw, task.user), set(task.asked)) == set(task.asked)
    for task in found:
        if task.kind == "common":
            of_users = {user: clips for (draw, user), clips in asked.items() if draw == task.draw}
            assert set(task.asked) == set().union(*of_users.values())
            assert all(int(i) not in of_users[subjects[i]] for i in task.learn)  # nor is anybody's answer given away
    again = listed(counts, seed=seed)
    assert all(a.learn.tolist() == b.learn.tolist() for a, b in zip(found, again, strict=True))


def test_ravdess_with_song_has_thirteen_clips_of_a_class_to_learn_from() -> None:
    actor = [8, 16, 16, 16, 16, 16, 8, 8]
    _, subjects = laid_out([actor] * 24)
    held_out = protocols.held_out_users([f"{int(name[1:]) + 1:02}" for name in subjects])
    assert held_out == ("01", "02", "03", "04", "05")
    found = listed([actor] * 6, draws=1)
    personal = {task.clips: len(task.learn) for task in found if task.kind == "personal"}
    assert personal == {1: 8, 2: 16, 3: 24, 5: 40, 8: 58, 13: 83, None: 83}


def test_few_users() -> None:
    assert protocols.held_out_users(["a", "b"]) == ("a",)
    assert protocols.held_out_users(["a", "b", "c"]) == ("a", "b")
    assert protocols.held_out_users(["a", "b", "c"], ["c"]) == ("c",)
    assert {task.kind for task in listed([[3, 3], [3, 3]])} == {"random", "universal", "personal"}
    for named, complaint in (
        (["d"], "expected users to hold out of a, b, got d"),
        (["a", "b"], "all 2 people are held out"),
    ):
        with pytest.raises(DatasetError, match=complaint):
            protocols.held_out_users(["a", "b"], named)
    with pytest.raises(DatasetError, match="expected clips of two people at least, got those of a alone"):
        protocols.held_out_users(["a", "a"])


def test_what_can_not_be_done_is_told() -> None:
    labels, subjects = laid_out([[3, 1, 0], [3, 3, 3], [3, 3, 0], [3, 3, 0]])
    split = protocols.actor_split(subjects, ["u0", "u1"])
    assert protocols.remarks(labels, subjects, split, ("happy", "sad", "fear")) == [
        "u0 has no clip of fear: neither learned nor asked about.",
        "u0 has one clip of sad: learned from, but not asked about.",
        "Of those that the universal head learns from nobody shows fear.",
    ]
