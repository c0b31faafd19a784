"""All pages below a path of a proxy with TLS, in a real Chromium, against the real relay, which speaks plain HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Page, async_playwright, expect

from relay import app
from relay.config import RelaySettings
from tests.e2e import fake_camera as camera
from tests.e2e.conftest import WATCH, chromium_options
from tests.e2e.join_visit import Visit, reading_relay
from tests.e2e.prefix_proxy import PREFIX, PrefixProxy
from tests.support import HANG_S, SOON, audience, count_of, leave, subscribe, wait_until

NAME = "mood.example.org"


class Home(NamedTuple):
    relay: app.Relay
    proxy: PrefixProxy
    page: Page
    base: str
    asked: list[str]
    """What the pages have asked for, and the WebSockets that they have opened."""
    complaints: list[str]


@pytest.fixture(params=["taken off", pytest.param("kept, and another Host", marks=pytest.mark.nightly)])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    is_kept = request.param != "taken off"
    proxy = PrefixProxy(keeps=is_kept, rewrites_host=is_kept)
    async with proxy.serve(tmp_path):
        base = f"https://{NAME}:{proxy.port}{PREFIX}"
        settings = RelaySettings(
            port=0, data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1, proxies=1, public_url=base, hosts=NAME,
            require_tickets="off",
        )  # fmt: skip
        relay = await app.start(settings, SOON)
        proxy.relay = relay.url
        asked: list[str] = []
        complaints: list[str] = []
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                **chromium_options(f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
            )
            context = await chromium.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
            await context.add_init_script(WATCH)
            page = await context.new_page()
            page.set_default_timeout(1000 * HANG_S)
            context.on("request", lambda one: asked.append(one.url))
            page.on("websocket", lambda one: asked.append(one.url))
            context.on("weberror", lambda one: complaints.append(str(one.error)))
            page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
            yield Home(relay, proxy, page, base, asked, complaints)
            await chromium.close()
        await relay.stop()


def strays(home: Home) -> list[str]:
    """What was asked for that does not lie below the path."""
    fine = (f"{home.base}/", f"wss://{home.base.removeprefix('https://')}/", "data:", "blob:", "about:")
    return [url for url in home.asked if url != home.base and not url.startswith(fine)] + home.proxy.strays


async def shown(home: Home, path: str) -> Any:
    await home.page.goto("about:blank")  # else one that differs in its fragment alone stays
    return await home.page.goto(home.base + path, wait_until="load")


async def test_every_page_works_below_a_path_and_asks_for_nothing_elsewhere(home: Home) -> None:
    relay, page = home.relay, home.page
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    await shown(home, f"/overlay?channel=demo#key={keys.display_key}")
    await page.locator(".moodcast[data-state=live]").wait_for()
    await shown(home, "")  # as who types the address by hand
    assert page.url == f"{home.base}/dashboard"
    await shown(home, f"/dashboard?channel=demo#key={keys.display_key}")
    await page.locator("#legend li").first.wait_for()
    await wait_until(lambda: relay.connections("demo")[1] >= 1)
    await page.locator("#invite-show").click()
    await page.get_by_label("Admin key").fill(keys.admin_key)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("#invite-link")).to_have_value(f"{home.base}/join/demo")
    for path in (f"/settings/demo#key={keys.display_key}", "/settings/"):
        await shown(home, path)
        preview = page.frame_locator("iframe").first
        await preview.locator(".moodcast").wait_for()
    await shown(home, "/join/demo")
    await page.locator("#yes-taps").wait_for()  # the relay has told by a ticket what there is to agree to
    await expect(page.locator("#relay")).to_have_text(home.base.removeprefix("https://"))
    await page.locator("#yes-taps").click()
    await wait_until(lambda: relay.connections("demo")[0] == len(viewers) + 1)
    await shown(home, "/static/join.html")  # a page that is opened as a file of the folder
    assert strays(home) == []
    assert await page.evaluate("violations") == []
    assert home.complaints == []
    answer = await shown(home, "/try")  # which is the owner's, and behind a proxy nobody is
    assert answer.status in (200, 403)
    await wait_until(lambda: any(url.endswith("/v1/try") for url in home.asked) or answer.status == 403)
    assert strays(home) == []
    await leave(viewers)


@pytest.mark.nightly
@pytest.mark.parametrize("is_kept", [False, True], ids=["taken off", "kept, and another Host"])
async def test_a_face_is_read_below_a_path(is_kept: bool, tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    proxy = PrefixProxy(keeps=is_kept, rewrites_host=is_kept)
    asked: list[str] = []
    async with proxy.serve(tmp_path), async_playwright() as playwright:
        base = f"https://{NAME}:{proxy.port}{PREFIX}"
        options = ("--ignore-certificate-errors", f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
        async with (
            reading_relay(tmp_path / "relay", proxies=1, public_url=base, hosts=NAME) as relay,
            camera.chromium_with_camera(playwright, seen, "accept", *options) as browser,
        ):
            proxy.relay = relay.url
            keys = relay.create_channel("demo")
            async with await subscribe(relay.url, "demo", keys.display_key) as audience_seen:
                visit = await Visit.open(browser, base)
                visit.page.on("request", lambda one: asked.append(one.url))
                await visit.share()
                await audience_seen.mood(lambda mood: count_of(mood, "happy") == 1)
    assert [url for url in asked if "/assets/" in url]
    assert [url for url in asked if not url.startswith((f"{base}/", "blob:"))] == []
    assert proxy.strays == []
