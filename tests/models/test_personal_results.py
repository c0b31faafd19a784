"""Figures, pictures and tables of the study of persons, from answers that are known."""

from typing import Any

import numpy as np
import pytest

from models.personal import curves, page, protocols, results
from models.personal.cells import Cell
from models.personal.protocols import HeadTask

CLASSES = ("neutral", "happy", "an expression with a long name")
LABELS = np.array([label for _ in range(6) for label in range(3) for _ in range(5)], np.int64)
SUBJECTS = [f"u{user}" for user in range(6) for _ in range(15)]


def answered(task: HeadTask) -> Cell:
    """Personal heads are right, common ones but for the last class, universal ones about the first alone."""
    knows = {"personal": 3, "common": 2}.get(task.kind, 1)
    right = LABELS[task.asked]
    answers = np.where(right < knows, right, 0)
    return Cell(tuple(task.asked.tolist()), tuple(answers.tolist()), *((1, 50) if task.kind == "personal" else ()))


def figures(held_out: tuple[str, ...] = ("u0", "u1", "u2"), draws: int = 2) -> dict[str, Any]:
    found = [(task, answered(task)) for task in protocols.tasks(LABELS, SUBJECTS, held_out, draws, 0)]
    return results.summarise(found, LABELS, SUBJECTS, CLASSES)


def report(*heads: str, **more: Any) -> dict[str, Any]:
    rows = [{"network": "net", "head": head, "classes": list(CLASSES), **figures(**more)} for head in heads]
    about = {"name": "clips", "layout": "people", "clips": 90, "people": 6, "classes": list(CLASSES)}
    return {
        "set": about,
        "held_out": list(rows[0]["users"]),
        "draws": 2,
        "seed": 0,
        "machine": "a machine",
        "left_out": ["nothing of importance."],
        "rows": rows,
    }


def test_figures() -> None:
    found = figures()
    assert found["universal"] == {"accuracy": 1 / 3, "interval": (1 / 3, 1 / 3), "answers": 2 * 3 * 3}
    assert found["actor_split"]["answers"] == 45
    assert found["random_split"]["accuracy"] == pytest.approx(1 / 3)
    assert [step["clips"] for step in found["curve"]] == [1, 2, 3, "80%"]
    for step in found["curve"]:
        assert (step["personal"]["accuracy"], step["common"]["accuracy"]) == (1, 2 / 3)
        assert step["personal_over_universal"]["difference"] == pytest.approx(2 / 3)
        assert step["personal_over_common"] == {"difference": 1 / 3, "interval": (1 / 3, 1 / 3)}
    assert found["confusion"] == {
        "before": [[6, 0, 0], [6, 0, 0], [6, 0, 0]],
        "after": [[6, 0, 0], [0, 6, 0], [0, 0, 6]],
    }
    assert found["users"]["u2"] == {"universal": 1 / 3, "personal": 1, "answers": 6}
    assert found["equation_5"] == {"floored": 2 * 3 * 4, "sums": 2 * 3 * 4 * 50}


def test_intervals_are_as_wide_as_people_differ() -> None:
    alike = {f"u{i}": np.array([[6, 0], [4, 0]]) for i in range(20)}
    apart = {f"u{i}": np.array([[10, 0], [0, 0]] if i < 12 else [[0, 0], [10, 0]]) for i in range(20)}
    assert results.accuracy(alike) == {"accuracy": 0.6, "interval": (0.6, 0.6), "answers": 200}
    found = results.accuracy(apart)
    assert found["accuracy"] == 0.6
    low, high = found["interval"]
    assert 0.35 <= low <= 0.45  # the normal approximation: 0.6 +- 0.21
    assert 0.75 <= high <= 0.85
    assert results.difference(apart, alike)["difference"] == 0
    assert results.accuracy({"u0": alike["u0"]})["interval"] is None


def test_one_person_has_neither_common_head_nor_intervals() -> None:
    found = figures(("u0",))
    assert found["universal"]["interval"] is None
    assert all(step["common"] is None and step["personal_over_common"] is None for step in found["curve"])
    text = page.markdown(report("linear", held_out=("u0",)))
    assert "| net | linear | 33.3% | - | 100.0% | - |" in text
    assert curves.curves("net", [("linear", found)], "").width > 900


def test_page_and_tables() -> None:
    result = report("linear", "self")
    text, told = page.markdown(result), page.describe(result)
    for words in (text, told):
        assert "nothing of importance." in words
        assert "100.0% (100.0 to 100.0)" in words
        assert "+33.3 (+33.3 to +33.3)" in words
        assert "24 of 1,200 times" in words
    assert "| u1 | 33.3% to 100.0% | 33.3% to 100.0% |" in text
    lines = told.split("\n\n")[1].splitlines()
    assert len({line.index("100.0%") for line in lines[1:]}) == 1  # columns stand below each other


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_curves_show_each_head_and_all_lines(heads: int) -> None:
    result = report(*("linear", "single", "self")[:heads])
    picture = curves.curves("net", [(row["head"], row) for row in result["rows"]], page.bands(result))
    assert picture.height > (1200 if heads == 3 else 700)
    shown = {colour for _, colour in picture.getcolors(1 << 24) or ()}
    assert {curves.PERSONAL, curves.COMMON, curves.UNIVERSAL} <= shown
    panel = np.asarray(picture)[240:, : picture.width // min(2, heads)]  # below the legend
    tops = [np.argwhere((panel == colour).all(2))[:, 0].min() for colour in (curves.PERSONAL, curves.COMMON)]
    assert tops[0] < tops[1] - 100  # who is right more often stands higher


def test_confusions_are_darkest_where_most_is() -> None:
    picture = np.asarray(curves.confusions("net", figures(), CLASSES))
    half = picture.shape[1] // 2
    full = (picture == curves.PERSONAL).all(2)
    before, after = full[:, :half], full[:, half:]
    assert before.any(0).sum() < 120 < 250 < after.any(0).sum()  # one column of answers; all three
    assert before.any(1).sum() > 250
