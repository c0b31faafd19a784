"""`moodcast models sight-and-sound DIR` as a user types it: real clips with sound, real networks, small ones."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("av", reason="sound is read by PyAV: pip install '.[agent]'")

import moodcast  # noqa: E402
from models.inference.sound import RATE  # noqa: E402

RECIPE = """
[network]
name = "av-small"
[clips]
layout = "plain"
aligned = true
protocol = "folds"
folds = 2
[augmentation]
operations = 0
erase_share = 0.0
mixup_alpha = 0.0
[optimizer]
kind = "adamw"
learning_rate = 3e-3
precision = "float32"
[schedule]
epochs = 8
batch = 4
ema_decay = 0.0
"""
ROWS = ["single frames", "frames in order", "sound", "both, added", "both, side by side", "SVM on both"]
CONDITIONS = ["as recorded", "low light", "head movement", "noisy sound", "out of step"]
FPS = 8


def hum(hertz: float, file: Path) -> None:
    times = np.arange(RATE) / RATE
    wave_form = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in (1, 2, 3))
    with wave.open(str(file), "wb") as written:
        written.setparams((1, 2, RATE, 0, "NONE", ""))
        written.writeframes((wave_form * 8000).astype(np.int16).tobytes())


def draw(folder: Path) -> Path:
    """Four people who show two colours and hum two tones, which agree; and a clip without sound."""
    rng = np.random.default_rng(0)
    rows = ["file,label,subject,intensity,onset,apex,fps"]
    for person in range(4):
        for label, colour, hertz in (("low", 60, 110), ("high", 190, 330)):
            for take in range(2):
                name = f"p{person}-{take}"
                place = folder / label / name
                place.mkdir(parents=True)
                for i in range(8):
                    face = np.clip(rng.normal(colour, 15, (32, 32, 3)), 0, 255).astype(np.uint8)
                    Image.fromarray(face).save(place / f"{i:03}.png")
                hum(hertz + 5 * person, place.with_name(f"{name}.wav"))
                rows.append(f"{label}/{name},{label},p{person},,,,{FPS}")
    (folder / "low" / "p0-0.wav").unlink()
    (folder / "clips.csv").write_text("\n".join([*rows, ""]))
    return folder


@pytest.mark.nightly
def test_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run, config = draw(tmp_path / "set"), tmp_path / "run", tmp_path / "small.toml"
    config.write_text(RECIPE)
    command = ["models", "sight-and-sound", str(data), "--config", str(config), "--run", str(run)]
    assert moodcast.main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    told = capsys.readouterr().out
    found = json.loads((tmp_path / "figures.json").read_text())
    assert (found["network"], found["frames"]) == ("av-small", 8)
    assert (found["clips"], found["people"], found["folds"]) == (15, 4, 2)
    assert len(found["left_out"]) == 1
    assert "p0-0.wav" in found["left_out"][0]
    assert [row["name"] for row in found["rows"]] == ROWS
    figures = {row["name"]: row["conditions"] for row in found["rows"]}
    for name in ROWS:
        assert list(figures[name]) == CONDITIONS == list(found["conditions"])
        assert all(np.sum(each["confusion"]) == 15 for each in figures[name].values())
        assert f"\n{name} " in told
    assert figures["sound"]["as recorded"]["war"]["value"] > 0.8
    for name in ("low light", "head movement"):
        assert figures["sound"][name] == figures["sound"]["as recorded"], "sound has no light"
    for name in ("single frames", "frames in order"):
        assert figures[name]["noisy sound"] == figures[name]["as recorded"], "pictures make no noise"
    assert (
        figures["single frames"]["low light"]["war"]["value"] < figures["single frames"]["as recorded"]["war"]["value"]
    )
    assert "1 clips are left out" in told
    assert "SNR 5 dB" in told
    assert "both over frames alone, low light: UAR" in told

    kept = {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.is_file()}
    assert moodcast.main([*command, "--json", "-"]) == 0  # nothing is trained again
    assert json.loads(capsys.readouterr().out) == found
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.is_file()} == kept

    assert moodcast.main(["models", "export", str(run / "concat" / "fold-1"), str(tmp_path / "av.onnx")]) == 0
    assert "for research: no agent takes it" in capsys.readouterr().out

    config.write_text(RECIPE.replace("3e-3", "1e-3"))
    assert moodcast.main(command) == 29
    assert "differs in its recipe" in capsys.readouterr().err


@pytest.mark.parametrize("change", [('"av-small"', '"resnet18-self"'), ('"folds"', '"share"')])
def test_another_recipe_is_told(change: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "other.toml"
    config.write_text(RECIPE.replace(*change))
    command = ["models", "sight-and-sound", str(tmp_path), "--config", str(config), "--run", str(tmp_path / "run")]
    assert moodcast.main(command) == 27
    assert "expected a recipe of av-gru, av-lstm, av-sum or av-small" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
