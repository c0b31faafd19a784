"""What each folder shows when it is opened, and which way its imports point.

    python -m benchmarks.rooms                  # of this working tree
    python -m benchmarks.rooms --rev 8851bba    # of a git revision

``tests/test_docs.py`` holds the working tree to the same rules.

* An import points upwards where ``MAY`` or ``ROOMS`` does not allow it. Where a file of an earlier revision is in no
  room of now, only the top-level folders count.
* A circle is a set of modules each of which needs all others, whenever that is: an import in a function counts.
* An import by string hides what needs what from type checkers and from readers. A folder may so choose among its own
  files, which then count as imported; what is not ours may be named as well.
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

MAY = {
    "agent": {"models": "errors inference", "relay": "common errors protocol settings trial"},
    "demo": {"agent": "", "models": "", "obs_plugin": "", "relay": ""},
    "docs": {"agent": "", "demo": "", "models": "", "moodcast": "", "obs_plugin": "", "relay": ""},
    "models": {"relay": "assets errors protocol"},
    "moodcast": {"agent": "", "demo": "", "models": "", "obs_plugin": "", "relay": ""},
    "obs_plugin": {"relay": "common errors"},
    "relay": {},
}
"""What each top-level folder may import of which others: these rooms of it; empty for all."""

ROOMS = {
    "agent": (
        "errors files outset packages system_keyring stopping priority address config consent trouble smoothing "
        "sending client cameras sources search face pace covered unread readable proportions hints resting "
        "clip_buffer personal readers recognition remarks capture voice stills trial face_stage app desktop window "
        "terminal typed_teaching kept_answers first_start explain main program"
    ),
    "demo": "errors config show crowd screenshot run",
    "models": (
        "errors atomic json_output metrics inference stills zoo clips convert training export evaluation personal "
        "micro audio_visual compared commands"
    ),
    "relay": (
        "protocol errors settings trial assets common core store config logs machine tunnel workers cluster live http "
        "app program check"
    ),
}
"""The folders and files of a top-level folder: each imports of those before it alone."""

LOADERS = {"import_module", "__import__", "resolve_name", "run_module"}


class Import(NamedTuple):
    """Which module needs which of ours. ``of`` is ``*`` where a string says which, and nobody can tell."""

    by: str
    of: str
    is_string: bool = False


def working_tree() -> dict[str, str]:
    """The text of each Python file of the program, by its path."""
    files = [ROOT / f"{top}.py" for top in MAY] + [file for top in MAY for file in (ROOT / top).rglob("*.py")]
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in sorted(files) if file.is_file()}


def revision(name: str) -> dict[str, str]:
    """The same of a git revision."""
    packed = subprocess.run(["git", "archive", "--format=tar", name], cwd=ROOT, check=True, capture_output=True).stdout
    texts = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".py") else None
            if file is not None and re.split(r"[/.]", member.name)[0] in MAY:
                texts[member.name] = file.read().decode()
    return texts


def module(path: str) -> str:
    """The name that a file is imported by."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(texts: Mapping[str, str]) -> list[Import]:
    """All imports of ours in files, wherever they stand in them; of a package's name, the module if it is one's."""
    ours = {module(path) for path in texts}
    found = set()
    for path, text in texts.items():
        package = module(path) if path.endswith("/__init__.py") else module(path).rpartition(".")[0]
        for node in ast.walk(ast.parse(text)):
            for name in _named(node, package):
                of = next((known for known in (name, name.rpartition(".")[0]) if known in ours), None)
                if of and of != module(path):
                    found.add(Import(module(path), of))
            for name in _loaded(node):
                if name.endswith("*"):
                    inside = [known for known in ours if known.startswith(name[:-1])] if name != "*" else ["*"]
                    found |= {Import(module(path), of, True) for of in inside if of != module(path)}
                elif name in ours:
                    found.add(Import(module(path), name, True))
    return sorted(found)


def _named(node: ast.AST, package: str) -> Iterator[str]:
    """What an import statement names, as if each were a module."""
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
    if isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        base = (
            ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])
            if node.level
            else node.module
        )
        yield from (f"{base}.{name.name}" for name in node.names)


def _loaded(node: ast.AST) -> Iterator[str]:
    """What a call names that imports by string; with ``*`` from where on only the running program knows it."""
    if isinstance(node, ast.Call) and node.args:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in LOADERS:
            yield from _strings(node.args[0])


def _strings(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield f"{node.values[0].value}*"
    else:
        yield str(node.value) if isinstance(node, ast.Constant) else "*"


def upwards(found: Iterable[Import]) -> list[Import]:
    """Those that neither ``MAY`` nor ``ROOMS`` allows."""
    return [one for one in found if one.of != "*" and not _is_allowed(one.by.split("."), one.of.split("."))]


def _is_allowed(by: list[str], of: list[str]) -> bool:
    order = ROOMS.get(of[0], "").split()
    room = of[1] if len(of) > 1 and of[1] in order else None
    if by[0] != of[0]:
        allowed = MAY[by[0]].get(of[0])
        return allowed is not None and (not allowed or room is None or room in allowed.split())
    here = by[1] if len(by) > 1 and by[1] in order else None
    return room is None or here is None or order.index(room) <= order.index(here)


def hidden(found: Iterable[Import]) -> list[Import]:
    """Those by string, but for a folder's choice among its own files."""
    return [one for one in found if one.is_string and not one.of.startswith(f"{one.by.rpartition('.')[0]}.")]


def circles(found: Iterable[Import]) -> list[list[str]]:
    """Sets of modules that need one another (strongly connected components, Tarjan 1972)."""
    needs: dict[str, set[str]] = {}
    for one in found:
        needs.setdefault(one.by, set()).add(one.of)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    closed: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        path.append(name)
        for other in sorted(needs.get(name, ())):
            if other not in index:
                visit(other)
            if other in path:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            part = path[path.index(name) :]
            del path[path.index(name) :]
            if len(part) > 1:
                closed.append(sorted(part))

    for name in sorted(needs):
        if name not in index:
            visit(name)
    return closed


def doubles(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of classes that several modules define, with these modules.

    Not of networks' parts, which are called as their papers call them, nor of OBS's script, which imports nothing.
    """
    found: dict[str, list[str]] = {}
    for path, text in texts.items():
        if not path.startswith(("models/zoo/", "obs_plugin/")):
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(module(path))
    return {name: where for name, where in sorted(found.items()) if len(where) > 1}


def shown(paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """How many modules and how many folders of them each folder shows; ``__init__`` is not counted."""
    files: Counter[str] = Counter()
    rooms: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        files["/".join(parts[:-1])] += parts[-1] != "__init__.py"
        for depth in range(1, len(parts) - 1):
            rooms.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    return {folder: (files[folder], len(rooms.get(folder, ()))) for folder in sorted(files.keys() | rooms) if folder}


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rev", metavar="REV", help="a git revision, in place of the working tree")
    asked = parser.parse_args()
    texts = revision(asked.rev) if asked.rev else working_tree()
    for folder, (files, rooms) in shown(texts).items():
        print(f"{folder:<24} {files:3} files {rooms:3} rooms")
    found = imports(texts)
    for title, ones in (("upwards", upwards(found)), ("by string, hidden", hidden(found))):
        print(f"\nimports {title}: {len(ones)}")
        print("".join(f"  {one.by} -> {one.of}\n" for one in ones), end="")
    names = doubles(texts)
    print(f"\nnames of several classes: {len(names)}")
    print("".join(f"  {name}: {' '.join(where)}\n" for name, where in names.items()), end="")
    rings = circles(found)
    print(f"\ncircles: {len(rings)}")
    print("".join(f"  {' '.join(ring)}\n" for ring in rings), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
