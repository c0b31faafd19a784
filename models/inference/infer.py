"""Torch-free inference with ONNX Runtime: networks for faces and for clips, each held to its contract."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelContractError, UnknownModelError
from models.inference import contract as contracts
from models.inference import registry
from models.inference.contract import Contract
from models.inference.runtime import onnxruntime
from relay.protocol import EXPRESSIONS

PROCESSOR = "CPUExecutionProvider"
_PROVIDERS = ("CUDAExecutionProvider", PROCESSOR)
"""In order of preference; the first comes with the ``agent-gpu`` extra."""

Faces = NDArray[np.uint8]
Array = NDArray[np.float32]


class OnnxNetwork:
    """A network's file in a session. What it sees and answers stands in ``contract``.

    ``promised`` is what the registry says of the file. Without it the file's own metadata count, and without those it
    has to be one of moodnet's kind at any size.

    Raises:
        ModelContractError: the file is no ONNX network, or its inputs or outputs are not those of its contract.
    """

    def __init__(self, file: Path, promised: Contract | None = None) -> None:
        self._session, self._options = open_session(file), onnxruntime().RunOptions()
        own = contracts.read(self._session.get_modelmeta().custom_metadata_map, file)
        if promised and own and own != promised:
            raise ModelContractError(f"the registry says of {file}: {promised}; its own contract is another: {own}")
        self.file = file
        self.contract = promised or own or contracts.of_first_kind(self._side())
        self._check()
        self._names = [tensor.name for tensor in self._session.get_inputs()]
        self._outputs = [tensor.name for tensor in self._session.get_outputs()][: len(self.contract.answers)]
        self._mean = np.asarray(self.contract.crop.pixels.mean, np.float32)
        self._scale = 1 / np.asarray(self.contract.crop.pixels.std, np.float32)
        # Labels beyond the seven (contempt) are left out before the softmax, which is the same as dropping them and
        # scaling the rest to a sum of 1.
        self._columns = [self.contract.outputs.index(expression) for expression in EXPRESSIONS]

    @property
    def on_processor(self) -> bool:
        """Whether it runs on the processor, not on a graphics card."""
        return bool(self._session.get_providers()[0] == PROCESSOR)

    @property
    def missed_card(self) -> bool:
        """Whether this ONNX Runtime was made for a graphics card, but could not use one."""
        return self.on_processor and _wanted_providers()[0] != PROCESSOR

    def prepared(self, faces: Faces) -> Array:
        """Faces (..., S, S), grey, or (..., S, S, 3), RGB, as the network sees them, (..., C, S, S)."""
        channels = self.contract.crop.pixels.channels
        x = (faces if channels > 1 else faces[..., None]).astype(np.float32)
        seen: Array = np.asarray((x - self._mean) * self._scale, np.float32)
        return np.moveaxis(seen, -1, -3)

    def run(self, *inputs: Array) -> list[Array]:
        """The network's outputs in the order of the contract."""
        given = dict(zip(self._names, map(np.ascontiguousarray, inputs), strict=True))
        answers: list[Array] = self._session.run(self._outputs, given, self._options)
        return answers

    def stop(self) -> None:
        """End the run that another thread may be in, with an error there; there is no other run after this."""
        self._options.terminate = True

    def probabilities_of(self, answers: Array) -> Array:
        """(N, 7) float32, rows summing to 1, in the order of ``EXPRESSIONS``, of what the network answered (N, K).

        Raises:
            ModelContractError: some of it is no finite number.
        """
        chosen = np.asarray(answers[:, self._columns], np.float32)
        if not np.isfinite(chosen).all():
            raise ModelContractError(
                f"{self.file} answers with what is no number: its training failed, or the file is damaged. Fetch or "
                "export it again, or choose another model"
            )
        if self.contract.logits:
            return softmax(chosen)
        return chosen if len(self.contract.outputs) == len(EXPRESSIONS) else chosen / chosen.sum(1, keepdims=True)

    def _side(self) -> int:
        """The side of the faces that a file without a contract takes."""
        shape = self._session.get_inputs()[0].shape
        if len(shape) != 4 or shape[1] != 1 or not isinstance(shape[2], int) or shape[2] != shape[3]:
            raise ModelContractError(
                f"{self.file} carries no contract (it was not exported by Moodcast), so it should take grey square "
                f"faces (N, 1, S, S) as moodnet does, but takes {shape}"
            )
        return shape[2]

    def _check(self) -> None:
        found = [[list(tensor.shape) for tensor in side] for side in (self._session.get_inputs(), self._outs())]
        wanted = [self.contract.inputs, self.contract.answers]
        for have, want in zip(found, wanted, strict=True):
            if [tuple(shape[1:]) for shape in have] != want:
                raise ModelContractError(
                    f"{self.file} should map {_told(wanted[0])} to {_told(wanted[1])}, but maps "
                    f"{_shapes(found[0])} to {_shapes(found[1])}"
                )

    def _outs(self) -> list[Any]:
        """The outputs that the contract tells of; a file may have more."""
        outputs: list[Any] = self._session.get_outputs()
        return outputs[: len(self.contract.answers)]


class Classifier:
    """A network that looks at single faces."""

    def __init__(self, network: OnnxNetwork) -> None:
        self.network = network

    def probabilities(self, face: Faces) -> Array:
        """(7,) float32 summing to 1, for one face, grey (S, S) or RGB (S, S, 3) uint8."""
        row: Array = self.batch(face[None])[0]
        return row

    def batch(self, faces: Faces) -> Array:
        """(N, 7) float32, rows summing to 1, for faces, grey (N, S, S) or RGB (N, S, S, 3) uint8."""
        return self.network.probabilities_of(self.network.run(self.network.prepared(faces))[0])

    def read(self, faces: Faces) -> tuple[Array, Array | None]:
        """``batch``, and the faces' features (N, D) float32; None of a network that answers without.

        Raises:
            ModelContractError: some of it is no finite number.
        """
        answers = self.network.run(self.network.prepared(faces))
        probabilities = self.network.probabilities_of(answers[0])
        return probabilities, answers[1] if self.network.contract.features else None

    def heads(self, faces: Faces) -> tuple[Array, Array]:
        """``batch``, and the same of the label head; of a network without one, its one answer twice."""
        answers = self.network.run(self.network.prepared(faces))
        by_label = answers[-1 if self.network.contract.label_head else 0]
        return self.network.probabilities_of(answers[0]), self.network.probabilities_of(by_label)


class ClipClassifier:
    """A network that sees all faces of a clip each time."""

    def __init__(self, network: OnnxNetwork) -> None:
        self.network = network

    def batch(self, clips: Faces) -> Array:
        """(N, 7) float32, rows summing to 1, for clips, grey (N, F, S, S) or RGB (N, F, S, S, 3) uint8."""
        seen = np.moveaxis(self.network.prepared(clips), 2, 1)
        return self.network.probabilities_of(self.network.run(seen)[0])


class FaceByFace:
    """A network for clips that is given what it made of the earlier faces."""

    def __init__(self, network: OnnxNetwork) -> None:
        self.network = network

    def step(self, faces: Faces, memory: Array) -> tuple[Array, Array]:
        """Probabilities (N, 7) of the clips that end in these faces, and the faces' features (N, D).

        ``faces`` grey (N, S, S) or RGB (N, S, S, 3) uint8; ``memory`` (N, F - 1, D), the features of those before.
        """
        answers, features = self.network.run(self.network.prepared(faces), memory)
        return self.network.probabilities_of(answers), features

    def features(self, faces: Faces) -> Array:
        """The features (N, D) of faces that have none before them."""
        clip = self.network.contract.clip
        assert clip is not None  # else it would be a Classifier
        return self.step(faces, np.zeros((len(faces), clip.frames - 1, clip.features), np.float32))[1]

    def batch(self, clips: Faces) -> Array:
        """As ``ClipClassifier.batch``."""
        memory = np.stack([self.features(clips[:, i]) for i in range(clips.shape[1] - 1)], 1)
        return self.step(clips[:, -1], memory)[0]


def load(name: str) -> Classifier | ClipClassifier | FaceByFace:
    """The classifier of that name in the registry, or in an ONNX file.

    Raises:
        UnknownModelError: neither.
        ModelMissingError, ChecksumMismatchError: see ``registry.path``.
        ModelContractError: the registered file is no classifier; it answers with what is no number; or see
            ``OnnxNetwork``.
    """
    network = OnnxNetwork(*find(name))
    crop, clip = network.contract.crop, network.contract.clip
    found: Classifier | ClipClassifier | FaceByFace = Classifier(network)
    if clip is not None:
        found = FaceByFace(network) if clip.features else ClipClassifier(network)
    colour = (3,) if crop.pixels.channels == 3 else ()
    found.batch(np.zeros((1, *((clip.frames,) if clip else ()), crop.size, crop.size, *colour), np.uint8))
    return found


def load_still(name: str) -> Classifier:
    """``load``, for who has single faces only.

    Raises:
        ModelError: as ``load``; or the network looks at clips.
    """
    found = load(name)
    if not isinstance(found, Classifier):
        raise ModelContractError(f"the model {name!r} looks at clips, and here are single faces: choose one for faces")
    return found


def find(name: str) -> tuple[Path, Contract | None]:
    """Where a classifier's file is, and what the registry promises of it; None for a file that is not registered.

    Raises:
        ModelError: as ``load``.
    """
    if name in registry.WEIGHTS:
        entry = registry.get(name)
        if entry.contract is None:
            raise ModelContractError(f"the model {name!r} is no expression classifier: choose another, or the default")
        return registry.path(name), entry.contract
    if Path(name).is_file():
        return Path(name), None
    known = ", ".join(entry.name for entry in registry.WEIGHTS.values() if entry.contract)
    raise UnknownModelError(f"expected the name of a model ({known}) or of an ONNX file, got {name!r}")


def _wanted_providers() -> list[str]:
    """What this ONNX Runtime could run a network on, the best first."""
    available = set(onnxruntime().get_available_providers())
    return [name for name in _PROVIDERS if name in available]


def open_session(file: Path) -> Any:
    """An ``InferenceSession`` of one thread on the best provider; the processor where a graphics card can't be used.

    Raises:
        ModelContractError: the file is no network.
    """
    options = onnxruntime().SessionOptions()
    # One face every 200 ms needs no second thread; a pool would only wake cores the streamed game wants.
    options.intra_op_num_threads = 1
    options.log_severity_level = 4 if _wanted_providers()[0] != PROCESSOR else 3
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a card can't be used: ``missed_card`` tells
            return onnxruntime().InferenceSession(str(file), options, providers=_wanted_providers())
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise ModelContractError(f"{file} is not a network that ONNX Runtime can load: {error}") from error


def softmax(logits: Array) -> Array:
    """Probabilities (N, K) of logits (N, K)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def _told(shapes: list[tuple[int, ...]]) -> str:
    """Shapes with their batch, as in (N, 1, 48, 48)."""
    return " and ".join("(N, " + ", ".join(map(str, shape)) + ")" for shape in shapes)


def _shapes(shapes: list[list[Any]]) -> str:
    return " and ".join(map(str, shapes)) or "nothing"
