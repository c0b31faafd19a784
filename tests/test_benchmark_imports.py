"""What a benchmark takes from another is there: most of them run by hand alone, and type checking sees few of them."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
FILES = sorted(file.stem for file in FOLDER.glob("*.py"))


def shown(name: str) -> set[str]:
    """What a module of the folder defines or imports."""
    found: set[str] = set()
    for node in ast.parse((FOLDER / f"{name}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@pytest.mark.parametrize("file", FILES)
def test_what_a_benchmark_takes_from_another_is_there(file: str) -> None:
    for node in ast.walk(ast.parse((FOLDER / f"{file}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benchmarks"):
            taken = {alias.name for alias in node.names}
            module = (node.module or "").partition(".")[2]
            assert taken <= (shown(module) if module else set(FILES)), f"benchmarks.{module}"
