"""Training through its command, on tiles made here: it learns, and a killed run ends as if it had not been killed."""

import asyncio
import contextlib
import csv
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models.export import moodnets  # noqa: E402
from models.inference import registry  # noqa: E402
from models.inference.infer import load_still  # noqa: E402
from models.stills import fer2013  # noqa: E402
from models.training import (  # noqa: E402
    checkpoint,
    recipe,
    train,
)
from models.training.data import split  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.moodnet import MirroredMoodnet, Moodnet  # noqa: E402
from tests import full_disk  # noqa: E402
from tests.support import wait_until  # noqa: E402
from tests.tiles import write_tiles  # noqa: E402

PLAIN = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}
ROUGH = {"mixup_alpha": 0.4, "cutmix_share": 0.3}


def write_recipe(folder: Path, **sections: dict[str, Any]) -> Path:
    """A recipe for the smallest network and few faces, with these fields changed."""
    basis: dict[str, dict[str, Any]] = {
        "network": {"name": "moodnet-tiny"},
        "optimizer": {"learning_rate": 0.05},
        "schedule": {"epochs": 3, "batch": 16, "small_epochs": 1, "ema_decay": 0.5, "checkpoint_minutes": 0},
    }
    lines = []
    for name in dict.fromkeys([*basis, *sections]):
        lines.append(f"[{name}]")
        for field, value in (basis.get(name, {}) | sections.get(name, {})).items():
            lines.append(f"{field} = {value!r}".replace("True", "true").replace("False", "false"))
    file = folder / "recipe.toml"
    file.write_text("\n".join(lines))
    return file


def command(config: Path, data: Path, run: Path) -> list[str]:
    return ["models", "train", str(config), "--data", str(data), "--run", str(run)]


def same_weights(one: Path, other: Path) -> bool:
    expected, found = (checkpoint.load_network(run)[0].state_dict() for run in (one, other))
    return all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_learns_32_tiles_by_heart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tiles(tmp_path / "data", 36)
    config = write_recipe(tmp_path, augmentation=PLAIN, schedule={"epochs": 15})
    assert moodcast.main(command(config, data, tmp_path / "run")) == 0
    assert "epoch 15/15" in capsys.readouterr().out

    net, how, _ = checkpoint.load_network(tmp_path / "run")
    assert isinstance(net, Moodnet)
    learn, _ = split(fer2013.load(data, "Training"), how.data)
    assert len(learn) == 32
    with torch.no_grad():
        for answer in MirroredMoodnet(net)(torch.from_numpy(learn.pixels).unsqueeze(1).float())[::2]:
            assert (answer.argmax(1).numpy() == learn.labels).all()

    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 16))
    assert float(rows[-1]["label"]) == 1.0


def test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    data, killed, whole = write_tiles(tmp_path / "data", 72), tmp_path / "killed", tmp_path / "whole"
    config = write_recipe(tmp_path, augmentation=ROUGH, schedule={"epochs": 8}, optimizer={"sam_rho": 0.05})
    arguments = [sys.executable, "-m", "moodcast", *command(config, data, killed)]
    with subprocess.Popen(arguments, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL) as process:
        asyncio.run(
            wait_until(lambda: (killed / checkpoint.FILE).is_file() and checkpoint.load(killed)["step"] >= 6, 60)
        )
        process.kill()
    assert process.returncode == -signal.SIGKILL
    step = checkpoint.load(killed)["step"]
    assert 6 <= step < 32

    assert moodcast.main(command(config, data, killed)) == 0
    assert moodcast.main(command(config, data, whole)) == 0
    assert same_weights(killed, whole)
    assert (killed / "log.csv").read_text() == (whole / "log.csv").read_text()


def test_what_kills_left_half_written_does_not_fill_the_disk(tmp_path: Path) -> None:
    data, run = write_tiles(tmp_path / "data", 32), tmp_path / "run"
    config = write_recipe(tmp_path, schedule={"epochs": 1})
    assert moodcast.main(command(config, data, run)) == 0
    for name in (".moodcast-0123456789abcdef", ".moodcast-faces", ".moodcast-0123456789abcdef.txt"):
        (run / name).write_bytes(b"half of it")
    assert moodcast.main(command(config, data, run)) == 0
    assert {file.name for file in run.glob(".*")} == {".moodcast-faces", ".moodcast-0123456789abcdef.txt"}


def test_every_step_is_a_place_to_go_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, config = write_tiles(tmp_path / "data", 54), write_recipe(tmp_path, augmentation=ROUGH)
    moodcast.main(command(config, data, tmp_path / "whole"))
    advance = train.Trainer.advance
    calls = 0

    def stops_after_one(trainer: train.Trainer) -> float:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(train.Trainer, "advance", stops_after_one)
    codes = [moodcast.main(command(config, data, tmp_path / "stopped")) for _ in range(9)]
    assert codes == [130] * 8 + [0]
    assert same_weights(tmp_path / "stopped", tmp_path / "whole")


@contextlib.contextmanager
def no_file_longer_than(limit: int) -> Iterator[None]:
    """As a full disk, to this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_at_first_is_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, config, run = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path), tmp_path / "runs" / "run"
    with monkeypatch.context() as patch, no_file_longer_than(100_000):
        patch.setattr(train.Trainer, "advance", lambda trainer: pytest.fail("it worked"))
        assert moodcast.main(command(config, data, run)) == 29
    error = capsys.readouterr().err
    assert "can't keep room for the next checkpoint.pt" in error
    assert "Nothing is lost: make room" in error
    assert not run.parent.exists()
    assert moodcast.main(command(config, data, run)) == 0
    assert {"checkpoint.pt", "log.csv"} < {file.name for file in run.iterdir()}
    assert not list(run.glob("*reserve*"))


def test_what_can_not_be_written_leaves_the_checkpoint_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, config, run = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path), tmp_path / "run"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    advance = train.Trainer.advance

    def limited(trainer: train.Trainer) -> float:
        if trainer.step == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        return advance(trainer)

    monkeypatch.setattr(train.Trainer, "advance", limited)
    try:
        assert moodcast.main(command(config, data, run)) == 29
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    error = capsys.readouterr().err
    assert "that of step 1 of 6 is whole. Training goes on and tries again" in error
    assert "that of step 1 of 6 is whole. Make room" in error
    assert checkpoint.load(run)["step"] == 1
    assert not list(run.glob(".moodcast*"))
    monkeypatch.undo()
    assert moodcast.main(command(config, data, run)) == 0
    moodcast.main(command(config, data, tmp_path / "whole"))
    assert same_weights(run, tmp_path / "whole")


def test_a_disk_that_another_program_fills_costs_a_training_nothing(tmp_path: Path) -> None:
    """From its first step on; the log can't be written any more, the result can."""
    data, config, run = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path), tmp_path / "run"
    arguments = command(config, data, run)[:-2]
    done = full_disk.run(full_disk.TRAINING, tmp_path / "disk", "32m", *arguments, str(run))
    assert done.returncode == 0, done.stderr
    assert "can't write the log" in done.stderr
    assert "checkpoint.pt" not in done.stderr
    moodcast.main(command(config, data, tmp_path / "whole"))
    assert same_weights(run, tmp_path / "whole")


def test_a_training_that_was_stopped_is_no_trained_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run, file = write_tiles(tmp_path / "data", 36), tmp_path / "run", tmp_path / "net.onnx"
    config = write_recipe(tmp_path)
    advance = train.Trainer.advance
    other = write_recipe(tmp_path / "data", network={"start": str(run)})
    for last, seen in ((0, 0), (3, 1)):

        def stops(trainer: train.Trainer, last: int = last) -> float:
            if trainer.step == last:
                raise KeyboardInterrupt
            return advance(trainer)

        monkeypatch.setattr(train.Trainer, "advance", stops)
        assert moodcast.main(command(config, data, run)) == 130
        capsys.readouterr()
        for using in (
            ["models", "export", str(run), str(file), "--data", str(data)],
            command(other, data, tmp_path / "second"),
        ):
            assert moodcast.main(using) == 29
            assert f"{run} has seen {seen} of 3 epochs: give the command that trains it" in capsys.readouterr().err
        assert not file.exists()


def test_a_network_that_lost_what_it_knew_is_not_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses that were seen with a learning rate of 30."""
    data, config, run = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path), tmp_path / "run"
    advance = train.Trainer.advance

    def wild(trainer: train.Trainer) -> float:
        advance(trainer)
        return (3.9, 3.9, 1519, 1519, 3896, 3896)[trainer.step - 1]

    monkeypatch.setattr(train.Trainer, "advance", wild)
    for _ in range(2):  # and remembered by the one that goes on
        assert moodcast.main(command(config, data, run)) == 29
        error = capsys.readouterr().err
        assert "the mean loss of epoch 2 is 1,519" in error
        assert "lower optimizer.learning_rate in the recipe, and train into a new run folder" in error
    assert len(checkpoint.load(run)["history"]) == 1
    assert moodcast.main(["models", "export", str(run), str(tmp_path / "net.onnx"), "--data", str(data)]) == 29
    assert "has seen 1 of 3 epochs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("network", "sections"),
    [
        ("moodnet-tiny", {"loss": {"class_balance": 0.99, "logit_adjustment": 0.5}, "data": {"validation_flip": True}}),
        ("mini-xception", {"optimizer": {"kind": "adamw", "learning_rate": 0.003}, "schedule": {"small_epochs": 0}}),
    ],
)
def test_other_losses_networks_and_optimizers_learn_too(
    tmp_path: Path, network: str, sections: dict[str, dict[str, Any]]
) -> None:
    data = write_tiles(tmp_path / "data", 72)
    schedule = {"epochs": 10} | sections.pop("schedule", {})
    config = write_recipe(tmp_path, network={"name": network}, schedule=schedule, augmentation=PLAIN, **sections)
    assert moodcast.main(command(config, data, tmp_path / "run")) == 0
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])


def test_a_student_starts_from_a_run_and_learns_from_teachers(tmp_path: Path) -> None:
    data = write_tiles(tmp_path / "data", 36)
    first = tmp_path / "first"
    moodcast.main(command(write_recipe(tmp_path, augmentation=PLAIN, schedule={"epochs": 10}), data, first))
    teachers = {"teachers": [str(first), "moodnet"], "share": 0.5, "temperature": 2.0}
    config = write_recipe(
        tmp_path,
        network={"start": str(first)},
        distillation=teachers,
        augmentation=PLAIN,
        schedule={"epochs": 1, "small_epochs": 0},
        optimizer={"learning_rate": 1e-6},
    )
    assert moodcast.main(command(config, data, tmp_path / "second")) == 0
    (row,) = csv.DictReader((tmp_path / "second" / "log.csv").read_text().splitlines())
    assert float(row["label"]) == 1.0  # hardly a step was made: what it can, it can from its start
    with np.load(tmp_path / "second" / "teachers.npz") as kept:
        np.testing.assert_allclose(kept["answers"].sum(2), 1, atol=1e-3)


def test_a_training_starts_from_a_file_of_weights_whatever_its_classes(tmp_path: Path) -> None:
    """As `moodcast models convert` writes them."""
    data, file = write_tiles(tmp_path / "data", 36), tmp_path / "weights.pt"
    torch.manual_seed(5)
    stored = networks.build("resnet18", 3)
    torch.save(stored.state_dict(), file)
    gently = {"learning_rate": 1e-8, "weight_decay": 0.0}
    config = write_recipe(
        tmp_path,
        network={"name": "resnet18", "start": str(file)},
        schedule={"epochs": 1, "small_epochs": 1, "small_size": 16},
        optimizer=gently,
    )
    assert moodcast.main(command(config, data, tmp_path / "run")) == 0
    trained = checkpoint.load_network(tmp_path / "run")[0].state_dict()
    assert trained["fc.weight"].shape[0] == 7
    for name, tensor in stored.named_parameters():
        if not name.startswith("fc."):
            torch.testing.assert_close(trained[name], tensor, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("sections", "code", "says"),
    [
        ({"network": {"name": "mudnet"}}, 21, "mudnet"),
        ({"network": {"name": "moodnet-clip"}}, 27, "models distil"),
        ({"network": {"start": "nowhere"}}, 27, "nowhere"),
        ({"network": {"start": "moodnet"}}, 29, "one of another"),  # which is no moodnet-tiny,
        ({"distillation": {"teachers": ["mudnet"]}}, 27, "mudnet"),
        ({"schedule": {"batch": 1000}}, 29, "schedule.batch"),
        ({"optimizer": {"learning_rate": 10.0, "weight_decay": 1.0}}, 29, "lower optimizer.learning_rate"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sections: dict[str, dict[str, Any]], code: int, says: str
) -> None:
    data = write_tiles(tmp_path / "data", 36)
    schedule = {"epochs": 300} | sections.pop("schedule", {})
    config = write_recipe(tmp_path, schedule=schedule, **sections)
    assert moodcast.main(command(config, data, tmp_path / "run")) == code
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_a_run_of_another_recipe_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = write_tiles(tmp_path / "data", 36), tmp_path / "run"
    moodcast.main(command(write_recipe(tmp_path), data, run))
    assert moodcast.main(command(write_recipe(tmp_path, loss={"votes": 0.5}), data, run)) == 29
    assert "loss.votes was 1.0 and is 0.5" in capsys.readouterr().err


def test_a_run_of_more_data_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, run = write_recipe(tmp_path), tmp_path / "run"
    moodcast.main(command(config, write_tiles(tmp_path / "data", 72), run))
    assert moodcast.main(command(config, write_tiles(tmp_path / "less", 36), run)) == 29
    assert "holds a run that learned from other data" in capsys.readouterr().err


def test_a_start_that_held_out_other_faces_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, first = write_tiles(tmp_path / "data", 36), tmp_path / "first"
    moodcast.main(command(write_recipe(tmp_path, data={"seed": 1}), data, first))
    config = write_recipe(tmp_path, data={"seed": 2}, network={"start": str(first)})
    assert moodcast.main(command(config, data, tmp_path / "second")) == 29
    assert "would not be new" in capsys.readouterr().err


@pytest.mark.parametrize("file", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], file: bytes) -> None:
    data, run = write_tiles(tmp_path / "data", 36), tmp_path / "run"
    run.mkdir()
    (run / checkpoint.FILE).write_bytes(file)
    assert moodcast.main(command(write_recipe(tmp_path), data, run)) == 29
    assert "no checkpoint that can be read" in capsys.readouterr().err


def test_missing_data_and_a_run_folder_that_is_a_file_are_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_recipe(tmp_path)
    assert moodcast.main(command(config, tmp_path / "nothing", tmp_path / "run")) == 28
    assert "--data" in capsys.readouterr().err
    assert moodcast.main(command(config, tmp_path, config)) == 29
    assert "--run" in capsys.readouterr().err


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_export_of_a_moodnet_is_calibrated_and_meets_the_registered_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], weights: str
) -> None:
    data, run, file = write_tiles(tmp_path / "data", 36), tmp_path / "run", tmp_path / "new" / "net.onnx"
    moodcast.main(command(write_recipe(tmp_path, schedule={"epochs": 1, "small_epochs": 0}), data, run))
    assert moodcast.main(["models", "export", str(run), str(file), "--data", str(data), "--weights", weights]) == 0
    told = capsys.readouterr().out
    assert "votes, on FER+ majorities" in told
    assert "label, on FER2013's labels" in told
    assert f"{file}: {file.stat().st_size:,} bytes" in told
    assert str(Path(__file__).parents[2]).encode() not in file.read_bytes()
    found = load_still(str(file))
    assert found.network.contract == registry.get("moodnet-tiny").contract
    faces = fer2013.load(data, "Training").pixels
    answers = found.batch(faces)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-4)
    np.testing.assert_allclose(found.batch(faces[:, :, ::-1]), answers, atol=1e-3)  # it looks at the mirrored face too
    mirrored, features = found.read(faces[:, :, ::-1])[1], found.read(faces)[1]
    assert features is not None
    np.testing.assert_allclose(mirrored, features, atol=1e-3 * float(features.max()))


def test_a_refused_export_is_a_sentence_and_leaves_the_file_there_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run, file = write_tiles(tmp_path / "data", 36), tmp_path / "run", tmp_path / "net.onnx"
    moodcast.main(command(write_recipe(tmp_path, schedule={"epochs": 1, "small_epochs": 0}), data, run))
    file.write_bytes(b"the good one")
    export = ["models", "export", str(run), str(file), "--data", str(data), "--weights", "int8"]
    with monkeypatch.context() as patch:
        patch.setattr(moodnets, "AGREEMENT", 1.1)
        assert moodcast.main(export) == 29
    assert "expected torch's answer on 110% of the 4 validation faces" in capsys.readouterr().err
    assert file.read_bytes() == b"the good one"
    assert {entry.name for entry in tmp_path.iterdir()} == {"data", "run", "recipe.toml", "net.onnx"}
    monkeypatch.setattr(moodnets, "AGREEMENT", 0.0)  # one epoch is not much to be sure of
    assert moodcast.main(export) == 0
    assert load_still(str(file)).network.contract == registry.get("moodnet-tiny").contract
    assert moodcast.main(["models", "export", str(run), str(run), "--data", str(data)]) == 29
    assert f"{run} is a folder" in capsys.readouterr().err


def test_a_run_of_faces_is_measured_as_the_file_that_it_would_become(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = write_tiles(tmp_path / "data", 36), tmp_path / "mine"
    moodcast.main(command(write_recipe(tmp_path, schedule={"epochs": 1, "small_epochs": 0}), data, run))
    capsys.readouterr()
    evaluate = ["models", "evaluate", str(run), "--data", str(data), "--split", "Training", "--json", "-"]
    assert moodcast.main(evaluate) == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["model"]["name"], result["model"]["description"]) == ("mine", "The run mine, in float32.")
    assert result["model"]["label_head"]
    assert result["count"] == 36
    assert "votes, on FER+ majorities" in told.err
    assert sorted(entry.name for entry in run.glob("*.onnx")) == []


def test_a_network_that_answers_with_no_number_is_not_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its largest difference to torch was 0.0, and the agent said "angry"."""
    data, run, file = write_tiles(tmp_path / "data", 36), tmp_path / "run", tmp_path / "net.onnx"
    moodcast.main(command(write_recipe(tmp_path, schedule={"epochs": 1, "small_epochs": 0}), data, run))
    state = checkpoint.load(run)
    state["average"]["module.votes.weight"][:] = float("nan")
    checkpoint.save(state, run)
    capsys.readouterr()
    assert moodcast.main(["models", "export", str(run), str(file), "--data", str(data)]) == 29
    assert "no number" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize("name", recipe.shipped())
def test_shipped_recipe_loads_and_names_a_network(name: str) -> None:
    how = recipe.load(recipe.find(name))
    networks.get(how.network.name)
