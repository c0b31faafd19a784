"""`moodcast models personal-report DIR` as a user types it: real files, the real network, real heads."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402


def draw(folder: Path, people: int, clips: int) -> Path:
    """Everybody is of another brightness, and looks up or down: light above or below."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-60, 60, 48)[:, None, None]
    for person in range(people):
        for name, sign in (("up", 1), ("down", -1)):
            for clip in range(clips):
                place = folder / f"person{person}" / name / f"{clip}"
                place.mkdir(parents=True)
                for frame in range(2):
                    face = 90 + 20 * person + sign * ramp + rng.normal(0, 8, (48, 48, 3))
                    Image.fromarray(np.clip(face, 0, 255).astype(np.uint8)).save(place / f"{frame}.png")
    return folder


@pytest.mark.nightly
def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = draw(tmp_path / "set", people=4, clips=3), tmp_path / "report"
    command = ["models", "personal-report", str(data), "--aligned", "--head", "linear", "--draws", "1"]
    command += ["--out", str(out), "--held-out", "person1,person3"]
    assert moodcast.main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    told = capsys.readouterr().out
    assert "set (people): 24 clips of 4 people, 2 classes. Held out: person1, person3. 1 draw" in told
    assert f"{out / 'report.md'}: the page" in told
    result = json.loads((tmp_path / "figures.json").read_text())
    assert result == json.loads((out / "results.json").read_text())
    (row,) = result["rows"]
    assert (row["network"], row["head"], row["classes"]) == ("moodnet", "linear", ["down", "up"])
    assert row["curve"][-1]["personal"]["answers"] == 4
    for name in ("moodnet-curves.png", "moodnet-linear-confusion.png"):
        assert f"({name})" in (out / "report.md").read_text()
        Image.open(out / name).verify()
    assert moodcast.main([*command, "--json", "-"]) == 0  # nothing is trained again
    assert json.loads(capsys.readouterr().out) == result


def test_what_is_wrong_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw(tmp_path / "set", people=1, clips=2)
    for more, code, sentence in (
        ([], 28, "expected clips of two people at least, got those of person0 alone"),
        (["--layout", "plain"], 28, "expected clips as CLASS/CLIP.mp4"),
        (["--json", str(tmp_path / "nowhere" / "figures.json")], 50, "there is no folder"),
    ):
        assert moodcast.main(["models", "personal-report", str(data), "--out", str(tmp_path / "out"), *more]) == code
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
