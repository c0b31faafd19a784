"""`moodcast models micro across` as a user types it: both directions, every branch, gone on with, and what is wrong."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models.clips import video  # noqa: E402
from models.micro.across_study import BRANCHES, named  # noqa: E402
from models.training import train  # noqa: E402
from models.zoo import atnet, micro_attention  # noqa: E402

RECIPE = """
network.name = "atnet"
clips = { layout = "plain", aligned = true, sampling = "apex" }
data.validation_share = 0.5
augmentation = { roll_degrees = 0, zoom = 0, shift = 0, operations = 0, erase_share = 0, mixup_alpha = 0 }
optimizer.learning_rate = 0.05
schedule = { epochs = 1, batch = 2, ema_decay = 0.0, checkpoint_minutes = 0 }
"""


def draw(folder: Path, classes: list[str], people: int, seed: int) -> Path:
    """Clips of four frames in which a part of the picture moves, another one for each class."""
    rng = np.random.default_rng(seed)
    for person in range(people):
        still = cv2.resize(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8), (32, 32))
        for number, name in enumerate(classes):
            clip = np.stack([still] * 4)
            for frame in range(4):
                clip[frame, 8 * number : 8 * number + 8] = np.roll(still[8 * number : 8 * number + 8], frame, 1)
            video.write_pictures(clip, folder / name / f"p{person}_{number}")
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two sets that name their classes differently, and a network as small as its test."""
    monkeypatch.setattr(atnet, "HIDDEN", 8)
    monkeypatch.setattr(micro_attention, "WIDTHS", (4, 4, 8, 8))
    for module in (micro_attention, atnet):
        monkeypatch.setattr(module, "WIDTH", 8)
    first = draw(tmp_path / "first", ["angry", "sad", "happy", "surprise"], 2, 0)
    second = draw(tmp_path / "second", ["negative", "positive", "surprise"], 2, 1)
    (tmp_path / "short.toml").write_text(RECIPE)
    sets = [str(first), str(second), "--layout", "plain", "--config", str(tmp_path / "short.toml")]
    return ["models", "micro", "across", *sets, "--size", "32", "--run", str(tmp_path / "run")]


def test_both_directions_and_every_branch_are_told(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moodcast.main([*command, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(train.Trainer, "advance", None)  # nothing is trained again
    assert moodcast.main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text()) == found
    told = capsys.readouterr().out
    assert "trained on first: 4 negative, 2 positive, 2 surprise; 2 people" in told
    assert "tested on second: 2 negative, 2 positive, 2 surprise; 2 people" in told
    assert told.count("both over apex: UAR ") == 2
    assert found["classes"] == ["negative", "positive", "surprise"]
    assert [(each["learn"]["name"], each["test"]["name"]) for each in found["directions"]] == [
        ("first", "second"),
        ("second", "first"),
    ]
    for direction in found["directions"]:
        clips = sum(direction["test"]["clips"].values())
        for branches in BRANCHES:
            figures = direction["branches"][branches]
            assert np.sum(figures["confusion"]) == clips
            assert figures["war"]["value"] == np.trace(figures["confusion"]) / clips
        both, apex = (direction["branches"][name]["uar"]["value"] for name in ("both", "apex"))
        assert direction["over_apex"]["both"]["uar"]["value"] == pytest.approx(both - apex)
    place, file = tmp_path / "run" / "first-to-second", str(tmp_path / "atnet.onnx")
    assert moodcast.main(["models", "export", str(place / "apex-32px"), file]) == 29
    assert "holds an edition of atnet that a study trained" in capsys.readouterr().err
    assert moodcast.main(["models", "export", str(place / "both-32px"), file, "--weights", "int8"]) == 29
    assert "expected --weights float32 for atnet" in capsys.readouterr().err
    draw(tmp_path / "second", ["negative"], 3, 2)  # of a stranger, whom the networks may have learned from
    assert moodcast.main(command) == 29
    assert "holds a study that differs in its clips: go on with the same" in capsys.readouterr().err


def test_what_was_stopped_goes_on(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, steps = train.Trainer.advance, []

    def stops_once(trainer: train.Trainer) -> float:
        steps.append(trainer)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(train.Trainer, "advance", stops_once)
    assert moodcast.main(command) == 130
    assert moodcast.main(command) == 0
    assert len(steps) == 3 * (2 + 1) + 1  # of three trainings on four clips, three on three: none twice but the stopped
    for place in ("first-to-second", "second-to-first"):
        assert {run.name for run in (tmp_path / "run" / place).iterdir()} == {"apex-32px", "both-32px", "sequence-32px"}


def test_what_is_wrong_is_told(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.toml").write_text('network.name = "mmnet"')
    for more, code, sentence in (
        (["--config", str(tmp_path / "other.toml")], 27, "expected atnet, whose branches are compared, got mmnet"),
        (["--layout", "plain", "--layout", "plain"], 50, "expected one --layout for both sets or one for each, got 3"),
        (["--layout", "casme2"], 28, "expected"),
        (["--json", str(tmp_path / "nowhere" / "figures.json")], 50, "there is no folder"),
    ):
        assert moodcast.main([*command, *more]) == code
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "run").exists()
    one = draw(tmp_path / "one", ["neutral", "surprise"], 2, 2)
    assert moodcast.main([*command[:4], str(one), *command[5:]]) == 28
    assert "classes or more of negative, positive, surprise, which both sets name, in" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    command[4] = command[3]
    assert moodcast.main(command) == 28
    assert "expected two sets" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("a/short", "a/long"), ("short", "long")),
        (("60-fps/short", "x/short"), ("60-fps", "x")),
        (("/set", "/x/set"), ("top", "x")),
    ],
)
def test_sets_are_named_by_what_they_do_not_share(folders: tuple[str, str], names: tuple[str, str]) -> None:
    assert named([Path(folder) for folder in folders]) == names
