"""What one person's own clips add to a classifier of everybody, on the published posteriors of RAVDESS.

Universal is the published fusion of a fold's training clips. Personal is MAP towards its weights: of a few clips of an
actor whom it never saw, the prior on the difference being centred at zero. Everything is a fit with one minimum, so the
numbers depend on the draws' seed alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import DatasetError
from models.evaluation.posteriors import (
    EMOTIONS,
    FACE,
    FACE_AND_SPEECH,
    PosteriorClips,
    PosteriorFold,
    PosteriorFusion,
    fused,
)
from models.inference.softmax import Matrix, fit, softmax
from models.metrics import negative_log_likelihood

Places = NDArray[np.int64]

_CLIPS_PER_CLASS: Mapping[str, int | None] = {"0": 0, "1": 1, "2": 2, "3": 3, "5": 5, "80%": None}
"""What the personal classifier learns from, by its key in the JSON; None: all that is not held out."""
_CONTROL = ("0", "1", "5")
"""Of these, what is also asked with another actor's clips."""
_SHUFFLINGS = 4
"""Of each actor's clips, each dealt into fifths of which one is held out: 20 draws."""

_FIFTHS = 5
_STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of the prior, from which the training actors choose."""
_CHOOSING = ("1", "5")
"""Clips per class with which they do, in one draw of each."""
_SEED = 0
_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class GainCurve:
    """Answers by clips per class: ``right`` (A, K) of ``asked`` (A,), for A actors and the K keys ``learned``."""

    learned: tuple[str, ...]
    right: Places
    asked: Places

    def percent(self) -> dict[str, float]:
        """The share that is right, 0..100, by clips per class."""
        return dict(zip(self.learned, (100 * self.right.sum(0) / self.asked.sum()).tolist(), strict=True))

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Of ``percent``: see ``_resampled``."""
        return self._by_key(self.right)

    def gains(self) -> dict[str, tuple[float, float]]:
        """Of what is won over the first key, in points, for the same actors and clips."""
        return self._by_key(self.right - self.right[:, :1])

    def _by_key(self, won: Places) -> dict[str, tuple[float, float]]:
        return dict(zip(self.learned, _resampled(won, self.asked), strict=True))


@dataclass(frozen=True, eq=False)
class PosteriorStudy:
    """The three curves, and the strength of the prior in each fold, without and with speech."""

    face: GainCurve
    face_and_speech: GainCurve
    control: GainCurve
    strengths: Mapping[str, tuple[float, ...]]

    def figures(self) -> dict[str, dict[str, float]]:
        """What ``--json`` writes: percent, by clips per class."""
        curves = {"face": self.face, "face_and_speech": self.face_and_speech, "control": self.control}
        return {
            name: {key: round(value, 2) for key, value in curve.percent().items()} for name, curve in curves.items()
        }


@dataclass(frozen=True, eq=False)
class _Person:
    """One actor's clips as a universal classifier sees them: scaled (N, D), its logits (N, 8), labels and draws."""

    scaled: Matrix
    universal: Matrix
    labels: Places
    draws: tuple["_Draw", ...]


@dataclass(frozen=True, eq=False)
class _Draw:
    """Which of an actor's clips are asked about, and by emotion, in a chance order, which can be learned from."""

    held: Places
    free: tuple[Places, ...]

    def learned(self, per_class: int | None) -> Places:
        return np.concatenate([clips[:per_class] for clips in self.free])


def study(folds: Sequence[PosteriorFold], shufflings: int = _SHUFFLINGS) -> PosteriorStudy:
    """All of it: ``shufflings`` times five draws of each actor, shown by a bar.

    Every clip is held out once a shuffling, so k = 0 is the universal classifier over all clips. The held-out clips are
    the same for every k and for the control, which learns from clips of another test actor of the fold.

    Raises:
        DatasetError: an actor has fewer than five clips, or is the only one of a fold.
    """
    for number, fold in enumerate(folds):
        actors, counts = np.unique(fold.test.actors, return_counts=True)
        if len(actors) < 2:
            raise DatasetError(
                f"expected two actors or more in test_fold{number}.csv, for the control, got {len(actors)}"
            )
        if counts.min() < _FIFTHS:
            least = counts.argmin()
            raise DatasetError(
                f"expected {_FIFTHS} clips or more of each actor, got {counts[least]} of actor {actors[least]:02}"
            )
    total = 2 * sum(len(np.unique(fold.test.actors)) for fold in folds) * len(folds)
    with tqdm(total=total, unit="actor", disable=None) as bar:
        face, control, strengths = _curves(folds, FACE, shufflings, bar)
        both, _, with_speech = _curves(folds, FACE_AND_SPEECH, shufflings, bar)
    return PosteriorStudy(face, both, control, {"face": strengths, "face_and_speech": with_speech})


def describe(result: PosteriorStudy) -> str:
    """The study for people: a line for each curve and number of clips."""
    lines = [
        "Answers that are right, in percent, of actors whom the universal classifier never saw, by the clips of each",
        "emotion that are learned from; the points won over none; both with 95 % by resampling actors.",
        "",
        f"{'learned from':<26} {'clips':>5}  {'right':>5}  {'95 %':<12}  {'won':>5}  95 %",
    ]
    titles = ("own, face", "own, face and speech", "another actor's, face")
    for title, curve in zip(titles, (result.face, result.face_and_speech, result.control), strict=True):
        percent, intervals, gains = curve.percent(), curve.intervals(), curve.gains()
        none = curve.learned[0]
        for key in curve.learned:
            low, high = intervals[key]
            line = f"{title:<26} {key:>5}  {percent[key]:5.1f}  {low:4.1f} to {high:4.1f}"
            if key != none:
                low, high = gains[key]
                line += f"  {percent[key] - percent[none]:+5.1f}  {low:+.1f} to {high:+.1f}"
            lines.append(line)
    chosen = "; ".join(f"{name.replace('_', ' ')} {', '.join(map(str, s))}" for name, s in result.strengths.items())
    return "\n".join([*lines, "", f"Strength of the prior in each fold, chosen on the training actors: {chosen}."])


def _curves(
    folds: Sequence[PosteriorFold], columns: slice, shufflings: int, bar: "tqdm[None]"
) -> tuple[GainCurve, GainCurve, tuple[float, ...]]:
    """Own clips, another's clips, and the strengths by fold."""
    own, other, asked, strengths = [], [], [], []
    for number, fold in enumerate(folds):
        strength = _strength(folds, number, columns, bar)
        strengths.append(strength)
        people = list(_people(fused(fold.train, columns), fold.test, shufflings))
        for place, person in enumerate(people):
            rng = np.random.default_rng([_SEED, number, place])
            others = [people[k] for k in range(len(people)) if k != place]
            strangers = [others[k] for k in rng.integers(len(others), size=len(person.draws))]
            own.append([_right(person, [person] * len(person.draws), k, strength) for k in _CLIPS_PER_CLASS.values()])
            other.append([_right(person, strangers, _CLIPS_PER_CLASS[k], strength) for k in _CONTROL])
            asked.append(sum(len(draw.held) for draw in person.draws))
            bar.update()
    counts = np.array(asked)
    return (
        GainCurve(tuple(_CLIPS_PER_CLASS), np.array(own), counts),
        GainCurve(_CONTROL, np.array(other), counts),
        tuple(strengths),
    )


def _strength(folds: Sequence[PosteriorFold], tested: int, columns: slice, bar: "tqdm[None]") -> float:
    """The prior under which the actors of the other folds, each with own clips, are least surprising.

    The recognisers' answers to their clips are those of the folds in which these were new. The universal classifiers
    with which this is tried leave the tested actors out, so nothing of them is learned here.
    """
    surprise = np.zeros(len(_STRENGTHS))
    for number, fold in enumerate(folds):
        if number == tested:
            continue
        learned = fold.train.only(~np.isin(fold.train.actors, folds[tested].test.actors))
        for person in _people(fused(learned, columns), fold.test, shufflings=1):
            draw = person.draws[0]
            for place, strength in enumerate(_STRENGTHS):
                for key in _CHOOSING:
                    answers = _personal(person, draw, person, draw, _CLIPS_PER_CLASS[key], strength)
                    surprise[place] += len(answers) * negative_log_likelihood(answers, person.labels[draw.held])
            bar.update()
    return _STRENGTHS[int(surprise.argmin())]


def _people(universal: PosteriorFusion, clips: PosteriorClips, shufflings: int) -> Iterator[_Person]:
    scaled, logits = universal.scaled(clips), universal.logits(clips)
    for actor in np.unique(clips.actors):
        own = clips.actors == actor
        draws = _draws(clips.labels[own], np.random.default_rng([_SEED, int(actor)]), shufflings)
        yield _Person(scaled[own], logits[own], clips.labels[own], tuple(draws))


def _draws(labels: Places, rng: np.random.Generator, shufflings: int) -> Iterator[_Draw]:
    """Five a shuffling: clips are dealt emotion by emotion, so that about a fifth of each emotion is held out."""
    for _ in range(shufflings):
        by_emotion = [rng.permutation(np.flatnonzero(labels == emotion)) for emotion in range(len(EMOTIONS))]
        fifth = np.empty(len(labels), np.int64)
        fifth[np.concatenate(by_emotion)] = np.arange(len(labels)) % _FIFTHS
        for held in range(_FIFTHS):
            yield _Draw(np.flatnonzero(fifth == held), tuple(clips[fifth[clips] != held] for clips in by_emotion))


def _right(person: _Person, teachers: Sequence[_Person], per_class: int | None, strength: float) -> int:
    """How many answers are right over a person's draws, with clips of a teacher for each."""
    right = 0
    for number, (draw, teacher) in enumerate(zip(person.draws, teachers, strict=True)):
        answers = _personal(person, draw, teacher, teacher.draws[number], per_class, strength).argmax(1)
        right += int((answers == person.labels[draw.held]).sum())
    return right


def _personal(
    person: _Person, draw: _Draw, teacher: _Person, lesson: _Draw, per_class: int | None, strength: float
) -> Matrix:
    """The probabilities (N, 8) of a person's held-out clips, after a lesson of a teacher's clips."""
    offset = person.universal[draw.held]
    clips = lesson.learned(per_class)
    if not len(clips):
        return softmax(offset)
    personal = fit(
        teacher.scaled[clips], teacher.labels[clips], len(EMOTIONS),
        strength=strength, bias_strength=strength, offset=teacher.universal[clips],
    )  # fmt: skip
    return personal.probabilities(person.scaled[draw.held], offset)


def _resampled(won: Places, asked: Places) -> list[tuple[float, float]]:
    """95 % intervals of ``won`` (A, K) of ``asked`` (A,) in percent: percentiles of bootstrap resamples of the actors.

    Clips of one actor are near copies of each other, so actors are what is resampled, not clips (Efron 1979).
    """
    chosen = np.random.default_rng(_SEED).integers(len(asked), size=(_RESAMPLES, len(asked)))
    shares = 100 * won[chosen].sum(1) / asked[chosen].sum(1)[:, None]
    low, high = np.percentile(shares, [2.5, 97.5], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
