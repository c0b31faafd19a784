"""The study of transfer: figures from answers, and a small study that is stopped, gone on with, and refused."""

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import moodcast
from models.micro import transfer
from models.training import recipe

RECIPE = """
[network]
name = "apex-resnet10"
[clips]
layout = "plain"
aligned = true
protocol = "folds"
folds = 2
sampling = "apex"
[augmentation]
operations = 0
erase_share = 0
mixup_alpha = 0
[optimizer]
learning_rate = 0.001
[schedule]
epochs = 2
batch = 4
small_epochs = 2
small_size = 32
ema_decay = 0.0
"""


def write_clips(folder: Path) -> None:
    """Two classes of three people, two clips each: at the apex, the second of three frames, one side is bright."""
    rng = np.random.default_rng(0)
    rows = ["file,label,subject,intensity,onset,apex"]
    for label, person, take in itertools.product(("happy", "sad"), "abc", "12"):
        clip = folder / label / f"{person}_{take}"
        clip.mkdir(parents=True)
        for k in range(3):
            face = rng.integers(60, 90, (32, 32, 3)).astype(np.uint8)
            if k == 1:
                face[:16] += 100 * (label == "happy")
                face[16:] += 100 * (label == "sad")
            cv2.imwrite(str(clip / f"{k}.png"), face)
        rows.append(f"{label}/{person}_{take},{label},{person},,0,1")
    (folder / "clips.csv").write_text("\n".join([*rows, ""]))


def test_the_gain_is_of_the_same_clips_and_its_interval_is_over_people() -> None:
    pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
    from models.micro import transfer_study

    labels, people = np.array([0, 0, 1, 1, 1, 0]), ["a", "a", "b", "b", "c", "c"]
    answers = {
        ("macro", 1): labels,
        ("macro", 2): labels,
        ("random", 1): labels,
        ("random", 2): np.where(np.array(people) == "a", 1 - labels, labels),  # wrong about one person, in one seed
    }
    found = transfer_study.figures(answers, labels, people, 2)
    assert (found["people"], found["clips"], found["seeds"], found["largest_class"]) == (3, 6, 2, 0.5)
    assert found["macro"]["war"]["value"] == 1
    assert found["war_by_seed"] == {"macro": [1, 1], "random": [1, pytest.approx(4 / 6)]}
    gain = found["macro_over_random"]["war"]
    assert gain["value"] == pytest.approx(2 / 12)
    assert gain["interval"] == (0, pytest.approx(0.5))  # people are drawn: nobody, or all, may be "a"; 97.5 % are two
    assert any(
        "gain" in line and "+16.7" in line for line in transfer.lines(found | {"network": "x", "size": 1, "folds": 1})
    )


def test_shipped_recipes_are_of_the_apex_frame_at_the_size_of_what_they_start_from() -> None:
    for name in ("micro-attention", "apex-resnet10", "micro-transfer"):
        how = recipe.load(recipe.find(name))
        macro = recipe.load(recipe.find(f"{how.network.name}-macro"))
        assert how.clips.sampling == "apex"
        assert how.schedule.small_size == macro.schedule.small_size
        assert how.schedule.small_epochs == how.schedule.epochs
        assert macro.schedule.small_epochs == macro.schedule.epochs


def test_a_study_goes_on_where_it_was_stopped_and_says_what_a_start_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
    from models.training.trainer import Trainer
    from models.zoo import micro_attention

    monkeypatch.setattr(micro_attention, "WIDTHS", (4, 4, 8, 8))
    monkeypatch.setattr(micro_attention, "WIDTH", 8)
    data, config, start = tmp_path / "data", tmp_path / "recipe.toml", tmp_path / "weights.pt"
    write_clips(data)
    config.write_text(RECIPE)
    torch.manual_seed(1)
    torch.save(micro_attention.ApexResNet10(7).state_dict(), start)

    def command(run: str, *more: str) -> list[str]:
        given = ["--start", str(start), "--config", str(config), "--seeds", "1", "--run", str(tmp_path / run)]
        return ["models", "micro", "transfer", str(data), *given, *more]

    right = start.read_bytes()
    torch.save({"conv.weight": torch.zeros(1)}, start)
    assert moodcast.main(command("run")) == 29  # and the folder stays free for the right start
    assert "are another network's than the recipe's" in capsys.readouterr().err
    start.write_bytes(right)

    advance, calls = Trainer.advance, itertools.count(1)

    def stops_once(trainer: Any) -> float:
        if next(calls) == 6:  # in the second of four trainings
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(Trainer, "advance", stops_once)
    assert moodcast.main(command("run")) == 130
    done = sorted(file.name for file in (tmp_path / "run").glob("macro-*.json"))
    assert len(done) == 1
    capsys.readouterr()
    assert moodcast.main(command("run", "--json", "-")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["network"], found["size"], found["people"], found["clips"], found["folds"]) == (
        "apex-resnet10", 32, 3, 12, 2,
    )  # fmt: skip
    assert found["largest_class"] == 0.5
    assert set(found["macro_over_random"]) == {"uar", "war", "macro_f1"}
    assert not list((tmp_path / "run" / "unfinished").iterdir())

    monkeypatch.setattr(Trainer, "advance", None)  # nothing is trained again
    assert moodcast.main(command("run")) == 0
    assert "12 clips of 3 people not learned from, 2 folds, 1 seeds" in capsys.readouterr().out
    config.write_text(RECIPE.replace("0.001", "0.002"))
    assert moodcast.main(command("run")) == 29
    assert "holds a study that differs in its recipe: go on with the same, or give another" in capsys.readouterr().err
    config.write_text(RECIPE.replace('"apex"', '"segments"'))
    assert moodcast.main(command("other")) == 27
    assert "expected a network of one frame and 'apex', got apex-resnet10" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
