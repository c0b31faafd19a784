"""Draw what a soak has seen: ``python -m benchmarks.soak_picture SOAK.json --out FILE.webp``.

SOAK.json is what ``python -m benchmarks.soak --out SOAK.json`` writes. Below each other, over the same minutes: memory,
with the line that the verdict is about; connections and descriptors; who comes and is refused; processor; lateness.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from benchmarks.soak_verdict import JUDGED, SoakSample

INK, QUIET, GRID, PAPER = (34, 34, 34), (110, 110, 110), (228, 228, 228), (255, 255, 255)
BLUE, ORANGE, GREEN = (0, 114, 178), (213, 94, 0), (0, 158, 115)
FINE, SHOWN = 4, 2
"""Pixels that are drawn for each unit of length, and those that are left of them."""
WIDTH, LEFT, RIGHT, TOP, PANEL, GAP, BOTTOM = 680, 58, 16, 30, 84, 34, 40

Colour = tuple[int, int, int]


class Curve(NamedTuple):
    """A figure over time."""

    name: str
    colour: Colour
    of: Callable[[SoakSample], float]


PANELS: tuple[tuple[Curve, ...], ...] = (
    (
        Curve("resident memory, MiB", ORANGE, lambda one: one.rss_kib / 1024),
        Curve("the relay's own (USS)", BLUE, lambda one: one.uss_kib / 1024),
    ),
    (
        Curve("open descriptors", ORANGE, lambda one: one.files),
        Curve("viewers and subscribers", BLUE, lambda one: one.viewers + one.subscribers),
    ),
    (
        Curve("joins a minute", BLUE, lambda one: one.joins),
        Curve("refused a minute", ORANGE, lambda one: one.refused),
    ),
    (Curve("processor, % of a core", GREEN, lambda one: 100 * one.cores),),
    (Curve("ticks late by at most (99 %), ms", GREEN, lambda one: one.late_ms),),
)


def draw(found: dict[str, Any]) -> Image.Image:
    """All panels, and the line through the memory of the judged part."""
    samples = [SoakSample(*row) for row in found["samples"]]
    height = TOP + len(PANELS) * (PANEL + GAP) - GAP + BOTTOM
    picture = Image.new("RGB", (WIDTH * FINE, height * FINE), PAPER)
    sheet = _Sheet(ImageDraw.Draw(picture), samples[-1].minute)
    for number, curves in enumerate(PANELS):
        sheet.panel(TOP + number * (PANEL + GAP), samples, curves)
    judged = [one for one in samples if one.minute >= samples[-1].minute * (1 - JUDGED)]
    middle = statistics.median(one.uss_kib for one in judged), statistics.median(one.minute for one in judged)
    slope = found["verdict"]["memory_slope"]
    ends = [(minute, middle[0] + slope * (minute - middle[1])) for minute in (judged[0].minute, judged[-1].minute)]
    top = _ceiling(max(one.rss_kib / 1024 for one in samples))
    sheet.trace(TOP, [(minute, kib / 1024) for minute, kib in ends], top, INK, 1.2)
    sheet.write(WIDTH - RIGHT, TOP + PANEL - 12, f"{slope:+.1f} KiB a minute", "rm", INK)
    sheet.minutes(TOP + len(PANELS) * (PANEL + GAP) - GAP)
    return picture.resize((WIDTH * SHOWN, height * SHOWN), Image.Resampling.LANCZOS)


class _Sheet:
    """What is drawn on, in units of length."""

    def __init__(self, pen: ImageDraw.ImageDraw, end: float) -> None:
        self._pen, self._end = pen, end
        self._font = ImageFont.load_default(12 * FINE)

    def write(self, x: float, y: float, words: str, anchor: str, colour: Colour) -> None:
        self._pen.text((x * FINE, y * FINE), words, colour, self._font, anchor=anchor)

    def trace(
        self, y: float, points: Sequence[tuple[float, float]], top: float, colour: Colour, width: float = 1.0
    ) -> None:
        """A curve in the panel that begins at ``y`` and reaches from 0 to ``top``."""
        places = [(self._across(minute) * FINE, (y + PANEL * (1 - value / top)) * FINE) for minute, value in points]
        self._pen.line(places, colour, round(width * FINE), joint="curve")

    def panel(self, y: float, samples: Sequence[SoakSample], curves: Sequence[Curve]) -> None:
        top = _ceiling(max(curve.of(one) for curve in curves for one in samples))
        for share in (0.0, 0.5, 1.0):
            height = y + PANEL * (1 - share)
            self._pen.line([LEFT * FINE, height * FINE, (WIDTH - RIGHT) * FINE, height * FINE], GRID, FINE)
            self.write(LEFT - 8, height, f"{top * share:g}", "rm", QUIET)
        x: float = LEFT
        for curve in curves:
            self.trace(y, [(one.minute, curve.of(one)) for one in samples], top, curve.colour)
            self.write(x, y - 6, curve.name, "ls", curve.colour)
            x += self._pen.textlength(curve.name, self._font) / FINE + 20

    def minutes(self, y: float) -> None:
        """The scale below all panels."""
        step = next(step for step in (0.5, 1, 2, 5, 10, 20, 60, 300) if self._end / step <= 10)
        for number in range(int(self._end / step) + 1):
            self.write(self._across(number * step), y + 8, f"{number * step:g}", "mt", QUIET)
        self.write((LEFT + WIDTH - RIGHT) / 2, y + 24, "minutes", "mt", INK)

    def _across(self, minute: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * minute / self._end


def _ceiling(value: float) -> float:
    """The next round number, so that a scale has plain marks."""
    scale = 10.0 ** (len(str(int(value))) - 1)
    return next(step * scale for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if step * scale >= value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak_picture", description=__doc__.split("\n")[0])
    parser.add_argument("found", type=Path, metavar="SOAK.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    draw(json.loads(args.found.read_text())).save(args.out, quality=90, method=6)


if __name__ == "__main__":
    main()
