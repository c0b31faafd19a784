"""`moodcast models fuse`: what it prints and writes, what it refuses, and the published figures."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import moodcast
from models.audio_visual import fuse, fuse_study, fusion_methods, voice_gain
from models.clips.layouts import LAYOUTS
from models.errors import DatasetError
from models.evaluation import posteriors
from tests.made_posteriors import HEADER, REAL, make_posteriors

ROOT = Path(__file__).parents[2]
FIRST_KEYS = ["au_mlp", "au_bilstm", "wav2vec2", "fusion", "folds", "largest_posterior_difference"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_posteriors(tmp_path_factory.mktemp("posteriors"))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> fuse_study.FusionStudy:
    """Of the same clips beside a published fusion, one of whose posteriors is 0.001 off."""
    folder = make_posteriors(tmp_path_factory.mktemp("published"))
    publish(folder, off=0.001)
    folds = posteriors.read(folder)
    return fuse_study.study(folds, posteriors.read_published(folder, folds))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = moodcast.main(["models", "fuse", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def publish(folder: Path, off: float = 0.0) -> None:
    """Our own fusion's posteriors as the folder ``fusion`` has them; the first is ``off`` by so much."""
    (folder / "fusion").mkdir()
    for number, fold in enumerate(posteriors.read(folder)):
        found = posteriors.fused(fold.train, posteriors.FACE_AND_SPEECH).probabilities(fold.test)
        found[0, :2] += (off, -off) if number == 0 else (0, 0)
        with (folder / "fusion" / f"test_fold{number}.csv").open("w", newline="") as file:
            file.write(f"{HEADER};video_name\n")
            writer = csv.writer(file, delimiter=";")
            writer.writerows([*row.tolist(), name] for row, name in zip(found, fold.test.names, strict=True))


def test_figures_go_to_a_file_and_a_table_to_people(
    made: Path, result: fuse_study.FusionStudy, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(capsys, str(made), "--json", str(tmp_path / "figures.json"))
    assert code == 0
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told == {**fuse_study.figures(result), "largest_posterior_difference": None}
    assert f"{result.methods[fusion_methods.FUSION].accuracy:5.2f}" in out
    assert "The folder has no fusion/, so the fusion can't be compared" in out
    assert "fearful" in out
    assert "The voice beside the face (AU bi-LSTM), 7 classes" in out


def test_the_json_begins_with_what_is_asked_for(result: fuse_study.FusionStudy) -> None:
    figures = json.loads(json.dumps(fuse_study.figures(result)))
    assert list(figures)[:6] == FIRST_KEYS
    assert figures["fusion"] == pytest.approx(np.mean(figures["folds"]), abs=0.01)
    assert figures["largest_posterior_difference"] == pytest.approx(0.001, abs=1e-9)
    names = [method["name"] for method in figures["methods"]]
    assert names == [*fusion_methods.GRADED, *fusion_methods.classifiers()]
    for method in figures["methods"]:
        assert np.sum(method["confusion"]) == 320  # each clip is tested once
        assert len(method["folds"]) == 5
    assert {(gain["face"], gain["classes"]) for gain in figures["voice"]} == {
        (face, classes) for face in fusion_methods.FACES for classes in (7, 8)
    }


def test_expressions_are_those_of_the_layout() -> None:
    """The layouts can't be imported without OpenCV, and the study can."""
    assert LAYOUTS["ravdess"].expressions == voice_gain.SHOWN


def test_the_largest_distance_is_told(result: fuse_study.FusionStudy) -> None:
    assert "the published ones: 1.0e-03" in "\n".join(fuse.lines(result))


def test_a_fusion_folder_of_other_clips_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_posteriors(tmp_path)
    publish(tmp_path)
    file = tmp_path / "fusion" / "test_fold1.csv"
    kept = file.read_text().splitlines(True)
    file.write_text("".join(kept[:-1]))
    code, out, err = run(capsys, str(tmp_path))
    assert (code, out) == (28, "")
    assert "expected the test clips of fold 1 in" in err
    assert f"{kept[-1].strip()[-20:]} is missing" in err
    file.write_text("".join([*kept, kept[-1].replace("-04\n", "-09\n")]))
    assert "is not one of them" in run(capsys, str(tmp_path))[2]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nowhere"], 28, "but there is none at nowhere"),
        (["nowhere", "--json", "no/such/file"], 50, "there is no folder no/such"),
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


def test_an_actor_who_is_tested_twice_is_refused(made: Path) -> None:
    """Temperatures would be chosen on the clips that they are judged by."""
    folds = posteriors.read(made)
    with pytest.raises(DatasetError, match="tested in one fold, got actor 01 in 0 and 1"):
        fuse_study.study([folds[0], *folds[:4]], None)


def test_an_emotion_that_other_actors_alone_show_is_refused(made: Path) -> None:
    """Actors 1 and 2 are left out of the second fold where temperatures for the first one are chosen."""
    folds = posteriors.read(made)
    kept = (folds[1].train.labels != 3) | (folds[1].train.actors <= 2)
    poor = posteriors.PosteriorFold(folds[1].train.only(kept), folds[1].test)
    with pytest.raises(DatasetError, match=r"train_fold1.csv besides .* test_fold0.csv, got none of sad"):
        fuse_study.study([folds[0], poor, *folds[2:]], None)


def test_without_scikit_learn_the_other_rows_are_told(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (fuse, fuse_study):
        monkeypatch.setattr(place, "has_scikit_learn", lambda: False)
    monkeypatch.setattr(fuse_study, "voice_gains", lambda folds: [])  # which take long, and need none of it
    result = fuse_study.study(posteriors.read(made), None)
    assert set(result.methods) == set(fusion_methods.GRADED)
    assert "need scikit-learn: pip install scikit-learn" in "\n".join(fuse.lines(result))


def test_temperatures_repair_what_is_too_sure_without_the_tested_fold(made: Path) -> None:
    """The speech's logits are eight times what they were: every fold finds eight times its temperature."""
    folds = posteriors.read(made)
    speech = fusion_methods.GRADED["wav2vec2 (speech), alone"]
    before = fuse_study.calibration(folds, speech)
    for fold in folds:
        fold.test.columns[:, 16:] *= 8
    sharp = fuse_study.calibration(folds, speech)
    np.testing.assert_allclose(sharp.temperatures, 8 * np.array(before.temperatures), rtol=0.03)
    assert sharp.after.ece == pytest.approx(before.after.ece, abs=0.01)
    assert sharp.after.ece < sharp.before.ece
    folds[0].test.labels[:] = 0  # what the tested fold's labels are does not matter to its temperature
    again = fuse_study.calibration(folds, speech)
    assert again.temperatures[0] == sharp.temperatures[0]
    assert again.temperatures[1] > sharp.temperatures[1]


def test_a_fusion_is_calibrated_by_what_never_saw_the_tested_actors(made: Path) -> None:
    """For each fold, each other fold's clips are asked of what was learned without the tested actors."""
    folds = posteriors.read(made)
    seen = []

    def method(learned: posteriors.PosteriorClips, asked: posteriors.PosteriorClips) -> np.ndarray:
        seen.append((set(learned.actors.tolist()), set(asked.actors.tolist())))
        return fusion_methods.GRADED["mean of the three"](learned, asked)

    fuse_study.calibration(folds, method)
    choosing = [pair for pair in seen if len(pair[0]) == 6]
    assert len(choosing) == 20
    assert all(not learned & asked for learned, asked in seen)


def test_it_runs_where_torch_and_cameras_are_missing(made: Path) -> None:
    """What is there after plain ``make test``, and less."""
    program = (
        "import argparse, pathlib, sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'onnx', 'onnxruntime', 'mediapipe', 'cv2', 'av'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from models.audio_visual import fuse\n"
        f"sys.exit(fuse.report(argparse.Namespace(folder=pathlib.Path({str(made)!r}), json=None)))\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/ravdess/posteriors, which are not here")
def test_the_published_figures_come_out(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(REAL), "--json", "-")
    assert code == 0
    figures = json.loads(out)
    assert [figures[key] for key in FIRST_KEYS[:4]] == pytest.approx([60.22, 62.13, 81.82, 86.70], abs=0.01)
    assert figures["folds"] == pytest.approx([88.67, 88.67, 84.67, 85.67, 85.83], abs=0.01)
    assert figures["largest_posterior_difference"] < 1e-4
    methods = {method["name"]: method for method in figures["methods"]}
    assert methods["regression, standardised, C = 1"]["accuracy"] == pytest.approx(86.40, abs=0.01)
    assert methods["mean of the three"]["accuracy"] == pytest.approx(77.27, abs=0.01)
    speech = methods["wav2vec2 (speech), alone"]
    assert speech["ece_calibrated"] < 4 < 15 < speech["ece"]
    for gain in figures["voice"]:
        rules = {rule["rule"]: rule for rule in gain["rules"]}
        assert rules["face * voice^0.9"]["accuracy"] > rules["(1 - w) face + w voice"]["accuracy"] + 2
        assert rules["face * voice^0.9"]["interval"][0] > 15
