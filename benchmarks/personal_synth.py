"""Is a head that learned from a person better for that person? ``python -m benchmarks.personal_synth SET``.

SET is made by ``moodcast models synth SET --portraits DIR --clips 4200 --styles``: 60 people who each show the seven
expressions ten times, everybody in a style of their own. 40 people are there to learn from, 20 are strangers. Of each
stranger's ten clips of an expression five may be taught and five are asked about, the same ones at every k; who gets
which is dealt ``DRAWS`` times. Three heads answer over moodnet's features:

* universal: has none of the strangers' clips,
* common: goes on from it with k clips of each expression, each of another stranger; and ``pooled``, with k of each of
  ten other strangers,
* personal: goes on from it with k clips of each expression of the person who is asked about.

Accuracies are means over a person's clips and draws; intervals are those of the mean over the 20 people (percentiles of
a bootstrap over people), and so are the differences', person by person. What there is to choose is chosen on the 40.

The learners: the agent's (``models.inference.softmax``, a residual on the universal log probabilities), over moodnet as
it is shipped, which never saw a synthetic face, and over a head that learned from the 40 people; and the study's heads
(``models.personal``), which learn from the 40 as well, with its own settings.
"""

import argparse
import hashlib
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import machine
from benchmarks.flicker import middle
from models import atomic
from models.clips import layouts, synth, video
from models.inference import infer, registry, softmax
from models.personal import adaptation
from models.personal.features import FeatureClips
from relay.protocol import EXPRESSIONS

LEARNERS, STRANGERS = 40, 20
TAUGHT, COUNTS = 5, (1, 2, 5)
DRAWS, STUDY_DRAWS, CHOOSING_DRAWS = 10, 5, 1
KINDS = ("common", "pooled", "personal")
DIFFERENCES = ("common - universal", "personal - common", "personal - universal", "personal - pooled")
EVERY = 2
"""Frames of a clip from one look to the next."""
HELD = (0.45, 0.7)
"""The part of a clip in which the expression is held: what the agent takes of a viewer who is asked for it."""
STRENGTHS, UNIVERSAL_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), (1.0, 10.0, 100.0)
"""To choose from, of the priors of a head that goes on and of one that learns from the 40 people."""
GROUP = 10
"""Strangers who share a pooled head, which has the clips of all others."""
FOLDS = 4
"""Of the people to learn from, to choose on."""
RESAMPLES = 10_000

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Looks:
    """N clips as moodnet sees them: ``features`` and ``probabilities`` of all looks (F, D), (F, 7).

    ``ends`` (N,) says where each clip's looks end, ``held`` (F,) which show the expression held.
    """

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    held: NDArray[np.bool_]
    ends: Indices
    labels: Indices
    subjects: NDArray[np.str_]

    def means(self, looks: NDArray[np.float32]) -> Array:
        """Of each clip, what was held on average: (N, ...)."""
        parts = zip(np.split(looks, self.ends[:-1]), np.split(self.held, self.ends[:-1]), strict=True)
        return np.stack([part[held].mean(0, dtype=np.float64) for part, held in parts])


def look(folder: Path, network: str) -> Looks:
    """The clips of a set, from a file in it or seen now."""
    place, _ = infer.find(network)
    facts = [file for file in (folder / synth.TABLE, folder / synth.STYLES, place) if file.is_file()]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in facts)).hexdigest()[:16]
    file = folder / f".looks-{key}.npz"
    if not file.is_file():
        data = io.BytesIO()
        np.savez(data, **vars(_look(folder, network)))
        atomic.write(data.getvalue(), file)
    with np.load(file) as stored:
        return Looks(**stored)


def _look(folder: Path, network: str) -> Looks:
    listing = layouts.find(folder)
    net = infer.load_still(network)
    crop = net.network.contract.crop
    seen, held = [], []
    for clip in tqdm(listing.clips, desc="looks", unit="clip", disable=None):
        frames = list(video.frames(clip.path))
        at = np.arange(0, len(frames), EVERY)
        seen.append(net.read(np.stack([middle(frames[i], crop) for i in at])))
        held.append((at >= HELD[0] * len(frames)) & (at <= HELD[1] * len(frames)))
    return Looks(
        np.concatenate([features for _, features in seen if features is not None]),
        np.concatenate([probabilities for probabilities, _ in seen]),
        np.concatenate(held),
        np.cumsum([len(part) for part in held]),
        np.array([clip.label for clip in listing.clips]),
        np.array([clip.subject for clip in listing.clips]),
    )


class Hand(NamedTuple):
    """One person's clips in one draw: ``taught`` (7, ``TAUGHT``) by expression, ``asked`` (M,)."""

    taught: Indices
    asked: Indices


def deal(looks: Looks, people: Sequence[str], rng: np.random.Generator) -> list[Hand]:
    """A hand for each of these people."""
    hands = []
    for who in people:
        decks = [
            rng.permutation(np.flatnonzero((looks.subjects == who) & (looks.labels == label)))
            for label in range(len(EXPRESSIONS))
        ]
        hands.append(
            Hand(np.stack([deck[:TAUGHT] for deck in decks]), np.concatenate([deck[TAUGHT:] for deck in decks]))
        )
    return hands


def of_others(hands: Sequence[Hand], me: int, count: int, rng: np.random.Generator) -> Indices:
    """``count`` clips of each expression, each of another of the other people."""
    others = [i for i in range(len(hands)) if i != me]
    chosen = [rng.permutation(others)[:count] for _ in EXPRESSIONS]
    return np.array([hands[i].taught[label, 0] for label, people in enumerate(chosen) for i in people])


Adapt = Callable[[str, Indices, Indices], Indices]
"""Of a kind (common, pooled, personal), the clips to learn from and to ask about: what is answered."""


def play(
    looks: Looks, people: Sequence[str], universal: Indices, adapt: Adapt, draws: int, kinds: Sequence[str]
) -> dict[str, Array]:
    """Accuracies (people,) by ``universal`` and by kind and k, such as ``personal 5``."""
    right: dict[str, list[list[float]]] = {}
    for draw in tqdm(range(draws), desc="draws", unit="draw", leave=False, disable=None):
        rng = np.random.default_rng([len(people), draw])
        hands = deal(looks, people, rng)
        found = {"universal": [universal[hand.asked] for hand in hands]}
        for count in COUNTS:
            if "common" in kinds:
                found[f"common {count}"] = [
                    adapt("common", of_others(hands, i, count, rng), hand.asked) for i, hand in enumerate(hands)
                ]
            if "personal" in kinds:
                found[f"personal {count}"] = [
                    adapt("personal", hand.taught[:, :count].ravel(), hand.asked) for hand in hands
                ]
            if "pooled" in kinds:
                found[f"pooled {count}"] = list(_pooled(hands, count, adapt))
        for name, answers in found.items():
            shares = [
                float((answer == looks.labels[hand.asked]).mean()) for answer, hand in zip(answers, hands, strict=True)
            ]
            right.setdefault(name, []).append(shares)
    return {name: np.mean(shares, 0) for name, shares in right.items()}


def _pooled(hands: Sequence[Hand], count: int, adapt: Adapt) -> Iterator[Indices]:
    for start in range(0, len(hands), GROUP):
        group = hands[start : start + GROUP]
        learn = np.concatenate([hand.taught[:, :count].ravel() for hand in (*hands[:start], *hands[start + GROUP :])])
        answers = adapt("pooled", learn, np.concatenate([hand.asked for hand in group]))
        yield from np.split(answers, np.cumsum([len(hand.asked) for hand in group])[:-1])


def residual(looks: Looks, features: Array, logits: Array, strengths: Mapping[str, float]) -> Adapt:
    """The agent's learner, going on from these universal log probabilities (N, 7)."""

    def adapt(kind: str, learn: Indices, ask: Indices) -> Indices:
        strength = strengths[kind]
        head = softmax.fit(
            features[learn],
            looks.labels[learn],
            len(EXPRESSIONS),
            strength=strength,
            bias_strength=strength,
            offset=logits[learn],
        )
        answers: Indices = head.probabilities(features[ask], logits[ask]).argmax(1)
        return answers

    return adapt


def chosen(looks: Looks, features: Array, logits: Array, people: Sequence[str]) -> dict[str, float]:
    """The prior's strength for each kind: the best on people to learn from, in groups as large as the strangers'."""
    groups = [people[start : start + STRANGERS] for start in range(0, len(people), STRANGERS)]
    best = {}
    for kind in KINDS:
        score = {}
        for strength in STRENGTHS:
            adapt = residual(looks, features, logits, {kind: strength})
            rights = [play(looks, group, logits.argmax(1), adapt, CHOOSING_DRAWS, (kind,)) for group in groups]
            score[strength] = np.mean([right[f"{kind} {count}"].mean() for right in rights for count in COUNTS])
        best[kind] = max(score, key=lambda strength: score[strength])
    return best


def learned(looks: Looks, features: Array, people: Sequence[str], strength: float) -> Array:
    """Universal log probabilities (N, 7) of a head that learned from these people's clips."""
    learn = np.flatnonzero(np.isin(looks.subjects, people))
    head = softmax.fit(features[learn], looks.labels[learn], len(EXPRESSIONS), strength=strength)
    return np.log(head.probabilities(features))


def cross_learned(looks: Looks, features: Array, people: Sequence[str], strength: float) -> Array:
    """The same of the people themselves, each by a head that does not know them; the others' rows are 0."""
    logits = np.zeros((len(features), len(EXPRESSIONS)))
    for fold in range(FOLDS):
        unknown = people[fold::FOLDS]
        asked = np.isin(looks.subjects, unknown)
        logits[asked] = learned(looks, features, [who for who in people if who not in unknown], strength)[asked]
    return logits


class ProofRow(NamedTuple):
    """A learner: its accuracies by kind and k, see ``play``, and what was chosen for it."""

    title: str
    right: Mapping[str, Array]
    chosen: Mapping[str, float]


def agents(looks: Looks, people: Sequence[str], strangers: Sequence[str]) -> Iterator[ProofRow]:
    """The agent's learner over moodnet as it is shipped, and over a head that learned from ``people``."""
    features = looks.means(looks.features)
    shipped = np.log(np.maximum(looks.means(looks.probabilities), 1e-6))
    strengths = chosen(looks, features, shipped, people)
    adapt = residual(looks, features, shipped, strengths)
    yield ProofRow(
        "agent's, moodnet as shipped", play(looks, strangers, shipped.argmax(1), adapt, DRAWS, KINDS), strengths
    )
    known = np.isin(looks.subjects, people)
    crossed = {strength: cross_learned(looks, features, people, strength) for strength in UNIVERSAL_STRENGTHS}
    score = {strength: (logits.argmax(1) == looks.labels)[known].mean() for strength, logits in crossed.items()}
    best = max(score, key=lambda strength: score[strength])
    strengths = chosen(looks, features, crossed[best], people)
    logits = learned(looks, features, people, best)
    adapt = residual(looks, features, logits, strengths)
    right = play(looks, strangers, logits.argmax(1), adapt, DRAWS, KINDS)
    yield ProofRow(f"agent's, a head of {len(people)} people", right, {"universal": best, **strengths})


def studys(looks: Looks, people: Sequence[str], strangers: Sequence[str]) -> Iterator[ProofRow]:
    """The study's heads with its settings; see ``models.personal.adaptation``."""
    clips = FeatureClips(
        np.split(looks.features, looks.ends[:-1]),
        looks.labels,
        looks.subjects.tolist(),
        EXPRESSIONS,
        [str(i) for i in range(len(looks.labels))],
    )
    everything = np.arange(len(looks.labels))
    for head in ("linear", "single"):
        state = adaptation.train_universal(head, clips, np.flatnonzero(np.isin(looks.subjects, people)), seed=0)

        def adapt(kind: str, learn: Indices, ask: Indices, state: Any = state) -> Indices:
            own = adaptation.train_personal(state, clips, learn, seed=0)
            answers: Indices = adaptation.predict(own, clips, ask).argmax(1)
            return answers

        universal = adaptation.predict(state, clips, everything).argmax(1)
        yield ProofRow(f"study's, {head} head", play(looks, strangers, universal, adapt, STUDY_DRAWS, KINDS), {})


class Interval(NamedTuple):
    """A mean over people, and its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(values: Array) -> Interval:
    """Of one value a person (P,), percentiles of a bootstrap over people."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    return Interval(float(values.mean()), *map(float, np.percentile(means, (2.5, 97.5))))


def figures(row: ProofRow) -> dict[str, Interval]:
    """Accuracies and differences by kind and k."""
    found = {name: interval(values) for name, values in row.right.items()}
    for count in COUNTS:
        common, pooled, personal = (row.right[f"{kind} {count}"] for kind in KINDS)
        found[f"common - universal {count}"] = interval(common - row.right["universal"])
        found[f"personal - common {count}"] = interval(personal - common)
        found[f"personal - universal {count}"] = interval(personal - row.right["universal"])
        found[f"personal - pooled {count}"] = interval(personal - pooled)
    return found


def table(title: str, found: Mapping[str, Interval]) -> str:
    """Markdown, in percent and percentage points."""
    lines = [f"| {title} | " + " | ".join(f"k = {count}" for count in COUNTS) + " |", "|---|" + "---|" * len(COUNTS)]
    for kind in ("universal", *KINDS, *DIFFERENCES):
        sign = "+" if kind in DIFFERENCES else ""
        cells = [found[kind if kind == "universal" else f"{kind} {count}"] for count in COUNTS]
        told = [
            f"{100 * mean:{sign}.1f} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})" for mean, low, high in cells
        ]
        lines.append(f"| {kind} | " + " | ".join(told) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.personal_synth", description=__doc__.split("\n")[0])
    parser.add_argument("set", type=Path, metavar="SET", help="a set of models synth --styles")
    parser.add_argument("--model", default=registry.DEFAULT, help="whose features (default: %(default)s)")
    parser.add_argument("--only", choices=("agent", "study"), help="the learners of one kind")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures into a file")
    args = parser.parse_args()
    print(machine.describe())
    looks = look(args.set, args.model)
    names = sorted(set(looks.subjects.tolist()))
    people, strangers = names[:LEARNERS], names[LEARNERS : LEARNERS + STRANGERS]
    print(f"{len(looks.labels)} clips; {len(people)} people to learn from, {len(strangers)} strangers")
    results: dict[str, Any] = {"machine": machine.describe()}
    learners = {"agent": agents(looks, people, strangers), "study": studys(looks, people, strangers)}
    for row in itertools.chain.from_iterable(rows for name, rows in learners.items() if args.only in (None, name)):
        found = figures(row)
        print(f"\n{table(row.title, found)}\nchosen: {dict(row.chosen)}", flush=True)
        results[row.title] = {key: value._asdict() for key, value in found.items()}
    if args.json:
        atomic.write(json.dumps(results, indent=1).encode(), args.json)


if __name__ == "__main__":
    main()
