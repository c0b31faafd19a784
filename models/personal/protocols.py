"""Who and what is learned from and asked about in the study of persons. Pure: indices from labels, names and seeds.

Protocols of Churaev and Savchenko 2023: some users are held out, a universal head learns from all others; of each user
who was held out a fifth of the clips is asked about, and the personal head learns from clips of the rest. Seeds are
numbers for ``numpy.random.default_rng``; the same ones give the same clips.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError
from models.training.folds import Fold, Indices

_ASKED = 0.2
"""Share of the clips that is asked about, of each class."""
_CLIPS_PER_CLASS = (1, 2, 3, 5, 8, 13)
"""The steps of the curves. Of a RAVDESS actor's 16 clips a class (speech and song), 13 are 80 %."""

Seed = Sequence[int]


def held_out_users(subjects: Sequence[str], named: Sequence[str] = ()) -> tuple[str, ...]:
    """The users to hold out: those that were named, else the first fifth by name, two at least where there are three.

    Of RAVDESS that is the study's choice, actors 1 to 5.

    Raises:
        DatasetError: there is one user alone, a name is nobody's, or nobody is left to learn from.
    """
    users = sorted(set(subjects))
    if len(users) < 2:
        raise DatasetError(
            f"expected clips of two people at least, got those of {users[0]} alone: a universal head has to learn from "
            "somebody else than it is asked about"
        )
    if strangers := sorted(set(named) - set(users)):
        raise DatasetError(f"expected users to hold out of {', '.join(users)}, got {', '.join(strangers)}")
    if len(set(named)) == len(users):
        raise DatasetError(f"all {len(users)} people are held out, and nobody is left to learn from: name fewer")
    return tuple(sorted(set(named))) or tuple(users[: min(len(users) - 1, max(2, round(len(users) * _ASKED)))])


def actor_split(subjects: Sequence[str], held_out: Sequence[str]) -> Fold:
    """Learn from all users but those that are held out, and be asked about them (the study's table 2)."""
    is_asked = np.isin(np.asarray(subjects, str), np.asarray(held_out, str))
    return Fold(np.flatnonzero(~is_asked), np.flatnonzero(is_asked))


def random_split(labels: NDArray[np.int64], seed: Seed) -> Fold:
    """Learn from 80 % of the clips of each class and be asked about the rest, whoever is seen (its table 1)."""
    return _stratified(labels, np.arange(len(labels)), seed)


def within_user(labels: NDArray[np.int64], subjects: Sequence[str], user: str, seed: Seed) -> Fold:
    """The same among one user's clips. Who has one clip of a class only is not asked about it.

    A clip is asked about at every number of clips that was learned from, or at none.
    """
    return _stratified(labels, np.flatnonzero(np.asarray(subjects, str) == user), seed)


def _stratified(labels: NDArray[np.int64], among: Indices, seed: Seed) -> Fold:
    """Of each class at least one clip to learn from and, where there are two, at least one to be asked about."""
    asked = [
        clips[: min(len(clips) - 1, max(1, round(len(clips) * _ASKED)))] for clips in _shuffled(labels, among, seed)
    ]
    test = np.sort(np.concatenate([among[:0], *asked]))
    return Fold(np.setdiff1d(among, test), test)


def _shuffled(labels: NDArray[np.int64], among: Indices, seed: Seed) -> list[Indices]:
    """The clips of each class that there is, in an order by chance."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(among[labels[among] == label]) for label in np.unique(labels[among])]


def clips_per_class(labels: NDArray[np.int64], learn: Indices, count: int, seed: Seed) -> Indices:
    """``count`` clips of each class, or all where there are fewer; ascending.

    Those for a smaller count are among those for a larger one, so that a curve has less of chance in it.
    """
    return np.sort(np.concatenate([learn[:0], *(clips[:count] for clips in _shuffled(labels, learn, seed))]))


def common_clips(labels: NDArray[np.int64], sides: Sequence[Indices], count: int | None, seed: Seed) -> Indices:
    """As many clips of each class as a personal head learns from, dealt evenly from the learning sides of many users.

    Where users differ in what they have, it is their mean, rounded; a count of None stands for all. Ascending.
    """
    rng = np.random.default_rng(seed)
    decks = [{int(labels[deck[0]]): deck for deck in _shuffled(labels, side, seed)} for side in sides]
    dealt = [np.empty(0, np.int64)]
    for label in sorted({label for deck in decks for label in deck}):
        have = [deck[label] for deck in decks if label in deck]
        amount = round(float(np.mean([len(clips) if count is None else min(count, len(clips)) for clips in have])))
        turns = [
            (turn, at, clip) for at, i in enumerate(rng.permutation(len(have))) for turn, clip in enumerate(have[i])
        ]
        dealt.append(np.array([clip for _, _, clip in sorted(turns)[:amount]], np.int64))
    return np.sort(np.concatenate(dealt))


@dataclass(frozen=True)
class HeadTask:
    """One head to train and to ask.

    ``kind`` is ``random`` (a universal head of the random split), ``universal`` (of the split by actor), or what goes
    on from the latter: ``common`` (one head for all users) and ``personal`` (that of ``user``). ``clips`` is how many
    of each class those two learn from, None for all of the 80 %; ``draw`` numbers the chance of what is asked about.
    """

    kind: str
    learn: Indices
    asked: Indices
    draw: int = 0
    clips: int | None = None
    user: str = ""


def tasks(
    labels: NDArray[np.int64], subjects: Sequence[str], held_out: Sequence[str], draws: int, seed: int
) -> Iterator[HeadTask]:
    """All of the study for one network and one head, the universal head before what goes on from it.

    Without a second user to deal clips from there is no common head.

    Raises:
        DatasetError: none of the users who are held out can be asked about anything.
    """
    by_actor = actor_split(subjects, held_out)
    mixed = random_split(labels, (seed,))
    yield HeadTask("random", mixed.learn, mixed.test)
    yield HeadTask("universal", by_actor.learn, by_actor.test)
    for draw in range(draws):
        sides = {user: within_user(labels, subjects, user, (seed, draw, i)) for i, user in enumerate(held_out)}
        sides = {user: side for user, side in sides.items() if len(side.test)}
        if not sides:
            raise DatasetError(
                f"expected two clips of a class at least of one of {', '.join(held_out)}: one to learn from, one to be "
                "asked about"
            )
        learn = [side.learn for side in sides.values()]
        asked = np.sort(np.concatenate([side.test for side in sides.values()]))
        for count in (*steps(labels, learn), None):
            if len(sides) > 1:
                yield HeadTask("common", common_clips(labels, learn, count, (seed, draw)), asked, draw, count)
            for i, (user, side) in enumerate(sides.items()):
                few = side.learn if count is None else clips_per_class(labels, side.learn, count, (seed, draw, i))
                yield HeadTask("personal", few, side.test, draw, count, user)


def steps(labels: NDArray[np.int64], sides: Sequence[Indices]) -> tuple[int, ...]:
    """The counts of clips for which somebody has the clips of some class."""
    most = max((int(np.bincount(labels[side]).max(initial=0)) for side in sides), default=0)
    return tuple(count for count in _CLIPS_PER_CLASS if count <= most)


def remarks(labels: NDArray[np.int64], subjects: Sequence[str], split: Fold, classes: Sequence[str]) -> list[str]:
    """What can't be done as the protocols want it, a sentence each; ``split`` is the one by actor."""
    found = []
    names = np.asarray(subjects, str)
    for user in sorted(set(names[split.test].tolist())):
        counts = np.bincount(labels[names == user], minlength=len(classes))
        if lacking := [name for name, count in zip(classes, counts, strict=True) if count == 0]:
            found.append(f"{user} has no clip of {', '.join(lacking)}: neither learned nor asked about.")
        if single := [name for name, count in zip(classes, counts, strict=True) if count == 1]:
            found.append(f"{user} has one clip of {', '.join(single)}: learned from, but not asked about.")
    if unseen := [name for label, name in enumerate(classes) if label not in labels[split.learn]]:
        found.append(f"Of those that the universal head learns from nobody shows {', '.join(unseen)}.")
    return found
