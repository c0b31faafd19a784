"""Networks that look at single faces, asked for the features that their last layer answers from.

Any classifier of the registry of weights, or ONNX file of one, in ONNX Runtime: moodnet's files give their features as
an output; of others, such as EmotiEffNet's, it is what goes into their last product of matrices. And any network of
faces that can be trained here, in torch, with the weights of a run, of a file of `moodcast models convert`, or none.
"""

import dataclasses
import functools
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelContractError, TrainingError, UnknownModelError
from models.inference import contract as contracts
from models.inference import infer, registry
from models.inference.contract import CropSpec
from models.inference.infer import Classifier, OnnxNetwork
from models.zoo import networks
from models.zoo.entry import Architecture

if TYPE_CHECKING:
    import onnx
    from torch import nn

Faces = NDArray[np.uint8]
Features = NDArray[np.float32]
_BATCH = 64
"""Faces that are looked at together."""


@dataclass(frozen=True)
class FaceNetwork:
    """A frozen network. ``crop`` is how it sees faces, ``identity`` a sha256 of all that its features depend on.

    ``read`` maps RGB faces (N, S, S, 3) uint8, S as in ``crop``, N at least 1, to features (N, D) float32. It raises a
    ``ModelContractError`` where they are no finite numbers.
    """

    name: str
    identity: str
    crop: CropSpec
    read: Callable[[Faces], Features]


def find(name: str, weights: Path | None = None) -> FaceNetwork:
    """The face network of that name: in the registry of weights, an ONNX file, or one to train, with these weights.

    Without ``weights`` those of the last are random, and the same each time.

    Raises:
        UnknownModelError: there is none.
        ModelContractError: it looks at clips, or gives no features.
        TrainingError: ``weights`` are not of this network.
        ModelError: its file is not on this machine, or is damaged; or torch or onnx is missing.
    """
    if weights is None and (name in registry.WEIGHTS or Path(name).is_file()):
        return _in_a_file(name)
    if name in networks.listed():
        return _to_train(name, weights)
    if weights is not None:
        raise UnknownModelError(
            f"expected the name of a network that can be trained (moodcast models list) to give the weights "
            f"{weights}, got {name!r}"
        )
    files = ", ".join(entry.name for entry in registry.WEIGHTS.values() if entry.is_still)
    faces = ", ".join(entry.name for entry in networks.listed().values() if entry.sees_faces)
    raise UnknownModelError(
        f"expected a classifier of faces ({files}), the ONNX file of one, or a network to train ({faces}), got {name!r}"
    )


def _finite(features: Features, name: str) -> Features:
    """Raises:
    ModelContractError: some are no finite numbers.
    """
    if not np.isfinite(features).all():
        raise ModelContractError(
            f"the features of {name} are no finite numbers: its training failed, or its file is damaged"
        )
    return features


def _seen(faces: Faces, channels: int) -> Faces:
    """RGB faces as a network of so many channels is given them; the same grey as the agent's."""
    if channels == 3:
        return faces
    return np.stack([np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8) for face in faces])


def _in_batches(read: Callable[[Faces], Features]) -> Callable[[Faces], Features]:
    return lambda faces: np.concatenate([read(faces[i : i + _BATCH]) for i in range(0, len(faces), _BATCH)])


def _in_a_file(name: str) -> FaceNetwork:
    """A classifier in an ONNX file, registered or not."""
    classifier = infer.load_still(name)
    if not classifier.network.contract.features:
        classifier = _with_features(classifier.network, name)
    channels = classifier.network.contract.crop.pixels.channels

    def read(faces: Faces) -> Features:
        _, features = classifier.read(_seen(faces, channels))
        assert features is not None
        return _finite(features, name)

    sha256 = hashlib.sha256(infer.find(name)[0].read_bytes()).hexdigest()
    return FaceNetwork(Path(name).stem, sha256, classifier.network.contract.crop, _in_batches(read))


def _with_features(network: OnnxNetwork, name: str) -> Classifier:
    """The same network with what goes into its last product of matrices as a second output.

    Raises:
        ModelContractError: its answers do not come from such a product, by sums and activations alone.
    """
    import onnx

    model = onnx.load(network.file)
    found = _last_product(model.graph)
    if found is None:
        raise ModelContractError(
            f"the model {name!r} gives no features, and its answers do not come from a dense layer: choose moodnet, or "
            "a network that can be trained (moodcast models list)"
        )
    features, width = found
    shape = onnx.helper.make_tensor_value_info(features, onnx.TensorProto.FLOAT, ["faces_in_batch", width])
    model.graph.output.insert(1, shape)
    contracts.write(model, dataclasses.replace(network.contract, features=width, label_head=False))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "with-features.onnx"
        onnx.save(model, file)
        return Classifier(OnnxNetwork(file))


def _last_product(graph: "onnx.GraphProto") -> tuple[str, int] | None:
    """The name of what goes into the dense layer before the first output, and its width; None if there is no such."""
    makers = {output: node for node in graph.node for output in node.output}
    shapes = {tensor.name: tensor.dims for tensor in graph.initializer}
    tensor = graph.output[0].name
    while (node := makers.get(tensor)) is not None:
        if node.op_type in ("Gemm", "MatMul"):
            turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            dims = shapes.get(node.input[1], ())
            return (node.input[0], dims[1 if turned else 0]) if len(dims) == 2 else None
        if node.op_type not in ("Add", "Softmax", "Identity", "Sigmoid"):
            return None
        tensor = next(name for name in node.input if name not in shapes)
    return None


def _to_train(name: str, weights: Path | None) -> FaceNetwork:
    """A network of ``models.zoo`` in torch, its classifier left out."""
    entry = networks.get(name)
    if not entry.sees_faces:
        raise ModelContractError(
            f"the network {name!r} looks at clips, and here are single faces: choose one for faces"
        )
    networks.need_torch(f"the network {name!r}")
    import torch

    from models.training.inputs import prepared
    from models.training.trainer import pick_device
    from models.zoo.frame_attention import without_classifier

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, _ = without_classifier(functools.partial(networks.build, name))
    if weights is not None:
        _start_from(trunk, name, weights)
    side, device = _side(entry, weights), pick_device()
    trunk.eval().to(device)

    def read(faces: Faces) -> Features:
        seen = _seen(faces, entry.pixels.channels)
        x = torch.from_numpy(seen.reshape(*seen.shape[:3], -1)).permute(0, 3, 1, 2).float().to(device)
        with torch.inference_mode():
            found = trunk(prepared(x, entry.pixels))
        features = found[0] if isinstance(found, tuple) else found
        return _finite(features.float().cpu().numpy(), name)

    return FaceNetwork(name, _sum(name, trunk), CropSpec(side, 1.0, entry.pixels), _in_batches(read))


def _side(entry: Architecture, weights: Path | None) -> int:
    """Of the faces that a network is shown: a run may have learned from smaller ones alone."""
    from models.training import checkpoint, recipe
    from models.training.inputs import architecture

    if weights is None or not (weights / checkpoint.FILE).is_file():
        return entry.size
    return architecture(recipe.parse(checkpoint.load(weights)["recipe"], str(weights))).size


def _start_from(trunk: "nn.Module", name: str, source: Path) -> None:
    """Give a trunk its part of weights.

    Raises:
        TrainingError: they have not all of it, or can't be read.
    """
    from models.training import checkpoint

    stored, own = checkpoint.weights(source), trunk.state_dict()
    lacking = [key for key, tensor in own.items() if key not in stored or stored[key].shape != tensor.shape]
    if lacking:
        raise TrainingError(f"expected weights of {name} in {source}, got another network's (there is no {lacking[0]})")
    trunk.load_state_dict({key: stored[key] for key in own})


def _sum(name: str, trunk: "nn.Module") -> str:
    """A sha256 of a network in torch: its name, its weights and their names."""
    total = hashlib.sha256(name.encode())
    for key, tensor in sorted(trunk.state_dict().items()):
        total.update(key.encode())
        total.update(tensor.cpu().numpy().tobytes())
    return total.hexdigest()
