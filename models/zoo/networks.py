"""The registry of networks: what each one is called, where it was published, what it looks at, how large it is.

The entries are in ``models.zoo.stills`` and ``models.zoo.clips``. Reading them needs no torch; ``build`` does. Weights
are another matter (``models.inference.registry``): these are the networks that can be trained here.
"""

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.errors import MissingTorchError, UnknownModelError
from models.zoo.clips import CLIPS
from models.zoo.entry import Network
from models.zoo.stills import STILLS

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORKS: Mapping[str, Network] = MappingProxyType({entry.name: entry for entry in (*STILLS, *CLIPS)})


def get(name: str) -> Network:
    """The entry of that name.

    Raises:
        UnknownModelError: there is none; the message lists those there are.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        known = ", ".join(NETWORKS)
        raise UnknownModelError(f"expected the name of a network ({known}), got {name!r}") from None


def can_build() -> bool:
    """Whether torch is installed; it is not imported for this."""
    return importlib.util.find_spec("torch") is not None


def build(name: str, classes: int | None = None) -> "nn.Module":
    """The network with random weights, from torch's current seed, in training mode.

    ``classes`` is the entry's own number unless given.

    It maps normalised faces (N, channels, size, size) float32 to logits (N, classes), a clip network those of
    (N, channels, frames, size, size); our own networks have two such answers, ``label`` and ``votes``.

    Raises:
        UnknownModelError: no such entry.
        MissingTorchError: torch is not installed.
    """
    entry = get(name)
    if not can_build():
        raise MissingTorchError(
            f"the network {name!r} needs torch, which is not installed. In Moodcast's folder: pip install '.[train]'"
        )
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(f"models.zoo.{module}"), function)
    network: nn.Module = builder(classes or entry.classes, *filter(None, [entry.over]))
    return network


def export(network: "nn.Module", faces: "Tensor", file: Path, memory: "Tensor | None" = None) -> None:
    """Write a network in evaluation mode as ONNX, opset 18; the batch may have any length when it runs.

    ``faces`` (N, channels, size, size), or clips of them, show its input's shape, N at least 2; so does ``memory`` for
    a network that has this second input. Outputs are named ``logits``, those of the moodnets ``label`` and ``votes``,
    and with a memory ``logits`` and ``features``.
    """
    import torch

    samples = (faces,) if memory is None else (faces, memory)
    outputs = ["logits"]
    if isinstance(network(*samples), tuple):
        outputs = ["label", "votes"] if memory is None else ["logits", "features"]
    batch = torch.export.Dim("faces_in_batch", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses packages that nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about itself
        program = torch.onnx.export(
            network,
            samples,
            input_names=["faces", "memory"][: len(samples)],
            output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in samples),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(file, external_data=False)
