"""A network's file says what it sees and answers; what can't be right is refused with a sentence."""

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelContractError
from models.inference import contract
from models.inference.contract import IMAGENET, KEY, RAW_GREY, ClipSpec, Contract, CropSpec
from relay.protocol import EXPRESSIONS


class Model:
    """As much of an ONNX network as a contract needs: a list of metadata with ``add``."""

    def __init__(self) -> None:
        onnx = pytest.importorskip("onnx", reason="writing files needs onnx: make test TRAIN=1, or '.[train]'")
        self.proto = onnx.ModelProto()

    def metadata(self) -> dict[str, str]:
        return {entry.key: entry.value for entry in self.proto.metadata_props}


CLIPS = st.builds(
    ClipSpec,
    frames=st.integers(2, contract.MOST_FRAMES),
    interval_s=st.floats(0.01, 10),
    every=st.integers(1, 50),
) | st.builds(ClipSpec, frames=st.integers(2, 64), interval_s=st.floats(0.01, 10), features=st.integers(1, 4096))
CONTRACTS = st.builds(
    Contract,
    crop=st.builds(
        CropSpec,
        size=st.integers(1, contract.LARGEST_SIDE),
        margin=st.floats(0.1, 10),
        pixels=st.sampled_from([RAW_GREY, IMAGENET]),
    ),
    outputs=st.permutations([*EXPRESSIONS, "contempt"]).map(tuple),
    logits=st.booleans(),
    clip=st.none() | CLIPS,
)
CLIP = Contract(CropSpec(160, 1.3, IMAGENET), logits=True, clip=ClipSpec(16, 0.16, every=4))


@given(CONTRACTS)
def test_what_is_written_is_read(wanted: Contract) -> None:
    model = Model()
    contract.write(model.proto, contract.of_first_kind(48))  # written over
    contract.write(model.proto, wanted)
    assert contract.read(model.metadata(), "net.onnx") == wanted


def test_one_that_was_written_before_networks_told_features_has_none_of_them() -> None:
    old = {"version": contract.VERSION, **msgspec.to_builtins(contract.of_first_kind(48))}
    del old["features"]
    assert contract.read({KEY: msgspec.json.encode(old).decode()}, "net.onnx") == contract.of_first_kind(48)


def test_a_file_without_one_has_none() -> None:
    assert contract.read({"author": "somebody"}, "net.onnx") is None


def test_shapes_of_each_kind() -> None:
    still, clip = contract.of_first_kind(48), CLIP
    by_face = dataclasses.replace(clip, clip=ClipSpec(8, 0.2, features=256))
    assert dataclasses.replace(still, label_head=True).answers == [(7,), (7,)]
    assert dataclasses.replace(still, label_head=True, features=88).answers == [(7,), (88,), (7,)]
    assert dataclasses.replace(still, features=88).answers == [(7,), (88,)]
    assert (still.inputs, still.answers) == ([(1, 48, 48)], [(7,)])
    assert (clip.inputs, clip.answers) == ([(3, 16, 160, 160)], [(7,)])
    assert (by_face.inputs, by_face.answers) == ([(3, 160, 160), (7, 256)], [(7,), (256,)])


def changed(**fields: Any) -> str:
    """The metadata of a contract with some fields exchanged."""
    given = {"version": contract.VERSION, **msgspec.to_builtins(CLIP)}
    for name, value in fields.items():
        place, _, field = name.rpartition("__")
        (given[place] if place else given)[field] = value
    return msgspec.json.encode(given).decode()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no json", "can't be read"),
        ("[1, 2]", "can't be read"),
        ("{}", "can't be read.*'version'"),
        (changed(version=2), "version 2, and this Moodcast reads version 1"),
        (changed(crop="large"), "can't be read.*crop"),
        (changed(outputs=["happy", "sad"]), "angry, disgust, fear, surprise, neutral is missing"),
        (changed(outputs=[*EXPRESSIONS, "happy"]), "each label once"),
        (changed(crop__size=0), "expected a size of 1 to"),
        (changed(crop__margin=0), "margin above 0"),
        (changed(crop__pixels={"mean": [0, 0], "std": [1, 1]}), "1 or 3 channels"),
        (changed(crop__pixels={"mean": [0], "std": [0]}), "no std of 0"),
        (changed(clip__frames=1), "expected 2 to 256 frames"),
        (changed(clip__interval_s=0), "at most 10 s apart"),
        (changed(clip__every=0), "a clip every 1 or more"),
        (changed(label_head=True), "only a network of single faces has a label head"),
        (changed(features=256), "only a network of single faces has .* features of its own"),
        (changed(features=-1), "expected 0 to 8192 features, got -1"),
        (changed(features=8193), "expected 0 to 8192 features, got 8193"),
        (changed(clip__features=64), "answers with each of them: expected every 1, got 4"),
    ],
)
def test_a_wrong_contract_is_refused_with_a_sentence(text: str, complaint: str) -> None:
    with pytest.raises(ModelContractError, match=f"net.onnx.*{complaint}"):
        contract.read({KEY: text}, "net.onnx")


def test_a_contradiction_is_not_written() -> None:
    with pytest.raises(ModelContractError, match="can't be given this contract: expected 2 to 256 frames"):
        contract.write(Model().proto, dataclasses.replace(CLIP, clip=ClipSpec(1, 0.2)))
