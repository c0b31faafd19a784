"""`moodcast models score`: a CSV in, figures or a sentence out."""

import json
from pathlib import Path

import pytest

import moodcast


def run(file: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    code = moodcast.main(["models", "score", str(file), *more])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_json_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("label,pred\n0,0\n0,1\n2,2\n2,2\n")
    code, out, _ = run(file, capsys, "--json", "-")
    found = json.loads(out)
    assert code == 0
    assert found["war"] == 0.75
    assert found["uar"] == 0.75
    assert found["recall"] == {"0": 0.5, "1": None, "2": 1.0}
    assert found["confusion"] == [[1, 1, 0], [0, 0, 0], [0, 0, 2]]


def test_json_to_a_file_and_text_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, target = tmp_path / "answers.csv", tmp_path / "figures.json"
    file.write_text("\ufeffclip, label, pred\r\nx, 6, 6\r\n")  # as a spreadsheet may write it
    code, out, _ = run(file, capsys, "--json", str(target))
    assert code == 0
    assert "UAR" in out
    assert json.loads(target.read_text())["count"] == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "columns label and pred"),
        ("label,prediction\n1,1\n", "got label, prediction"),
        ("label,pred\n", "expected rows"),
        ("label,pred\n1,happy\n", "line 2 of"),
        ("label,pred\n1,1.5\n", "'1.5'"),
        ("label,pred\n1\n", "got nothing"),
        ("label,pred\n1,1\n-1,1\n", "line 3 of"),
        ("label,pred\n1,100\n", "from 0 to 99"),
    ],
)
def test_a_wrong_file_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(text)
    code, out, error = run(file, capsys, "--json", "-")
    assert (code, out) == (50, "")
    assert sentence in error


def test_files_that_cannot_be_read_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.csv", capsys)[0] == 50
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    assert run(binary, capsys)[0] == 50
    good = tmp_path / "good.csv"
    good.write_text("label,pred\n1,1\n")
    code, _, error = run(good, capsys, "--json", str(tmp_path / "missing" / "figures.json"))
    assert code == 50
    assert "figures.json" in error
