"""Markup and scripts in every field that strangers fill, in a real Chromium: they stay text."""

from urllib.parse import quote

from playwright.async_api import Page, expect

from relay import app
from relay.protocol import ShowMessage
from tests.e2e.overlay_page import mood, push
from tests.support import Viewer, request

PAYLOAD = "<img src=x onerror=ran='img'>\"'><svg onload=ran='svg'>"
NAME = "<img src=x onerror=ran='name'>"
"""A viewer's has 40 characters at most."""
MADE = "img[src=x], svg[onload], [onerror]"
"""Elements that only a payload would make."""


async def test_what_strangers_write_stays_text(relay: app.Relay, watched: Page) -> None:
    """In every field that they can fill: the address, names of viewers, markers and sessions, words of a relay."""
    keys = relay.create_channel("demo")
    parts = ("title", "source", "relay", "language", "theme", "scale")
    wrong = "&".join(f"{part}={quote(PAYLOAD)}" for part in parts)
    for page in ("overlay", "dashboard", "settings/x"):
        for query in (f"channel={quote(PAYLOAD)}", wrong):
            await watched.goto("about:blank")
            await watched.goto(f"{relay.url}/{page}?{query}#key={quote(PAYLOAD)}&password={quote(PAYLOAD)}")
            await watched.wait_for_load_state("networkidle")
            assert await harm(watched) == [], (page, query)

    await watched.goto(f"{relay.url}/overlay?source=obs&title={quote(PAYLOAD)}")
    await push(watched, **mood([0, 0, 0, 5, 0, 0, 0], channel=PAYLOAD))
    await expect(watched.locator(".moodcast-title")).to_have_text(PAYLOAD)
    await push(watched, type="marker", time=1e9, text=PAYLOAD)
    await push(watched, type="reaction", time=1e9, kind="tap", name=PAYLOAD, strength=1, count=PAYLOAD)
    await push(watched, type="moment", time=1e9, ago=1, kind=PAYLOAD, name=PAYLOAD, share=1, rise=1, score=1)
    await push(watched, type="bye", code=4400, message=PAYLOAD)
    await expect(watched.locator(".moodcast-notice")).to_contain_text(PAYLOAD)
    assert await harm(watched) == []

    await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "open"})
    async with await Viewer.connect(relay.url, name=NAME) as viewer:
        await viewer.label("happy")
        await viewer.send(ShowMessage(on=True))
        await watched.goto(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}")
        await expect(watched.locator("#leader")).to_contain_text("happy")
        assert (await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": PAYLOAD}))[0] == 201
        named = await request(relay.url, "PATCH", "demo/sessions/1", keys.admin_key, {"name": PAYLOAD})
        assert named[0] < 300, named
        await watched.reload()
        await expect(watched.locator("#sessions")).to_contain_text(PAYLOAD)
        await watched.locator("#opening-show").click()
        await watched.get_by_label("Admin key").fill(keys.admin_key)
        await watched.keyboard.press("Enter")
        await expect(watched.locator("#on-grid-names")).to_contain_text(NAME)
        assert await harm(watched) == []


async def harm(page: Page) -> list[str]:
    """What of the payload became more than text, and what the page's policy had to stop."""
    ran, made = await page.evaluate(f"[window.ran ?? '', document.querySelectorAll({MADE!r}).length]")
    return [*([ran] if ran else []), *(["elements"] if made else []), *await page.evaluate("violations")]
