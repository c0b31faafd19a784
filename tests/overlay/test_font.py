"""The pages' font: small, under its licence, and with every letter that the pages' own texts have."""

import re
from pathlib import Path

import pytest
from PIL import ImageFont

from docs import font
from relay.common import texts

FONTS = Path(__file__).parents[2] / "overlay" / "fonts"
MOST_BYTES = 200_000
ITS_OWN: tuple[texts.Language, ...] = ("en", "vi", "ru", "es", "de", "fr")
"""The languages that are written in it; the others in fonts of the system."""


def test_the_font_is_small_and_its_licence_lies_beside_it() -> None:
    assert (FONTS / "inter.woff2").stat().st_size <= MOST_BYTES
    licence = (FONTS / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "The Inter Project Authors" in licence


def test_the_font_has_the_weights_that_the_pages_use() -> None:
    (weights,) = [axis for axis in _font().get_variation_axes() if axis["name"] == b"Weight"]
    assert (weights["minimum"], weights["maximum"]) == font.WEIGHTS
    sheets = "".join(sheet.read_text("utf-8") for sheet in FONTS.parent.glob("*.css"))
    assert "font-weight: {} {};".format(*font.WEIGHTS) in sheets
    used = {int(found) for found in re.findall(r"font(?:-weight)?: (\d{3})\b(?! \d)", sheets)}
    assert used
    assert all(font.WEIGHTS[0] <= weight <= font.WEIGHTS[1] for weight in used)


@pytest.mark.parametrize("language", ITS_OWN)
def test_the_font_has_every_letter_of_a_language(language: texts.Language) -> None:
    inter = _font()
    missing = _drawn(inter, "\U0010ffff")
    written = {"0123456789 +-\N{MINUS SIGN}\N{MULTIPLICATION SIGN}\N{EN DASH}\N{HORIZONTAL ELLIPSIS}%:,.\N{MIDDLE DOT}"}
    for part in texts.FOLDER.glob("*.json"):
        if part.stem == "languages":
            continue
        for text in texts.table(part.stem).values():
            own = text[language]
            written |= {own} if isinstance(own, str) else set(own.values())
    letters = {letter for text in written for letter in text if not letter.isspace()}
    without = {letter for letter in letters if _drawn(inter, letter) == missing}
    assert without == set(), "python -m docs.font makes a font that has them"


def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / "inter.woff2", 40)


def _drawn(inter: ImageFont.FreeTypeFont, letter: str) -> tuple[object, bytes]:
    mask = inter.getmask(letter)
    return mask.size, bytes(mask)
