"""Voice files: what is written is read, and what can't be right is refused with a sentence."""

import contextlib
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelContractError
from models.inference import infer, voice
from models.inference.hearing import VoiceNetwork
from models.inference.sound import RATE
from models.inference.voice import VOICE_KEY, VoiceContract
from relay.protocol import EXPRESSIONS
from tests import voices
from tests.voices import CONTRACT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NONSENSE: list[dict[str, Any]] = [
    {"classes": ["happy"], "labels": ["happy"]},
    {"classes": ["happy", "happy", "sad"], "labels": ["happy", "happy", "sad"]},
    {"labels": ["happy"] * 8},
    {"labels": [None] * 8},
    {"labels": ["happy", "sad"]},
    {"labels": ["joy"] * 8},
    {"classes": ["\x1b[2J", *CONTRACT.classes[1:]]},
    {"classes": ["x" * 65, *CONTRACT.classes[1:]]},
    {"classes": [str(i) for i in range(65)], "labels": ["happy"] * 65},
    {"samples": 0},
    {"samples": RATE - 1},
    {"samples": 10**9},
    {"samples": "many"},
    {"recorded": "yes"},
    {"recorded": 1},
    {"temperature": 0},
    {"temperature": "nan"},
    {"weight": -0.1},
    {"weight": 1.1},
    {"learned_from": ""},
    {"learned_from": "ravdess\nand you are safe"},
    {"version": 2},
    {"version": None},
    {"more": 1},
]


def test_a_voice_file_answers_in_the_order_of_the_expressions(tmp_path: Path) -> None:
    network = VoiceNetwork(voices.made(tmp_path / "voice.onnx", logits=np.log([1, 2, 4, 1, 1, 1, 1, 1])))
    said = network.probabilities(np.zeros(CONTRACT.samples, np.float32))
    assert network.contract == CONTRACT
    assert network.contract.seconds == 2
    assert said.dtype == np.float32
    wanted = {"happy": 4, "neutral": 3}  # neutral and calm are one expression
    assert said == pytest.approx(np.array([wanted.get(name, 1) for name in EXPRESSIONS]) / 12, abs=1e-6)


def test_classes_without_an_expression_are_left_out_and_the_temperature_counts(tmp_path: Path) -> None:
    contract = msgspec.structs.replace(
        CONTRACT, classes=("anger", "boredom", "joy"), labels=("angry", None, "happy"), temperature=2.0
    )
    network = VoiceNetwork(voices.made(tmp_path / "voice.onnx", contract, logits=[0.0, 50.0, 2 * math.log(3)]))
    said = dict(zip(EXPRESSIONS, network.probabilities(np.zeros(contract.samples, np.float32)), strict=True))
    assert said == pytest.approx({**dict.fromkeys(EXPRESSIONS, 0.0), "angry": 0.25, "happy": 0.75})
    known = [name for name, is_known in zip(EXPRESSIONS, network.known, strict=True) if is_known]
    assert sorted(known) == ["angry", "happy"]


@given(
    samples=st.integers(RATE, 10 * RATE),
    recorded=st.booleans(),
    temperature=st.floats(0.01, 100),
    weight=st.floats(0, 1),
    labels=st.permutations([*EXPRESSIONS, None]),
)
def test_what_is_written_is_read(labels: list[Any], **fields: Any) -> None:
    onnx = pytest.importorskip("onnx", reason="writing files needs onnx: make test TRAIN=1, or '.[train]'")
    model = onnx.ModelProto()
    wanted = msgspec.structs.replace(CONTRACT, labels=tuple(labels), **fields)
    voice.write(model, CONTRACT)  # written over
    voice.write(model, wanted)
    assert voice.read({entry.key: entry.value for entry in model.metadata_props}, "voice.onnx") == wanted


def test_no_contract_that_contradicts_itself_is_written() -> None:
    onnx = pytest.importorskip("onnx", reason="writing files needs onnx: make test TRAIN=1, or '.[train]'")
    with pytest.raises(ModelContractError, match="weight"):
        voice.write(onnx.ModelProto(), msgspec.structs.replace(CONTRACT, weight=2.0))


@pytest.mark.parametrize("fields", NONSENSE)
def test_metadata_with_nonsense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ModelContractError, match=r"voice\.onnx .*export|in voice\.onnx") as error:
        voice.read({VOICE_KEY: voices.told(**fields)}, "voice.onnx")
    assert "\x1b" not in str(error.value)


@given(st.text() | JSON.map(lambda found: msgspec.json.encode(found).decode()))
def test_any_metadata_are_a_contract_or_a_sentence(text: str) -> None:
    require_a_contract_or_a_sentence(text)


@given(st.sampled_from(VoiceContract.__struct_fields__), JSON)
def test_any_value_of_a_field_is_a_contract_or_a_sentence(field: str, value: Any) -> None:
    require_a_contract_or_a_sentence(voices.told(**{field: value}))


def require_a_contract_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ModelContractError):
        assert isinstance(voice.read({VOICE_KEY: text}, "voice.onnx"), VoiceContract)


def test_deep_metadata_are_a_sentence() -> None:
    with pytest.raises(ModelContractError, match="can't be read"):
        voice.read({VOICE_KEY: "[" * 100_000}, "voice.onnx")


def test_a_file_that_is_missing_or_no_voice_file_says_how_to_have_one(tmp_path: Path) -> None:
    other = voices.made(tmp_path / "other.onnx", author="somebody")
    for file, words in ((tmp_path / "none.onnx", "there is no voice file"), (other, "is no voice file")):
        with pytest.raises(ModelContractError, match=words) as error:
            VoiceNetwork(file)
        assert "moodcast models train moodnet-voice" in str(error.value)
        assert "moodcast models export RUN" in str(error.value)


def test_what_is_no_network_or_too_large_is_a_sentence(tmp_path: Path) -> None:
    text, large = tmp_path / "voice.onnx", tmp_path / "large.onnx"
    text.write_text("not a network")
    with large.open("wb") as file:
        file.truncate(64_000_001)  # takes no room
    for file_name, words in ((text, "is not a network"), (large, "64 MB are the most")):
        with pytest.raises(ModelContractError, match=words):
            VoiceNetwork(file_name)


@pytest.mark.parametrize("fields", [{"samples": RATE}, {"classes": ["a", "b"], "labels": ["happy", "sad"]}])
def test_a_network_of_other_shapes_than_its_contract_is_a_sentence(fields: dict[str, Any], tmp_path: Path) -> None:
    file = voices.made(tmp_path / "voice.onnx", **{VOICE_KEY: voices.told(**fields)})
    with pytest.raises(ModelContractError, match=r"should (take sound|answer logits), .* by its contract, but would"):
        VoiceNetwork(file)


def test_a_network_that_sees_faces_is_none_that_hears(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="writing files needs onnx: make test TRAIN=1, or '.[train]'")
    helper, kind = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["face"], ["logits"])],
        "face",
        [helper.make_tensor_value_info("face", kind.FLOAT, ["n", 1, 8, 1])],
        [helper.make_tensor_value_info("logits", kind.FLOAT, ["n", 8])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    voice.write(model, CONTRACT)
    (tmp_path / "voice.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelContractError, match=r"should take sound, .* would take face"):
        VoiceNetwork(tmp_path / "voice.onnx")


def test_answers_that_are_no_numbers_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match="no number"):
        VoiceNetwork(voices.made(tmp_path / "voice.onnx", logits=[math.nan] * 8))


def test_synthetic_voices_are_refused_where_people_are_heard() -> None:
    voice.require_recorded(CONTRACT, "voice.onnx")
    synthetic = msgspec.structs.replace(CONTRACT, recorded=False, learned_from="synthetic")
    with pytest.raises(ModelContractError, match=r"synthetic voices \(synthetic\).*moodcast models train") as error:
        voice.require_recorded(synthetic, "voice.onnx")
    assert "voice.onnx" in str(error.value)


def test_a_voice_file_is_no_model_for_faces(tmp_path: Path) -> None:
    file = voices.made(tmp_path / "voice.onnx")
    with pytest.raises(ModelContractError, match="--voice"):
        infer.load(str(file))
