"""A temperature for each head of a trained network, chosen on validation faces and built into its ONNX file.

With a head's probabilities p, the shipped answer is softmax(log p / T) behind the mean over the mirrored face
(``models.inference.temperature``).

What a head is right about is what it was taught: the ``votes`` head the majority of FER+'s ten taggers, the ``label``
head FER2013's label.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models import metrics
from models.errors import TrainingError
from models.inference.infer import OnnxNetwork
from models.inference.temperature import SMALLEST, fit_temperature, tempered
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

_OUTPUTS = {"votes": "probabilities", "label": "label_probabilities"}
"""What the calibrated file calls the answers of its heads."""
_BATCH = 64
Array = NDArray[np.float32]


def _build_in(model: onnx.ModelProto, temperatures: tuple[float, float]) -> None:
    """Put the temperatures behind the two heads, in place; these are called as ``_OUTPUTS`` says then."""
    graph = model.graph
    heads = [output for output in graph.output if output.name in _OUTPUTS]
    graph.initializer.append(numpy_helper.from_array(np.asarray(np.float32(SMALLEST)), "smallest"))
    for output, temperature in zip(heads, temperatures, strict=True):
        name = _OUTPUTS[output.name]
        raw, scale = f"uncalibrated_{name}", f"inverse_temperature_of_{name}"
        for node in graph.node:
            node.output[:] = [raw if found == output.name else found for found in node.output]
        output.name = name
        graph.initializer.append(numpy_helper.from_array(np.asarray(np.float32(1 / temperature)), scale))
        graph.node.extend(
            [
                helper.make_node("Add", [raw, "smallest"], [f"above_zero_{name}"]),
                helper.make_node("Log", [f"above_zero_{name}"], [f"logarithms_{name}"]),
                helper.make_node("Mul", [f"logarithms_{name}", scale], [f"tempered_{name}"]),
                helper.make_node("Softmax", [f"tempered_{name}"], [name], axis=1),
            ]
        )
    onnx.checker.check_model(model)


def calibrate(file: Path, faces: fer2013.LabelledFaces, out: Path) -> Iterator[str]:
    """Calibrate a network's file on these faces and write it to ``out``; lines tell what that brings.

    Raises:
        ValueError: the file carries a calibration already.
        TrainingError: there is no FER+ majority among the faces.
        ModelContractError: see ``models.inference.infer.OnnxNetwork``.
    """
    model = onnx.load(file)
    if not any(output.name in _OUTPUTS for output in model.graph.output):
        raise ValueError(f"expected a network as it was exported, but {file} is calibrated already")
    by_votes, by_label = answers(file, faces.pixels)
    majority = fer2013.majority(faces.votes)
    counted = majority >= 0
    if not counted.any():
        raise TrainingError(
            "expected validation faces that most taggers of FER+ agree on, to calibrate by; there is none"
        )
    temperatures = []
    yield "head on the validation faces   right    UAR     ECE, before and after its temperature"
    for head, probabilities, truth in (
        ("votes, on FER+ majorities", by_votes[counted], majority[counted]),
        ("label, on FER2013's labels", by_label, faces.labels),
    ):
        temperature = fit_temperature(probabilities, truth)
        temperatures.append(temperature)
        matrix = metrics.confusion(truth, probabilities.argmax(1), len(EXPRESSIONS))
        eces = [metrics.reliability(tempered(probabilities, t), truth).ece for t in (1.0, temperature)]
        yield (
            f"{head:29} {metrics.accuracy(matrix):.4f} {metrics.uar(matrix):.4f}  {eces[0]:.4f} {eces[1]:.4f} at "
            f"{temperature:.3f}"
        )
    yield _neutral_line(by_votes[counted], majority[counted])
    _build_in(model, (temperatures[0], temperatures[1]))
    onnx.save(model, out)


def _neutral_line(probabilities: Array, majority: NDArray[np.int64]) -> str:
    """What becomes of an audience that just listens: the neutral faces, and how many are told to be unhappy."""
    names = [EXPRESSIONS[k] for k in probabilities[majority == EXPRESSIONS.index("neutral")].argmax(1)]
    if not names:
        return "no neutral face among them"
    unhappy = sum(name in ("sad", "angry") for name in names)
    return f"of {len(names)} neutral faces {names.count('neutral')} are called so, {unhappy} sad or angry"


def answers(file: Path, pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Probabilities (N, 7) of the votes and of the label head for faces (N, 48, 48) uint8."""
    network = OnnxNetwork(file)
    chunks = [network.run(network.prepared(pixels[i : i + _BATCH])) for i in range(0, len(pixels), _BATCH)]
    by_votes, *_, by_label = (np.concatenate(part) for part in zip(*chunks, strict=True))
    return by_votes, by_label
