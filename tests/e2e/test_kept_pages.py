"""The pages of the release before, as ``tests/fixtures`` keeps them, at today's relay (docs/versions.md).

So they are while a relay is upgraded: who has opened one goes on with it for as long as the stream lasts.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocket

from relay import app
from relay.http import pages
from tests.e2e.overlay_page import overlay_url, share_in_bar, state
from tests.support import HANG_S, audience, count_of, leave, subscribe, wait_until

KEPT = Path(__file__).parents[1] / "fixtures" / "clients-0.1.0.zip"
JOIN = """async () => {
  const { ViewerClient } = await import(new URL("../static/viewer/client.js", location.href));
  const { BASE } = await import(new URL("../static/contract.js", location.href));
  window.moods = [];
  window.links = [];
  const hooks = { onMood: (mood) => moods.push(mood), onState: ({ link }) => links.push(link) };
  const agreed = { min_viewers: 1, crowd: "networks" };
  const client = new ViewerClient({ base: BASE, channel: "demo", password: "", name: "", delay: 0, agreed, hooks });
  client.join();
  setInterval(() => {
    client.observe({ expression: window.shown, confidence: 0.9 });
    client.tick(performance.now());
  }, 50);
}"""
"""The client of the page that viewers join by, which shows what ``window.shown`` says."""


@pytest.fixture
async def kept_page(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A page whose files are those of then: the relay serves them in place of its own."""
    with zipfile.ZipFile(KEPT) as archive:
        archive.extractall(tmp_path / "kept")
    monkeypatch.setattr(pages, "FOLDER", tmp_path / "kept" / "overlay")
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(1000 * HANG_S)
    return page


@pytest.mark.relay(min_viewers=3, tick_ms=250)
async def test_the_overlay_shows_the_mood_and_goes_on_while_it_rests(relay: app.Relay, kept_page: Page) -> None:
    moods: list[dict[str, Any]] = []

    def keep(frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "mood":
            moods.append(message)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", keep)

    kept_page.on("websocket", listen)
    await kept_page.goto(overlay_url(relay, relay.create_channel("demo").display_key))
    viewers = await audience(relay.url, "demo", ["neutral", "neutral", "sad"])
    for viewer in viewers[:2]:
        await viewer.label("happy")

    async def shows_happy() -> bool:
        return await share_in_bar(kept_page, "happy") > 0.55

    await wait_until(shows_happy)
    assert await kept_page.locator(".moodcast-leader-text").inner_text() == "67 % happy"
    assert await kept_page.locator(".moodcast-sharing").inner_text() == "3 of 3 share"
    told = len(moods)
    await wait_until(lambda: len(moods) >= told + 8)
    assert await state(kept_page) == "live"
    assert await kept_page.locator(".moodcast").get_attribute("data-stale") is None
    assert await shows_happy()
    await leave(viewers)


async def test_a_viewers_page_joins_is_counted_and_told(relay: app.Relay, kept_page: Page) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        await kept_page.goto(f"{relay.url}/join/demo")
        await kept_page.evaluate("window.shown = 'happy'")
        await kept_page.evaluate(JOIN)
        await overlay.mood(lambda mood: count_of(mood, "happy") == 1)
        await kept_page.evaluate("window.shown = 'surprise'")
        await overlay.mood(lambda mood: count_of(mood, "surprise") == 1)

        async def is_told() -> bool:
            return bool(await kept_page.evaluate("moods.filter((mood) => mood.counts[5] === 1).length >= 2"))

        await wait_until(is_told)
        assert (await kept_page.evaluate("links"))[-1] == "joined"
        assert "waiting" not in await kept_page.evaluate("links")
