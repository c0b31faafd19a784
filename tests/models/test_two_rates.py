"""`moodcast models micro rates DIR` as a user types it: real clips, real networks, support vector machines on top."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402

RECIPE = """
[network]
name = "dtscnn"
[clips]
layout = "plain"
aligned = true
protocol = "folds"
folds = 2
[augmentation]
operations = 0
erase_share = 0.0
[optimizer]
kind = "adamw"
learning_rate = 1e-3
[schedule]
epochs = 1
batch = 2
ema_decay = 0.0
"""
ROWS = ["60 alone", "120 alone", "both", "both of one rate", "LBP-TOP at 60", "LBP-TOP at 120"]


def draw(folder: Path, frames: int, fps: float | str) -> Path:
    """Four people, whose mouths, squares of texture, go up or down; and three clips that can't be used."""
    rng = np.random.default_rng(0)
    rows = ["file,label,subject,intensity,onset,apex,fps"]
    for person in range(4):
        for label, sign in (("up", -1), ("down", 1)):
            place = folder / label / f"p{person}"
            place.mkdir(parents=True)
            texture = np.kron(rng.integers(90, 255, (8, 8)), np.ones((4, 4)))
            for i in range(frames):
                face = rng.integers(60, 64, (64, 64))
                top = 16 + sign * min(i // 4, 6)
                face[top : top + 32, 16:48] = texture
                Image.fromarray(face.astype(np.uint8)).save(place / f"{i:03}.png")
            rows.append(f"{label}/p{person},{label},p{person},,,,{fps}")
    for name, count, rate in (("one", 1, 60), ("unknown", 12, "")):
        place = folder / "up" / name
        place.mkdir()
        for i in range(count):
            Image.fromarray(np.zeros((64, 64), np.uint8)).save(place / f"{i}.png")
        rows.append(f"up/{name},up,p0,,,,{rate}")
    (folder / "clips.csv").write_text("\n".join([*rows, ""]))
    return folder


@pytest.mark.nightly
def test_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = draw(tmp_path / "set", 40, 60), tmp_path / "run"
    config = tmp_path / "small.toml"
    config.write_text(RECIPE)
    command = ["models", "micro", "rates", str(data), "--config", str(config), "--run", str(run)]
    assert moodcast.main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    told = capsys.readouterr().out
    found = json.loads((tmp_path / "figures.json").read_text())
    assert [row["name"] for row in found["rows"]] == ROWS
    assert (found["clips"], found["people"], found["folds"], found["recorded_at"]) == (8, 4, 2, [60.0])
    assert len(found["left_out"]) == 2
    assert any("one" in sentence and "one frame" in sentence for sentence in found["left_out"])
    assert any("unknown" in sentence and "frames a second" in sentence for sentence in found["left_out"])
    invented = {row["name"]: row["invented"] for row in found["rows"]}
    assert invented["60 alone"] == invented["LBP-TOP at 60"] == 0
    assert invented["120 alone"] == invented["LBP-TOP at 120"] == pytest.approx(39 / 79)
    assert invented["both"] == pytest.approx(2 / 3 * 39 / 79)
    assert all(row["held_still"] == pytest.approx(1 - 39 / 64, abs=0.01) for row in found["rows"])
    assert all(np.sum(row["confusion"]) == 8 for row in found["rows"])
    assert set(found["gain_of_both"]) == set(ROWS) - {"both"}
    assert "held still" in told
    assert "2 clips are left out" in told
    for name in ROWS:
        assert name in told

    kept = {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.is_file()}
    assert moodcast.main([*command, "--json", "-"]) == 0  # nothing is trained again
    assert json.loads(capsys.readouterr().out) == found
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.is_file()} == kept

    assert moodcast.main(["models", "export", str(run / "dtscnn" / "fold-1"), str(tmp_path / "dtscnn.onnx")]) == 0
    assert (tmp_path / "dtscnn.onnx").is_file()

    other = tmp_path / "other.toml"
    other.write_text(RECIPE.replace("1e-3", "1e-4"))
    assert moodcast.main([*command[:5], str(other), "--run", str(run)]) == 29
    assert "differs in its recipe: " in capsys.readouterr().err


def test_clips_of_unknown_rate_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw(tmp_path / "set", 2, "")
    assert moodcast.main(["models", "micro", "rates", str(data), "--run", str(tmp_path / "run")]) == 28
    told = capsys.readouterr().err
    assert "of no clip the rate is known: expected 5 to 500 frames a second" in told
    assert not (tmp_path / "run").exists()


def test_a_recipe_of_another_network_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw(tmp_path / "set", 2, 60)
    command = ["models", "micro", "rates", str(data), "--config", "mmnet", "--run", str(tmp_path / "run")]
    assert moodcast.main(command) == 27
    assert "expected a recipe of dtscnn" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
