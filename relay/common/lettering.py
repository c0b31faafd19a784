"""Text drawn with Pillow: in the pages' font, and in the system's where that lacks a letter; no box for a letter."""

import functools
import unicodedata
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw, ImageFont, features

Colour = tuple[int, int, int]

Anchor = Literal["l", "m", "r"]
"""What of a line is told: its left end, its middle or its right end."""

_REGULAR, _BOLD = 500, 650
"""Weights of the pages' font."""
_OPTICAL = 14, 32
"""Sizes that it has shapes of their own for, from and to."""
_FROM_RIGHT = {"R", "AL"}
"""How Unicode calls the directions of Hebrew and Arabic."""


class _File(NamedTuple):
    """A font of a system: names of its files, as Pillow finds them in the system's folders."""

    regular: str
    bold: str
    face: int = 0
    """Which one of several in a file."""


_PAGES = str(Path(__file__).resolve().parents[2] / "overlay" / "fonts" / "inter.woff2")
_OWN = _File(_PAGES, _PAGES)
_HIRAGINO = "\u30d2\u30e9\u30ae\u30ce\u89d2\u30b4\u30b7\u30c3\u30af"
_NOTO = "NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"
_TRADITIONAL = (_File(*_NOTO, 3), _File("msjh.ttc", "msjhbd.ttc"), _File("STHeiti Light.ttc", "STHeiti Medium.ttc"))
_SIMPLIFIED = (
    _File(*_NOTO, 2), _File("msyh.ttc", "msyhbd.ttc"), _File("Hiragino Sans GB.ttc", "Hiragino Sans GB.ttc"),
)  # fmt: skip
_JAPANESE = (
    _File(*_NOTO, 0), _File("YuGothM.ttc", "YuGothB.ttc"), _File("meiryo.ttc", "meiryob.ttc"),
    _File(f"{_HIRAGINO} W4.ttc", f"{_HIRAGINO} W6.ttc"),
)  # fmt: skip
_FIRST = {"zh-TW": _TRADITIONAL, "zh-CN": _SIMPLIFIED, "ja": _JAPANESE}
_OTHERS = (
    *_JAPANESE, *_SIMPLIFIED, *_TRADITIONAL, _File("malgun.ttf", "malgunbd.ttf"),
    _File("DroidSansFallbackFull.ttf", "DroidSansFallbackFull.ttf"), _File("wqy-microhei.ttc", "wqy-microhei.ttc"),
    _File("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), _File("segoeui.ttf", "segoeuib.ttf"),
    _File("NotoSansArabic-Regular.ttf", "NotoSansArabic-Bold.ttf"),
    _File("NotoSansHebrew-Regular.ttf", "NotoSansHebrew-Bold.ttf"), _File("Arial Unicode.ttf", "Arial Unicode.ttf"),
)  # fmt: skip
"""After the pages' font and those of the language."""


class Pen:
    """Writes lines in one language: Chinese and Japanese write the same letters differently."""

    def __init__(self, language: str) -> None:
        self._language = language

    def missing(self, text: str) -> str:
        """The letters that can't be written here, each once."""
        return "".join(dict.fromkeys(letter for letter in text if _font_of(letter, self._language) is None))

    def length(self, text: str, size: float, bold: bool = False) -> float:
        """How wide a line is, in pixels."""
        return sum(_opened(file, _stepped(size), bold).getlength(part) for file, part in self._parts(text))

    def write(
        self, canvas: Image.Image, text: str, x: float, y: float, size: float, colour: Colour,
        bold: bool = False, anchor: Anchor = "l",
    ) -> float:  # fmt: skip
        """Write a line, ``y`` being its middle and ``x`` what ``anchor`` says; returns where it ends on the right.

        What is missing is left out.
        """
        pen = ImageDraw.Draw(canvas)
        left = x - self.length(text, size, bold) * {"l": 0.0, "m": 0.5, "r": 1.0}[anchor]
        ascent, descent = _opened(_OWN, _stepped(size), bold).getmetrics()
        baseline = y + (ascent - descent) / 2  # of all fonts, so that they stand on one line
        for file, part in self._parts(text):
            font = _opened(file, _stepped(size), bold)
            pen.text((left, baseline), part, fill=colour, font=font, anchor="ls")
            left += font.getlength(part)
        return left

    def _parts(self, text: str) -> list[tuple[_File, str]]:
        """The line from left to right, in pieces of one font each."""
        found = [(letter, file) for letter in text if (file := _font_of(letter, self._language)) is not None]
        directions = [unicodedata.bidirectional(letter) for letter, _ in found]
        if not _FROM_RIGHT.isdisjoint(directions):
            # Pillow orders what is in one font; pieces are ordered as the first letter that has a direction says.
            whole = "".join(letter for letter, _ in found)
            for file in dict.fromkeys(file for _, file in found):
                if all(_has(file, letter) for letter in whole):
                    return [(file, whole)]
        pieces = [
            (file, "".join(letter for letter, _ in part)) for file, part in groupby(found, key=lambda pair: pair[1])
        ]
        first = next((direction for direction in directions if direction in {"L", *_FROM_RIGHT}), "L")
        return pieces if first == "L" else pieces[::-1]


@functools.lru_cache(maxsize=4096)
def _font_of(letter: str, language: str) -> _File | None:
    """The first font that has the letter; none for one that Pillow can't put in its order."""
    if unicodedata.bidirectional(letter) in _FROM_RIGHT and not features.check("raqm"):
        return None
    for file in (_OWN, *_FIRST.get(language, ()), *_OTHERS):
        if _has(file, letter):
            return file
    return None


@functools.lru_cache(maxsize=4096)
def _has(file: _File, letter: str) -> bool:
    """Whether a font has a letter: it draws the same for all that it lacks, and for what is no letter."""
    font = _tried(file)
    return font is not None and (letter.isspace() or _drawn(font, letter) != _drawn(font, "\U0010ffff"))


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> tuple[object, bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


@functools.lru_cache(maxsize=64)
def _tried(file: _File) -> ImageFont.FreeTypeFont | None:
    """Opened at one size, to see what it has; None where the system has no such file."""
    try:
        return ImageFont.truetype(file.regular, 24, file.face, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None


def _stepped(size: float) -> float:
    """In steps, since each size is a font of its own, and what floats grows steadily."""
    return max(1.0, round(2 * size) / 2)


@functools.lru_cache(maxsize=64)
def _opened(file: _File, size: float, bold: bool) -> ImageFont.FreeTypeFont:
    try:
        font = ImageFont.truetype(file.bold if bold else file.regular, size, file.face)
    except OSError:  # the system has no bold one of it
        font = ImageFont.truetype(file.regular, size, file.face)
    if file == _OWN:
        font.set_variation_by_axes([min(max(size, _OPTICAL[0]), _OPTICAL[1]), _BOLD if bold else _REGULAR])
    return font
