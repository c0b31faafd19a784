"""The table of action units in docs/audio-visual.md: the code's formulas beside ``docs/action-units.json``.

The file is what ``python -m benchmarks.action_units --json`` has measured.
"""

from collections.abc import Mapping
from typing import Any

from models.clips.action_units import UNITS_BY_NUMBER

HEAD = "| | unit; its muscles | told from | still | swaying | full | with it |\n|---|---|---|---|---|---:|---|\n"


def markdown(results: Mapping[str, Any]) -> str:
    """A row for each unit."""
    text = HEAD
    for number, unit in UNITS_BY_NUMBER.items():
        row = results["rows"][number]
        still, swaying = (f"{row[way]['mean']:.2f} ({row[way]['least']:.2f})" for way in ("still", "swaying"))
        others = ", ".join(f"{name} {value:.1f}" for name, value in row["others"].items())
        text += f"| {number} | {unit.name}; {unit.muscles} | {unit.formula} | {still} | {swaying} "
        text += f"| {row['full']:.1f} | {others} |\n"
    return text
