"""The script that measures imports sees them wherever they hide."""

import shutil

import pytest

from benchmarks import rooms
from benchmarks.rooms import Import


def found(**texts: str) -> list[Import]:
    """The imports of files; ``__`` in a name stands for a folder."""
    return rooms.imports({f"{name.replace('__', '/')}.py": text for name, text in texts.items()})


def test_an_import_counts_wherever_it_stands() -> None:
    text = (
        "import os\n\ndef f():\n    from relay import app\n    import relay.core.mood\n    from relay.errors import E\n"
    )
    others = dict.fromkeys(("relay__app", "relay__core__mood", "relay__errors"), "")
    assert found(models__x=text, **others) == [
        Import("models.x", "relay.app"),
        Import("models.x", "relay.core.mood"),
        Import("models.x", "relay.errors"),
    ]
    assert rooms.upwards(found(models__x=text, **others)) == [
        Import("models.x", "relay.app"),
        Import("models.x", "relay.core.mood"),
    ]


def test_relative_imports_count() -> None:
    zoo = {
        "models/zoo/__init__.py": "from . import vgg",
        "models/zoo/vgg.py": "from .. import errors\nfrom ..errors import E",
    }
    assert rooms.imports({"models/__init__.py": "", "models/errors.py": "", **zoo}) == [
        Import("models.zoo", "models.zoo.vgg"),
        Import("models.zoo.vgg", "models.errors"),
    ]


def test_rooms_and_folders_point_one_way() -> None:
    up = found(relay__core__mood="from relay.http import keys", relay__http__keys="from relay.core import mood")
    assert rooms.upwards(up) == [Import("relay.core.mood", "relay.http.keys")]
    agent = found(agent__face="import models.training.train", models__training__train="", models__new="")
    assert rooms.upwards(agent) == [Import("agent.face", "models.training.train")]


def test_a_circle_is_found_at_any_length() -> None:
    ring = found(
        demo__a="def f():\n    import demo.b", demo__b="from demo import c", demo__c="import demo.a, demo.d", demo__d=""
    )
    assert rooms.circles(ring) == [["demo.a", "demo.b", "demo.c"]]


def test_an_import_by_string_is_in_sight_where_a_folder_chooses_among_its_own_files() -> None:
    text = "import importlib\nimportlib.import_module({})"
    zoo = {"models__zoo__vgg": "", "models__convert__vgg": ""}
    own = found(models__zoo__networks=text.format('f"models.zoo.{name}"'), **zoo)
    assert own == [Import("models.zoo.networks", "models.zoo.vgg", True)]
    assert rooms.hidden(own) == []
    others = found(models__zoo__networks=text.format('f"models.convert.{name}"'), **zoo)
    assert rooms.hidden(others) == [Import("models.zoo.networks", "models.convert.vgg", True)]
    nobody_knows = found(models__zoo__networks="__import__(name)")
    assert rooms.hidden(nobody_knows) == [Import("models.zoo.networks", "*", True)]
    foreign = 'import_module("numpy._core.multiarray" if new else "numpy.core.multiarray")'
    assert found(models__zoo__networks=foreign) == []


def test_a_class_that_is_there_twice_is_found() -> None:
    texts = {
        "agent/a.py": "class Face: ...",
        "relay/b.py": "import agent\nclass Face: ...\nclass Other: ...\nclass _P: ...",
    }
    texts |= {"models/zoo/vgg.py": "class Other: ...", "relay/c.py": "class _P: ..."}
    assert rooms.doubles(texts) == {"Face": ["agent.a", "relay.b"]}


def test_a_revision_is_read_as_the_working_tree_is() -> None:
    if not (rooms.ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout, or no git")
    texts = rooms.revision("HEAD")
    assert {"moodcast.py", "relay/app.py"} <= texts.keys()
    assert not [path for path in texts if path.startswith(("tests/", "benchmarks/"))]


def test_what_a_folder_shows() -> None:
    paths = ["moodcast.py", "relay/__init__.py", "relay/app.py", "relay/core/__init__.py", "relay/core/mood.py"]
    assert rooms.shown(paths) == {"relay": (1, 1), "relay/core": (1, 0)}
