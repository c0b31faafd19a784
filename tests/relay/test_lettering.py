"""Text in the picture: in the pages' font or the system's, with its spaces, and never a box for a letter."""

import os
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from relay.common import texts
from relay.common.lettering import Pen
from relay.http.picture import Wording, notice
from tests.support import HANG_S

HEBREW, ARABIC = "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"
ENGLISH = Pen("en")
Alpha = npt.NDArray[np.uint8]


def drawn(pen: Pen, text: str, bold: bool = False, right: bool = False) -> Alpha:
    """The alpha of a line that begins, or ends, 20 pixels from the picture's edge."""
    canvas = Image.new("RGBA", (900, 80))
    pen.write(canvas, text, 880 if right else 20, 40, 32, (255, 255, 255), bold, "r" if right else "l")
    return np.asarray(canvas)[..., 3]


def needs(pen: Pen, text: str, package: str) -> None:
    if pen.missing(text):
        pytest.skip(f"no font here has {text!r}: install {package}")


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("size", [11, 12, 13, 15, 16, 20, 32])
def test_words_stand_apart(size: int, bold: bool) -> None:
    """Pillow's own font left two pixels between the words of a bold line of 15: it read as one word."""
    canvas = Image.new("RGBA", (400, 60))
    ENGLISH.write(canvas, "five people share", 5, 30, size, (255, 255, 255), bold)
    columns = np.asarray(canvas)[..., 3].max(axis=0) > 60
    gaps = sorted(len(gap) for gap in "".join("x" if ink else " " for ink in columns).strip().split("x"))
    assert gaps[-2] > 0.22 * size


def test_a_bold_line_is_heavier_and_wider() -> None:
    assert ENGLISH.length("happy", 32, bold=True) > ENGLISH.length("happy", 32)
    assert drawn(ENGLISH, "happy", bold=True).sum() > 1.1 * drawn(ENGLISH, "happy").sum()


@pytest.mark.parametrize("anchor", ["l", "m", "r"])
def test_a_line_is_where_it_was_asked_for(anchor: str) -> None:
    canvas = Image.new("RGBA", (900, 80))
    end = ENGLISH.write(canvas, "nnnn", 400, 40, 32, (255, 255, 255), anchor=anchor)  # type: ignore[arg-type]
    ink = np.nonzero(np.asarray(canvas)[..., 3].max(axis=0) > 40)[0]
    asked = {"l": ink[0], "m": (ink[0] + ink[-1]) / 2, "r": ink[-1]}[anchor]
    assert asked == pytest.approx(400, abs=4)
    assert end == pytest.approx(ink[-1], abs=4)


def test_chinese_and_japanese_have_letters_of_their_own() -> None:
    japanese, chinese = Pen("ja"), Pen("zh-CN")
    needs(japanese, "\u76f4\u9aa8\u3042", "fonts-droid-fallback")
    assert not chinese.missing("\u76f4\u9aa8")
    assert drawn(japanese, "\u76f4\u9aa8").any()
    ours = drawn(ENGLISH, "62 %")
    for pen in (japanese, chinese):
        both = drawn(pen, "62 % \u76f4\u9aa8")
        assert (both[:, :90] == ours[:, :90]).all()  # figures stay in the pages' font, on the same line
        assert both[:, 110:].any()


@pytest.mark.parametrize("text", [HEBREW, ARABIC], ids=["hebrew", "arabic"])
def test_a_line_from_right_to_left_begins_at_the_right(text: str) -> None:
    if not features.check("raqm"):
        assert ENGLISH.missing(text) == "".join(dict.fromkeys(text))
        pytest.skip("Pillow has no raqm here")
    needs(ENGLISH, text, "fonts-dejavu-core")
    first, rest = drawn(ENGLISH, text[0], right=True), drawn(ENGLISH, text, right=True)
    assert (rest[:, 870:] > 40).any() == (first[:, 870:] > 40).any()
    reverse = drawn(ENGLISH, text[::-1], right=True)
    assert (rest != reverse).any()
    # Figures keep their own direction, and stand to the left of what comes before them.
    with_number = drawn(ENGLISH, f"{text} 42", right=True)
    assert (with_number[:, 868:] == rest[:, 868:]).all()


@given(st.text(max_size=40))
def test_whatever_is_written_takes_the_room_that_was_told(text: str) -> None:
    canvas = Image.new("RGBA", (1, 1))
    line = " ".join(text.split())
    assert ENGLISH.write(canvas, line, 7, 0, 20, (0, 0, 0)) == pytest.approx(7 + ENGLISH.length(line, 20), abs=0.01)


def test_letters_that_no_font_has_are_told_and_left_out() -> None:
    assert ENGLISH.missing("a\U0010fffdb\U0010fffd") == "\U0010fffd"
    assert (drawn(ENGLISH, "a\U0010fffdb") == drawn(ENGLISH, "ab")).all()
    assert (
        notice(Wording("en", "a\U0010fffdb")) == "The title lacks U+10FFFD, which no font on the relay's machine has."
    )
    assert notice(Wording("en", "Ti\u1ebfng Vi\u1ec7t, \u0440\u0443\u0441\u0441\u043a\u0438\u0439")) == ""


def test_a_machine_without_fonts_says_so_and_writes_english() -> None:
    """In a process of its own, which finds no font of the system."""
    code = (
        "from relay.common.texts import LANGUAGES\n"
        "from relay.http.picture import Wording, notice\n"
        "for language in LANGUAGES: print(language, notice(Wording(language)), sep='|')"
    )
    empty = {**os.environ, "XDG_DATA_DIRS": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S, check=True, env=empty
    )
    told = dict(line.split("|") for line in done.stdout.splitlines())
    assert told.keys() == set(texts.LANGUAGES)
    without = {language for language, sentence in told.items() if sentence}
    if sys.platform == "linux":
        assert without == {"zh-TW", "zh-CN", "ja"}
    for language in without:
        expected = f"The picture's words are in English: no font on the relay's machine has all letters of {language}."
        assert told[language] == expected
