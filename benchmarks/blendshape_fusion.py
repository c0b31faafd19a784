"""Would the default classifier gain from MediaPipe's 52 blendshapes?

``python -m benchmarks.blendshape_fusion --data DIR --portraits DIR``

The agent's face stage tells them already, so a network that took them beside the pixels would cost next to nothing.
Here they are fused late, by a logistic regression from the logarithms of the classifier's probabilities, the
blendshapes, or both, to FER2013's labels: on the validation share of the training rows, five folds by groups of
identical tiles. The regression of all five folds' faces then reads the portraits.
"""

import argparse
import contextlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from benchmarks import machine
from benchmarks.blendshapes import BlendshapeReader, as_picture, regression, with_one
from models import metrics
from models.evaluation import portraits
from models.inference import registry
from models.inference.infer import load_still
from models.stills import fer2013
from models.training import data
from models.training.recipe import DataSection
from relay.protocol import EXPRESSIONS

FOLDS = 5
Rows = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blendshape_fusion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a FER2013 folder (docs/evaluation.md)")
    parser.add_argument("--portraits", type=Path, help="the Face Research Lab London Set")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    classifier = load_still(registry.DEFAULT)
    with contextlib.closing(BlendshapeReader(registry.path("face_landmarker"))) as reader:
        _, faces = data.split(fer2013.load(args.data, fer2013.TRAINING), DataSection())
        shapes = [reader.read(as_picture(tile)) for tile in tqdm(faces.pixels, unit="face")]
        seen = np.array([row is not None for row in shapes])
        faces = faces.take(seen)
        inputs = variants(classifier.batch(faces.pixels), np.array([row for row in shapes if row is not None]))
        print(f"{seen.sum()} of {len(seen)} validation faces have blendshapes")
        chance = np.random.default_rng(0).integers(0, FOLDS, int(faces.groups.max()) + 1)
        for name, rows in inputs.items():
            told(name, faces.labels, crossed(rows, faces.labels, chance[faces.groups]))
        if args.portraits:
            with face_stage.describing("benchmarks.blendshape_fusion") as find:
                shown = [one for one in portraits.load(args.portraits, find) if one.landmarks is not None]
            asked = variants(
                classifier.batch(portraits.crops(shown, classifier.network.contract.crop)),
                np.array([reader.read(one.picture) for one in shown], np.float32),
            )
            for name, rows in inputs.items():
                found = portraits.report(shown, fitted(rows, faces.labels, asked[name]))
                print(name, *(f"{kind} {found[kind]['right']}/{found[kind]['of']}" for kind in ("neutral", "happy")))


def variants(probabilities: Rows, shapes: Rows) -> dict[str, Rows]:
    """What the regression is given, (N, D) each."""
    logs = np.log(np.clip(probabilities, 1e-6, 1))
    return {"classifier": logs, "blendshapes": shapes, "both": np.hstack([logs, shapes])}


def fitted(rows: Rows, labels: NDArray[np.int64], asked: Rows) -> Rows:
    """Scores (M, 7) of ``asked`` (M, D) by a regression that knows ``rows`` (N, D) and their labels."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-3
    weights = regression((rows - mean) / scale, labels)
    scores: Rows = with_one((asked - mean) / scale) @ weights
    return scores


def crossed(rows: Rows, labels: NDArray[np.int64], folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The answer (N,) to each row by a regression that has not seen its fold."""
    answers = np.zeros(len(rows), np.int64)
    for fold in range(FOLDS):
        out = folds == fold
        answers[out] = fitted(rows[~out], labels[~out], rows[out]).argmax(1)
    return answers


def told(name: str, labels: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
    matrix = metrics.confusion(labels, answers, len(EXPRESSIONS))
    low, high = metrics.wilson(int(matrix.trace()), int(matrix.sum()))
    recalls = ", ".join(f"{e} {r:.2f}" for e, r in zip(EXPRESSIONS, metrics.recalls(matrix), strict=True))
    print(f"{name:<12} accuracy {metrics.accuracy(matrix):.4f} (95 % {low:.3f} to {high:.3f}); recalls: {recalls}")


if __name__ == "__main__":
    main()
