"""Runs of networks that hear become voice files, which say whether people or a program spoke."""

import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="export needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")
av = pytest.importorskip("av", reason="sound needs PyAV: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models.clips.layouts.entry import SYNTHETIC  # noqa: E402
from models.errors import ModelContractError, TrainingError  # noqa: E402
from models.export import voice as voices  # noqa: E402
from models.inference.hearing import VoiceNetwork  # noqa: E402
from models.inference.late_fusion import WEIGHT  # noqa: E402
from models.inference.voice import require_recorded  # noqa: E402
from models.training import checkpoint  # noqa: E402
from relay.protocol import EXPRESSIONS  # noqa: E402
from tests.murmurs import murmur  # noqa: E402
from tests.sounds import RATE  # noqa: E402

RECIPE = """
[network]
name = "moodnet-voice"
[clips]
layout = "plain"
[data]
validation_share = 0.34
[augmentation]
operations = 0
[optimizer]
kind = "adamw"
learning_rate = 1e-3
[schedule]
epochs = 1
batch = 4
"""


def spoken(file: Path, pitch: float, seed: int) -> None:
    """A voice of a second as WAV."""
    heard = murmur(1.0, np.random.default_rng(seed), pitch=pitch)
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((heard * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    for i, who in enumerate(("anna", "ben", "kim")):
        for j, (label, pitch) in enumerate((("happy", 220.0), ("sad", 110.0))):
            spoken(folder / label / f"{who}_{i}.wav", pitch + 10 * i, 10 * i + j)
            spoken(folder / label / f"{who}_{i + 5}.wav", pitch - 10 * i, 10 * i + j + 5)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    (place / "recipe.toml").write_text(RECIPE)
    run = place / "fold-1"  # as a user may call it; the recipe has one fold, without a name
    command("train", place / "recipe.toml", "--data", data, "--run", run)
    return run


def command(*arguments: object) -> None:
    assert moodcast.run(["models", *map(str, arguments)]) == 0


def test_a_run_becomes_a_file_that_hears_as_torch_does(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "voice.onnx"
    command("export", run, file, "--clips", data)
    assert "chosen on the clips that it has not learned from" in capsys.readouterr().out
    network = VoiceNetwork(file)
    contract = network.contract
    assert contract.classes == contract.labels == EXPRESSIONS
    assert (contract.samples, contract.recorded, contract.learned_from) == (48_000, True, "plain")
    assert contract.weight == WEIGHT
    assert contract.temperature != 1
    assert file.stat().st_size < 5_000_000
    require_recorded(contract, file)
    heard = np.zeros(48_000, np.float32)
    heard[:RATE] = murmur(1.0, np.random.default_rng(3), pitch=150.0)
    with torch.inference_mode():
        logits = checkpoint.load_network(run).net(torch.from_numpy(heard)[None])
    expected = (logits / contract.temperature).softmax(1).numpy()[0]
    np.testing.assert_allclose(network.probabilities(heard)[network.known], expected, atol=1e-4)


def test_what_learned_from_a_program_says_so_for_good(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the set's mark is gone when the training goes on, and when it is exported."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (data / SYNTHETIC).touch()
    try:
        command("train", tmp_path / "recipe.toml", "--data", data, "--run", tmp_path / "run")
    finally:
        (data / SYNTHETIC).unlink()
    command("train", tmp_path / "recipe.toml", "--data", data, "--run", tmp_path / "run")
    command("export", tmp_path / "run", tmp_path / "voice.onnx")
    told = capsys.readouterr().out
    assert "It learned from synthetic voices: agents refuse it" in told
    assert "temperature 1, since no clips were given" in told
    with pytest.raises(ModelContractError, match="learned from synthetic voices"):
        require_recorded(VoiceNetwork(tmp_path / "voice.onnx").contract, "voice.onnx")


def test_what_began_with_a_program_says_so(data: Path, run: Path, tmp_path: Path) -> None:
    """Whatever it learned from later; and a set of a program does not choose how sure it is of people."""
    program = tmp_path / "program"
    shutil.copytree(data, program)
    (program / SYNTHETIC).touch()
    (tmp_path / "first.toml").write_text(RECIPE)
    command("train", tmp_path / "first.toml", "--data", program, "--run", tmp_path / "first")
    start = f'name = "moodnet-voice"\nstart = "{(tmp_path / "first").as_posix()}"'
    (tmp_path / "then.toml").write_text(RECIPE.replace('name = "moodnet-voice"', start))
    command("train", tmp_path / "then.toml", "--data", data, "--run", tmp_path / "then")
    assert not checkpoint.load(tmp_path / "then")["recorded"]
    assert checkpoint.load(run)["recorded"]
    with pytest.raises(TrainingError, match=r"expected the clips that .* was trained on, of recorded people, got .*"):
        command("export", run, tmp_path / "voice.onnx", "--clips", program)


def test_clips_of_other_classes_and_smaller_weights_are_refused(run: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for label in ("angry", "bored"):
        for who in ("anna", "ben"):
            spoken(other / label / f"{who}_1.wav", 150.0, 1)
            spoken(other / label / f"{who}_2.wav", 150.0, 1)
    with pytest.raises(TrainingError, match=r"expected the clips that .* of angry, .*, got some of angry, bored"):
        command("export", run, tmp_path / "voice.onnx", "--clips", other)
    with pytest.raises(TrainingError, match="holds a run that learned from other data: go on with that, or give"):
        command("train", run.parent / "recipe.toml", "--data", other, "--run", run)
    with pytest.raises(TrainingError, match="expected --weights float32 for moodnet-voice, which hears, got int8"):
        command("export", run, tmp_path / "voice.onnx", "--weights", "int8")
    assert not (tmp_path / "voice.onnx").exists()


def test_classes_have_the_expressions_of_their_layout() -> None:
    names = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    assert voices.labels(names, "ravdess") == (
        "neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise",
    )  # fmt: skip
    assert voices.labels(("ANG", "bored"), "plain") == ("angry", None)
