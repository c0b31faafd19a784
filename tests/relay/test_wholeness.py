"""What is made is whole: no attribute appears later, by a method that somebody may forget to call."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"connection_made", "prepare"}
"""Methods in which asyncio and aiohttp hand an object what it can't have before."""


def sets(function: ast.AST) -> set[str]:
    """The attributes of ``self`` that a function sets."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name) and node.value.id == "self"
    }  # fmt: skip


def late(text: str) -> set[str]:
    """Attributes, as in ``Class.attribute``, that ``__init__`` and what it calls of the class don't set."""
    found = set()
    for made in ast.walk(ast.parse(text)):
        if not isinstance(made, ast.ClassDef):
            continue
        methods = {one.name: one for one in made.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        first, known = methods.get("__init__"), set[str]()
        if first is not None:
            calls = {
                node.func.attr
                for node in ast.walk(first)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }
            known = sets(first).union(*(sets(methods[name]) for name in calls & methods.keys()))
        for name, method in methods.items():
            if name not in FRAMEWORKS:
                found |= {f"{made.name}.{attribute}" for attribute in sets(method) - known}
    return found


def test_a_late_attribute_is_found() -> None:
    text = "class A:\n def __init__(self): self.a = 1\n def start(self): self.a, self.b = 2, 3\n"
    assert late(text) == {"A.b"}


def test_no_attribute_of_the_relay_comes_late() -> None:
    assert set[str]().union(*(late(file.read_text()) for file in (ROOT / "relay").rglob("*.py"))) == set()
