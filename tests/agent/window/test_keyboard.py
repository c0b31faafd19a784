"""That the screens after joining can be used without a mouse: Tab leads everywhere, one sees where, keys press it."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from relay.app import Relay
from tests.agent.window.desk import Desk, Seen
from tests.agent.window.test_live import SETTINGS, Home
from tests.support import request, wait_until

REACHED = ("TButton", "TCheckbutton", "TCombobox", "TEntry", "TSpinbox", "Text")


def _named(one: Seen) -> tuple[str, str]:
    return one.kind, one.text


async def _looks(home: Desk, one: Seen) -> Image.Image:
    """This widget and two pixels around it."""
    seen = await home.see()
    window, (left, top, width, height) = seen[0].box, next(two.box for two in seen if _named(two) == _named(one))
    x, y = left - window[0], top - window[1]
    return (await home.photograph()).crop((x - 2, y - 2, x + width + 2, y + height + 2))


async def _tab(home: Desk) -> Seen:
    """Press it; what has the keyboard then."""
    before = await home.focused()
    await home.press("Tab")

    async def elsewhere() -> bool:
        return _named(await home.focused()) != _named(before)

    await wait_until(elsewhere)
    await home.settled()
    return await home.focused()


async def walk(home: Desk) -> list[tuple[str, str]]:
    """What Tab leads to, until it is where it began; where each can be seen to have the keyboard."""
    walked: list[tuple[str, str]] = []
    await home.settled()
    first = now = await home.focused()
    while True:
        marked = await _looks(home, now)
        last, now = now, await _tab(home)
        plain = await _looks(home, last)
        assert marked.size != plain.size or ImageChops.difference(marked, plain).getbbox(), f"{last} looks the same"
        walked.append(_named(last))
        if _named(now) == _named(first):
            return walked
        assert len(walked) < 60


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.nightly)])
async def test_tab_leads_to_all_there_is(relay: Relay, display: str, tmp_path: Path, theme: str) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True}))[0] == 200
    async with Home.joined(relay, tmp_path / "settings", display, "taps", theme=theme, name="Mei") as home:

        async def leads_to_all() -> None:
            there = {_named(one) for one in await home.see() if one.kind in REACHED and "disabled" not in one.states}
            walked = await walk(home)
            assert sorted(walked) == sorted(set(walked))
            assert {one for one in walked if one[0] in REACHED} == there

        await home.reads("1 watching")
        await leads_to_all()
        for text, title in (("Who is shown", "Show me"), ("What was sent", "Copy all"), (SETTINGS, "Keyboard")):
            for key in ("space", "Return"):
                await _to(home, text)
                await home.press(key)
                await home.reads(title)
                if key == "space":
                    await leads_to_all()
                await _to(home, "Back")
                await home.press(key)
                await home.find(SETTINGS)


async def _to(home: Home, text: str) -> None:
    for _ in range(60):
        if (await _tab(home)).text == text:
            return
    pytest.fail(f"Tab does not lead to {text}")
