"""The docs say what the code does."""

import ast
import re
from pathlib import Path

import pytest

import moodcast
from benchmarks import rooms
from docs import generate
from relay import settings
from relay.protocol import EXPRESSIONS

ROOT = Path(__file__).parent.parent
INDEX = ROOT / "docs" / "decisions" / "README.md"
WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_generated_page_is_current(page: Path) -> None:
    assert page.read_text() == generate.PAGES[page](), "run `make docs`"


def test_every_option_is_documented() -> None:
    text = (ROOT / "docs" / "options.md").read_text()
    for name, (table, _) in moodcast.PROGRAMS.items():
        section = text.split(f"## moodcast {name}\n")[1].split("\n## ")[0]
        for option in settings.options(table):
            assert f"`{option.flag}`" in section or option.unseen
            assert f"`{option.variable}`" in section
            assert option.help in section


def test_exit_codes_are_unique() -> None:
    codes = re.findall(r"^\| (\d+) \|", generate.errors_markdown(), re.MULTILINE)
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    """As in `relay/protocol.py` or `tests/e2e/`, in text and in commands."""
    folders = "|".join(["deploy", "docs", *(path.parent.name for path in ROOT.glob("*/__init__.py"))])
    file = rf"(?<![\w./:-])(?:{folders})/[\w./-]*(?:\.(?:py|js|css|md|toml|json|html|service)\b|/(?=[`\s]))"
    named = {name for name in re.findall(file, page.read_text()) if "NAME" not in name}
    assert [name for name in named if not (ROOT / name).exists() and not (page.parent / name).exists()] == []


def test_what_the_trainer_consists_of_is_there() -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    (paragraph,) = re.findall(r"^`models/training/` has one idea a file: .+?^$", text, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", paragraph))
    assert named - {path.stem for path in (ROOT / "models" / "training").glob("*.py")} == set()


def test_every_decision_is_listed_and_has_its_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((\S+)\) \| (\S+) \|$", INDEX.read_text(), re.MULTILINE)
    assert [file for _, _, file, _ in rows] == [page.name for page in pages]
    for place, (number, title, file, date) in enumerate(rows, 1):
        assert int(number) == int(file[:4]) == place
        text = (INDEX.parent / file).read_text()
        assert text.startswith(f"# {number}. {title}\n\nDecided {date}")
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts[:3] == ["Context", "Alternatives", "Decision"]
        assert parts[3:] in (["Measured by"], ["Checked by"])


def anchors(page: Path) -> set[str]:
    """What a link may have behind its ``#``: a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_imports_point_one_way() -> None:
    """As the design says: between folders, between their rooms, without circles, and in plain sight."""
    found = rooms.imports(rooms.working_tree())
    assert len(found) > 400
    assert rooms.upwards(found) == []
    assert rooms.hidden(found) == []
    assert rooms.circles(found) == []


def test_a_name_has_one_meaning() -> None:
    texts = {f"benchmarks/{file.name}": file.read_text() for file in (ROOT / "benchmarks").glob("*.py")}
    assert rooms.doubles(rooms.working_tree() | texts) == {}


@pytest.mark.parametrize("top", rooms.ROOMS)
def test_every_file_and_folder_is_a_room(top: str) -> None:
    names = {path.split("/")[1].removesuffix(".py") for path in rooms.working_tree() if path.startswith(f"{top}/")}
    assert names - {"__init__"} == set(rooms.ROOMS[top].split())


def test_the_seven_expressions_are_written_down_once() -> None:
    """Only `overlay/contract.js` has its own copy, which tests/overlay/test_pages.py compares."""
    seven = list(EXPRESSIONS)
    for folder in ("agent", "benchmarks", "demo", "docs", "models", "obs_plugin", "overlay", "relay", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, (ast.Tuple, ast.List)) and file != ROOT / "relay" / "protocol.py":
                    words = [part.value for part in node.elts if isinstance(part, ast.Constant)]
                    assert words != seven, f"{file}:{node.lineno}: import EXPRESSIONS from relay.protocol"


@pytest.mark.parametrize("top", ["relay", "models"])
def test_a_folder_shows_few_things(top: str) -> None:
    assert len(list((ROOT / top).glob("*.py"))) <= 12
