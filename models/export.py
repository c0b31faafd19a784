"""Export a trained moodnet as ONNX: ``python -m models.export --data DIR --run DIR --out FILE``.

The file also looks at the mirrored face. The blend of the two heads is chosen here, on the validation faces, then class
biases and the temperature (``models.calibrate``). The convolutions become INT8 (``models.quantize``); other weights are
stored as float16, which ONNX Runtime widens once, while loading. Before it is calibrated, the file is checked against
torch on the validation faces, none of which gave INT8 its ranges. Only a file that passes takes the place of ``FILE``.
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import atomic, calibrate, contract, fer2013
from models.errors import ModelError, TrainingError
from models.quantize import quantized
from models.training import checkpoint, data
from models.training.recipe import Recipe
from models.zoo.moodnet import BlendedMoodnet, Moodnet

OPSET = 18
TOLERANCE = 5e-3
"""How far a probability may move when weights are stored as float16."""
AGREEMENT = 0.95
"""Share of faces on which INT8 convolutions have to give torch's answer."""
RANGED = 300
"""Faces of the training rows that give INT8 its ranges."""
LABEL_WEIGHT_STEPS = 20
GOALS = (0.75, 0.88)
"""Accuracy that is asked for, against FER2013's labels and against the FER+ majority; no network reaches both, since
these two agree on two thirds of the faces."""


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
def head_probabilities(net: Moodnet, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 7) of the ``label`` and the ``votes`` head for faces (N, 48, 48) uint8 and their mirrors."""
    chunks = []
    for chunk in torch.from_numpy(pixels).unsqueeze(1).split(256):
        answers = [[head.softmax(1) for head in net(view.float())] for view in (chunk, torch.flip(chunk, [3]))]
        chunks.append([(seen + mirrored) / 2 for seen, mirrored in zip(*answers, strict=True)])
    by_label, by_votes = zip(*chunks, strict=True)
    return torch.cat(by_label).numpy(), torch.cat(by_votes).numpy()


def choose_label_weight(net: Moodnet, faces: fer2013.Faces) -> float:
    """The blend that falls short of either of the ``GOALS`` by as little as possible on these faces."""
    by_label, by_votes = head_probabilities(net, faces.pixels)
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


def export(
    net: Moodnet,
    label_weight: float,
    out: Path,
    ranged: NDArray[np.uint8] | None = None,
    unseen: NDArray[np.uint8] | None = None,
) -> None:
    """Write the ONNX file and check it against torch; with INT8 convolutions if there are faces for their ranges.

    ``ranged`` (N, 48, 48) uint8 of faces from the training rows, some hundred; ``unseen`` are faces that are not among
    them, to check on.

    Raises:
        TrainingError: a probability differs by more than ``TOLERANCE``, or INT8 answers otherwise on too many faces.
    """
    blended = BlendedMoodnet(net, label_weight).eval()
    faces = torch.zeros(4, 1, fer2013.TILE, fer2013.TILE)
    program = torch.onnx.export(
        blended,
        (faces,),
        input_names=["faces"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("faces_in_batch", min=1)},),
        opset_version=OPSET,
        dynamo=True,
    )
    assert program is not None
    model = program.model_proto
    if ranged is not None:
        model = quantized(model, ranged[:, None].astype(np.float32))
    model = store_as_float16(model)
    for node in model.graph.node:
        # Stack traces of this machine's source files are of no use to who runs the network.
        del node.metadata_props[:]
    contract.write(model, contract.of_first_kind(fer2013.TILE))
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)
    check(blended, out, unseen)


@torch.inference_mode()
def check(blended: BlendedMoodnet, file: Path, pixels: NDArray[np.uint8] | None) -> None:
    """Compare the file with torch, on ``pixels`` or on noise; see ``export``."""
    faces = torch.randint(0, 256, (4, 1, fer2013.TILE, fer2013.TILE), generator=torch.Generator().manual_seed(0))
    if pixels is not None:
        faces = torch.from_numpy(pixels).unsqueeze(1)
    session, chunks = ort.InferenceSession(str(file)), [chunk.float() for chunk in faces.split(256)]
    expected = np.concatenate([blended(chunk).numpy() for chunk in chunks])
    found = np.concatenate([session.run(None, {"faces": chunk.numpy()})[0] for chunk in chunks])
    worst, same = float(np.abs(expected - found).max()), float((expected.argmax(1) == found.argmax(1)).mean())
    print(f"largest difference to torch {worst:.1e}, the same answer on {same:.1%} of {len(faces)} faces")
    if pixels is None and worst > TOLERANCE:
        raise TrainingError(f"expected probabilities within {TOLERANCE} of torch, got a difference of {worst}")
    if pixels is not None and same < AGREEMENT:
        raise TrainingError(f"expected torch's answer on {AGREEMENT:.0%} of the faces at least, got it on {same:.1%}")


def ship(run: Path, folder: Path, out: Path) -> None:
    """Export and calibrate a run's network with the FER2013 ``folder`` that it was trained on.

    Raises:
        TrainingError: as ``load`` and ``export``, or ``out`` can't be written; what was there stays.
        DatasetError: ``folder`` is no FER2013 folder.
    """
    net, recipe = load(run)
    learn, held_out = data.split(fer2013.load(folder, "Training"), recipe.data)
    weight = choose_label_weight(net, held_out)
    print(f"chosen label weight: {weight:.2f}")
    some = np.random.default_rng(recipe.data.seed).permutation(len(learn.pixels))[:RANGED]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "network.onnx"
        export(net, weight, file, learn.pixels[some], held_out.pixels)
        calibrate.calibrate(file, held_out, file)
        made = file.read_bytes()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(made, out)
    except OSError as error:
        raise TrainingError(f"can't write {out}: {error.strerror or error}") from error
    print(f"{out}: {len(made):,} bytes, sha256 {hashlib.sha256(made).hexdigest()}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of moodcast models train")
    parser.add_argument("--data", type=Path, required=True, help="FER2013 folder, for the validation faces")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    args = parser.parse_args(arguments)
    try:
        ship(args.run, args.data, args.out)
    except ModelError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
