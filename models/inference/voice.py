"""The contract of a voice file: what a network that hears is given, what it answers, and what it learned from.

An ONNX file of that kind carries it as JSON in its metadata, under ``VOICE_KEY``: ``models.export.voice`` writes it,
``models.inference.hearing`` reads it. Only the streamer's own agent listens, and only to networks that learned from
recorded speech.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import ModelContractError
from models.inference.sound import RATE
from relay.protocol import Expression

if TYPE_CHECKING:
    import onnx

VOICE_KEY = "moodcast-voice"
_VERSION = 1
_LEAST_SAMPLES, _MOST_SAMPLES = RATE, 10 * RATE
"""A second at least: ``agent.voice.listening`` takes less for no speech."""
_MOST_CLASSES, _LONGEST_NAME = 64, 64
HOW_TO_TRAIN = (
    "train one on recorded speech and export it: moodcast models train moodnet-voice --data RAVDESS --run RUN, then "
    "moodcast models export RUN voice.onnx --clips RAVDESS"
)
"""What to do for a voice file that may be listened to."""


class VoiceContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a network from ``sound`` (1, samples) float32, -1..1 at ``RATE`` a second, to ``logits`` (1, classes).

    A fused answer is face * voice^``weight`` (``models.inference.late_fusion``), after the logits were divided by
    ``temperature`` (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    """

    classes: tuple[str, ...]
    """The training's names, in the network's order."""
    labels: tuple[Expression | None, ...]
    """The expression of each class; None for one that is none of the seven, and is left out."""
    samples: int
    recorded: bool
    """Whether it learned from recorded people, not from synthetic voices."""
    learned_from: str
    """The name of the data's layout."""
    temperature: float
    weight: float
    """Of the voice, 0..1; 0 is the face alone, 1 Bayes' rule for two independent witnesses."""

    @property
    def seconds(self) -> float:
        """How long the sound is that the network is given."""
        return self.samples / RATE


def write(model: "onnx.ModelProto", contract: VoiceContract) -> None:
    """Put the contract into a network's metadata, in place of the one it may have.

    Raises:
        ModelContractError: the contract contradicts itself.
    """
    if problem := _contradiction(contract):
        raise ModelContractError(f"the network can't be given this voice contract: {problem}")
    kept = [entry for entry in model.metadata_props if entry.key != VOICE_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    text = msgspec.json.encode({"version": _VERSION, **msgspec.to_builtins(contract)})
    model.metadata_props.add(key=VOICE_KEY, value=text.decode())


def read(metadata: Mapping[str, str], file: object) -> VoiceContract:
    """The contract in a network's metadata. ``file`` is its name in the error.

    Raises:
        ModelContractError: there is none, it can't be read, is of a later version, or contradicts itself.
    """
    if VOICE_KEY not in metadata:
        raise ModelContractError(
            f"{file} is no voice file: expected a network that hears, as Moodcast exports it. To have one, "
            f"{HOW_TO_TRAIN}"
        )
    try:
        found: Any = msgspec.json.decode(metadata[VOICE_KEY])
        version = found.pop("version")
        if version != _VERSION:
            raise ModelContractError(
                f"{file} has a voice contract of version {version}, and this Moodcast reads version {_VERSION}: use "
                "the Moodcast that exported it, or export it again"
            )
        contract = msgspec.convert(found, VoiceContract)
    except (AttributeError, KeyError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise ModelContractError(
            f"the voice contract in {file} can't be read ({type(error).__name__}: {error}): export the network again"
        ) from error
    if problem := _contradiction(contract):
        raise ModelContractError(
            f"the voice contract in {file} contradicts itself: {problem}. Export the network again"
        )
    return contract


def require_recorded(contract: VoiceContract, file: object) -> None:
    """Raises ModelContractError: the network learned from synthetic voices, which say nothing of people's."""
    if not contract.recorded:
        raise ModelContractError(
            f"{file} learned from synthetic voices ({contract.learned_from}), which says nothing of how it reads "
            f"people, so nobody is shown what it says: {HOW_TO_TRAIN}"
        )


def _contradiction(contract: VoiceContract) -> str:
    """What is wrong in a contract all of whose fields are of the right kind; empty if nothing is."""
    names = (*contract.classes, contract.learned_from)
    if not 2 <= len(contract.classes) <= _MOST_CLASSES or len(set(contract.classes)) < len(contract.classes):
        return f"expected 2 to {_MOST_CLASSES} classes, each once, got {len(contract.classes)}"
    if not all(0 < len(name) <= _LONGEST_NAME and name.isprintable() for name in names):
        return f"expected names of 1 to {_LONGEST_NAME} printable characters"
    if len(contract.labels) != len(contract.classes):
        return f"expected a label for each of {len(contract.classes)} classes, got {len(contract.labels)}"
    if len({label for label in contract.labels if label}) < 2:
        return "expected at least two different expressions among the labels"
    if not _LEAST_SAMPLES <= contract.samples <= _MOST_SAMPLES:
        return f"expected {_LEAST_SAMPLES} to {_MOST_SAMPLES} samples of sound, got {contract.samples}"
    if not 0.01 <= contract.temperature <= 100:
        return f"expected a temperature of 0.01 to 100, got {contract.temperature}"
    if not 0 <= contract.weight <= 1:
        return f"expected a weight of 0 to 1, got {contract.weight}"
    return ""
