"""The pages in the engines of OBS's browser sources: they work, and ask nobody but their relay."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from benchmarks.history_page import store
from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from tests.e2e.overlay_page import AS_OBS, CHOICES, overlay_url
from tests.support import HANG_S, Viewer, audience, leave, wait_until

pytestmark = pytest.mark.nightly

SHOWN = "document.querySelector('.moodcast[data-state=live]')"
PAGES = {
    "/overlay?source=demo": SHOWN,
    **{f"/overlay?channel=demo&layout={layout}#key={{key}}": SHOWN for layout in CHOICES["layout"]},
    **{f"/overlay?channel=demo&theme={theme}#key={{key}}": SHOWN for theme in CHOICES["theme"]},
    "/dashboard": "document.body?.dataset.page === 'form'",
    "/dashboard?channel=demo#key={key}": "document.querySelector('#chart canvas') && "
    "document.querySelector('#leader')?.textContent.includes('happy')",
    "/settings/demo#key={key}": "document.querySelector('iframe')?.contentDocument?.querySelector('[data-state=live]')",
    "/join/demo": "document.querySelector('#ways')?.offsetHeight",
    "/try": "document.body?.dataset.page === 'unavailable'",
}
"""Each page's address, and JavaScript: whether it is whole."""
WATCH = """addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
    console.error(`policy: ${effectiveDirective} ${blockedURI}`));"""


@pytest.mark.parametrize("address", PAGES)
async def test_a_page_works_and_talks_to_its_relay_alone(relay: Relay, engine: BrowserContext, address: str) -> None:
    key = relay.create_channel("demo").display_key
    page, complaints = await engine.new_page(), list[str]()
    page.set_default_timeout(1000 * HANG_S)
    await page.add_init_script(WATCH)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws", "http", 1)))
    viewers = await audience(relay.url, "demo", ["happy", "happy", "surprise", "neutral"])
    await page.goto(relay.url + address.format(key=key))
    await wait_until(lambda: page.evaluate(f"Boolean({PAGES[address]})"))
    for viewer in viewers:
        await viewer.tap("heart")
        await viewer.label("happy")
    if address.startswith("/overlay"):
        await wait_until(lambda: page.evaluate("!!document.querySelector('.moodcast-reaction:not([hidden])')"))
    assert complaints == []
    assert asked
    assert [url for url in asked if not url.startswith((relay.url, "data:", "blob:"))] == []
    await page.close()
    await leave(viewers)


@pytest.mark.relay(min_viewers=1, tick_ms=50)
async def test_socket_font_and_a_streamers_css_pass_the_policy(relay: Relay, engine: BrowserContext) -> None:
    page = await engine.new_page()
    complaints = list[str]()
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    key = relay.create_channel("demo").display_key
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await page.goto(overlay_url(relay, key))
        await page.evaluate(AS_OBS)
        await wait_until(lambda: page.evaluate("Boolean(document.querySelector('[data-state=live]'))"))
        ground = "getComputedStyle(document.querySelector('.moodcast-panel')).backgroundColor"
        assert await page.evaluate(ground) == "rgb(1, 2, 3)"
        await wait_until(lambda: page.evaluate("[...document.fonts].some(({ status }) => status === 'loaded')"))
    assert complaints == []


async def test_the_settings_page_previews_and_copies(relay: Relay, engine: BrowserContext) -> None:
    page = await engine.new_page()
    complaints = list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    await page.goto(f"{relay.url}/settings/demo#key=k")
    frame = "document.querySelector('.screen iframe:not(.coming)')"
    overlay = f"{frame}?.contentDocument.querySelector('.moodcast[data-state=live]')"
    await wait_until(lambda: page.evaluate(f"Boolean({overlay})"))
    await page.evaluate("document.querySelector('[data-option=theme] [value=light]').click()")
    await wait_until(lambda: page.evaluate(f"{overlay}?.dataset.theme === 'light'"))
    await page.evaluate("document.querySelector('[data-try=moment]').click()")
    banner = f"{overlay}?.querySelector('.moodcast-moment:not([hidden])')"
    await wait_until(lambda: page.evaluate(f"Boolean({banner})"))
    shown = await page.evaluate("document.querySelector('#address').value")
    assert shown == f"{relay.url}/overlay?channel=demo&theme=light#key=" + 3 * "\N{BULLET}"
    assert complaints == []


async def test_the_dashboard_shows_a_session(engine: BrowserContext, tmp_path: Path) -> None:
    store(str(tmp_path), 1800)
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path)))
    try:
        page = await engine.new_page()
        complaints = list[str]()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        key = relay.create_channel("demo").display_key
        await page.goto(f"{relay.url}/dashboard?channel=demo#key={key}")
        chart = "document.querySelector('#chart canvas')"
        await wait_until(lambda: page.evaluate(f"Boolean({chart}?.getAttribute('aria-label')?.includes('happy'))"))
        await wait_until(lambda: page.evaluate("Boolean(document.querySelector('#peaks .moment'))"))
        listed = await page.evaluate("document.querySelector('#peaks .moment').innerText")
        await page.evaluate("document.querySelector('#peaks .moment-show').click()")
        await wait_until(lambda: page.evaluate("Boolean(document.querySelector('.tooltip-peak'))"))
        told = await page.evaluate("document.querySelector('.tooltip-peak .tooltip-share').textContent")
        assert told in listed
        await page.evaluate("for (const id of ['as-stack', 'nearer']) document.getElementById(id).click()")
        await wait_until(lambda: page.evaluate(f"/over 1[45]:/.test({chart}.getAttribute('aria-label'))"))
        assert complaints == []
    finally:
        await relay.stop()
