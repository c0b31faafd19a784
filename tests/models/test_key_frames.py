"""The study of key frames: strips of what was chosen, and a small study that is stopped and gone on with."""

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import moodcast
from models.micro import key_frames

RECIPE = """
[network]
name = "akmnet"
[data]
validation_share = 0.5
[clips]
layout = "plain"
aligned = true
[augmentation]
operations = 0
erase_share = 0
mixup_alpha = 0
[loss]
penalty = 1
[optimizer]
learning_rate = 0.001
[schedule]
epochs = 1
batch = 4
ema_decay = 0.0
"""
CLIP = {"frames": 80, "onset": 20, "apex": 30, "offset": 39, "chosen": [0, 1, 20, 21, 30, 79]}


def test_a_strip_shows_what_was_chosen_and_where_the_expression_is() -> None:
    assert key_frames.strip(CLIP) == "#" + 9 * "." + "#" + 4 * "." + "#" + 23 * "." + "#"
    assert key_frames.moments(CLIP) == 10 * " " + "<" + 4 * " " + "^" + 3 * " " + ">"
    short = {"frames": 3, "onset": -1, "apex": 1, "offset": -1, "chosen": [1, 2]}
    assert (key_frames.strip(short), key_frames.moments(short)) == (".##", " ^")


def test_a_choice_is_compared_with_where_the_expression_is() -> None:
    pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
    from models.clips.source import in_memory
    from models.micro.key_frames_study import choice

    faces = [np.zeros((10, 2, 2, 3), np.uint8)] * 3
    moments = [(4, 5), (0, 5), (-1, -1)]
    clips = in_memory(faces, [0, 0, 0], ("a",), ["x", "y", "z"], moments=moments, offset=[7, 9, -1])
    inside = np.isin(np.arange(10), (4, 5, 6, 0))
    found = choice(clips, [inside, np.ones(10, np.bool_), np.zeros(10, np.bool_)])
    assert found["share"] == pytest.approx(14 / 30)
    # Of the second clip nothing is outside, and of the third nothing is known.
    assert (found["clips"], found["within"], found["by_chance"]) == (1, 3 / 4, 4 / 10)
    assert found["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 5 / 6) / 2)
    nothing = choice(clips, [np.ones(10, np.bool_)] * 3)["balanced_accuracy"]
    assert nothing["value"] == 0.5
    unknown = in_memory(faces[:1], [0], ("a",))
    assert choice(unknown, [inside])["within"] is None


def write_clips(folder: Path) -> None:
    """Two classes of four people: at the apex of each of seven frames, one half is bright."""
    rng = np.random.default_rng(0)
    rows = ["file,label,subject,intensity,onset,apex,offset"]
    for label, person in itertools.product(("happy", "sad"), "abcd"):
        clip = folder / label / f"{person}_1"
        clip.mkdir(parents=True)
        for k in range(7):
            face = rng.integers(60, 90, (32, 32, 3)).astype(np.uint8)
            half = slice(16) if label == "happy" else slice(16, None)
            face[half] += 100 * (k == 3)
            cv2.imwrite(str(clip / f"{k}.png"), face)
        rows.append(f"{label}/{person}_1,{label},{person},,2,3,4")
    (folder / "clips.csv").write_text("\n".join([*rows, ""]))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
    from models.zoo import resnet

    monkeypatch.setattr(resnet, "WIDTHS", (4, 4, 8, 8))


@pytest.mark.usefixtures("small")
def test_a_study_goes_on_where_it_was_stopped_and_tells_which_frames_were_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from models.training.trainer import Trainer

    data, config = tmp_path / "data", tmp_path / "recipe.toml"
    write_clips(data)
    config.write_text(RECIPE)
    command = ["models", "micro", "key-frames", str(data), "--config", str(config), "--size", "32"]
    command += ["--run", str(tmp_path / "run")]
    advance, calls = Trainer.advance, itertools.count(1)

    def stops_once(trainer: Any) -> float:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(Trainer, "advance", stops_once)
    assert moodcast.main(command) == 130
    capsys.readouterr()
    assert moodcast.main([*command, "--json", "-"]) == 0
    assert next(calls) == 7, "each of five networks learns one step, and one was stopped"
    found = json.loads(capsys.readouterr().out)
    assert moodcast.main([*command, "--json", str(tmp_path / "found.json")]) == 0
    assert next(calls) == 8, "nothing is trained again"
    assert json.loads((tmp_path / "found.json").read_text()) == found
    told = capsys.readouterr().out
    assert (found["size"], found["frames"], found["clips"], found["subjects"]) == (32, 16, 4, 2)
    variants = ["akmnet", "without clarity", "without sparsity", "all frames", "interpolated"]
    assert list(found["variants"]) == variants
    assert list(found["gains"]) == variants[1:]
    assert list(found["choices"]) == variants[:3]
    clip = found["key_frames"][0]
    assert (clip["frames"], clip["onset"], clip["apex"], clip["offset"]) == (7, 2, 3, 4)
    assert clip["label"] in clip["clip"]
    assert clip["chosen"]
    assert set(clip["chosen"]) <= set(range(7))
    assert found["choices"]["akmnet"]["by_chance"] == pytest.approx(3 / 7)
    assert f"  {key_frames.strip(clip)}" in told or f"x {key_frames.strip(clip)}" in told
    assert "akmnet over all frames: UAR" in told
    table = data / "clips.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    assert moodcast.main(command) == 29
    assert "holds a study that differs in its clips: go on with the same" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_what_can_not_be_studied_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text(RECIPE.replace("akmnet", "mmnet"))
    command = ["models", "micro", "key-frames", str(tmp_path), "--config", str(config)]
    assert moodcast.main(command) == 27
    assert "expected akmnet, whose parts are left out, got mmnet" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        moodcast.main([*command, "--size", "100"])
    assert "expected a multiple of 32 pixels, got 100" in capsys.readouterr().err
