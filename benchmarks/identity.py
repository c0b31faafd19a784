"""Whether the network that tells whose face it is may be offered: ``python -m benchmarks.identity --portraits DIR``.

``moodcast models fetch dlib-face dlib-face-layout`` first. Of each person the neutral portrait is enrolled and the
smiling one shown, as it is and as rooms and cameras may make it (``benchmarks.spoilt_portraits``). A *miss* is somebody
who is not known again, or whose face is not found; a *false acceptance* is somebody who is taken for another person. It
is offered where false acceptances are at most 1 % and misses at most 10 %.

Intervals are of 95 %: Wilson's for misses, one of each person; for false acceptances people are resampled, since each
is in many pairs.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from benchmarks.spoilt_portraits import ORDINARY, UNTOUCHED
from models.evaluation import portraits
from models.inference import boxes, identity
from models.inference.face_stage import FindFaces
from models.inference.identity import FaceEmbedder
from models.metrics import wilson

_THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6)
_FINE = np.arange(0.3, 0.8, 0.01)
_ALLOWED = 0.001
"""Of false acceptances among the people on whom a threshold is chosen: a tenth of the limit."""
_FOLDS, _RESAMPLES, _SEED = 5, 1000, 0

Distances = NDArray[np.float64]
"""(N, N): row i is enrolled, column j is shown; infinite where no face was found."""


class Figures(NamedTuple):
    """Counts of one condition; ``pairs`` (N, N) says where a stranger was accepted."""

    misses: int
    people: int
    pairs: NDArray[np.bool_]

    def line(self) -> str:
        low, high = wilson(self.misses, self.people)
        few, many = resampled(self.pairs)
        pairs = self.people * (self.people - 1)
        return (
            f"false acceptances {self.pairs.sum():3} of {pairs} = {self.pairs.sum() / pairs:6.2%} "
            f"({few:.2%} to {many:.2%}), misses {self.misses:2} of {self.people} = "
            f"{self.misses / self.people:5.1%} ({low:.1%} to {high:.1%})"
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=str(__doc__).partition(":")[0])
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="Face Research Lab London Set")
    asked = parser.parse_args(arguments)
    network = identity.load()
    with face_stage.describing("benchmarks.identity") as describe:
        loaded = portraits.load(asked.portraits, describe)
        seen = look(network, loaded, lambda picture: [points for points, _ in describe(picture)])
    groups = {p.person: (p.groups["gender"], p.groups["ethnicity"]) for p in loaded}
    people = sorted(seen["enrolled"])
    tell_thresholds(apart(seen, UNTOUCHED, people), [groups[person] for person in people])
    print(f"\nUnder {identity.SAME_BELOW}, by what the smile is seen in:")
    for condition in ORDINARY:
        print(f"{condition:<36} {figures(apart(seen, condition, people), identity.SAME_BELOW).line()}")
    return 0


Seen = Mapping[str, Mapping[str, identity.Embeddings]]
"""Embeddings (128,) by person, under "enrolled" and under each condition."""


def look(network: FaceEmbedder, loaded: Sequence[portraits.Portrait], find: FindFaces) -> Seen:
    seen: dict[str, dict[str, identity.Embeddings]] = {name: {} for name in ("enrolled", *ORDINARY)}
    for number, portrait in enumerate(tqdm(loaded, desc="faces", unit="portrait", disable=None)):
        if portrait.landmarks is None:
            continue
        rng = np.random.default_rng([_SEED, number])
        spoils = ORDINARY if portrait.kind == "happy" else {"enrolled": ORDINARY[UNTOUCHED]}
        for name, spoil in spoils.items():
            picture = spoil(portrait.picture, portrait.landmarks, rng)
            landmarks = max(find(picture), key=boxes.area, default=None)
            if landmarks is not None:
                seen[name][portrait.person] = network.embed(identity.aligned(picture, landmarks)[None])[0]
    return seen


def apart(seen: Seen, condition: str, people: Sequence[str]) -> Distances:
    found = np.full((len(people), len(people)), np.inf)
    enrolled = np.stack([seen["enrolled"][person] for person in people])
    for place, person in enumerate(people):
        if person in seen[condition]:
            found[:, place] = identity.distances(enrolled, seen[condition][person][None])[:, 0]
    return found


def figures(distances: Distances, threshold: float) -> Figures:
    accepted = distances < threshold
    own = np.eye(len(distances), dtype=bool)
    return Figures(int((~accepted[own]).sum()), len(distances), accepted & ~own)


def resampled(pairs: NDArray[np.bool_]) -> tuple[float, float]:
    """The interval of the share of pairs of different people that are accepted."""
    rng = np.random.default_rng(_SEED)
    shares = []
    for _ in range(_RESAMPLES):
        chosen = rng.integers(len(pairs), size=len(pairs))
        different = chosen[:, None] != chosen
        shares.append(pairs[np.ix_(chosen, chosen)][different].mean())
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)


def tell_thresholds(distances: Distances, groups: Sequence[tuple[str, str]]) -> None:
    own = np.diag(distances)
    others = distances[~np.eye(len(distances), dtype=bool)]
    print(
        f"distances: own {np.median(own):.2f}, at most {own.max():.2f}; of others {np.median(others):.2f}, "
        f"at least {others.min():.2f}"
    )
    for threshold in _THRESHOLDS:
        print(f"under {threshold:.2f}: {figures(distances, threshold).line()}")
    alike = np.array([[one == other for other in groups] for one in groups]) & ~np.eye(len(groups), dtype=bool)
    for threshold in (identity.SAME_BELOW, 0.6):
        accepted = (distances < threshold) & alike
        print(
            f"under {threshold:.2f}, of one gender and ethnicity alone: false acceptances {accepted.sum()} of "
            f"{alike.sum()} = {accepted.sum() / alike.sum():.2%}"
        )
    tell_folds(distances)


def tell_folds(distances: Distances) -> None:
    """The threshold as chosen on four fifths of the people, tried on the others."""
    fold = np.random.default_rng(_SEED).permutation(len(distances)) % _FOLDS
    accepted, pairs, misses, chosen = 0, 0, 0, []
    for held in range(_FOLDS):
        inside, outside = (distances[np.ix_(who, who)] for who in (fold != held, fold == held))
        strangers = inside[~np.eye(len(inside), dtype=bool)]
        threshold = max(t for t in _FINE if (strangers < t).mean() <= _ALLOWED)
        result = figures(outside, threshold)
        accepted, misses = accepted + int(result.pairs.sum()), misses + result.misses
        pairs += len(outside) * (len(outside) - 1)
        chosen.append(f"{threshold:.2f}")
    print(
        f"chosen on four fifths of the people ({', '.join(chosen)}), tried on the others: false acceptances "
        f"{accepted} of {pairs}, misses {misses} of {len(distances)}"
    )


if __name__ == "__main__":
    sys.exit(main())
