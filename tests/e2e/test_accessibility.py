"""No page breaks a rule of axe-core: each in one state here, and in `make nightly` in all of them, light and dark."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from relay.app import Relay
from tests.e2e.axe import violations
from tests.e2e.overlay_page import CHOICES, moment, mood, push
from tests.support import HANG_S, audience, leave, wait_until

HIDDEN = {"visible": False, "sharing": 0}
IN_FULL = """document.getAnimations().forEach((animation) => {
    const { duration, iterations } = animation.effect.getComputedTiming();
    if (iterations === 1) Object.assign(animation, { currentTime: duration / 2 }).pause();
})"""
"""JavaScript: what fades in, and out again, is there."""
SHOWN = "getComputedStyle(document.querySelector('.moodcast-countdown')).opacity === '1'"
"""JavaScript: the countdown has faded in."""
READY = {
    "/overlay?channel=demo#key={key}": ".moodcast[data-state=live]",
    "/dashboard?channel=demo#key={key}": "#legend li",
    "/settings/demo#key={key}": "body",
    "/join/demo": "#yes-taps",
    "/try": "body:not([data-page=loading])",
}
"""Each page's address, and what is there once it is whole."""


@pytest.fixture(params=["light", "dark"])
async def desk(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Page]:
    """A page of somebody whose system has light or dark colours."""
    page = await browser.new_page(color_scheme=request.param, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(1000 * HANG_S)
    yield page
    await page.close()


async def opened(page: Page, relay: Relay, address: str, key: str) -> None:
    await page.goto("about:blank")  # else one that differs in its fragment alone stays
    await page.goto(relay.url + address.format(key=key), wait_until="networkidle")
    await page.locator(READY[address]).first.wait_for()


async def test_no_page_breaks_a_rule(relay: Relay, browser: Browser) -> None:
    key = relay.create_channel("demo").display_key
    viewers = await audience(relay.url, "demo", ["happy", "happy", "neutral"])
    page = await browser.new_page(color_scheme="dark")
    for address in READY:
        await opened(page, relay, address, key)
        assert await violations(page) == [], address
    await leave(viewers)


@pytest.mark.nightly
@pytest.mark.parametrize("language", CHOICES["language"][1:])
async def test_no_page_at_a_desk_breaks_a_rule_in_any_language(relay: Relay, desk: Page, language: str) -> None:
    key = relay.create_channel("demo").display_key
    viewers = await audience(relay.url, "demo", ["happy", "happy", "neutral"])
    for address in list(READY)[1:]:
        path, hash_, fragment = address.partition("#")
        said = f"{path}{'&' if '?' in path else '?'}language={language}{hash_}{fragment}"
        await desk.goto("about:blank")
        await desk.goto(relay.url + said.format(key=key), wait_until="networkidle")
        await desk.locator(READY[address]).first.wait_for()
        assert await violations(desk) == [], address
    await leave(viewers)


@pytest.mark.nightly
async def test_no_dialog_of_the_dashboard_breaks_a_rule(relay: Relay, desk: Page) -> None:
    await desk.goto(f"{relay.url}/dashboard", wait_until="networkidle")
    await desk.locator("#open").wait_for()
    assert await violations(desk) == []
    key = relay.create_channel("demo").display_key
    viewers = await audience(relay.url, "demo", ["happy", "happy", "neutral"])
    await opened(desk, relay, "/dashboard?channel=demo#key={key}", key)
    said = "(dialog) => document.getElementById(dialog.getAttribute('aria-labelledby')).textContent.trim()"
    # What has no title yet gets it with what it asks.
    dialogs = await desk.evaluate(f"[...document.querySelectorAll('dialog')].filter({said}).map(({{ id }}) => id)")
    assert "help-dialog" in dialogs
    for name in dialogs:
        await desk.evaluate("name => document.getElementById(name).showModal()", name)
        assert await violations(desk) == [], name
        await desk.evaluate("name => document.getElementById(name).close()", name)
    await desk.evaluate("document.getElementById('opening').hidden = false")  # what the admin key opens
    assert await violations(desk) == []
    await leave(viewers)


@pytest.mark.parametrize(
    ("layout", "theme"),
    [
        pytest.param(layout, theme, marks=[] if (layout, theme) == ("bar", "light") else pytest.mark.nightly)
        for layout in CHOICES["layout"]
        for theme in CHOICES["theme"]
    ],
)
async def test_no_state_of_the_overlay_breaks_a_rule(relay: Relay, browser: Browser, layout: str, theme: str) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    await page.goto(f"{relay.url}/overlay?source=obs&layout={layout}&theme={theme}&title=Friday&note=on")
    for state, messages in {
        "connecting": [],
        "waiting": [mood([0] * 7, **HIDDEN)],
        "paused": [mood([0] * 7, paused=True, **HIDDEN)],
        "live": [mood([1, 1, 1, 20, 4, 6, 9])],
        "a moment": [mood([1, 1, 1, 20, 4, 6, 9]), moment("happy")],
        "a countdown": [{"type": "countdown", "time": 1e9, "zero": 1e9 + 5, "seconds": 5}],
        "stopped": [{"type": "bye", "code": 4401, "message": "Wrong key."}],
    }.items():
        for message in messages:
            await push(page, **message)
        if state in ("connecting", "waiting", "live", "stopped"):
            await page.locator(f".moodcast[data-state={state}]").wait_for()
        if state == "a moment":
            await page.evaluate(IN_FULL)
        if state == "a countdown":
            await wait_until(lambda: page.evaluate(SHOWN))
        assert await violations(page) == [], state
    await page.close()
