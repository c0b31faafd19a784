"""The docs say what the code does."""

import ast
import re
from pathlib import Path

import pytest

import moodcast
from docs import generate
from relay import settings

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
            assert f"`{option.flag}`" in section
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


@pytest.mark.parametrize(
    ("folder", "may"),
    [
        ("agent", r"agent|models|relay\.(common|errors|protocol|settings|trial)"),
        ("models", r"models|relay\.errors"),
        ("obs_plugin", "obs_plugin"),
        ("relay", "relay"),
    ],
)
def test_a_folder_imports_what_the_design_says(folder: str, may: str) -> None:
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"moodcast"}
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                whole = node.module in ours  # then what is imported from it are modules
                names = [f"{node.module}.{name.name}" for name in node.names] if whole else [node.module]
            for name in names:
                assert name.split(".")[0] not in ours or re.match(rf"({may})(\.|$)", name), f"{file} imports {name}"


RELAY = "protocol errors settings trial common core store config logs machine cluster live http app check"
MODELS = "errors atomic metrics inference stills zoo clips convert training export evaluation commands"
ROOMS = {"relay": RELAY.split(), "models": MODELS.split()}
"""The folders and files of a top-level folder: each imports of those before it alone."""


@pytest.mark.parametrize("top", ROOMS)
def test_rooms_import_of_those_before_them_alone(top: str) -> None:
    order = ROOMS[top]
    for file in (ROOT / top).rglob("*.py"):
        here = file.relative_to(ROOT / top).parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level or (node.module or "").split(".")[0] != top:
                continue
            names = [name.name for name in node.names] if node.module == top else [str(node.module).split(".")[1]]
            for name in names:
                assert name == here or order.index(name) < order.index(here), f"{file} imports {name}"


@pytest.mark.parametrize("top", ROOMS)
def test_a_folder_shows_few_things(top: str) -> None:
    assert len(list((ROOT / top).glob("*.py"))) <= 12
