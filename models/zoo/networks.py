"""The registry of networks: what each one is called, where it was published, what it looks at, how large it is.

Each network's file says it in ``ENTRIES``, which is read without importing the file: that needs torch. An entry may be
written with the names of ``models.zoo.entry`` and ``models.inference.contract``, and with what its own file defines.
Functions and classes of the file, the builders, stand for themselves: called, they import the file.

Weights are another matter (``models.inference.registry``): these are the networks that can be trained here.
"""

import ast
import functools
import importlib
import importlib.util
import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models.errors import MissingTorchError, UnknownModelError
from models.inference import contract
from models.zoo import entry as entries
from models.zoo.entry import Architecture

if TYPE_CHECKING:
    from torch import Tensor, nn

FOLDER = Path(__file__).parent
ORDER = [
    "moodnet",
    "mini_xception",
    "mobilefacenet",
    "mobilenet",
    "efficientnet",
    "resnet",
    "vgg",
    "vgg13",
    "inception",
    "lhc_net",
    "resmasking",
    "poster_v2",
    "moodnet_clip",
    "c3d",
    "r3d",
    "vgg_differences",
    "former_dfer",
    "ial",
    "videomae",
    "mae_dfer",
    "fused",
    "mmnet",
    "dtscnn",
    "micro_attention",
    "atnet",
    "frame_attention",
    "moodnet_voice",
]
"""The files in the order in which networks are listed; others follow, by name. Those that look at faces come first."""


class LazyBuilder:
    """A function of a network's file, which is imported when it is called."""

    def __init__(self, module: str, function: str) -> None:
        self.module, self.function = module, function

    def __call__(self, *arguments: Any) -> Any:
        return getattr(importlib.import_module(f"models.zoo.{self.module}"), self.function)(*arguments)


class Names(dict[str, Any]):
    """What the names in a file's entries mean; constants of the file are looked into when they are asked for."""

    def __init__(self, file: Path) -> None:
        super().__init__(vars(contract) | vars(entries))
        self._file = file
        self._constants: dict[str, ast.expr] = {}
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                self[node.name] = LazyBuilder(file.stem, node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._constants[node.targets[0].id] = node.value
                self.pop(node.targets[0].id, None)  # the file's own meaning counts

    def __missing__(self, name: str) -> Any:
        code = compile(ast.Expression(self._constants[name]), self._file, "eval")
        self[name] = found = eval(code, {"__builtins__": {}}, self)  # noqa: S307  # our own file
        return found

    @property
    def entries(self) -> tuple[Architecture, ...]:
        """Those of the file; none where it has no network."""
        found: tuple[Architecture, ...] = self["ENTRIES"] if "ENTRIES" in self._constants else ()
        return found


def by_file() -> Mapping[str, tuple[Architecture, ...]]:
    """The entries of each file that has some, by the file's name without ending, in the order of these names."""
    found = {file.stem: Names(file).entries for file in sorted(FOLDER.glob("*.py"))}
    return {name: entries for name, entries in found.items() if entries}


@functools.cache
def listed() -> Mapping[str, Architecture]:
    """The entries of all files, by name, in the order in which they are listed."""
    files = by_file()
    order = [*ORDER, *(name for name in files if name not in ORDER)]
    every = [entry for name in order for entry in files[name]]
    return MappingProxyType({entry.name: entry for entry in sorted(every, key=lambda entry: not entry.sees_faces)})


def get(name: str) -> Architecture:
    """The entry of that name.

    Raises:
        UnknownModelError: there is none; the message lists those there are.
    """
    try:
        return listed()[name]
    except KeyError:
        known = ", ".join(listed())
        raise UnknownModelError(f"expected the name of a network ({known}), got {name!r}") from None


def can_build() -> bool:
    """Whether torch is installed; it is not imported for this."""
    return importlib.util.find_spec("torch") is not None


def need_torch(what: str) -> None:
    """Check that torch is installed; ``what`` is what needs it.

    Raises:
        MissingTorchError: it is not.
    """
    if not can_build():
        raise MissingTorchError(
            f"{what} needs torch, which is not installed. In Moodcast's folder: pip install '.[agent,train]'"
        )


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
    need_torch(f"the network {name!r}")
    network: nn.Module = entry.builder(classes or entry.classes, *_frames(entry))
    return network


def _frames(entry: Architecture) -> tuple[Callable[[int], "nn.Module"], int] | tuple[()]:
    """What the builder of a head over another network is told of that one."""
    return (functools.partial(build, entry.over), get(entry.over).pixels.channels) if entry.over else ()


def export(network: "nn.Module", samples: Mapping[str, "Tensor"], file: Path) -> None:
    """Write a network in evaluation mode as ONNX, opset 18; the batch may have any length when it runs.

    ``samples`` are its inputs by their names in the file, in their order; they show its shapes, with a batch of two or
    more. Outputs are named as the network's ``ANSWERS`` say, ``logits`` where it has none.
    """
    import torch

    batch = torch.export.Dim("faces_in_batch", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses packages that nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about itself
        program = torch.onnx.export(
            network,
            tuple(samples.values()),
            input_names=list(samples),
            output_names=list(getattr(network, "ANSWERS", ("logits",))),
            dynamic_shapes=tuple({0: batch} for _ in samples),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(file, external_data=False)
