"""A relay that sends junk to overlay and dashboard in a real Chromium: neither fails or shows what makes no sense."""

import copy
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from relay.http import pages
from tests.contract import CONTRACT
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import moment, mood
from tests.support import free_port

JUNK: list[Any] = [
    None, True, False, 0, -1, 0.5, -7.25, 1e300, -1e300, 8.7e12, 2**53, "", "junk", "__proto__", "constructor", "happy",
    "<img src=x onerror=alert(1)>", "\u202e\u0000", [], [[]], [None], ["1"], [-1], {}, {"length": 7}, {"toString": 1},
    {"then": 1}, {"__proto__": {"visible": True, "length": 7}},
]  # fmt: skip
WRONG = re.compile(r"NaN|undefined|Infinity|Invalid Date|\[object|null|-\d")
MESSAGES = 600
NOW = 1.7e9
SESSION = {"number": 1, "name": None, "started": NOW, "ended": None}
COUNTS = [0, 0, 0, 5, 0, 0, 2]
SECOND = {
    "time": NOW + 1,
    "viewers": 9,
    "sharing": 7,
    "counts": [0, 0, 0, 5, 0, 0, 2],
    "valence": 0.7,
    "resonance": 0.4,
}
REACTION = {"type": "reaction", "time": NOW + 1, "kind": "tap", "name": "heart", "strength": 0.2, "count": 3}
SOUND: list[dict[str, Any]] = [
    mood(COUNTS), REACTION, moment("happy"), {"type": "marker", "time": NOW + 1, "text": "Go"},
    {"type": "rehearsal", "time": NOW, "kind": "tap", "name": "heart"},
    {"type": "countdown", "time": NOW, "seconds": 5, "zero": NOW + 5},
    {"type": "face", "time": NOW, "emotion": "sad", "delay": 3},
    {"type": "status", "channel": "demo", "session": 1, "state": "auto", "tick_ms": 250, "warnings": ["All is well."]},
]  # fmt: skip
ANSWERS = {
    "sessions": {"sessions": [{**SESSION, "seconds": 12}]},
    "sessions/1": {"session": SESSION, "moments": [SECOND], "reactions": [REACTION], "markers": []},
    "sessions/1/peaks": {"peaks": [{**REACTION, "share": 0.5, "score": 12}]},
    "countdown": {"zero": NOW, "open_s": 0, "answers": 4, "median": 8.2, "min_viewers": 5, "crowd": "networks"},
    "": {"channel": "demo", "listed": False, "grid": True, "cameras": True, "notice": "", "password": False},
    "people": {"people": ["Ann"], "more": 0, "hidden": ["ben"]},
    "invitation": {
        "link": "https://r/join/demo", "app_link": "", "svg": "<svg/>", "rows": [], "password": True, "note": "",
    },
    "rehearsal": {},
}  # fmt: skip


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def spoilt(chance: random.Random, value: Any) -> Any:
    """The value with junk in one place, or without something."""
    path = chance.choice(places(value))
    if not path:
        return chance.choice(JUNK)
    made = copy.deepcopy(value)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict) and chance.random() < 0.2:
        del inner[path[-1]]
    else:
        inner[path[-1]] = chance.choice(JUNK)
    return made


@pytest.fixture
async def hostile() -> AsyncIterator[str]:
    """Its address; it serves the real pages."""
    chance = random.Random(16)

    async def live(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for _ in range(MESSAGES):
            message = chance.choice(SOUND)
            await socket.send_str(json.dumps(message if chance.random() < 0.3 else spoilt(chance, message)))
        for text in ("", "{", "[]", '{"__proto__":{"type":"mood"}}', '{"type":["mood"]}', '{"type":"constructor"}'):
            await socket.send_str(text)
        await socket.send_str(json.dumps({**SOUND[3], "text": "The end"}))
        for message in SOUND:
            await socket.send_str(json.dumps(message))
        await socket.receive()
        return socket

    async def answer(request: web.Request) -> web.Response:
        sound = ANSWERS[request.match_info["path"].removesuffix("/")]
        return web.json_response(sound if chance.random() < 0.4 else spoilt(chance, sound))

    def page(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def show(_: web.Request) -> web.StreamResponse:
            return web.FileResponse(pages.FOLDER / name)

        return show

    app = web.Application()
    app.router.add_get("/overlay", page("overlay.html"))
    app.router.add_get("/dashboard", page("dashboard.html"))
    app.router.add_static("/static", pages.FOLDER)
    app.router.add_get("/v1/channels/demo/mood", live)
    app.router.add_route("*", "/v1/channels/demo{slash:/?}{path:.*}", answer)
    runner, port = web.AppRunner(app, shutdown_timeout=0.1), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def shown(page: Page) -> str:
    text = await page.locator("body").inner_text()
    assert WRONG.search(text.replace("-session", "")) is None, WRONG.findall(text)
    return text


async def test_a_hostile_relay_does_the_overlay_no_harm(hostile: str, open_page: OpenPage) -> None:
    page = await open_page(f"{hostile}/overlay?channel=demo#key=k")
    await page.evaluate("window.told = []; new MutationObserver(() => told.push(document.body.innerText)).observe"
                        "(document.body, {subtree: true, childList: true, characterData: true})")  # fmt: skip
    await page.locator(".moodcast-leader-text", has_text="71 % happy").wait_for()
    await page.locator(".moodcast-countdown").first.wait_for(state="attached")
    await shown(page)
    assert [text for text in await page.evaluate("told") if re.search("NaN|undefined|Invalid", text)] == []


async def test_a_hostile_relay_does_the_dashboard_no_harm(hostile: str, open_page: OpenPage) -> None:
    page = await open_page(f"{hostile}/dashboard?channel=demo#key=k", height=2500)
    await page.locator("#leader", has_text="71 % happy").wait_for()
    await page.locator("#reactions li").first.wait_for()
    await shown(page)
    await page.locator("#invite-show").click()
    await page.get_by_label("Admin key").fill("k")
    await page.keyboard.press("Enter")
    for name in ("invite-show", "opening-show", "rehearse", "countdown"):
        for _ in range(6):  # sound or not, as it comes
            await page.evaluate("name => document.getElementById(name).click()", name)
            await page.wait_for_load_state("networkidle")
        await shown(page)
    assert CONTRACT["messages"].keys() >= {message["type"] for message in SOUND}
