"""Class biases and a temperature for a trained network, chosen on validation faces and built into its ONNX file.

With the network's probabilities p, the shipped answer is softmax((log p + b) / T). Both work on the last ones, behind
the blend of the heads and of the mirrored face: for one head this is temperature scaling as published (Guo et al. 2017,
"On Calibration of Modern Neural Networks"), since log p differs from the logits by a constant, and for a blend it is
the one place where a single T makes the confidence of the final answer right.

* b, one bias a class, lifts classes that are found too seldom (logit adjustment after training, Menon et al. 2021), as
  far as that costs little accuracy.
* T is chosen afterwards; it changes no answer, only how sure it is. FER2013's labels decide: against the FER+ majority
  the network is right more often, so there its confidence stays too low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models import metrics
from models.inference import contract
from models.inference.infer import Classifier, OnnxNetwork, softmax
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

RECALL_FLOOR = 0.45
RECALL_COST = 0.01
"""How much accuracy, against either label set, the floor may cost on the validation faces.

Fear is why it stands: FER+'s taggers agree with FER2013 on one face of fear in seven, so lifting it to the floor costs
four points against them."""
BIAS_STEP = 0.05
BIAS_LIMIT = 1.5
SMALLEST = 1e-9
"""Probabilities below count as this, so that their logarithm is finite."""
OUTPUT = "probabilities"


@dataclass(frozen=True)
class Calibration:
    """``biases`` (7,) float32 are added to the log-probabilities, then all is divided by ``temperature`` > 0."""

    temperature: float
    biases: NDArray[np.float32]

    def apply(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities (N, 7) of a network's own (N, 7)."""
        return softmax((np.log(np.maximum(probabilities, SMALLEST)) + self.biases) / np.float32(self.temperature))


def choose_biases(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    majority: NDArray[np.int64],
    cost: float = RECALL_COST,
) -> NDArray[np.float32]:
    """Biases (7,) that lift every recall of ``labels`` to ``RECALL_FLOOR``, as far as the cost allows.

    Greedy: the class that is found least often gets a little more, again and again, until all are above the floor. A
    class whose next step would bring the accuracy, against the labels or against the FER+ ``majority`` (-1: none), more
    than ``cost`` below that without biases stays where it is.
    """
    logits = np.log(np.maximum(probabilities, SMALLEST))
    counted = majority >= 0

    def accuracies(biases: NDArray[np.float32]) -> NDArray[np.float64]:
        guess = (logits + biases).argmax(1)
        by_votes = float((guess == majority)[counted].mean()) if counted.any() else 0.0
        return np.array([float((guess == labels).mean()), by_votes])

    biases = np.zeros(probabilities.shape[1], np.float32)
    limit, stuck = accuracies(biases) - cost, np.zeros(len(biases), np.bool_)
    while True:
        matrix = metrics.confusion(labels, (logits + biases).argmax(1), len(biases))
        recall = np.where(stuck, np.nan, metrics.recalls(matrix))
        if not (recall < RECALL_FLOOR).any():
            return biases
        worst = int(np.nanargmin(recall))
        raised = biases.copy()
        raised[worst] += BIAS_STEP
        if raised[worst] > BIAS_LIMIT or (accuracies(raised) < limit).any():
            stuck[worst] = True
        else:
            biases = raised


def fit_temperature(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], biases: NDArray[np.float32]
) -> float:
    """The temperature in 0.1..10 under which the labels are most likely.

    The likelihood is concave in 1/T, so a golden-section search finds its maximum.
    """

    def loss(inverse: float) -> float:
        calibrated = Calibration(1 / inverse, biases).apply(probabilities)
        return metrics.negative_log_likelihood(calibrated, labels)

    low, high, golden = 0.1, 10.0, (5**0.5 - 1) / 2
    while high - low > 1e-3:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return 2 / (low + high)


def _build_in(model: onnx.ModelProto, calibration: Calibration) -> None:
    """Put the calibration behind the network's output, in place; that is called ``OUTPUT`` then."""
    graph = model.graph
    (output,) = graph.output
    for node in graph.node:
        node.output[:] = ["uncalibrated" if name == output.name else name for name in node.output]
    output.name = OUTPUT
    constants = {
        "smallest": np.float32(SMALLEST),
        "class_biases": calibration.biases.astype(np.float32),
        "inverse_temperature": np.float32(1 / calibration.temperature),
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    graph.node.extend(
        [
            helper.make_node("Max", ["uncalibrated", "smallest"], ["at_least_smallest"]),
            helper.make_node("Log", ["at_least_smallest"], ["log_probabilities"]),
            helper.make_node("Add", ["log_probabilities", "class_biases"], ["biased"]),
            helper.make_node("Mul", ["biased", "inverse_temperature"], ["tempered"]),
            helper.make_node("Softmax", ["tempered"], [OUTPUT], axis=1),
        ]
    )
    onnx.checker.check_model(model)


def calibrate(
    file: Path, faces: fer2013.LabelledFaces, out: Path, cost: float = RECALL_COST
) -> tuple[Calibration, Sequence[str]]:
    """Calibrate a network's file on these faces and write it to ``out``; lines tell what that costs and what it brings.

    Raises:
        ValueError: the file carries a calibration already.
        ModelContractError: see ``models.inference.infer.Classifier``.
    """
    model = onnx.load(file)
    if any("uncalibrated" in node.output for node in model.graph.node):
        raise ValueError(f"expected a network as it was exported, but {file} is calibrated already")
    probabilities = answers(file, faces.pixels)
    majority = fer2013.majority(faces.votes)
    biases = choose_biases(probabilities, faces.labels, majority, cost)
    calibration = Calibration(fit_temperature(probabilities, faces.labels, biases), biases)
    at_any_cost = Calibration(1, choose_biases(probabilities, faces.labels, majority, cost=1))
    lines = ["validation faces                    labels    UAR  lowest recall  majority    ECE"]
    for title, these in (
        ("as trained", probabilities),
        (f"all recalls at {RECALL_FLOOR}, at any cost", at_any_cost.apply(probabilities)),
        (f"at a cost of {cost:.1%} at most, T", calibration.apply(probabilities)),
    ):
        lines.append(f"{title:34}  {summary(these, faces.labels, majority)}")
    chosen = ", ".join(f"{name} {b:.2f}" for name, b in zip(EXPRESSIONS, biases, strict=True) if b)
    lines.append(f"temperature {calibration.temperature:.3f}, biases: {chosen or 'none'}")
    _build_in(model, calibration)
    onnx.save(model, out)
    return calibration, lines


def summary(probabilities: NDArray[np.float32], labels: NDArray[np.int64], majority: NDArray[np.int64]) -> str:
    """One line: accuracy, mean and lowest recall and ECE against the labels, accuracy against the majority."""
    guess, counted = probabilities.argmax(1), majority >= 0
    matrix = metrics.confusion(labels, guess, len(EXPRESSIONS))
    by_votes = float((guess == majority)[counted].mean()) if counted.any() else float("nan")
    lowest, ece = np.nanmin(metrics.recalls(matrix)), metrics.reliability(probabilities, labels).ece
    return f"{metrics.accuracy(matrix):.4f} {metrics.uar(matrix):.4f}  {lowest:13.4f}  {by_votes:8.4f} {ece:.4f}"


def answers(file: Path, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (N, 7) of a grey 48 px network for faces (N, 48, 48) uint8."""
    classifier = Classifier(OnnxNetwork(file, contract.of_first_kind(fer2013.TILE)))
    return np.concatenate([classifier.batch(pixels[i : i + 64]) for i in range(0, len(pixels), 64)])
