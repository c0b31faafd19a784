"""The study's pictures, drawn with Pillow from the figures of ``models.personal.results``.

Drawn at four times their size and scaled down to twice of it, for smooth lines on sharp screens. Colours are two that
everybody can tell apart (Okabe and Ito 2008), and each line has a mark of its own.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Point = tuple[float, float]

_INK, _QUIET, _GRID, _PAPER = (34, 34, 34), (110, 110, 110), (228, 228, 228), (255, 255, 255)
PERSONAL, COMMON, UNIVERSAL = (0, 114, 178), (213, 94, 0), (120, 120, 120)
_FINE, _SHOWN = 4, 2
"""Pixels that are drawn for each unit of length, and those that are left of them."""
_PLOT = (420, 270)
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 40, 56
_HEADER = 96
_LEGEND = 165
_CELL = 52
_UPRIGHT = _CELL - 2
"""Names of classes that are longer stand upright below their column."""


class _Curve(NamedTuple):
    """A curve: its points, and a band of (x, low, high) where there is one."""

    name: str
    colour: Colour
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]]


class Sheet:
    """A picture in units of length, with the origin at the top left."""

    def __init__(self, width: float, height: float) -> None:
        self.image = Image.new("RGB", (round(width * _FINE), round(height * _FINE)), _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1, dash: float = 0) -> None:
        """Through all points; ``dash`` is the length of dashes between the first and the last of two, 0 for none."""
        if dash:
            (x0, y0), (x1, y1) = points
            steps = max(1, round(math.dist(*points) / dash))
            cuts = [(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps) for i in range(steps + 1)]
            for i in range(0, steps, 2):
                self.line(cuts[i : i + 2], colour, width)
            return
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(fine, colour, round(width * _FINE), joint="curve")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self._draw.rectangle([side * _FINE for side in (left, top, right, bottom)], colour)

    def band(self, edge: Sequence[Point], colour: Colour) -> None:
        """A polygon that lets what is under it through."""
        veil = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(veil).polygon([(x * _FINE, y * _FINE) for x, y in edge], 44)
        self.image.paste(colour, (0, 0), veil)

    def mark(self, at: Point, colour: Colour, is_round: bool, size: float = 4) -> None:
        x, y = (part * _FINE for part in at)
        reach = size * _FINE
        shape = self._draw.ellipse if is_round else self._draw.rectangle
        shape((x - reach, y - reach, x + reach, y + reach), colour, _PAPER, _FINE)

    def text(self, at: Point, words: str, anchor: str, size: float = 13, colour: Colour = _INK) -> None:
        font = ImageFont.load_default(size * _FINE)
        self._draw.text((at[0] * _FINE, at[1] * _FINE), words, colour, font, anchor=anchor)

    def upright(self, middle: Point, words: str, size: float = 13) -> None:
        """Read from below to above, around its middle."""
        font = ImageFont.load_default(size * _FINE)
        left, top, right, bottom = font.getbbox(words)
        tile = Image.new("RGB", (math.ceil(right - left), math.ceil(bottom - top)), _PAPER)
        ImageDraw.Draw(tile).text((-left, -top), words, _INK, font)
        tile = tile.rotate(90, expand=True)
        x, y = middle[0] * _FINE - tile.width / 2, middle[1] * _FINE - tile.height / 2
        self.image.paste(tile, (round(x), round(y)))

    def finished(self) -> Image.Image:
        width, height = (side * _SHOWN // _FINE for side in self.image.size)
        return self.image.resize((width, height), Image.Resampling.LANCZOS)


def curves(network: str, heads: Sequence[tuple[str, dict[str, Any]]], below: str) -> Image.Image:
    """Accuracy against clips per class, a panel for each head; ``below`` says what the bands are of.

    ``heads`` are titles with the figures of ``models.personal.results.summarise``. At 0 is the universal head.
    """
    across = min(2, len(heads))
    rows = math.ceil(len(heads) / across)
    wide, high = _LEFT + _PLOT[0] + _RIGHT, _TOP + _PLOT[1] + _BOTTOM
    sheet = Sheet(max(across * wide, _LEFT + 3 * _LEGEND), _HEADER + rows * high)
    every = [_lines(figures) for _, figures in heads]
    _header(sheet, f"{network}: accuracy on people it has not seen before", below, every[0])
    low = _floor(min(value for lines in every for line in lines for value in _values(line)))
    for i, ((title, figures), lines) in enumerate(zip(heads, every, strict=True)):
        corner = (i % across * wide + _LEFT, _HEADER + i // across * high + _TOP)
        _panel(sheet, corner, title, [step["clips"] for step in figures["curve"]], lines, low)
    return sheet.finished()


def _places(counts: Sequence[int | str]) -> list[float]:
    """Where each step stands; all of the clips stand apart, to the right."""
    last = max((count for count in counts if isinstance(count, int)), default=0)
    return [count if isinstance(count, int) else last + max(1.0, last / 7) for count in counts]


def _lines(figures: dict[str, Any]) -> list[_Curve]:
    """In percent."""
    steps, start = figures["curve"], figures["universal"]
    places = _places([step["clips"] for step in steps])
    found = [_Curve("universal head", UNIVERSAL, [(x, 100 * start["accuracy"]) for x in (0, places[-1])], ())]
    for name, key, colour in (("common head", "common", COMMON), ("personal head", "personal", PERSONAL)):
        shown = [(0.0, start), *((x, step[key]) for x, step in zip(places, steps, strict=True) if step[key])]
        if len(shown) > 1:
            points = [(x, 100 * step["accuracy"]) for x, step in shown]
            band = [(x, *(100 * end for end in step["interval"])) for x, step in shown if step["interval"]]
            found.append(_Curve(name, colour, points, band))
    return found


def _values(line: _Curve) -> list[float]:
    return [y for _, y in line.points] + [low for _, low, _ in line.band]


def _floor(lowest: float) -> float:
    """The axis begins at a ten below what it shows, and shows twenty points at least."""
    return float(max(0, min(80, math.floor((lowest - 2) / 10) * 10)))


def _header(sheet: Sheet, title: str, below: str, lines: Sequence[_Curve]) -> None:
    sheet.text((_LEFT, 16), title, "lt", 18)
    sheet.text((_LEFT, 42), below, "lt", 12, _QUIET)
    x = float(_LEFT)
    for line in reversed(lines):
        _stroke(sheet, [(x, 74), (x + 34, 74)], line)
        if line.colour != UNIVERSAL:
            sheet.mark((x + 17, 74), line.colour, line.colour == PERSONAL)
        sheet.text((x + 42, 74), line.name, "lm")
        x += _LEGEND


def _stroke(sheet: Sheet, points: Sequence[Point], line: _Curve) -> None:
    is_level = line.colour == UNIVERSAL
    sheet.line(points, line.colour, 1.6 if is_level else 2.2, 5 if is_level else 0)


def _panel(
    sheet: Sheet, corner: Point, title: str, counts: Sequence[int | str], lines: Sequence[_Curve], low: float
) -> None:
    left, top = corner
    wide, high = _PLOT
    right = _places(counts)[-1]

    def at(x: float, y: float) -> Point:
        return left + wide * x / right, top + high * (100 - y) / (100 - low)

    sheet.text((left, top - 14), title, "ls", 14)
    _axes(sheet, corner, counts, low, at)
    for line in lines:
        if line.band:
            edge = [at(x, high) for x, _, high in line.band] + [at(x, low) for x, low, _ in reversed(line.band)]
            sheet.band(edge, line.colour)
    for line in lines:
        _stroke(sheet, [at(*point) for point in line.points], line)
        if line.colour != UNIVERSAL:
            for point in line.points[1:]:
                sheet.mark(at(*point), line.colour, line.colour == PERSONAL)


def _axes(
    sheet: Sheet, corner: Point, counts: Sequence[int | str], low: float, at: Callable[[float, float], Point]
) -> None:
    left, top = corner
    wide, high = _PLOT
    for value in range(100, round(low) - 1, -10 if low >= 40 else -20):
        y = at(0, value)[1]
        sheet.line([(left, y), (left + wide, y)], _GRID)
        sheet.text((left - 8, y), f"{value} %", "rm", 12, _QUIET)
    for count, x in zip((0, *counts), (0.0, *_places(counts)), strict=True):
        place = at(x, low)[0]
        sheet.line([(place, top + high), (place, top + high + 4)], _INK)
        sheet.text((place, top + high + 8), str(count).replace("%", " %"), "mt", 12, _QUIET)
    sheet.line([(left, top), (left, top + high), (left + wide, top + high)], _INK)
    sheet.text((left + wide / 2, top + high + 28), "clips of each class that were learned from", "mt", 12)
    sheet.upright((left - 48, top + high / 2), "accuracy", 12)


def confusions(title: str, figures: dict[str, Any], classes: Sequence[str]) -> Image.Image:
    """Before and after: rows are what is true, columns the answers, cells the share of their row in percent."""
    side = _CELL * len(classes)
    longest = max(_length(name) for name in classes)
    beside = 8 + longest
    wide = beside + side + 32
    sheet = Sheet(2 * wide + 24, 96 + side + 8 + (longest if longest > _UPRIGHT else 16) + 20)
    sheet.text((24, 16), title, "lt", 18)
    sheet.text(
        (24, 42), "share of each expression's clips (rows) by what they were taken for (columns), %", "lt", 12, _QUIET
    )
    after = next(step for step in figures["curve"] if not isinstance(step["clips"], int))["personal"]
    told = {
        "before": f"Universal head: {figures['universal']['accuracy']:.1%} right",
        "after": f"Personal head (80 % of the clips): {after['accuracy']:.1%} right",
    }
    for i, (when, words) in enumerate(told.items()):
        left = 24 + i * wide + beside
        sheet.text((left, 84), words, "ls", 14)
        _matrix(sheet, (left, 96), figures["confusion"][when], classes)
    return sheet.finished()


def _matrix(sheet: Sheet, corner: Point, matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    left, top = corner
    for i, row in enumerate(matrix):
        y = top + i * _CELL
        sheet.text((left - 8, y + _CELL / 2), classes[i], "rm")
        for j, number in enumerate(row):
            x, share = left + j * _CELL, number / max(1, sum(row))
            sheet.box(x, y, x + _CELL - 1.5, y + _CELL - 1.5, _shade(share))
            words = f"{100 * share:.0f}" if sum(row) else "-"
            quiet = _QUIET if share < 0.005 else _INK
            sheet.text((x + _CELL / 2, y + _CELL / 2), words, "mm", 13, _PAPER if share > 0.5 else quiet)
    for j, name in enumerate(classes):
        bottom = top + len(classes) * _CELL + 8
        if _length(name) > _UPRIGHT:
            sheet.upright((left + j * _CELL + _CELL / 2, bottom + _length(name) / 2), name)
        else:
            sheet.text((left + j * _CELL + _CELL / 2, bottom), name, "ma")


def _length(words: str) -> float:
    """Of a text of the usual size."""
    return ImageFont.load_default(13 * _FINE).getlength(words) / _FINE


def _shade(share: float) -> Colour:
    red, green, blue = (
        round(paper + (full - paper) * share) for paper, full in zip((240, 244, 248), PERSONAL, strict=True)
    )
    return red, green, blue
