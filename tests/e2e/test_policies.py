"""The pages' policies in a real Chromium: the pages work under them, and what they are to stop is stopped."""

from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, Page, expect

from relay import app
from relay.config import RelaySettings
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import AS_OBS, mood, push
from tests.strange import Server
from tests.support import Viewer, wait_until

ATTACKS = """document.body.insertAdjacentHTML("beforeend", `
  <img src="/static/nothing.png" onerror="window.ran = 'handler'"><a href="javascript:window.ran = 'link'">x</a>
  <iframe srcdoc="<script>top.ran = 'frame'</script>"></iframe><object data="/static/pictures/happy.svg"></object>
  <form action="/dashboard"><button>x</button></form>`);
document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 'inline'" }));
document.body.append(Object.assign(document.createElement("script"), { src: "data:text/javascript,ran='data'" }));
document.head.append(Object.assign(document.createElement("base"), { href: "https://elsewhere.example/" }));
try { setTimeout("window.ran = 'text'"); } catch {}
[...document.links].pop().click();
[...document.forms].pop().requestSubmit();"""


async def test_nothing_but_the_relays_scripts_runs_in_a_page(relay: app.Relay, watched: Page) -> None:
    key = relay.create_channel("demo").display_key
    ready = {
        f"/overlay?channel=demo#key={key}": ".moodcast",
        f"/dashboard?channel=demo#key={key}": "#legend li",
        "/join/demo": "#yes-taps",
        "/try": "body:not([data-page=loading])",
        f"/settings/demo#key={key}": "iframe",
    }
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        for address, shown in ready.items():
            await watched.goto("about:blank")
            await watched.goto(relay.url + address, wait_until="networkidle")
            await watched.locator(shown).first.wait_for()
            assert await watched.evaluate("violations") == [], address
            await watched.evaluate(ATTACKS)
            blocked = {"base-uri", "form-action", "frame-src", "object-src", "script-src-attr", "script-src-elem"}

            async def stopped(blocked: set[str] = blocked) -> bool:
                seen = {line.split()[0] for line in await watched.evaluate("violations")}
                return blocked <= seen | {"frame-src"}  # srcdoc has no address: its script is stopped instead

            await wait_until(stopped)
            assert await watched.evaluate("window.ran") is None, address
            assert watched.url.startswith(relay.url + address.split("?")[0])


async def test_a_streamers_own_css_reaches_the_overlay(relay: app.Relay, watched: Page) -> None:
    await watched.goto(f"{relay.url}/overlay?source=obs")
    await watched.evaluate(AS_OBS)
    await push(watched, **mood([0, 0, 0, 5, 0, 0, 0]))
    await expect(watched.locator(".moodcast-panel")).to_have_css("background-color", "rgb(1, 2, 3)")
    happy = "getComputedStyle(document.documentElement).getPropertyValue('--moodcast-happy').trim()"
    assert await watched.evaluate(happy) == "#010203"
    assert await watched.evaluate("violations") == []


async def test_the_overlay_subscribes_to_another_relay_that_it_is_told_of(
    relay: app.Relay, open_page: OpenPage, tmp_path: Path
) -> None:
    other = await app.start(
        RelaySettings(port=0, data=str(tmp_path / "other"), tick_ms=50, min_viewers=1, origins=relay.url)
    )
    try:
        key = other.create_channel("demo").display_key
        async with await Viewer.connect(other.url) as viewer:
            await viewer.label("happy")
            page = await open_page(f"{relay.url}/overlay?channel=demo&relay={other.url}#key={key}")
            await page.get_by_text("100 % happy").wait_for()
    finally:
        await other.stop()


async def test_pages_of_other_sites_can_not_frame_ours(relay: app.Relay, browser: Browser) -> None:
    frames = [
        "/overlay?source=demo",
        "/dashboard",
        "/join/demo",
        "/try",
        "/settings/demo",
        "/static/pictures/happy.svg",
        "/healthz",
    ]
    text = "<!doctype html>" + "".join(f'<iframe src="{relay.url}{path}"></iframe>' for path in frames)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    async def loaded(tab: Page) -> list[str]:
        return [frame.url.removeprefix(relay.url) for frame in tab.frames[1:] if frame.url.startswith(relay.url)]

    async with Server({"/": page}).serve() as other:
        tab = await browser.new_page()
        await tab.goto(other.url, wait_until="load")
        assert len(tab.frames) == 1 + len(frames)
        assert await loaded(tab) == []
    await tab.route(f"{relay.url}/framing", lambda route: route.fulfill(body=text, content_type="text/html"))
    await tab.goto(f"{relay.url}/framing", wait_until="load")
    assert await loaded(tab) == ["/overlay?source=demo"]  # as the settings page shows it
