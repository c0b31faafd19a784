"""Checkpoints of the authors' own builds, as weights of our networks.

Each network has a module here with a pure function ``convert``: the official state dict in, ours out. Most are a table
of names for ``names.translate``. ``CONVERTERS`` names them; ``fit`` checks what came out against the network itself.
Parts of an official build that no answer depends on are left behind by name (``left_out`` of the network's registry
entry).

Nothing in a checkpoint is run: it is read with ``weights_only``.
"""

import argparse
import importlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models import atomic
from models.convert import (
    former_dfer,
    fused,
    ial,
    inception,
    mae_dfer,
    mmnet,
    mobilefacenet,
    poster_v2,
    videomae,
    wav2vec2,
)
from models.convert.names import State
from models.errors import ConversionError
from models.zoo import networks

if TYPE_CHECKING:
    from torch import Tensor, nn

CONVERTERS: Mapping[str, Callable[[State], "dict[str, Tensor]"]] = MappingProxyType(
    {
        "former-dfer": former_dfer.convert,
        "ial": ial.convert,
        "videomae": videomae.convert,
        "videomae-pretraining": videomae.convert_pretraining,
        "mae-dfer": mae_dfer.convert,
        "mae-dfer-pretraining": mae_dfer.convert_pretraining,
        "mae-dfer-ca": fused.convert,
        "mae-dfer-ca-pc": fused.convert,
        "mae-dfer-ca-concat": fused.convert,
        "mae-dfer-ca-pc-concat": fused.convert,
        "mmnet": mmnet.convert,
        "inception-v3": inception.convert,
        "poster-v2": poster_v2.convert,
        "mobilefacenet-landmarks": mobilefacenet.convert,
        "xlsr-53": wav2vec2.convert,
        "xlsr-53-encoder": wav2vec2.convert_encoder,
    }
)
"""By the name of the network: the function maps an official state dict to ours; it takes no notice of what is unknown
or missing (``names.translate``), which ``fit`` finds."""


def _videomae_pretraining() -> "nn.Module":
    from models.zoo.videomae import pretraining

    return pretraining()


def _mae_dfer_pretraining() -> "nn.Module":
    from models.zoo.mae_dfer import pretraining

    return pretraining()


def _landmarks() -> "nn.Module":
    from models.zoo.mobilefacenet import Landmarks

    return Landmarks()


def _xlsr_encoder() -> "nn.Module":
    from models.zoo.wav2vec2 import Encoder

    return Encoder()


WITHOUT_CLASSES: Mapping[str, Callable[[], "nn.Module"]] = MappingProxyType(
    {
        "videomae-pretraining": _videomae_pretraining,
        "mae-dfer-pretraining": _mae_dfer_pretraining,
        "mobilefacenet-landmarks": _landmarks,
        "xlsr-53-encoder": _xlsr_encoder,
    }
)
"""What recognises no expression, so has no registry entry, and what builds it. Other networks start from these."""

_WRAPPINGS = ("state_dict", "model", "module", "net")
"""Under which of these keys training programs keep the weights, where they store more than them."""


def converter(name: str) -> "Callable[[State], dict[str, Tensor]]":
    """The function that maps official weights of the network of that name to ours.

    Raises:
        ConversionError: there is none; the message lists those there are.
    """
    if name not in CONVERTERS:
        raise ConversionError(f"expected a network with a converter ({', '.join(CONVERTERS)}), got {name!r}")
    return CONVERTERS[name]


def fit(network: "nn.Module", weights: State, name: str) -> None:
    """Load converted weights into a network, all of them.

    Raises:
        ConversionError: names are unknown or missing, or a tensor has another shape; the message lists every one. The
            network is untouched then.
    """
    wanted = {key: tensor.shape for key, tensor in network.state_dict().items()}
    troubles = {
        "unknown": sorted(weights.keys() - wanted.keys()),
        "missing": sorted(wanted.keys() - weights.keys()),
        "of another shape": [
            f"{key} {tuple(weights[key].shape)}, expected {tuple(shape)}"
            for key, shape in wanted.items()
            if key in weights and weights[key].shape != shape
        ],
    }
    if any(troubles.values()):
        listed = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in troubles.items() if keys)
        raise ConversionError(f"expected the weights of an official build of {name}, got others ({listed})")
    network.load_state_dict(dict(weights))


def build(name: str, official: State) -> "nn.Module":
    """Our network with official weights, in evaluation mode; the number of classes is read off its last layer.

    Raises:
        ConversionError: there is no converter of that name; or as ``fit``.
    """
    weights = converter(name)(official)
    network = WITHOUT_CLASSES[name]() if name in WITHOUT_CLASSES else networks.build(name, _classes_of(weights))
    fit(network, weights, name)
    return network.eval()


def _classes_of(weights: State) -> int | None:
    """As many as the last layer, ``fc``, has answers; None if there is no such layer."""
    return next((len(tensor) for key, tensor in weights.items() if f".{key}".endswith(".fc.weight")), None)


def read(file: Path) -> "dict[str, Tensor]":
    """The state dict in a checkpoint as training programs write it, without the prefix of a data-parallel model.

    Raises:
        ConversionError: it can't be read, or holds no weights.
    """
    import torch

    try:
        with torch.serialization.safe_globals(_harmless()):
            stored: Any = torch.load(file, weights_only=True, map_location="cpu")
    except OSError as error:
        raise ConversionError(f"can't read {file}: {error.strerror or error}") from error
    except Exception as error:  # torch.load raises whatever its unpickler and its archive reader do
        raise ConversionError(
            f"{file} is no checkpoint that can be read without running what is in it ({error}): where you trust it, "
            "store its state dict alone, with torch.save"
        ) from error
    while isinstance(stored, dict) and (inner := next((key for key in _WRAPPINGS if key in stored), None)):
        stored = stored[inner]
    if not isinstance(stored, dict) or not stored or not all(isinstance(t, torch.Tensor) for t in stored.values()):
        raise ConversionError(
            f"expected a state dict in {file}, or one under {', '.join(map(repr, _WRAPPINGS))}; found neither"
        )
    return {name.removeprefix("module."): tensor for name, tensor in stored.items()}


class _Ignored:
    """Stands for an object of a training program that is stored beside the weights and of no use here."""


def _harmless() -> "list[Any]":
    """What the official training programs store beside the weights: their options, curves, and rates as numpy has them.

    Numpy's own module has had two names.
    """
    import numpy as np

    kinds: list[Any] = [argparse.Namespace, np.ndarray, np.dtype, type(np.dtype("float32")), type(np.dtype("float64"))]
    kinds += [(_Ignored, f"__main__.{name}") for name in ("RecorderMeter", "RecorderMeter1")]
    multiarray = importlib.import_module("numpy._core.multiarray" if hasattr(np, "_core") else "numpy.core.multiarray")
    for core in ("core", "_core"):
        kinds += [(getattr(multiarray, name), f"numpy.{core}.multiarray.{name}") for name in ("_reconstruct", "scalar")]
    return kinds


def convert_file(name: str, checkpoint: Path, out: Path) -> int | None:
    """Write an official checkpoint as a state dict of our network; returns the number of its classes, if it has any.

    Raises:
        ConversionError: as ``read`` and ``build``, or ``out`` can't be written.
    """
    import torch

    converter(name)  # before minutes of reading
    weights = build(name, read(checkpoint)).state_dict()
    data = io.BytesIO()
    torch.save(weights, data)
    try:
        atomic.write(data.getvalue(), out)
    except OSError as error:
        raise ConversionError(f"can't write {out}: {error.strerror or error}") from error
    return _classes_of(weights)
