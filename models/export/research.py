"""Networks that no agent takes as ONNX files: for research, so without the agent's contract (``inference.contract``).

The metadata ``RESEARCH_KEY`` holds JSON with the network's name, its classes, and the shapes of its inputs for one
clip. An agent that is given such a file refuses it.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import onnx
import torch
from torch import nn

from models.errors import TrainingError
from models.export.onnx_file import TOLERANCE, refuse_no_numbers
from models.inference.contract import RESEARCH_KEY
from models.inference.infer import open_session
from models.zoo import networks
from models.zoo.entry import Architecture


def export(network: nn.Module, entry: Architecture, classes: tuple[str, ...], file: Path) -> float:
    """Write a network in evaluation mode; returns the largest difference of its logits to torch's, as a share.

    Raises:
        TrainingError: as ``write``.
    """
    told = {"network": entry.name, "classes": classes, "inputs": entry.inputs(1)}

    def tell(model: onnx.ModelProto) -> None:
        model.metadata_props.add(key=RESEARCH_KEY, value=msgspec.json.encode(told).decode())

    return write(network, entry, tell, file)


def write(network: nn.Module, entry: Architecture, tell: Callable[[onnx.ModelProto], None], file: Path) -> float:
    """Write a network in evaluation mode, with what ``tell`` says of it; returns as ``export``.

    Raises:
        TrainingError: the difference is larger than ``models.export.onnx_file.TOLERANCE``.
    """
    generator = torch.Generator().manual_seed(0)
    samples = {name: torch.randn(shape, generator=generator) for name, shape in entry.inputs(2).items()}
    with torch.no_grad():
        networks.export(network, samples, file)
        model = onnx.load(file)
        for node in model.graph.node:
            del node.metadata_props[:]  # stack traces of this machine's source files
        tell(model)
        onnx.save(model, file)
        expected = network(*samples.values())
    found = open_session(file).run(["logits"], {name: sample.numpy() for name, sample in samples.items()})[0]
    refuse_no_numbers(found)
    worst = float((expected - torch.from_numpy(found)).abs().max() / expected.abs().max().clamp(min=1e-12))
    if worst > TOLERANCE:
        raise TrainingError(f"expected logits within {TOLERANCE} of torch, got a difference of {worst:.1e}")
    return worst
