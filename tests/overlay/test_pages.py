"""The pages' files: the same contract as the relay's, complete pictures, nothing from elsewhere."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from relay.protocol import CHANNEL_PATTERN, EXPRESSIONS, TAPS
from tests.contract import fields_of, kinds_to_a_subscriber

OVERLAY = Path(__file__).parents[2] / "overlay"
DOCS = (OVERLAY.parent / "docs" / "overlay.md").read_text("utf-8")
SOURCES = sorted(path for path in OVERLAY.iterdir() if path.suffix in {".html", ".js", ".css"})
OPTIONS = json.loads((OVERLAY / "options.json").read_text("utf-8"))
VIEWS = ["consent-view", "live-view", "audience-view", "people-view", "sent-view", "small-window"]
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


def test_the_pages_check_messages_and_fields_that_there_are() -> None:
    """As contract.test.mjs and the type check do, which need Node.js."""
    checks = (OVERLAY / "contract.js").read_text("utf-8").partition("const CHECKS = {\n")[2].partition("\n};")[0]
    asked = dict(re.findall(r"^  (\w+): \(m\) =>((?:.|\n(?!  \w))+)", checks, re.MULTILINE))
    assert set(asked) == kinds_to_a_subscriber()
    for kind, check in asked.items():
        fields = set(re.findall(r"\bm\.(\w+)", check))
        assert fields
        assert fields <= fields_of(kind), kind


@pytest.mark.parametrize("kind", ["mood", "marker"])
def test_the_pages_read_fields_that_there_are(kind: str) -> None:
    """Where a variable is named like the message that it is."""
    texts = [path.read_text("utf-8") for path in SOURCES if path.suffix == ".js" and path.name != "history.js"]
    read = set(re.findall(rf"(?<![\w.-]){kind}\.([a-z_]+)\b(?!\()", "\n".join(texts)))
    assert read, "the pages call it otherwise now: mend this test"
    assert read <= fields_of(kind)


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


class _Inline(HTMLParser):
    """What a page's policy would stop: scripts and styles that stand in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in named):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name, value in attrs if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {name}" for name, value in attrs if (value or "").lower().startswith("javascript:")]


@pytest.mark.parametrize("page", sorted(OVERLAY.glob("*.html")), ids=lambda path: path.name)
def test_no_script_or_style_stands_in_a_page(page: Path) -> None:
    assert _Inline(page.read_text("utf-8")).found == []


@pytest.mark.parametrize("source", sorted(OVERLAY.rglob("*.js")), ids=lambda path: path.name)
def test_scripts_write_no_markup(source: Path) -> None:
    """Text of strangers can then become none; and styles in markup would need a laxer policy."""
    text = re.sub(r"//.*|/\*.*?\*/", "", source.read_text("utf-8"))
    writes = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|DOMParser"
    runs = r"\beval\(|new Function|setTimeout\(\s*[\"'`]|javascript:"
    styles = r"createElement\(\"style\"|make\(\"style\"|setAttribute\(\"style\"|cssText"
    assert re.findall(f"{writes}|{runs}|{styles}", text) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_refers_to_nothing_that_is_missing_or_elsewhere(source: Path) -> None:
    text = source.read_text("utf-8")
    assert set(re.findall(r"(?:https?|wss?)://\w[\w.]+", text)) <= {"http://www.w3.org", "https://relay.example.org"}
    names = re.findall(r"""(?:from|import) ["']\./([^"']+)["']""", text)
    names += re.findall(r"""(?:@import |\burl\()["']([^"']+)["']""", text)
    names += re.findall(r"\$\{files\}([\w.]+)", text)
    names += re.findall(r"""new URL\("([\w.]+\w)", import\.meta\.url\)""", text)
    if source.suffix == ".html":
        parser = _References()
        parser.feed(text)
        files = [name.removeprefix("../") for name in parser.found if not name.startswith("data:")]
        names += [name.removeprefix("static/") for name in files]
    assert [name for name in names if not (OVERLAY / name).is_file()] == []


def test_the_options_have_the_fields_of_their_kind() -> None:
    """As options.js and the OBS script read them; docs/overlay.md is generated from them."""
    own = {
        "channel": set(), "address": {"usual"}, "text": {"longest"}, "choice": {"values"},
        "number": {"least", "most", "step"},
    }  # fmt: skip
    names = [row["name"] for row in OPTIONS]
    assert len(set(names)) == len(names)
    for row in OPTIONS:
        assert set(row) - {"look"} == {"name", "label", "kind", "default", "help"} | own[row["kind"]], row["name"]
        assert re.fullmatch("[a-z]+", row["name"])
        assert row["label"][:1].isupper()
        assert not row["label"].endswith(".")
        assert row["help"].endswith(".")
        assert row.get("look", True) is True
        if row["kind"] == "choice":
            assert row["default"] in row["values"]
            values = row["values"].items()
            assert all(re.fullmatch("[a-z]+(-[a-z]+|-[A-Z]{2})?", value) and label for value, label in values)
        if row["kind"] == "number":
            assert row["least"] <= row["default"] <= row["most"]
            assert row["step"] > 0


def test_the_pages_know_every_option() -> None:
    """As the type check does, which needs Node.js."""
    typed = (OVERLAY / "options.js").read_text("utf-8").partition("@typedef {object} Options")[2].partition("*/")[0]
    assert set(re.findall(r"@property \{.+?\} (\w+)", typed)) == {row["name"] for row in OPTIONS} | {"key"}


def test_every_documented_class_and_variable_exists() -> None:
    sheet = (OVERLAY / "overlay.css").read_text("utf-8")
    css = sheet + "".join((OVERLAY / name).read_text("utf-8") for name in re.findall(r'@import "(.+?)"', sheet))
    page = css + "".join((OVERLAY / name).read_text("utf-8") for name in ("overlay.html", "countdown.js"))
    classes = set(re.findall(r"\.(moodcast[\w-]*)", DOCS))
    variables = set(re.findall(r"--moodcast-[a-z-]+", DOCS))
    assert len(classes) > 5
    assert [name for name in classes if name not in page] == []
    assert [name for name in variables if f"{name}:" not in css and f"var({name}" not in css] == []


class _Elements(HTMLParser):
    """The tag of each element that has an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags |= {value: tag for name, value in attrs if name == "id" and value}


@pytest.mark.parametrize(
    ("page", "scripts"),
    [
        (
            "dashboard.html",
            ["dashboard.js", "controls.js", "feedlist.js", "invite.js", "keys.js", "people.js", "admin.js"],
        ),
        ("try.html", ["try.js"]),
        ("join.html", ["join.js", *(f"viewer/{name}.js" for name in VIEWS)]),
    ],
)
def test_scripts_look_for_elements_that_the_page_has(page: str, scripts: list[str]) -> None:
    tags = _Elements((OVERLAY / page).read_text("utf-8")).tags
    text = "\n".join((OVERLAY / script).read_text("utf-8") for script in scripts)
    wanted = [(name, "HTMLElement") for name in re.findall(r'\bfind\("([\w-]+)"\)', text)]
    wanted += [(name, kind) for kind, name in re.findall(r'\bonly\((\w+), "#([\w-]+)"\)', text)]
    assert len(wanted) > 9
    kinds = {"a": "Anchor", "img": "Image", "ol": "OList", "textarea": "TextArea", "ul": "UList"}
    for name, kind in wanted:
        assert name in tags, f"{page} has no {name}"
        tag = tags[name]
        own = f"HTML{kinds.get(tag, tag.capitalize())}Element"
        assert kind in (["SVGElement"] if tag == "svg" else ["HTMLElement", own]), f"{name} is a <{tag}>"


def _loaded(script: Path, found: set[Path]) -> set[Path]:
    """A script and all that it imports."""
    if script not in found:
        found.add(script)
        for name in re.findall(r'^(?:im|ex)port\b[^;]*?from "([^"]+)"', script.read_text("utf-8"), re.MULTILINE):
            _loaded((script.parent / name).resolve(), found)
    return found


def test_the_dashboard_asks_for_all_its_files_at_once() -> None:
    """Else each waits for the one that imports it, four deep."""
    text = (OVERLAY / "dashboard.html").read_text("utf-8")
    wanted = _loaded(OVERLAY.resolve() / "dashboard.js", set())
    modules = re.findall(r'<link rel="modulepreload" href="static/([^"]+)"', text)
    assert sorted(modules) == sorted(path.relative_to(OVERLAY.resolve()).as_posix() for path in wanted)
    script = (OVERLAY / "dashboard.js").read_text("utf-8")
    parts = re.findall(r'"(\w+)"', re.findall(r"await load\((.*?)\)", script)[0])
    fetched = re.findall(r'<link rel="preload" as="fetch" crossorigin="anonymous" href="static/([^"]+)"', text)
    assert fetched == ["options.json", *(f"texts/{part}.json" for part in parts)]
