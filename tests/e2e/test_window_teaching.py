"""A face that is taught in the window, from the question to its deletion: the real agent, its eyes, a real relay."""

import json
from pathlib import Path

import pytest

from agent.window.texts import window_texts
from relay.app import Relay
from tests.agent.window.conftest import display  # noqa: F401  # a fixture
from tests.agent.window.test_live import Home
from tests.support import count_of, subscribe, wait_until

SAY = window_texts("en")

pytestmark = pytest.mark.usefixtures("agent_files")


async def test_a_face_is_taught_and_all_of_it_is_deleted(
    relay: Relay,
    display: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    keys = relay.create_channel("demo")
    settings = tmp_path / "settings"
    async with (
        Home.joined(relay, settings, display) as home,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await home.press("alt+t")
        await home.at(SAY("teach.title"))
        assert kept(settings) == []
        await home.click("Yes, turn it on", "TButton")
        await home.reads(SAY("learned.on"))
        await home.press("Escape")
        await home.find(SAY("teach.right"))
        await home.press("y")
        await home.reads(SAY("teach.kept", label=SAY("label.happy"), count=1))
        await wait_until(lambda: kept(settings))
        assert all(path.stat().st_mode & 0o77 == 0 for path in kept(settings))
        assert json.loads((settings / "settings.json").read_text())["personal"]
        await home.press("alt+t")
        await home.press("alt+d")
        await home.click(SAY("learned.yes"), "TButton")
        await wait_until(lambda: kept(settings) == [])
        await home.reads(SAY("learned.none"))
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)  # which goes on


def kept(settings: Path) -> list[Path]:
    """The files of what was learned that have something in them."""
    return [
        path for path in settings.rglob("*") if path.is_file() and path.name != "settings.json" and path.stat().st_size
    ]
