"""``--personal-export`` and ``--personal-delete``: without a camera, a relay or a question."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

import moodcast
from agent.personal.answers import Answer, Answers
from agent.personal.key import DesktopVault
from agent.personal.store import Store, usual_folder
from models.inference import registry


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the answers of a user who has no keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return usual_folder()


def teach(folder: Path) -> None:
    features, universal = np.arange(256, dtype=np.float32), np.full(7, 1 / 7, np.float32)
    answers = tuple(Answer(time.time() + n, n % 7, features + n, universal, corrected=n > 3) for n in range(9))
    Store(folder, DesktopVault(folder)).save(Answers(registry.get("moodnet").sha256, answers))


def run(*arguments: str) -> int:
    return moodcast.main(["agent", *arguments])


def test_what_is_kept_is_exported_and_deleted(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teach(folder)
    mine = tmp_path / "mine.json"
    assert run("--personal-export", str(mine)) == 0
    assert f"9 answers are in {mine}" in capsys.readouterr().out
    assert len(json.loads(mine.read_bytes())) >= 1
    assert run("--personal-delete") == 0
    assert "deleted" in capsys.readouterr().out
    assert not mine.exists()
    assert [file.name for file in folder.iterdir()] == ["answers.lock"]


def test_without_answers_there_is_nothing_to_export_and_deleting_does_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--personal-export", str(tmp_path / "mine.json")) == 61
    assert "nothing to export" in capsys.readouterr().err
    assert not (tmp_path / "mine.json").exists()
    assert run("--personal-delete") == 0


def test_a_file_is_not_overwritten(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teach(folder)
    (tmp_path / "mine.json").write_text("something else")
    assert run("--personal-export", str(tmp_path / "mine.json")) == 61
    assert "already" in capsys.readouterr().err
    assert (tmp_path / "mine.json").read_text() == "something else"


def test_both_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--personal-export", str(tmp_path / "mine.json"), "--personal-delete") == 2
    assert "--personal-delete" in capsys.readouterr().err


def test_what_can_not_be_deleted_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "answers.sealed").mkdir(parents=True)
    assert run("--personal-delete") == 61
    assert "Nothing was deleted" in capsys.readouterr().err
