"""The picture for an OBS without browser sources looks like the page: words, colours and lengths."""

import json
import re
from pathlib import Path

import pytest

from relay.common import look, paint, texts
from relay.http import picture

PAGES = Path(__file__).parents[2] / "overlay"
SHEET = (PAGES / "overlay.css").read_text()
SHEETS = SHEET + "".join((PAGES / name).read_text() for name in re.findall(r'@import "(.+?)"', SHEET))
SHEETS = re.sub(r"/\*.*?\*/", "", SHEETS, flags=re.DOTALL)
SCRIPTS = {path.stem: path.read_text() for path in PAGES.glob("*.js")}


def css(selector: str, name: str) -> str:
    """What a rule of the style sheets says; variables with a fallback are the fallback, others their value."""
    blocks = re.findall(rf"(?:^|[,}}])\s*{re.escape(selector)}\s*\{{([^}}]*)\}}", SHEETS, re.MULTILINE)
    (value,) = {found for block in blocks for found in re.findall(rf"(?<![\w-]){name}:\s*([^;]+);", block)}
    value = re.sub(r"var\(--[\w-]+, ((?:[^()]|\([^()]*\))+)\)", r"\1", value)
    return re.sub(r"var\((--[\w-]+)\)", lambda variable: css(":where(:root)", variable[1]), value)


def lengths(selector: str, name: str, unit: str = "em") -> list[float]:
    """Every length of a declaration in this unit, in order."""
    return [float(number) for number in re.findall(rf"(-?[\d.]+){unit}(?!\w)", css(selector, name))]


def colours(text: str) -> list[tuple[int, ...]]:
    """Every colour in a value: three numbers, or four where it lets something through."""
    found = []
    for written in re.findall(r"#[0-9a-f]+|rgba\([^)]+\)", text):
        if written.startswith("#"):
            digits = written[1:] if len(written) == 7 else "".join(2 * digit for digit in written[1:])
            found.append(tuple(bytes.fromhex(digits)))
        else:
            *rgb, alpha = (float(part) for part in written[5:-1].split(","))
            found.append((*map(int, rgb), round(255 * alpha)))
    return found


def colour(selector: str, name: str) -> tuple[int, ...]:
    (found,) = colours(css(selector, name))
    return found


def number(script: str, pattern: str) -> tuple[float, ...]:
    """The numbers in a script where the pattern's groups are."""
    found = re.search(pattern, SCRIPTS[script])
    assert found, f"{script}.js has no {pattern}"
    return tuple(float(group) for group in found.groups())


def test_words() -> None:
    """Both take them from the same files."""
    page = (PAGES / "overlay.html").read_text()
    assert str(texts.table("overlay")["tune"]["en"]) in page


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, "0 %"), (0.125, "13 %"), (0.625, "63 %"), (0.504, "50 %"), (1, "100 %")]
)
def test_shares_are_rounded_as_on_the_page(share: float, told: str) -> None:
    """JavaScript rounds halves up, Python's ``round`` to even ones."""
    assert "number: Math.round(100 * share) });" in SCRIPTS["figures"]
    assert picture._percent(picture._Hand("en"), share) == told


def test_colours() -> None:
    assert colour(".moodcast-panel", "background") == look.PANEL
    assert colour(".moodcast", "color") == look.TEXT
    assert colour(".moodcast-figures", "color") == colour(".moodcast-title", "color") == look.MUTED
    assert colour(".moodcast-tune-value", "color") == look.TEXT
    assert colours(css(".moodcast-panel", "box-shadow")) == [look.RIM, (0, 0, 0, look.SHADOW)]
    assert tuple(colours(css(".moodcast-meter-fill", "background"))) == look.METER
    assert colour(".moodcast-meter", "background") == look.METER_TRACK
    assert colour(".moodcast-bar", "background") == look.TRACK
    light, none, shade = colours(css(".moodcast-bar::after", "background"))
    assert (light, none, shade) == (
        (255, 255, 255, round(255 * look.LIGHT)), (255, 255, 255, 0), (0, 0, 0, round(255 * look.SHADE)),
    )  # fmt: skip
    assert colour(".moodcast-segment-face::before", "background") == look.FACE_RING
    assert colour(".moodcast-segment-face[data-dot]::before", "box-shadow") == look.FACE_RING
    assert colour(".moodcast-count", "background") == look.COUNT_GROUND
    assert colour(".moodcast-count", "color") == look.TEXT


def test_colours_of_the_countdown() -> None:
    assert colour(".moodcast-countdown-disc", "background") == look.DIGIT_GROUND
    assert colour(".moodcast-countdown-sweep", "background") == look.DIGIT_RING
    assert colour(".moodcast-countdown-zero-disc", "background") == look.ZERO_GROUND
    assert colour(".moodcast-countdown-number[data-zero]", "color") == look.ZERO_INK
    assert colours(css(".moodcast-countdown-zero-disc", "box-shadow"))[0] == look.ZERO_RING


def test_both_take_the_expressions_colours_from_one_file() -> None:
    for sheet in ("overlay", "dashboard", "try"):
        assert '@import "palette.css";' in (PAGES / f"{sheet}.css").read_text()
    written = json.loads((PAGES / "palette.json").read_text())
    assert {name: tuple(bytes.fromhex(text[1:])) for name, text in written.items()} == paint.palette()


def test_lengths_of_the_panel() -> None:
    assert lengths(".moodcast-panel", "margin") == [look.MARGIN]
    assert lengths(".moodcast-panel", "padding") == [look.PADDING_TOP, look.PADDING_X, look.PADDING_BOTTOM]
    assert lengths(".moodcast-panel", "border-radius") == [look.RADIUS]
    assert lengths(".moodcast-panel", "box-shadow") == [look.SHADOW_DOWN, look.SHADOW_BLUR]
    assert lengths(".moodcast-panel", "width") == [look.WIDTH]
    assert lengths(".moodcast-panel", "column-gap") == [look.LEADER_GAP] == [look.ROW_GAP]
    assert lengths(".moodcast-audience", "margin-top") == [look.ROW_BELOW]
    assert lengths(".moodcast-leader-face", "width") == lengths(".moodcast-leader-face", "height") == [look.LEADER]
    assert lengths(".moodcast-leader-room", "font-size") == [look.LEADER_TEXT]  # and of the text in it
    assert css(".moodcast-leader-room", "line-height") == str(look.LINE)
    assert css('.moodcast:not([data-state="live"]) .moodcast-leader-face img', "opacity") == str(look.LEADER_RESTING)
    assert lengths('.moodcast:not([data-state="live"]) .moodcast-leader-text', "font-size") == [look.WAITING_TEXT]
    assert lengths(".moodcast-figures", "gap") == [look.FIGURES_GAP]
    assert lengths(".moodcast-tune", "gap") == [look.TUNE_GAP]
    assert lengths(".moodcast-tune-value", "min-width") == [look.TUNE_VALUE]
    assert lengths(".moodcast-meter", "width") == [look.METER_WIDTH]
    assert lengths(".moodcast-meter", "height") == [look.METER_HEIGHT]


def test_lengths_of_the_bar() -> None:
    assert lengths(".moodcast-bar", "height") == [look.BAR]
    assert lengths(".moodcast-segment-face img", "width", "%") == [100 * look.FACE]
    assert lengths(".moodcast-bar::after", "background", "%") == [100 * look.LIGHT_UNTIL]
    assert number("bar", r"GAP = ([\d.]+);") == (look.SEGMENT_GAP,)
    assert lengths(".moodcast-segment-face::before", "inset", "%") == [pytest.approx(50 * (1 - look.DISC))]
    (core,) = lengths(".moodcast-segment-face[data-dot]::before", "inset", "%")
    assert core == pytest.approx(50 * (1 - look.DOT_CORE))
    (ring,) = lengths(".moodcast-segment-face[data-dot]::before", "box-shadow")
    assert look.DOT_CORE + 2 * ring / look.BAR == pytest.approx(look.DISC, abs=0.02)
    for name in ("FACE_ROOM", "LEAST_FACE", "DOT", "DISC"):
        assert number("figures", rf"const {name} = ([\d.]+);") == (getattr(look, name),)
    assert number("bar", r"RESTING = ([\d.]+);") == (look.RESTING,)


def test_lengths_of_reactions_and_countdown() -> None:
    assert lengths(".moodcast-reaction img", "width") == lengths(".moodcast-reaction img", "height") == [look.REACTION]
    assert number("reactions", r"([\d.]+) \+ ([\d.]+) \* Math\.sqrt") == (look.SMALLEST, look.GROWTH)
    assert number("reactions", r"const x = ([\d.]+) \+ ([\d.]+) \* Math\.random") == (look.FROM_LEFT, look.SPREAD)
    assert number("reactions", r"LARGEST = ([\d.]+);") == (look.SMALLEST + look.GROWTH,)
    assert lengths(".moodcast-reaction[hidden]", "font-size") == [look.SMALLEST + look.GROWTH]
    assert number("reactions", r"height \* \(([\d.]+) \+ ([\d.]+) \* Math\.random") == (look.RISE, look.MORE_RISE)
    assert number("reactions", r"sway = ([\d.]+) \* width") == (look.SWAY,)
    assert number("reactions", r"at\(0, 0, ([\d.]+)\), opacity: 0") == (look.FIRST_SIZE,)
    assert number("reactions", r"opacity: 1, offset: ([\d.]+)") == (look.GROWN,)
    last = r"opacity: 1, offset: ([\d.]+), easing: \"ease-in-out\" \},\n\s+\{ [^\n]*opacity: 0 \}"
    assert number("reactions", last) == (look.FADES,)
    assert lengths(".moodcast-count", "left", "%") == [100 * look.COUNT_LEFT]
    assert lengths(".moodcast-count", "bottom") == [-look.COUNT_BELOW]
    around, beside = lengths(".moodcast-count", "padding")
    (line,) = (float(height) for height in re.findall(r"1em / ([\d.]+)", css(".moodcast", "font")))
    assert pytest.approx((look.COUNT_HEIGHT, look.COUNT_WIDER)) == (line + 2 * around, 2 * beside)
    (side,) = lengths(".moodcast-countdown-face", "width")
    assert lengths(".moodcast-countdown-number", "font-size") == [look.DIGIT_SIZE * side]
    assert lengths(".moodcast-countdown-zero-disc", "box-shadow")[0] == pytest.approx(look.RING_WIDTH * side)


@pytest.mark.parametrize(
    ("width", "height"),
    [(1920, 1080), (1280, 720), (1080, 1920), (1920, 200), (640, 120), (320, 180), (640, 60), (1920, 60)],
)
def test_both_have_one_size_of_all_lengths(width: int, height: int) -> None:
    grown = css(".moodcast", "font-size")
    numbers = (float(found) for found in re.findall(r"([\d.]+)(?:px|vmax|vw|vh)", grown))
    least, longer, across, down, most, widest, highest = numbers
    shape = "min(clamp(#px, min(#vmax, #vw, #vh), #px) * 1, #vw, #vh)"
    assert re.sub(r"[\d.]+(?=px|vmax|vw|vh)", "#", grown) == shape
    wide, high = width / 100, height / 100
    usual = min(longer * max(wide, high), across * wide, down * high)
    page = min(max(least, usual), most, widest * wide, highest * high)
    assert look.em(width, height) == pytest.approx(page)
