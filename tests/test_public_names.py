"""What a module shows without an underscore is meant for others: another file uses it, or docs/embedding.md has it.

That holds for functions, classes and constants. A constant may also be one that a page of the documentation names.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "models", "obs_plugin", "relay")
LISTED = {
    "models/commands.py": "the commands of `moodcast models`, in its table",
    "models/zoo": "networks are found by their entries",
    "obs_plugin/moodcast_obs.py": "OBS calls it, and nobody imports it",
}
"""Files and folders to which the rule does not apply, and why."""
DOCUMENTED = (ROOT / "docs" / "embedding.md").read_text("utf-8")
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
NAMED = {name for page in PAGES for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", page.read_text("utf-8"))}
FILES = [path for path in ROOT.glob("*/**/*.py") if not any(part[0] == "." for part in path.relative_to(ROOT).parts)]
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in [*FILES, *ROOT.glob("*.py")]}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def used(tree: ast.AST) -> Iterator[str]:
    """Names that a file takes from others: imported, as in ``module.name``, or in a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def constants(body: list[ast.stmt]) -> Iterator[str]:
    """Names in capitals that are given a value."""
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        yield from (name for name in names if name.isupper() and name not in NAMED)


def annotated(body: list[ast.stmt]) -> Iterator[str]:
    """Names of types that the public functions, classes and variables show: who uses those meets these."""
    for node in body:
        if isinstance(node, Function) and (node.name[0] != "_" or node.name == "__init__"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            shown = [argument.annotation for argument in arguments] + [node.returns]
        elif isinstance(node, ast.AnnAssign):
            shown = [node.annotation]
        elif isinstance(node, ast.ClassDef) and node.name[0] != "_":
            shown = [*node.bases]
            yield from annotated(node.body)
        else:
            continue
        for part in filter(None, shown):
            yield from (name.id for name in ast.walk(part) if isinstance(name, ast.Name))
            texts = [text.value for text in ast.walk(part) if isinstance(text, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str))


USED = {name: set(used(tree)) for name, tree in TREES.items()}
FILES_WITH = Counter(name for names in USED.values() for name in names)
OURS = [
    name
    for name in TREES
    if name.startswith(tuple(f"{folder}/" for folder in FOLDERS)) and not name.startswith(tuple(LISTED))
]


@pytest.mark.parametrize("file", OURS)
def test_what_a_module_shows_is_used_by_another(file: str) -> None:
    tree = TREES[file]
    public = {node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)} | {*constants(tree.body)}
    public = {name for name in public if name[0] != "_"} - set(annotated(tree.body))
    public = {name for name in public if not name.endswith("Error") and f"`{name}`" not in DOCUMENTED}
    alone = {name for name in public - {"main"} if FILES_WITH[name] == (name in USED[file])}
    assert alone == set(), "put an underscore in front of what no other file uses"


def test_what_is_listed_is_there() -> None:
    assert [name for name in LISTED if not (ROOT / name).exists()] == []
