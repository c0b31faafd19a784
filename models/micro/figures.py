"""How the studies of micro-expressions tell their figures: in percent, with intervals."""

from collections.abc import Mapping
from typing import Any

TITLES = {"uar": "UAR", "war": "WAR", "macro_f1": "macro F1"}
"""Of the figures of ``models.micro.by_subject``, by their names."""


def percent(figure: Mapping[str, Any], sign: str = "") -> str:
    """Such as 61.2 (55.0 to 67.1), with a ``sign`` +61.2; of one person there is no interval."""
    told = f"{100 * figure['value']:{sign}.1f}"
    if figure["interval"] is None:
        return told
    low, high = figure["interval"]
    return f"{told} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"
