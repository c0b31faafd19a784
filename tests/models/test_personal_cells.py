"""What a study has measured survives whatever stops it."""

from pathlib import Path

import pytest

from models.errors import EvaluationError
from models.personal.cells import Cell, Cells, Key

KEY = Key("data", "moodnet", "linear", "personal", 0, 5, "anna")
CELL = Cell((3, 7), (0, 2), 1, 40)


def test_what_is_added_is_there_again(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    assert cells.get(KEY) is None
    cells.add(KEY, CELL)
    everything = KEY._replace(clips=None)
    cells.add(everything, Cell((1,), (1,)))
    for found in (cells, Cells(tmp_path / "cells.jsonl")):
        assert found.get(KEY) == CELL
        assert found.get(everything) == Cell((1,), (1,))
        assert found.get(KEY._replace(of="other data")) is None


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_line_that_was_cut_short_costs_itself_alone(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cells.jsonl"
    first = Cells(file)
    first.add(KEY, CELL)
    first.add(KEY._replace(draw=1), CELL)
    file.write_bytes(file.read_bytes()[:-cut])
    again = Cells(file)
    assert again.get(KEY) == CELL
    again.add(KEY._replace(draw=2), CELL)
    found = Cells(file)
    assert found.get(KEY) == found.get(KEY._replace(draw=2)) == CELL


def test_strange_lines_are_no_cells(tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    file.write_bytes(
        b'\xff\xfe\n[]\n{"key": [[]]}\n{"key": [1], "asked": [], "answers": [], "floored": 0, "sums": 0}\nnull\n'
    )
    Cells(file).add(KEY, CELL)
    assert Cells(file).get(KEY) == CELL


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"can't write .* 0 heads are done: make room"):
        Cells(tmp_path / "nowhere" / "cells.jsonl").add(KEY, CELL)
    with pytest.raises(EvaluationError, match="can't read"):
        Cells(tmp_path)
