"""The contract of a network's file: what it sees, how often, and what it answers. Defined here and nowhere else.

An ONNX file carries its contract as JSON in its metadata, under ``KEY``; export writes it (``write``) and whoever loads
the file checks it (``read``). Files of the registry that were made elsewhere, or before there were contracts, have
theirs in their entry. A file with neither is one of moodnet's first ones: grey faces in, probabilities out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import ModelContractError
from models.inference.voice import VOICE_KEY
from relay.protocol import EXPRESSIONS

if TYPE_CHECKING:
    import onnx

KEY = "moodcast"
RESEARCH_KEY = "moodcast-research"
"""Metadata of networks whose answers no agent shows (``models.export.research``)."""
VERSION = 1
LARGEST_SIDE, MOST_FRAMES, MOST_FEATURES = 1024, 256, 8192


@dataclass(frozen=True)
class Pixels:
    """What a network sees of a pixel x in 0..255: (x - mean) / std, channel by channel; one is grey, three are RGB."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return len(self.mean)


RAW_GREY, RAW_RGB = Pixels((0.0,), (1.0,)), Pixels((0.0,) * 3, (1.0,) * 3)
"""For networks that standardise each face themselves."""
IMAGENET = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


@dataclass(frozen=True)
class CropSpec:
    """The face crop a classifier was trained on (see ``models.inference.align``).

    ``size`` in pixels, square. ``margin`` is the crop's side relative to that of the FER2013 tiles (1.0).
    """

    size: int
    margin: float
    pixels: Pixels = RAW_GREY


@dataclass(frozen=True)
class ClipSpec:
    """What makes a clip of faces.

    ``frames`` faces (at least 2), ``interval_s`` seconds apart. While a face is seen, the network is asked about the
    newest clip once every ``every`` of these frames. A network with ``features`` works face by face: it is given the
    newest face and what it answered as features, so many numbers each, of the ``frames`` - 1 before; ``every`` is 1
    then. One without sees all faces of the clip each time.
    """

    frames: int
    interval_s: float
    every: int = 1
    features: int = 0


@dataclass(frozen=True)
class Contract:
    """Of a classifier: faces (N, C, S, S), or clips of them (N, C, F, S, S), to one number for each label.

    ``outputs`` are the network's own labels in its own order, all of ``EXPRESSIONS`` among them: probabilities, or
    ``logits`` that still need a softmax. ``clip`` is None for a network that looks at single faces.

    A network with ``clip.features`` D has two inputs, the newest faces (N, C, S, S) and the features (N, F - 1, D) of
    those before, oldest first, and two outputs, the labels (N, K) and the newest faces' features (N, D).

    A network of single faces with ``features`` D has them as its second output (N, D): what it made of the face before
    its heads answered, so that a head of one's own can be taught on them (``agent.personal``).

    A network of single faces with ``label_head`` has a last output like its first: that says what most people would
    call the face (the majority of FER+'s taggers), this what FER2013's single label is. Only evaluation reads it.
    """

    crop: CropSpec
    outputs: tuple[str, ...] = EXPRESSIONS
    logits: bool = False
    clip: ClipSpec | None = None
    label_head: bool = False
    features: int = 0

    @property
    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the network's inputs, without the batch."""
        face = (self.crop.pixels.channels, self.crop.size, self.crop.size)
        if self.clip is None:
            return [face]
        if self.clip.features:
            return [face, (self.clip.frames - 1, self.clip.features)]
        return [(face[0], self.clip.frames, *face[1:])]

    @property
    def answers(self) -> list[tuple[int, ...]]:
        """Shapes of the network's outputs, without the batch."""
        labels = (len(self.outputs),)
        if self.clip is None:
            return [labels, *[(self.features,)] * bool(self.features), *[labels] * self.label_head]
        return [labels, (self.clip.features,)] if self.clip.features else [labels]


def of_first_kind(size: int) -> Contract:
    """What a file without a contract has promised by being one of moodnet's: grey faces, probabilities."""
    return Contract(CropSpec(size, margin=1.0))


def write(model: "onnx.ModelProto", contract: Contract) -> None:
    """Put a contract into a network's metadata, in place of the one it may have.

    Raises:
        ModelContractError: the contract contradicts itself.
    """
    problem = _contradiction(contract)
    if problem:
        raise ModelContractError(f"the network can't be given this contract: {problem}")
    kept = [entry for entry in model.metadata_props if entry.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    text = msgspec.json.encode({"version": VERSION, **msgspec.to_builtins(contract)})
    model.metadata_props.add(key=KEY, value=text.decode())


def read(metadata: Mapping[str, str], file: object) -> Contract | None:
    """The contract in a network's metadata; None where there is none. ``file`` is its name in the error.

    Raises:
        ModelContractError: it can't be read, is of a later version, contradicts itself, or is one for research or for
            sound.
    """
    if RESEARCH_KEY in metadata:
        raise ModelContractError(
            f"{file} is a network for research: of micro-expressions, or of other things than faces. How well such "
            "networks read strangers is not known, so no agent shows or sends what they say: choose a classifier of "
            "expressions (moodcast models list)"
        )
    if VOICE_KEY in metadata:
        raise ModelContractError(
            f"{file} is a network that hears: give it with --voice, and to --model one that sees faces"
        )
    if KEY not in metadata:
        return None
    try:
        found: Any = msgspec.json.decode(metadata[KEY])
        version = found.pop("version")
        if version != VERSION:
            raise ModelContractError(
                f"{file} has a contract of version {version}, and this Moodcast reads version {VERSION}: use the "
                "Moodcast that exported it, or export it again"
            )
        contract = msgspec.convert(found, Contract)
    except (AttributeError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise ModelContractError(
            f"the contract in {file} can't be read ({type(error).__name__}: {error}): export the network again"
        ) from error
    problem = _contradiction(contract)
    if problem:
        raise ModelContractError(f"the contract in {file} contradicts itself: {problem}. Export the network again")
    return contract


def _contradiction(contract: Contract) -> str:
    """What is wrong in a contract all of whose fields are of the right kind; empty if nothing is."""
    crop, clip = contract.crop, contract.clip
    missing = [name for name in EXPRESSIONS if name not in contract.outputs]
    if missing:
        return f"expected the labels {', '.join(EXPRESSIONS)} among the outputs, but {', '.join(missing)} is missing"
    if len(set(contract.outputs)) < len(contract.outputs):
        return f"expected each label once, got {', '.join(contract.outputs)}"
    if not (1 <= crop.size <= LARGEST_SIDE and 0 < crop.margin <= 10):
        return f"expected a size of 1 to {LARGEST_SIDE} px and a margin above 0, got {crop.size} px and {crop.margin}"
    if crop.pixels.channels not in (1, 3) or len(crop.pixels.std) != crop.pixels.channels or 0 in crop.pixels.std:
        return f"expected mean and std of 1 or 3 channels, and no std of 0, got {crop.pixels.mean}, {crop.pixels.std}"
    if not 0 <= contract.features <= MOST_FEATURES:
        return f"expected 0 to {MOST_FEATURES} features, got {contract.features}"
    if clip is None:
        return ""
    if contract.label_head or contract.features:
        return "only a network of single faces has a label head or features of its own, and this one looks at clips"
    if not (2 <= clip.frames <= MOST_FRAMES and 0 < clip.interval_s <= 10 and clip.every >= 1 and clip.features >= 0):
        return (
            f"expected 2 to {MOST_FRAMES} frames at most 10 s apart, and a clip every 1 or more of them, got "
            f"{clip.frames} frames {clip.interval_s} s apart, every {clip.every}"
        )
    if clip.features and clip.every != 1:
        return f"a network that works face by face answers with each of them: expected every 1, got {clip.every}"
    return ""
