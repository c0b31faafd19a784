"""Export a trained moodnet as ONNX: ``python -m models.export --data DIR --run DIR --out FILE``.

The blend of the two heads is chosen here, on the validation faces, then class biases and the temperature
(``models.calibrate``). Weights are stored as float16 (ONNX Runtime widens them once, while loading), which halves the
file and moves no probability by more than ``TOLERANCE``; the check runs with every export.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

from models import calibrate, contract, fer2013
from models.errors import TrainingError
from models.training import checkpoint, data
from models.training.recipe import Recipe
from models.zoo.moodnet import BlendedMoodnet, Moodnet

OPSET = 18
TOLERANCE = 5e-3
LABEL_WEIGHT_STEPS = 20
GOALS = (0.66, 0.78)
"""Accuracy that is asked for, against FER2013's labels and against the FER+ majority."""


def load(run: Path) -> tuple[Moodnet, Recipe]:
    """The averaged network of a run's last checkpoint, in evaluation mode, and the recipe that made it.

    Raises:
        TrainingError: there is no checkpoint, or it is one of a network without the two heads.
    """
    net, recipe, _ = checkpoint.load_network(run)
    if not isinstance(net, Moodnet):
        raise TrainingError(f"expected a run of one of the moodnets in {run}, got one of {recipe.network.name!r}")
    return net, recipe


@torch.inference_mode()
def head_probabilities(net: Moodnet, pixels: np.ndarray, flip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 7) of the ``label`` and the ``votes`` head for faces (N, 48, 48) uint8."""
    chunks = []
    for chunk in torch.from_numpy(pixels).unsqueeze(1).split(256):
        views = [chunk.float(), torch.flip(chunk, [3]).float()] if flip else [chunk.float()]
        answers = [[head.softmax(1) for head in net(view)] for view in views]
        chunks.append([sum(answer[i] for answer in answers) / len(views) for i in range(2)])
    by_label, by_votes = zip(*chunks, strict=True)
    return torch.cat(by_label).numpy(), torch.cat(by_votes).numpy()


def choose_label_weight(net: Moodnet, faces: fer2013.Faces, flip: bool) -> float:
    """The blend that clears both ``GOALS`` by the widest margin on these faces."""
    by_label, by_votes = head_probabilities(net, faces.pixels, flip)
    majority = fer2013.majority(faces.votes)
    counted = majority >= 0
    best = (-1.0, 0.0)
    for step in range(LABEL_WEIGHT_STEPS + 1):
        weight = step / LABEL_WEIGHT_STEPS
        guess = (weight * by_label + (1 - weight) * by_votes).argmax(1)
        on_label, on_votes = float((guess == faces.labels).mean()), float((guess == majority)[counted].mean())
        print(f"label weight {weight:.2f}: validation labels {on_label:.4f}, votes {on_votes:.4f}")
        best = max(best, (min(on_label - GOALS[0], on_votes - GOALS[1]), weight))
    return best[1]


def store_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 initializers become float16 with a Cast behind them."""
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 1024:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_f16"))
        casts.append(helper.make_node("Cast", [f"{name}_f16"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def export(net: Moodnet, label_weight: float, flip: bool, out: Path) -> None:
    """Write the ONNX file and check it against torch.

    Raises:
        ValueError: a probability differs by more than ``TOLERANCE``.
    """
    blended = BlendedMoodnet(net, label_weight, flip).eval()
    faces = torch.randint(0, 256, (4, 1, fer2013.TILE, fer2013.TILE), generator=torch.Generator().manual_seed(0))
    program = torch.onnx.export(
        blended,
        (faces.float(),),
        input_names=["faces"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("faces_in_batch", min=1)},),
        opset_version=OPSET,
        dynamo=True,
    )
    assert program is not None
    model = store_as_float16(program.model_proto)
    for node in model.graph.node:
        # Stack traces of this machine's source files are of no use to who runs the network.
        del node.metadata_props[:]
    contract.write(model, contract.of_first_kind(fer2013.TILE))
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)
    with torch.inference_mode():
        expected = blended(faces.float()).numpy()
    (found,) = ort.InferenceSession(str(out)).run(None, {"faces": faces.float().numpy()})
    worst = float(np.abs(expected - found).max())
    print(f"{out}: largest difference to torch {worst:.1e}")
    if worst > TOLERANCE:
        raise ValueError(f"expected probabilities within {TOLERANCE} of torch, got a difference of {worst}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of moodcast models train")
    parser.add_argument("--data", type=Path, required=True, help="FER2013 folder, for the validation faces")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--flip", action="store_true", help="average with the mirrored face, at twice the cost")
    parser.add_argument(
        "--recall-cost",
        type=float,
        default=calibrate.RECALL_COST,
        help="accuracy that class biases may cost on the validation faces (default: %(default)s)",
    )
    args = parser.parse_args()
    net, recipe = load(args.run)
    _, check = data.split(fer2013.load(args.data, "Training"), recipe.data)
    weight = choose_label_weight(net, check, args.flip)
    print(f"chosen label weight: {weight:.2f}")
    export(net, weight, args.flip, args.out)
    calibrate.calibrate(args.out, check, args.out, args.recall_cost)


if __name__ == "__main__":
    main()
