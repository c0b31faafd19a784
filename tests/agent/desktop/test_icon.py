"""The icon of Windows and macOS, as far as it can be tried without either: pystray's own dummy is its system."""

import asyncio
import contextlib
from typing import Any

import pytest

from agent.app.state import Place, State
from agent.desktop.menu import menu
from tests.support import wait_until


async def test_its_menu_says_the_state_and_its_clicks_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    pystray = pytest.importorskip("pystray", reason="it is of Windows and macOS, and not installed here")
    from agent.desktop import icon

    for name in ("run_detached", "_update_menu", "_update_icon", "_update_title", "_stop"):
        monkeypatch.setattr(pystray.Icon, name, lambda icon: None)
    monkeypatch.setattr(icon, "_LOOK_S", 0.01)
    states, clicked = [State()], []
    tray = icon.PystrayTray(lambda: menu(states[-1], lambda key, **values: key), clicked.append)
    shown: Any = tray._icon

    def line(number: int) -> Any:
        return list(shown.menu)[number]

    running = asyncio.create_task(tray.run())
    await asyncio.sleep(0)
    assert line(1) is pystray.Menu.SEPARATOR
    assert [(str(line(n).text), line(n).enabled, line(n).checked) for n in (0, 2, 3)] == [
        ("tray.is_paused", False, None),
        ("tray.pause", True, True),
        ("tray.taps", False, False),
    ]
    assert line(6).default
    line(2)(shown)
    line(6)(shown)
    assert clicked == ["paused", "show"]
    states.append(State(place=Place(relay="http://x", channel="c"), link="joined", wish="face", camera="on"))
    before = shown.icon
    await wait_until(lambda: str(line(0).text) == "tray.is_away" and shown.icon is not before)
    assert line(4).checked
    assert shown.title == "Moodcast: tray.is_away\nc"
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
