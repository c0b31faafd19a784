"""Curves of spotters over films, drawn with Pillow."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from models import atomic
from models.errors import EvaluationError
from models.micro.spotting import Curve, Spotted
from models.personal.curves import Sheet

_INK, _QUIET, _GRID = (34, 34, 34), (110, 110, 110), (228, 228, 228)
_FOUND, _TRUE, _BLINK = (0, 114, 178), (0, 158, 115), (213, 94, 0)
"""What was spotted, what was there, and when somebody blinked (Okabe and Ito 2008)."""
_STEPS, _MOST = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800), 14
"""Seconds from one number below the curve to the next, and how many of them there may be."""
_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 110, 52, 16, 30, 34


@dataclass(frozen=True)
class Panel:
    """One curve (F,), NaN where it has a gap, at ``rate`` frames a second, and what was spotted by it.

    ``most`` is where its scale ends, 0 for the curve's highest value. ``true`` are the first and last frame of
    micro-expressions that are known, ``blinks`` the frames of blinks.
    """

    title: str
    curve: Curve
    rate: float
    spotted: Sequence[Spotted]
    most: float = 0.0
    true: Sequence[tuple[int, int]] = ()
    blinks: Sequence[int] = ()


def draw(panels: Sequence[Panel]) -> Image.Image:
    """The panels one below the other: time in seconds to the right, spotted intervals as bands, apexes as marks."""
    sheet = Sheet(_LEFT + _WIDE + _RIGHT, len(panels) * (_TOP + _HIGH + _BOTTOM))
    for i, panel in enumerate(panels):
        _draw(sheet, panel, i * (_TOP + _HIGH + _BOTTOM) + _TOP)
    return sheet.finished()


def _draw(sheet: Sheet, panel: Panel, top: float) -> None:
    count, high = len(panel.curve), panel.most or float(np.nanmax(panel.curve)) or 1.0

    def x(frame: float) -> float:
        return _LEFT + _WIDE * frame / max(count - 1, 1)

    def y(value: float) -> float:
        return top + _HIGH * (1 - value / high)

    bottom = top + _HIGH
    sheet.text((_LEFT, top - 10), panel.title, "ls", 13)
    for first, last in panel.true:
        sheet.box(x(first), bottom + 2, x(last), bottom + 7, _TRUE)
    for one in panel.spotted:
        left, right = x(one.onset), x(one.offset)
        sheet.band([(left, top), (right, top), (right, bottom), (left, bottom)], _FOUND)
    for blink in panel.blinks:
        sheet.line([(x(blink), top), (x(blink), bottom)], _BLINK, 1, dash=3)
    for value in (0, high):
        sheet.line([(_LEFT, y(value)), (_LEFT + _WIDE, y(value))], _GRID)
        sheet.text((_LEFT - 6, y(value)), f"{value:.3g}", "rm", 11, _QUIET)
    step = next(step for step in _STEPS if count / panel.rate / step <= _MOST)
    for second in np.arange(0, count / panel.rate, step):
        sheet.text((x(second * panel.rate), bottom + 11), f"{second:g} s", "mt", 11, _QUIET)
    for part in np.split(np.arange(count), np.flatnonzero(np.diff(np.isnan(panel.curve))) + 1):
        if len(part) > 1 and not np.isnan(panel.curve[part[0]]):
            sheet.line([(x(frame), y(panel.curve[frame])) for frame in part], _INK, 1.2)
    for one in panel.spotted:
        sheet.mark((x(one.apex), y(panel.curve[one.apex])), _FOUND, is_round=True)


def save(panels: Sequence[Panel], file: Path) -> None:
    """As PNG.

    Raises:
        EvaluationError: it can't be written.
    """
    data = io.BytesIO()
    draw(panels).save(data, "png")
    try:
        atomic.write(data.getvalue(), file)
    except OSError as error:
        raise EvaluationError(f"can't write {file}: {error.strerror or error}") from error
