"""Clip networks through the commands: folds trained in turn, and one evaluation of all of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models.clips import cache  # noqa: E402
from models.clips.source import in_memory  # noqa: E402
from models.errors import ModelMissingError  # noqa: E402
from models.inference import registry  # noqa: E402
from models.inference.infer import load  # noqa: E402
from models.training import checkpoint  # noqa: E402
from models.zoo import networks  # noqa: E402
from relay.protocol import EXPRESSIONS  # noqa: E402
from tests.moving import ENTRY, shapes, write  # noqa: E402

RECIPE = """
[network]
name = "tiny"
[clips]
layout = "plain"
aligned = true
{clips}
[augmentation]
roll_degrees = 0
zoom = 0
shift = 0
operations = 0
erase_share = 0
mixup_alpha = 0
[optimizer]
learning_rate = 0.02
[schedule]
epochs = {epochs}
batch = 4
ema_decay = 0.5
{more}
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' network in the registry."""
    every = {**networks.listed(), "tiny": ENTRY}
    monkeypatch.setattr(networks, "listed", lambda: every)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What moves down and what moves up: mirroring leaves these as they are."""
    every = shapes(40)
    chosen = np.flatnonzero(every.labels >= 2)
    clips = in_memory(
        [every.frames(int(i)) for i in chosen],
        every.labels[chosen] - 2,
        ("down", "up"),
        [f"s{i // 8}" for i in chosen],
        every.intensity[chosen],
    )
    return write(clips, tmp_path_factory.mktemp("moving") / "clips")


def config(folder: Path, clips: str = "", epochs: int = 8, more: str = "") -> str:
    file = folder / "recipe.toml"
    file.write_text(RECIPE.format(clips=clips, epochs=epochs, more=more))
    return str(file)


def train(recipe: str, data: Path, run: Path) -> int:
    return moodcast.main(["models", "train", recipe, "--data", str(data), "--run", str(run)])


def evaluate(run: Path, data: Path, *more: str) -> int:
    return moodcast.main(["models", "evaluate", str(run), "--data", str(data), *more])


def test_folds_are_trained_in_turn_and_evaluated_together(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, run = config(tmp_path, 'protocol = "folds"\nfolds = 2'), tmp_path / "run"
    assert train(recipe, data, run) == 0
    assert (run / "fold-1" / checkpoint.FILE).is_file()
    assert evaluate(run, data, "--json", str(tmp_path / "found.json")) == 0
    told = capsys.readouterr().out
    found: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    assert found["count"] == found["folds"]["1"]["count"] + found["folds"]["2"]["count"] == 20
    assert found["subjects"] == 5
    assert found["uar"] > 0.9
    assert set(found["recall"]) == {"down", "up"}
    assert found["by_intensity"]["strong"]["count"] + found["by_intensity"]["medium"]["count"] == 20
    assert f"UAR {found['uar']:.4f}, WAR {found['war']:.4f}" in told
    assert "mean of 2 folds" in told


def test_a_run_without_its_last_fold_or_epoch_is_not_evaluated_but_goes_on(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, run = config(tmp_path, 'protocol = "leave-one-out"\nonly = ["s0", "s2"]', epochs=1), tmp_path / "run"
    assert train(recipe, data, run) == 0
    (run / "fold-s2" / checkpoint.FILE).unlink()
    for probing in ([], ["--probe"]):
        assert evaluate(run, data, *probing) == 50
        assert "fold-s2 has seen 0 of 1 epochs" in capsys.readouterr().err
    state = checkpoint.load(run / "fold-s0")
    checkpoint.save({**state, "history": []}, run / "fold-s0")
    for probing in ([], ["--probe"]):
        assert evaluate(run, data, *probing) == 50
        assert "fold-s0 has seen 0 of 1 epochs" in capsys.readouterr().err
    assert train(recipe, data, run) == 0
    assert (run / "fold-s2" / checkpoint.FILE).is_file()
    assert train(config(tmp_path, 'protocol = "leave-one-out"', epochs=1), data, run) == 29
    assert "clips.only was" in capsys.readouterr().err


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_folder_that_is_no_set_is_left_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Such as /tmp: folders in folders, a picture here and there that is no clip of a face."""
    recipe, data, run = config(tmp_path), tmp_path / "data", tmp_path / "runs" / "run"
    (data / "pip-1" / "build").mkdir(parents=True)
    (data / "pip-1" / "build" / "setup.py").write_text("")
    before = everything(tmp_path)
    assert train(recipe, data, run) == 28
    assert "expected clips as CLASS/CLIP.mp4" in capsys.readouterr().err
    assert everything(tmp_path) == before
    for count, code, complaint in (
        (1, 29, "expected at least one batch of 4 clips (schedule.batch)"),
        (2, 28, "expected faces in the 4 clips"),
    ):
        for clip in (f"a/{count}", f"b/{count}"):
            (data / clip).mkdir(parents=True)
            (data / clip / "1.png").write_bytes(b"no picture")
        before = everything(tmp_path)
        assert train(recipe, data, run) == code
        assert complaint in capsys.readouterr().err
        assert everything(tmp_path) == before


def test_one_class_is_nothing_to_learn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = [shapes(1, frames=4, seed=i).frames(0) for i in range(8)]
    data = write(in_memory(clips, [3] * 8, EXPRESSIONS), tmp_path / "clips")
    recipe = config(tmp_path)
    before = everything(tmp_path)
    assert train(recipe, data, tmp_path / "run") == 28
    error = capsys.readouterr().err
    assert f"expected clips of two classes or more in {data}, got {EXPRESSIONS[3]} alone: nothing to tell" in error
    assert everything(tmp_path) == before


def test_clips_that_are_named_and_not_there_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = faces(tmp_path)
    table = data / "clips.csv"
    table.write_text(table.read_text() + "happy/lost,happy,x,,,\n")
    assert train(config(tmp_path, epochs=1), data, tmp_path / "run") == 0
    assert f"{data}: 1 of 15 clips are missing, such as: {data / 'happy' / 'lost'}" in capsys.readouterr().err


def test_one_run_holds_out_a_share_of_the_subjects_and_its_features_can_be_probed(tmp_path: Path, data: Path) -> None:
    recipe, run, out = config(tmp_path, epochs=1), tmp_path / "run", tmp_path / "found.json"
    assert train(recipe, data, run) == 0
    assert evaluate(run, data, "--probe", "--json", str(out)) == 0
    found = json.loads(out.read_text())
    assert found["probe"]
    assert found["subjects"] == 1
    assert found["war"] == 1


def faces(folder: Path) -> Path:
    """Two clips for each of Moodcast's expressions, as a network for the agent learns from."""
    clips = [shapes(1, frames=4, seed=i).frames(0) for i in range(14)]
    return write(in_memory(clips, [i % 7 for i in range(14)], EXPRESSIONS), folder / "clips")


def test_what_smaller_weights_change_is_measured_on_clips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")
    data, run, file = faces(tmp_path), tmp_path / "run", tmp_path / "tiny.onnx"
    assert train(config(tmp_path, epochs=1), data, run) == 0
    export = ["models", "export", str(run), str(file), "--weights", "int8", "--clips", str(data)]
    assert moodcast.main([*export, "--aligned"]) == 0
    assert "on 14 clips" in capsys.readouterr().out
    contract = load(str(file)).network.contract
    assert (contract.crop.size, contract.crop.margin) == (32, cache.MARGIN)
    before = file.read_bytes()
    monkeypatch.setattr("models.export.onnx_file.TOLERANCE", -1)
    assert moodcast.main(export) == 29
    assert "expected logits within -1 of torch" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_clips_to_measure_on_are_cut_as_the_contract_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A network that has learned of stills sees faces as narrow as those. On these clips there are none."""
    pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")
    try:
        registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    data, run = faces(tmp_path), tmp_path / "run"
    assert train(config(tmp_path, epochs=1), data, run) == 0
    state = checkpoint.load(run)
    state["recipe"]["clips"]["layout"] = ""
    checkpoint.save(state, run)
    export = ["models", "export", str(run), str(tmp_path / "tiny.onnx"), "--weights", "int8", "--clips", str(data)]
    assert moodcast.main(export) == 28
    assert "expected faces in the 14 clips" in capsys.readouterr().err
    assert {shelf.name for shelf in (data / cache.FOLDER).iterdir()} == {"32px-as-is", "32px-margin1.0"}


@pytest.mark.parametrize(
    ("clips", "more", "code", "says"),
    [
        ('protocol = "official"', "", 28, "no official folds"),
        ("run = 3", "", 29, "divisor"),
        ("", "[loss]\nauxiliary = 0.1", 29, "no answers inside"),
        ('protocol = "folds"\nfolds = 50', "", 28, "2 to 5 folds"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], clips: str, more: str, code: int, says: str
) -> None:
    assert train(config(tmp_path, clips, more=more), data, tmp_path / "run") == code
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error
