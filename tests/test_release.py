"""The version is read in one place, and everybody tells the same."""

import importlib.metadata
import json
import re
from pathlib import Path

import aiohttp
import pytest

import moodcast
from benchmarks import rooms
from relay import app
from relay.common.release import RELEASE, installed

ROOT = Path(__file__).parents[1]


async def test_everybody_tells_the_same(relay: app.Relay, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        moodcast.main(["--version"])
    assert capsys.readouterr().out == f"moodcast {RELEASE}\n"
    async with aiohttp.ClientSession(relay.url) as http:
        assert json.loads(await (await http.get("/healthz")).text())["version"] == RELEASE
        assert f'moodcast_build_info{{version="{RELEASE}"}} 1.0' in await (await http.get("/metrics")).text()


def test_one_module_asks_which_is_installed() -> None:
    texts = rooms.working_tree()
    assert [path for path, text in texts.items() if "importlib.metadata" in text or "import metadata" in text] == [
        "relay/common/release.py"
    ]
    number = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert number is not None
    examples = {"relay/common/release.py", "relay/protocol.py"}
    assert {path for path, text in texts.items() if number[1] in text} <= examples


def test_sources_that_are_not_installed_have_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("relay.common.release.version", none)
    assert installed() == "unknown"
