"""``python -m benchmarks.table``: ours beside the papers' and the official numbers, and what is off is marked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the table needs torch: make test TRAIN=1, or pip install '.[train]'")

from benchmarks import table as measure  # noqa: E402
from docs import table  # noqa: E402
from models.errors import UnknownModelError  # noqa: E402
from models.zoo import networks  # noqa: E402

IAL = networks.get("ial")


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SECONDS", 0)


def test_counts_of_a_sound_network_are_not_marked() -> None:
    row = table.row(networks.get("c3d"), 78_024_455, 38.55) | {"ms": 1.0}
    assert row["params_deviation"] == 0
    assert not row["deviates"]
    assert table.cells(row)[3:5] == ["0.0%", "78 M"]


def test_what_ours_leaves_out_counts_as_if_it_were_there() -> None:
    row = table.row(IAL, IAL.params, 5.624) | {"ms": 1.0}
    assert not row["deviates"]
    assert (row["paper_params"], row["paper_gmacs"], row["official_gmacs"]) == (19_000_000, 10, 5.94)
    assert "0.0%*" in table.cells(row)
    (note,) = table.notes([row])
    assert "146,752 dead parameters" in note
    assert "0.32 GMAC" in note


@pytest.mark.parametrize(("more", "factor"), [(1, 1.0), (0, 1.03), (-1, 1.0), (0, 0.97)])
def test_one_parameter_or_three_per_cent_more_or_less_is_marked(more: int, factor: float) -> None:
    row = table.row(IAL, IAL.params + more, 5.624 * factor) | {"ms": 1.0}
    assert row["deviates"]
    assert any(cell.endswith("!") for cell in table.cells(row))


@pytest.mark.parametrize(
    ("number", "ours", "shown"),
    [("58 M", 58.4e6, "58 M"), ("58 M", 43.8e6, "58 M#"), ("0.99 M", 1.004e6, "0.99 M#"), ("", 1, "")],
)
def test_a_printed_number_that_ours_does_not_round_to_is_marked(number: str, ours: float, shown: str) -> None:
    assert table.paper(number, ours) == shown


def test_a_network_without_an_official_count_has_no_deviation() -> None:
    row = table.row(replace(IAL, official=None, official_gmacs=None), 1, 1.0)
    assert row["params_deviation"] is None
    assert not row["deviates"]


def test_the_studys_networks_and_the_lectures_are_all_there_and_every_name_is_taken() -> None:
    names = "c3d r3d18 former-dfer ial poster-v2 videomae mae-dfer mae-dfer-ca mae-dfer-ca-pc mmnet"
    names += " dtscnn micro-attention apex-resnet10 spot-cnn atnet akmnet"
    assert [entry.name for entry in table.chosen([], everything=False)] == names.split()
    assert [entry.name for entry in table.chosen(["vgg16", "c3d"], everything=False)] == ["vgg16", "c3d"]
    assert [entry.name for entry in table.chosen([], everything=True)] == list(networks.listed())


def test_command_prints_and_writes_the_rows_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "table.json"
    assert measure.main(["moodnet-tiny", "mini-xception", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == ["moodnet-tiny", "mini-xception"]
    assert [row["params"] for row in rows] == [453_008, 56_951]
    assert all(row["ms"] > 0 and row["gmacs"] > 0 for row in rows)
    assert [row["paper_params"] for row in rows] == [None, 60_000]
    printed = capsys.readouterr().out
    assert "453,008" in printed
    assert "60 k" in printed


def test_an_unknown_name_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownModelError, match="c4d"):
        measure.main(["c3d", "c4d"])
