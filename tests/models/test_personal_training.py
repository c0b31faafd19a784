"""`moodcast models personal-train` and `personal-adapt`: from a folder of clips to heads, in two commands."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="heads need torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast
from models import atomic
from models.clips import video
from models.personal import adaptation, heads
from models.zoo import networks

PEOPLE = ("ann", "ben", "cy", "di", "ed")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people, of each three clips of a bright upper or lower half; ann has it the other way round."""
    folder = tmp_path_factory.mktemp("people") / "clips"
    rng = np.random.default_rng(0)
    for who in PEOPLE:
        for i in range(6):
            label = ("happy", "sad")[i % 2]
            clip = rng.integers(0, 60, (3, 48, 48, 3)).astype(np.uint8)
            clip[:, slice(24) if (label == "happy") != (who == "ann") else slice(24, 48)] += 150
            video.write_pictures(clip, folder / label / f"{who}_{i}")
    return folder


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few clips need larger steps than the paper's."""
    monkeypatch.setattr(adaptation, "LEARNING_RATE", 1e-2)


def train(data: Path, run: Path, *more: str) -> int:
    arguments = ["--network", "moodnet-tiny", "--head", "single", "--layout", "plain", "--aligned"]
    return moodcast.main(
        ["models", "personal-train", str(data), "--run", str(run), "--held-out", "ann,ben", *arguments, *more]
    )


def adapt(run: Path, *more: str) -> int:
    return moodcast.main(["models", "personal-adapt", str(run), *more])


def test_a_universal_head_and_then_one_for_who_is_different(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train(data, run) == 0
    told = capsys.readouterr().out
    assert "single head over moodnet-tiny, 18 clips of 3 people" in told
    assert "of 12 clips of ann, ben: 50.0% right" in told
    assert adapt(run, "--subject", "ann") == 0
    told = capsys.readouterr().out
    assert "4 clips of ann" in told
    assert "of 2 other clips: universal 0.0% right, personal 100.0% right" in told
    universal, personal = heads.load(run / "universal.npz"), heads.load(run / "personal-ann.npz")
    assert universal.classes == personal.classes
    assert not np.array_equal(universal.arrays["fc.weight"], personal.arrays["fc.weight"])
    assert adapt(run, "--subject", "cy", "--clips", "1") == 0
    told = capsys.readouterr().out
    assert "2 clips of cy" in told
    assert "the universal head has learned from cy" in told


def test_how_often_equation_5_was_held_is_told(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(data, tmp_path / "run", "--head", "self") == 0
    assert f"of {20 * 18} times" in capsys.readouterr().out


def test_a_run_is_not_written_over(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert train(data, run) == 0
    before = (run / "universal.npz").read_bytes()
    assert train(data, run, "--head", "linear") == 29
    assert "has a universal head already" in capsys.readouterr().err
    assert (run / "universal.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--held-out", "zoe"], 28, "expected users to hold out of ann, ben, cy, di, ed, got zoe"),
        (["--network", "mudnet"], 21, "expected a classifier of faces"),
        (["--layout", "mudset"], 28, "expected the name of a layout"),
        (["--network", "mobilefacenet=nowhere"], 29, "nowhere"),
    ],
)
def test_what_cannot_be_trained_leaves_nothing(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, says: str
) -> None:
    assert train(data, tmp_path / "run", *more) == code
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_one_class_is_nothing_to_tell_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for who in PEOPLE:
        video.write_pictures([np.zeros((48, 48, 3), np.uint8)], tmp_path / "clips" / "happy" / f"{who}_1")
    assert train(tmp_path / "clips", tmp_path / "run") == 28
    assert "got happy alone: nothing to tell apart" in capsys.readouterr().err


def test_what_cannot_be_adapted_is_a_sentence(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert adapt(run, "--subject", "ann") == 29
    assert "expected a run of `moodcast models personal-train`" in capsys.readouterr().err
    assert train(data, run) == 0
    assert adapt(run, "--subject", "zoe") == 28
    assert "expected one of ann, ben, cy, di, ed, got 'zoe'" in capsys.readouterr().err
    stored = json.loads((run / "run.json").read_text())
    for change, code, says in (
        ({"identity": "0"}, 29, "is not the one any more"),
        ({"version": 2}, 29, "is of version 2"),
        ({"setting": 3}, 29, "can't be read"),
        ({"setting": {**stored["setting"], "data": str(tmp_path / "gone")}}, 28, "expected a folder of clips"),
    ):
        (run / "run.json").write_text(json.dumps({**stored, **change}))
        assert adapt(run, "--subject", "ann") == code
        assert says in capsys.readouterr().err


def test_a_full_disk_keeps_the_head_before(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    assert train(data, run) == 0
    assert adapt(run, "--subject", "ann") == 0
    before = (run / "personal-ann.npz").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write", full)
    assert adapt(run, "--subject", "ann", "--seed", "2") == 29
    assert "No space left on device" in capsys.readouterr().err
    assert (run / "personal-ann.npz").read_bytes() == before


@pytest.mark.parametrize(
    "action", [["personal-train", "clips", "--run", "run"], ["personal-adapt", "r", "--subject", "a"]]
)
def test_without_torch_it_is_told_what_to_install(
    action: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "can_build", lambda: False)
    assert moodcast.main(["models", *action]) == 26
    assert "pip install '.[agent,train]'" in capsys.readouterr().err


def test_no_clips_is_no_number_of_clips(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        adapt(Path("run"), "--subject", "ann", "--clips", "0")
    assert "expected a number from 1" in capsys.readouterr().err
