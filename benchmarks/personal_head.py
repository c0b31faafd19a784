"""The strengths of a viewer's personal head, and what it takes to learn it: ``python -m benchmarks.personal_head``.

Without a folder only the time: ``agent.personal.learning.learn`` of 400 answers that are made up, each some minutes
after the last, so that as many heads are fitted as ever.

With ``--portraits`` (the Face Research Lab London Set) and ``--data`` (FER2013) the table by which the strengths were
chosen; none of it is shown to a test:

* People of the portraits, each with a style of their own (``models.clips.styles``), as the network reads the apex of
  synthetic clips: accuracy on clips that were not taught, after k clips of each expression, and before (0). Real
  viewers differ less from what the network knows: this is what a weak prior is good for.
* FER2013's training rows: 40 faces that are neutral, happy or sad for most of FER+'s taggers are taught, though the
  network has learned these very labels, so that there is nothing to gain: accuracy on these three, and on the other
  four expressions. Nobody is alike there: this is what a strong prior is good for.

And what the rule for using a head makes of the people's answers in two guided minutes, ten minutes apart, one clip of
each expression in each; the same with labels that are dealt at random; and with two people who take turns, minute by
minute, tested on both.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from agent.personal import learning
from agent.personal.answers import MOST_ANSWERS, Answer
from benchmarks import machine
from models.clips import styles, synth
from models.inference import registry
from models.inference.infer import Classifier, load_still
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

STRENGTHS = tuple(itertools.product((1.0, 0.3, 0.1, 0.03, 0.01), (0.1, 1.0, 10.0)))
"""On weights and on biases."""
SEED = 18
PEOPLE, CLIPS, TAUGHT = 20, 10, (1, 2, 5)
"""Of each expression; the last of ``TAUGHT`` are never tested on."""
DRAWS, FACES, AT_ONCE = 10, 6000, 64
THREE, OF_THREE = [EXPRESSIONS.index(name) for name in ("neutral", "happy", "sad")], 40
_TILE, _MARGIN_PX = 96, 10
"""A frame of synthetic clips is cut at a margin of 1.2; its middle is the network's tile at twice the size."""
Array = NDArray[np.float64]


class ReadFaces(NamedTuple):
    """As a network reads them: features (N, D), probabilities (N, 7), labels (N,), and whose they are (N,)."""

    features: Array
    universal: Array
    labels: NDArray[np.int64]
    people: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64]) -> "ReadFaces":
        return ReadFaces(self.features[rows], self.universal[rows], self.labels[rows], self.people[rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--model", default=registry.DEFAULT)
    parser.add_argument("--portraits", type=Path, metavar="DIR")
    parser.add_argument("--data", type=Path, metavar="DIR")
    asked = parser.parse_args()
    print(machine.describe())
    width = registry.get(asked.model).contract.features  # type: ignore[union-attr]
    print(f"{MOST_ANSWERS} answers with {width} features: learned in {seconds(width):.2f} s")
    if asked.portraits and asked.data:
        network = load_still(asked.model)
        people = styled(network, asked.portraits)
        table(people, voted(network, asked.data))
        minutes(people)
    return 0


def seconds(width: int) -> float:
    """The median of three times that ``learn`` takes."""
    rng = np.random.default_rng(SEED)
    middles = rng.exponential(1, (len(EXPRESSIONS), width))
    answers = []
    for number in range(MOST_ANSWERS):
        label = int(rng.integers(len(EXPRESSIONS)))
        features = np.abs(middles[label] + rng.normal(0, 1, width)).astype(np.float32)
        universal = rng.dirichlet(np.ones(len(EXPRESSIONS))).astype(np.float32)
        answers.append(Answer(3 * learning.APART_S * number, label, features, universal, True))
    took = []
    for _ in range(3):
        began = time.perf_counter()
        learning.learn(answers)
        took.append(time.perf_counter() - began)
    return float(np.median(took))


def styled(network: Classifier, folder: Path) -> ReadFaces:
    """The apex of clips of people with styles of their own."""
    size = _TILE + 2 * _MARGIN_PX
    files = dict(list(synth.find_portraits(folder).items())[:PEOPLE])
    with face_stage.finding("benchmarks") as find:
        people = synth.load_portraits(files, find, size)
    names = list(people)
    roles = synth.cast(names, len(names) * len(EXPRESSIONS) * CLIPS, np.random.default_rng(SEED))
    tiles = []
    for number, role in enumerate(tqdm(roles, desc="synthetic faces", unit="face", disable=None)):
        style = styles.draw(role.subject, SEED)
        clip = synth.perform(people[role.subject], role, size, np.random.default_rng([SEED, number]), style)
        apex = cv2.cvtColor(next(itertools.islice(clip, role.apex, None)), cv2.COLOR_RGB2GRAY)
        middle = apex[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
        tiles.append(cv2.resize(middle, (_TILE // 2, _TILE // 2), interpolation=cv2.INTER_AREA))
    labels = [EXPRESSIONS.index(role.expression) for role in roles]
    return read(network, np.stack(tiles), labels, [names.index(role.subject) for role in roles])


def voted(network: Classifier, folder: Path) -> ReadFaces:
    """Training rows of FER2013 that most of FER+'s taggers agree on."""
    faces = fer2013.load(folder, fer2013.TRAINING)
    majority = fer2013.majority(faces.votes)
    rows = np.random.default_rng(SEED).permutation(np.flatnonzero(majority >= 0))[:FACES]
    return read(network, faces.pixels[rows], majority[rows], range(len(rows)))


def read(network: Classifier, tiles: NDArray[np.uint8], labels: Sequence[int], people: Sequence[int]) -> ReadFaces:
    """ReadFaces (N, 48, 48) as the network reads them."""
    probabilities, features = [], []
    for begin in tqdm(range(0, len(tiles), AT_ONCE), desc="reading", disable=None):
        found, made_of = network.read(tiles[begin : begin + AT_ONCE])
        assert made_of is not None
        probabilities.append(found)
        features.append(made_of)
    return ReadFaces(
        np.concatenate(features).astype(np.float64),
        np.concatenate(probabilities).astype(np.float64),
        np.asarray(labels, np.int64),
        np.asarray(people, np.int64),
    )


def table(people: ReadFaces, strangers: ReadFaces) -> None:
    """One line for each pair of strengths."""
    taught = ", ".join(map(str, (0, *TAUGHT)))
    print(
        f"strength | of the bias | styled people, k = {taught} | three that were taught, before and after | other four"
    )
    for strength, bias_strength in STRENGTHS:
        own = by_person(people, strength, bias_strength)
        three, others = of_strangers(strangers, strength, bias_strength)
        print(
            f"{strength:g} | {bias_strength:g} | {', '.join(f'{100 * part:.1f}' for part in own)} | "
            f"{100 * three[0]:.1f}, {100 * three[1]:.1f} | {100 * others[0]:.1f}, {100 * others[1]:.1f}"
        )


def head_of(faces: ReadFaces, strength: float, bias_strength: float) -> learning.PersonalHead:
    weights = np.ones(len(faces.labels))
    return learning.fit_head(
        faces.features, faces.universal, faces.labels, weights, strength=strength, bias_strength=bias_strength
    )


def right(probabilities: Array, faces: ReadFaces) -> NDArray[np.bool_]:
    return np.asarray(probabilities.argmax(1) == faces.labels)


def by_person(faces: ReadFaces, strength: float, bias_strength: float) -> list[float]:
    """Accuracy before, and after each of ``TAUGHT``, the mean over the people."""
    found = []
    for person in np.unique(faces.people):
        own = np.flatnonzero(faces.people == person)
        order = np.random.default_rng([SEED, int(person)]).permutation(own)
        by_label = [order[faces.labels[order] == label] for label in range(len(EXPRESSIONS))]
        test = faces.of(np.concatenate([rows[TAUGHT[-1] :] for rows in by_label]))
        row = [right(test.universal, test).mean()]
        for count in TAUGHT:
            head = head_of(faces.of(np.concatenate([rows[:count] for rows in by_label])), strength, bias_strength)
            row.append(right(head.probabilities(test.features, test.universal), test).mean())
        found.append(row)
    means: list[float] = np.mean(found, 0).tolist()
    return means


def of_strangers(faces: ReadFaces, strength: float, bias_strength: float) -> tuple[list[float], list[float]]:
    """Accuracy before and after on the three expressions that were taught, and on the others."""
    three, others = [], []
    for draw in range(DRAWS):
        order = np.random.default_rng([SEED, draw]).permutation(len(faces.labels))
        first, rest = order[: len(order) // 4], order[len(order) // 4 :]
        head = head_of(faces.of(first[np.isin(faces.labels[first], THREE)][:OF_THREE]), strength, bias_strength)
        test = faces.of(rest)
        before, after = right(test.universal, test), right(head.probabilities(test.features, test.universal), test)
        is_taught = np.isin(test.labels, THREE)
        three.append([before[is_taught].mean(), after[is_taught].mean()])
        others.append([before[~is_taught].mean(), after[~is_taught].mean()])
    return np.mean(three, 0).tolist(), np.mean(others, 0).tolist()


def minutes(faces: ReadFaces) -> None:
    """Of how many people a head is used, and the accuracy on unseen clips of all of them, before and after."""
    by_person = [np.flatnonzero(faces.people == person) for person in np.unique(faces.people)]
    alone = [[(faces.of(rows), 0), (faces.of(rows), 1)] for rows in by_person]
    neighbours = zip(by_person, by_person[1:] + by_person[:1], strict=True)
    pairs = [(faces.of(one), faces.of(other)) for one, other in neighbours]
    in_turn = [[(own, clip) for clip in (0, 1) for own in pair] for pair in pairs]
    rng = np.random.default_rng(SEED)
    dealt = [[(own._replace(labels=rng.permutation(own.labels)), turn) for own, turn in turns] for turns in alone]
    for name, all_turns in (("two guided minutes", alone), ("labels dealt at random", dealt), ("two in turn", in_turn)):
        used, before, after = 0, [], []
        for turns, tested in zip(all_turns, in_turn if all_turns is in_turn else alone, strict=True):
            head = learning.learn(
                [answer for number, turn in enumerate(turns) for answer in minute(number, *turn)]
            ).head
            used += head is not None
            for test in {id(own): unseen(own) for own, _ in tested}.values():
                before.append(right(test.universal, test).mean())
                known = test.universal if head is None else head.probabilities(test.features, test.universal)
                after.append(right(known, test).mean())
        print(
            f"{name}: used of {used} of {len(all_turns)}, {100 * np.mean(before):.1f} to {100 * np.mean(after):.1f} %"
        )


def minute(number: int, own: ReadFaces, clip: int) -> list[Answer]:
    """The ``number``-th guided minute: the ``clip``-th clip of each expression."""
    rows = [np.flatnonzero(own.labels == label)[clip] for label in range(len(EXPRESSIONS))]
    features, universal = own.features.astype(np.float32), own.universal.astype(np.float32).clip(0, 1)
    return [
        Answer(600.0 * number + 8.5 * label, label, features[row], universal[row], True)
        for label, row in enumerate(rows)
    ]


def unseen(own: ReadFaces) -> ReadFaces:
    """A person's clips but for the first of each expression, ``TAUGHT[-1]`` of them."""
    by_label = [np.flatnonzero(own.labels == label)[TAUGHT[-1] :] for label in range(len(EXPRESSIONS))]
    return own.of(np.concatenate(by_label))


if __name__ == "__main__":
    sys.exit(main())
