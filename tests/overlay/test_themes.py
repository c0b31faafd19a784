"""Each theme's texts can be read on its own ground, whatever lies behind it (WCAG AA: 4.5)."""

import re
from pathlib import Path

import pytest

from benchmarks.colour_vision import contrast, linear

SHEET = re.sub(r"/\*.*?\*/", "", (Path(__file__).parents[2] / "overlay" / "themes.css").read_text("utf-8"), flags=re.S)
DARK = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", SHEET.split("}")[0]))
THEMES = {"dark": DARK} | {
    name: DARK | dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))
    for name, block in re.findall(r':where\(:root\[data-theme="(\w+)"\]\) \{(.*?)\}', SHEET, re.S)
}
OUTLINED = "minimal"
"""Has no ground: its letters have an outline, which is what they are read against."""


def grounds(value: str, behind: str = "") -> list[str]:
    """What colours of a ground a text may lie on: each that it names; what lets through, over black and over white."""
    found = []
    for written in re.findall(r"#[0-9a-f]{3,6}\b|rgba\([^)]+\)", value):
        if written.startswith("#"):
            found.append(written if len(written) == 7 else "#" + "".join(2 * digit for digit in written[1:]))
            continue
        *rgb, alpha = (float(part) for part in written[5:-1].split(","))
        for back in [behind] if behind else ["#000000", "#ffffff"]:
            under = bytes.fromhex(back[1:])
            mixed = (round(alpha * over + (1 - alpha) * below) for over, below in zip(rgb, under, strict=True))
            found.append("#" + bytes(mixed).hex())
    return found


def test_there_are_five_themes() -> None:
    assert set(THEMES) == {"dark", "light", "contrast", "minimal", "comic"}


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("text", "panel"), ("muted", "panel"), ("notice", "panel"),
        ("count-text", "count"), ("moment-text", "moment-ground"),
    ],
)  # fmt: skip
def test_texts_are_read_on_their_ground(name: str, text: str, ground: str) -> None:
    theme = THEMES[name]
    value = theme[f"--moodcast-{ground}"]
    under = grounds(value.rpartition("linear-gradient")[2], "#ffffff")[0] if "linear-gradient" in value else ""
    found = grounds(value, under)
    if name == OUTLINED and value == "transparent":
        found = grounds(theme["--moodcast-text-shadow"].partition(",")[0])
    (ink,) = grounds(theme[f"--moodcast-{text}"])
    assert found
    assert min(contrast(linear(ink), linear(colour)) for colour in found) >= (7 if name == "contrast" else 4.5)
