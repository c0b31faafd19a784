"""Whether a vote's weight should follow its confidence: ``python -m benchmarks.vote_weight``.

Audiences are drawn whose true expressions are known: each viewer shows a face that no training of ours learned from
(the validation faces of ``--data``) and that most of ten taggers gave that expression; what ``--model`` says of the
face is the viewer's vote. So the confusions, and the confidences that go with them, are the measured ones. Each line
tells how far the mood is from the truth: half the sum of the absolute differences of the seven shares, and the absolute
difference of the valence, both the mean over all audiences; behind it, against one vote each, the mean difference of
the same audiences with its standard error.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.readable import unsure
from models.inference.infer import load_still
from models.stills import fer2013
from models.training import data
from models.training.recipe import Recipe
from relay.core.mood import Counts
from relay.protocol import EXPRESSIONS

Floats = NDArray[np.float64]

WEIGHTS: Mapping[str, Callable[[Floats], Floats]] = {
    "one vote each": lambda said: np.ones(said.shape[:-1]),
    "confidence": lambda said: said.max(-1),
    "confidence above chance": lambda said: np.clip(said.max(-1) - 1 / len(EXPRESSIONS), 0, None),
    "none that is unsure": lambda said: np.apply_along_axis(lambda one: unsure(one) is None, -1, said).astype(float),
}
"""From probabilities (A, N, 7) to the weights (A, N) of the votes; what is unsure is the agent's own rule."""
MIXES: Mapping[str, Mapping[str, float]] = {
    "listening": {"neutral": 0.9, "happy": 0.06, "sad": 0.04},
    "amused": {"neutral": 0.6, "happy": 0.35, "surprise": 0.05},
    "laughing": {"neutral": 0.15, "happy": 0.8, "surprise": 0.05},
    "moved": {"neutral": 0.5, "sad": 0.4, "happy": 0.1},
    "indignant": {"neutral": 0.5, "angry": 0.35, "sad": 0.1, "surprise": 0.05},
    "startled": {"neutral": 0.4, "surprise": 0.45, "fear": 0.15},
}
"""Shares of the expressions in the audience of a moment."""
SIZES = (10, 200)
AUDIENCES = 2000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.vote_weight", description=str(__doc__).partition(":")[0]
    )
    parser.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 (default: %(default)s)")
    parser.add_argument("--model", default="moodnet", help="classifier of single faces (default: %(default)s)")
    asked = parser.parse_args(arguments)
    _, faces = data.split(fer2013.load(asked.data, fer2013.TRAINING), Recipe().data)
    majority = fer2013.majority(faces.votes)
    classifier = load_still(asked.model)
    said = np.concatenate([classifier.batch(faces.pixels[at : at + 256]) for at in range(0, len(majority), 256)])
    print("| audience | viewers | weight of a vote | shares off by | against one each | valence off by | against |")
    print("|---|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for mix, shares in MIXES.items():
        for size in SIZES:
            drawn = draw(majority, [shares.get(name, 0.0) for name in EXPRESSIONS], size, rng)
            for line in compare(majority[drawn], said[drawn]):
                print(f"| {mix} | {size} | {line} |", flush=True)
    return 0


def draw(majority: NDArray[np.int64], shares: list[float], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of faces (``AUDIENCES``, size): each viewer's expression by the shares, then one of its faces."""
    kinds = rng.choice(len(EXPRESSIONS), (AUDIENCES, size), p=shares)
    faces = np.zeros(kinds.shape, np.int64)
    for kind in np.unique(kinds):
        shown = kinds == kind
        faces[shown] = rng.choice(np.flatnonzero(majority == kind), int(shown.sum()))
    return faces


def compare(truth: NDArray[np.int64], said: NDArray[np.float32]) -> list[str]:
    """A line for each of ``WEIGHTS``: ``truth`` (A, N) of A audiences, ``said`` (A, N, 7) of their faces."""
    votes = said.argmax(2)
    wanted = mood(truth, np.ones(truth.shape))
    off = {name: errors(mood(votes, weight(said.astype(float))), wanted) for name, weight in WEIGHTS.items()}
    plain = off["one vote each"]
    lines = []
    for name, (shares, valence) in off.items():
        cells = [f"{shares.mean():.3f}", _difference(shares - plain[0]), f"{valence.mean():.3f}"]
        lines.append(" | ".join([name, *cells, _difference(valence - plain[1])]))
    return lines


def mood(votes: NDArray[np.int64], weights: Floats) -> Floats:
    """Shares (A, 7) of weighted votes (A, N); of an audience without any weight all are 0, as the relay has it."""
    total = np.stack([np.where(votes == kind, weights, 0).sum(1) for kind in range(len(EXPRESSIONS))], 1)
    shares: Floats = total / np.maximum(total.sum(1, keepdims=True), 1e-9)
    return shares


def errors(found: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """How far shares (A, 7) are off, as the module says, and their valence."""
    signs = np.array([Counts(tuple(row)).valence for row in np.eye(len(EXPRESSIONS), dtype=int).tolist()])
    return np.abs(found - wanted).sum(1) / 2, np.abs((found - wanted) @ signs)


def _difference(by: Floats) -> str:
    """A mean and its standard error."""
    return f"{by.mean():+.4f} ± {by.std() / np.sqrt(len(by)):.4f}" if by.any() else ""


if __name__ == "__main__":
    sys.exit(main())
