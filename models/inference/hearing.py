"""A voice file in a session: from sound to the probabilities of the expressions. Free of torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelContractError
from models.inference import voice
from models.inference.infer import open_session, softmax
from models.inference.runtime import onnxruntime
from relay.protocol import EXPRESSIONS

_MOST_BYTES = 64_000_000
"""Of a voice file. What is larger would not listen beside a game: the small one takes under 5 MB."""


class VoiceNetwork:
    """A network that hears. What it is given and answers stands in ``contract``; use it from one thread at a time.

    Raises:
        ModelContractError: the file is missing, too large, no network, no voice file, or its inputs and outputs are not
            those of its contract; or it answers silence with what is no number.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        _require_file(file)
        self._session, self._options = open_session(file), onnxruntime().RunOptions()
        self.contract = voice.read(self._session.get_modelmeta().custom_metadata_map, file)
        self._check()
        self._columns = np.zeros((len(self.contract.classes), len(EXPRESSIONS)), np.float32)
        for row, label in enumerate(self.contract.labels):
            if label is not None:
                self._columns[row, EXPRESSIONS.index(label)] = 1
        self._try()

    @property
    def known(self) -> NDArray[np.bool_]:
        """(7,), which of ``EXPRESSIONS`` the network can say."""
        return np.asarray(self._columns.any(0))

    def probabilities(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """(7,) summing to 1, in the order of ``EXPRESSIONS``, of ``sound`` (samples,), -1..1.

        Classes of one expression are added; those of none are left out, and the rest is scaled to a sum of 1. An
        expression that no class has gets 0.

        Raises:
            ModelContractError: the network answers with what is no number.
        """
        found = np.asarray(self._session.run(["logits"], {"sound": sound[None]}, self._options)[0], np.float32)
        if not np.isfinite(found).all():
            raise ModelContractError(
                f"{self.file} answers with what is no number: its training failed, or the file is damaged. Export it "
                "again, or choose another voice file"
            )
        heard = np.where(self._columns.any(1), found / np.float32(self.contract.temperature), -np.inf)
        said: NDArray[np.float32] = (softmax(heard) @ self._columns)[0]
        return said

    def stop(self) -> None:
        """End the run that another thread may be in, with an error there; there is no other run after this."""
        self._options.terminate = True

    def _check(self) -> None:
        answers = [tensor for tensor in self._session.get_outputs() if tensor.name == "logits"]
        for does, tensors, name, count in (
            ("take", self._session.get_inputs(), "sound", self.contract.samples),
            ("answer", answers, "logits", len(self.contract.classes)),
        ):
            if len(tensors) != 1 or not _is_row(tensors[0], name, count):
                told = " and ".join(f"{tensor.name} {tensor.type} {tensor.shape}" for tensor in tensors) or "nothing"
                raise ModelContractError(
                    f"{self.file} should {does} {name}, tensor(float) [1, {count}], by its contract, but would {does} "
                    f"{told}: export the network again"
                )

    def _try(self) -> None:
        """Shapes inside may still not fit, which only a run tells."""
        try:
            self.probabilities(np.zeros(self.contract.samples, np.float32))
        except ModelContractError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ModelContractError(f"{self.file} can't be run: {error}. Export the network again") from error


def _is_row(tensor: Any, name: str, count: int) -> bool:
    """Whether an input or output of a session is ``count`` numbers, of which one row may be given at a time."""
    batch_is_free = len(tensor.shape) == 2 and (tensor.shape[0] == 1 or not isinstance(tensor.shape[0], int))
    return bool(batch_is_free and (tensor.name, tensor.type, tensor.shape[1]) == (name, "tensor(float)", count))


def _require_file(file: Path) -> None:
    """Before ONNX Runtime, whose words for it are none for users."""
    if not file.is_file():
        raise ModelContractError(f"there is no voice file {file}. To have one, {voice.HOW_TO_TRAIN}")
    if (size := file.stat().st_size) > _MOST_BYTES:
        raise ModelContractError(
            f"{file} has {size / 1e6:.0f} MB, and {_MOST_BYTES / 1e6:.0f} MB are the most of a voice file: a network "
            f"of that size would take the time of a whole core. Choose the small one: {voice.HOW_TO_TRAIN}"
        )
