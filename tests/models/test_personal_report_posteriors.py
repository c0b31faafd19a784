"""`moodcast models personal-report --posteriors`: what it prints and writes, and what personal clips add."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import moodcast
from models.errors import DatasetError
from models.evaluation import posteriors
from models.personal import posterior_study
from tests.made_posteriors import REAL, make_posteriors

ROOT = Path(__file__).parents[2]
KEYS = {
    "face": ["0", "1", "2", "3", "5", "80%"],
    "face_and_speech": ["0", "1", "2", "3", "5", "80%"],
    "control": ["0", "1", "5"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_posteriors(tmp_path_factory.mktemp("posteriors"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = moodcast.main(["models", "personal-report", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def result(made: Path) -> posterior_study.PosteriorStudy:
    return posterior_study.study(posteriors.read(made), shufflings=1)


def test_own_clips_help_and_anothers_do_not(result: posterior_study.PosteriorStudy) -> None:
    """Each made-up person shows one emotion as another is shown, which nobody but that person's clips can tell."""
    figures = result.figures()
    assert {name: list(curve) for name, curve in figures.items()} == KEYS
    for name in ("face", "face_and_speech"):
        assert figures[name]["1"] > figures[name]["0"] + 3
        assert figures[name]["5"] > figures[name]["0"] + 5
    assert figures["control"]["0"] == figures["face"]["0"]
    assert figures["control"]["5"] < figures["face"]["0"]
    text = posterior_study.describe(result)
    assert f"{figures['face']['5']:5.1f}" in text
    assert "own, face and speech" in text


def test_nothing_learned_is_the_universal_classifier_over_all_clips(
    made: Path, result: posterior_study.PosteriorStudy
) -> None:
    folds = posteriors.read(made)
    right = [posteriors.fused(f.train, posteriors.FACE).logits(f.test).argmax(1) == f.test.labels for f in folds]
    expected = 100 * np.concatenate(right).mean()
    assert result.figures()["face"]["0"] == round(expected, 2)


def test_intervals_hold_the_share_and_shrink_to_it_where_actors_agree() -> None:
    asked = np.full(4, 10)
    curve = posterior_study.GainCurve(("0", "1"), np.array([[2, 6], [4, 8], [6, 10], [0, 4]]), asked)
    assert curve.percent() == {"0": 30, "1": 70}
    low, high = curve.intervals()["0"]
    assert 0 <= low < 30 < high <= 60
    assert curve.gains() == {"0": (0, 0), "1": (40, 40)}  # each actor wins 4 of 10


@pytest.mark.parametrize("order", [["--posteriors", "{}"], ["{}", "--posteriors"]], ids=" ".join)
def test_both_orders_write_the_same_figures(
    made: Path,
    order: list[str],
    result: posterior_study.PosteriorStudy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posterior_study, "study", lambda folds: result)
    arguments = [word.format(made) for word in order]
    code, out, _ = run(capsys, *arguments, "--json", "-")
    assert code == 0
    assert {name: list(curve) for name, curve in json.loads(out).items()} == KEYS


def test_figures_go_to_a_file_and_a_table_to_people(
    made: Path,
    tmp_path: Path,
    result: posterior_study.PosteriorStudy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posterior_study, "study", lambda folds: result)
    code, out, _ = run(capsys, "--posteriors", str(made), "--json", str(tmp_path / "figures.json"))
    assert code == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert f"{figures['control']['1']:5.1f}" in out
    assert "Strength of the prior in each fold" in out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--posteriors"], 50, "expected one folder with the data, got none"),
        (["one", "--posteriors", "two"], 50, "got one and two"),
        (["--posteriors", "nowhere"], 28, "but there is none at nowhere"),
        (["--posteriors", "nowhere", "--json", "no/such/file"], 50, "there is no folder no/such"),
    ],
    ids=str,
)
def test_what_can_not_be_done_is_a_sentence(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments)
    assert found == code
    assert sentence in err
    assert not out


def test_too_few_actors_or_clips_are_refused(made: Path) -> None:
    folds = posteriors.read(made)
    lonely = posteriors.PosteriorFold(folds[0].train, folds[0].test.only(folds[0].test.actors == 1))
    with pytest.raises(DatasetError, match=r"two actors or more in test_fold0.csv, for the control, got 1"):
        posterior_study.study([lonely, *folds[1:]])
    few = folds[1].test.only((folds[1].test.actors == 3) | (folds[1].test.labels == 0))
    with pytest.raises(DatasetError, match="expected 5 clips or more of each actor, got 4 of actor 04"):
        posterior_study.study([folds[0], posteriors.PosteriorFold(folds[1].train, few), *folds[2:]])


def test_it_runs_where_torch_is_missing(made: Path) -> None:
    """All that the command imports, without torch and what only networks need."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'onnx', 'onnxruntime', 'mediapipe', 'cv2')))\n"
        "from models.personal import commands, posterior_study\n"
        "from models.evaluation import posteriors\n"
        f"posteriors.read(__import__('pathlib').Path({str(made)!r}))\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


@pytest.mark.nightly
@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/ravdess/posteriors, which are not here")
def test_on_the_published_posteriors_own_clips_win_and_anothers_lose(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--posteriors", str(REAL), "--json", "-")
    assert code == 0
    figures = json.loads(out)
    assert figures["face"]["0"] == pytest.approx(60.8, abs=0.3)
    assert figures["face_and_speech"]["0"] == pytest.approx(86.7, abs=0.3)
    for name, few, more in (("face", 5, 10), ("face_and_speech", 2, 5)):
        assert figures[name]["1"] - figures[name]["0"] >= few
        assert figures[name]["5"] - figures[name]["0"] >= more
    assert figures["control"]["5"] < figures["control"]["1"] < figures["control"]["0"]
