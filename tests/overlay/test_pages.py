"""The pages' files: the same contract as the relay's, complete pictures, nothing from elsewhere."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from relay.protocol import CHANNEL_PATTERN, EXPRESSIONS, TAPS

OVERLAY = Path(__file__).parents[2] / "overlay"
DOCS = (OVERLAY.parent / "docs" / "overlay.md").read_text("utf-8")
SOURCES = sorted(path for path in OVERLAY.iterdir() if path.suffix in {".html", ".js", ".css"})
NAMESPACE = "http://www.w3.org/2000/svg"


def constant(name: str) -> str:
    """The literal that contract.js gives an exported constant."""
    found = re.search(rf"^export const {name} = (.+);$", (OVERLAY / "contract.js").read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1]


def test_the_pages_have_the_relays_contract() -> None:
    assert json.loads(constant("EXPRESSIONS")) == list(EXPRESSIONS)
    assert json.loads(constant("TAPS")) == list(TAPS)
    assert constant("CHANNEL_PATTERN") == f"/{CHANNEL_PATTERN}/"


def test_every_expression_has_a_colour() -> None:
    palette = json.loads((OVERLAY / "palette.json").read_text("utf-8"))
    assert list(palette) == list(EXPRESSIONS)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in palette.values())


@pytest.mark.parametrize("name", [*EXPRESSIONS, *TAPS])
def test_every_expression_and_tap_has_a_picture(name: str) -> None:
    with Image.open(OVERLAY / "pictures" / f"{name}.png") as picture:
        assert (picture.mode, picture.size) == ("RGBA", (128, 128))
        alpha = picture.getchannel("A")
        assert alpha.getpixel((0, 0)) == 0
        assert alpha.getpixel((64, 64)) == 255
    drawing = ElementTree.parse(OVERLAY / "pictures" / f"{name}.svg").getroot()  # our own file
    assert drawing.get("viewBox") == "0 0 128 128"
    assert drawing.findtext(f"{{{NAMESPACE}}}title") == name


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        page = ".html" if tag == "a" else ""  # a link leads to another page
        self.found += [value + page for name, value in attrs if name in {"src", "href"} and value]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_refers_to_nothing_that_is_missing_or_elsewhere(source: Path) -> None:
    text = source.read_text("utf-8")
    assert set(re.findall(r"(?:https?|wss?)://\w[\w.]+", text)) <= {"http://www.w3.org", "https://relay.example.org"}
    names = re.findall(r"""(?:from|import) ["']\./([^"']+)["']""", text)
    names += re.findall(r"""@import ["']([^"']+)["']""", text)
    names += re.findall(r"\$\{files\}([\w.]+)", text)
    if source.suffix == ".html":
        parser = _References()
        parser.feed(text)
        names += [name.removeprefix("static/") for name in parser.found if not name.startswith("data:")]
    assert [name for name in names if not (OVERLAY / name).is_file()] == []


def test_every_option_of_the_address_is_documented() -> None:
    table = (OVERLAY / "options.js").read_text("utf-8").partition("const OPTIONS = {")[2].partition("\n};")[0]
    options = set(re.findall(r"^  (\w+):", table, re.MULTILINE)) | {"key"}
    documented = set(re.findall(r"^\| `#?(\w+)=?` \|", DOCS, re.MULTILINE))
    assert documented == options


def test_every_documented_class_and_variable_exists() -> None:
    css = "".join((OVERLAY / name).read_text("utf-8") for name in ("overlay.css", "mood.css"))
    page = css + "".join((OVERLAY / name).read_text("utf-8") for name in ("overlay.html", "countdown.js"))
    classes = set(re.findall(r"\.(moodcast[\w-]*)", DOCS))
    variables = set(re.findall(r"--moodcast-[a-z-]+", DOCS))
    assert len(classes) > 5
    assert [name for name in classes if name not in page] == []
    assert [name for name in variables if f"{name}:" not in css and f"var({name}" not in css] == []
