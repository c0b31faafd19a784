"""A network is added by one file: the registry finds what each file of the zoo says, without importing it."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from models.zoo import networks

ROOT = Path(__file__).parents[2]
ZOO = ROOT / "models" / "zoo"
NEW = '''
"""The least network."""

from torch import nn

from models.inference.contract import RAW_GREY
from models.zoo.entry import Architecture

SIDE = 4 * 12


def least(classes: int) -> nn.Module:
    return nn.Linear(SIDE**2, classes)


ENTRIES = (Architecture("least", least, "nobody", SIDE, RAW_GREY, 16_135, left_out={"all": SIDE}),)
'''


def test_every_file_with_entries_is_listed_and_every_listed_network_has_its_file() -> None:
    assigned = {}
    for file in ZOO.glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ENTRIES":
                assert isinstance(node.value, ast.Tuple)
                assigned[file.stem] = len(node.value.elts)
    assert {file: len(entries) for file, entries in networks.by_file().items()} == assigned
    assert set(networks.ORDER) <= set(assigned), "ORDER names a file that has no entries"
    assert len(networks.listed()) == sum(assigned.values()), "two networks have one name"


def test_a_builder_is_what_the_file_calls_it() -> None:
    pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")
    for file, entries in networks.by_file().items():
        imported = importlib.import_module(f"models.zoo.{file}").ENTRIES
        for read, real in zip(entries, imported, strict=True):
            assert (read.builder.module, read.builder.function) == (file, real.builder.__name__)
            assert {**vars(read), "builder": None} == {**vars(real), "builder": None}


def test_a_new_file_is_listed_behind_those_of_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ZOO.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "a_new_one.py").write_text(NEW)
    known = list(networks.listed())
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    # Whoever has added one knows no order: it would be among the last, too.
    others = [file for file in networks.by_file() if file not in networks.ORDER and file != "a_new_one"]
    monkeypatch.setattr(networks, "ORDER", networks.ORDER + others)
    found = networks.listed.__wrapped__()
    assert found["least"].size == 48
    assert found["least"].left_out == {"all": 48}
    assert list(found) == [*known[: known.index("moodnet-clip")], "least", *known[known.index("moodnet-clip") :]]


def test_entries_are_read_without_torch_and_first_when_they_are_asked_for() -> None:
    code = (
        "import sys, pathlib; from models import commands; from models.zoo import networks\n"
        "print(networks.listed.cache_info().currsize, len(networks.listed()) > 30, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "True", "False"]


def test_a_name_that_an_entry_can_not_know_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NEW.replace('"nobody"', "SOMEBODY"))
    with pytest.raises(NameError, match="SOMEBODY"):
        _ = networks.Names(file).entries
