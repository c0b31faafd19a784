"""Every layout of the overlay in a real Chromium: nothing is cut and nothing lies over another, whatever the size.

``make nightly`` has all themes, states and sizes, and leaves their photographs in build/layouts.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, WebSocket, expect

from relay import app
from relay.config import RelaySettings
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import OVERLAY, mood, overlay_url, push
from tests.support import SOON, Viewer, audience, free_port, leave

OPTIONS = {row["name"]: row for row in json.loads((OVERLAY / "options.json").read_text("utf-8"))}
PANELS = [name for name in OPTIONS["layout"]["values"] if name != "reactions"]
SIZES = [(1920, 1080), (1280, 720), (3840, 2160), (1080, 1920), (640, 200), (320, 180)]
TITLE = "The%20longest%20title%20that%20a%20streamer%20may%20give%20has%20sixty%20ch"
COUNTS = [6, 2, 4, 92, 8, 16, 24]
SETTLE = """async () => {
    await document.fonts.ready;
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))); // what fits is measured
    document.getAnimations().forEach(one => one.finish());
}"""
"""JavaScript: all stands still."""
FAULTS = """() => {
    const panel = document.querySelector(".moodcast-panel");
    const leaning = panel.getBoundingClientRect();
    // The boxes around what leans are larger, and lie over each other.
    Object.assign(panel.style, { transition: "none", transform: "none" });
    const faults = [];
    const within = ".moodcast-bar, .moodcast-stream, .moodcast-leader-room, .moodcast-ring";
    const own = ".moodcast-panel, .moodcast-bar, .moodcast-stream"; // move within, or are looked at by their parts
    const name = element => element.className || element.tagName;
    const shown = [...panel.querySelectorAll("img, span, p, .moodcast-bar, .moodcast-stream, .moodcast-line-share")]
        .filter(element => element.matches("img, .moodcast-bar, .moodcast-stream") || element.textContent.trim())
        .filter(element => element.checkVisibility?.() ?? element.offsetParent)
        .filter(element => !element.parentElement.closest(within) && !element.matches(".moodcast-leader-room"))
        .filter(element => ![...element.children].some(child => child.tagName === "SPAN"))
        .map(element => ({ element, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.width && box.height);
    for (const { element, box } of [...shown, { element: panel, box: leaning }]) {
        if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)
            faults.push(`${name(element)} sticks out of the picture`);
        if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth && !element.matches(own))
            faults.push(`${name(element)} is cut`);
    }
    shown.forEach(({ element, box }, i) => shown.slice(i + 1).forEach(other => {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1.5 && down > 1.5) faults.push(`${name(element)} and ${name(other.element)} lie over each other`);
    }));
    Object.assign(panel.style, { transition: "", transform: "" });
    if (parseFloat(getComputedStyle(panel).fontSize) < 11) faults.push("too small to be read");
    return faults;
}"""
"""JavaScript: what is wrong with what the panel shows."""


async def live(page: Page) -> None:
    await push(page, **mood(COUNTS, viewers=310, trend=0.2))


async def with_streamer(page: Page) -> None:
    await push(page, type="face", time=1e9 - 1, emotion="surprise", delay=0)
    await live(page)


async def waiting(page: Page) -> None:
    await push(page, **mood([0] * 7, visible=False, crowd="networks"))


async def crowded(page: Page) -> None:
    await push(page, **mood([1, 0, 0, 0, 0, 1203304, 5], viewers=2500000, trend=-0.4, resonance=1))
    await page.locator('.moodcast-leader-face img[data-name="surprise"]').wait_for()  # the flash guard may let it wait


STATES: dict[str, Callable[[Page], Awaitable[None]]] = {
    "live": live, "streamer": with_streamer, "crowded": crowded, "waiting": waiting
}  # fmt: skip


async def faults(page: Page) -> list[str]:
    """What is wrong once all stands still."""
    await page.evaluate(SETTLE)
    found: list[str] = await page.evaluate(FAULTS)
    return found


@pytest.mark.parametrize(("width", "height"), [(320, 180), pytest.param(1080, 1920, marks=pytest.mark.nightly)])
async def test_nothing_is_cut_and_nothing_lies_over_another(
    relay: app.Relay, open_page: OpenPage, width: int, height: int
) -> None:
    for layout in PANELS:
        address = f"{relay.url}/overlay?source=obs&layout={layout}&note=on&title={TITLE}&language=de"
        page = await open_page(address, width, height)
        for name, show in STATES.items():
            await show(page)
            await expect(page.locator(".moodcast")).to_have_attribute("data-layout", layout)
            assert await faults(page) == [], f"{layout}, {name}"
        await page.close()


async def test_the_bar_is_as_wide_as_it_needs_and_low(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs", 1920, 1080)
    await live(page)
    assert await faults(page) == []
    box = await page.locator(".moodcast-panel").bounding_box()
    assert box is not None
    assert box["width"] < 0.6 * 1920
    assert box["height"] < 0.14 * 1080
    await crowded(page)  # other words change nothing of its size
    assert await faults(page) == []
    assert await page.locator(".moodcast-panel").bounding_box() == box


async def test_a_layout_of_reactions_has_no_panel_but_tells_what_is_wrong(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs&layout=reactions")
    await live(page)
    await push(page, type="reaction", time=1e9, kind="tap", name="clap", strength=0.2, count=2)
    await page.locator(".moodcast-reaction").first.wait_for()
    await expect(page.locator(".moodcast-panel")).to_be_hidden()
    await push(page, type="bye", code=4401, message="The key does not open the channel.", retry_after_s=0)
    await expect(page.get_by_text("The key does not open the channel.")).to_be_visible()


async def test_without_news_it_rests_and_shows_no_old_figure_until_the_relay_is_back(
    tmp_path: Path, open_page: OpenPage
) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    url = overlay_url(relay, relay.create_channel("demo").display_key)
    page = await open_page(url, expected=("WebSocket connection to", "ERR_CONNECTION_REFUSED"))
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    await page.get_by_text("100 % happy").wait_for()
    await leave(viewers)
    await relay.stop()
    await expect(page.locator(".moodcast")).to_have_attribute("data-state", "resting")
    assert await page.locator(".moodcast-panel").inner_text() == "Reconnecting…"
    assert await page.locator(".moodcast-bar").get_attribute("data-resting") == ""
    await page.wait_for_event("requestfailed")
    opened: list[WebSocket] = []
    page.on("websocket", lambda socket: opened.append(socket))
    await page.wait_for_event("requestfailed")
    assert opened == []  # each that fails makes the browser wait longer before the next: up to five seconds
    relay = await app.start(settings, SOON)
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("sad")
        await page.get_by_text("100 % sad").wait_for()
        await expect(page.locator(".moodcast")).to_have_attribute("data-state", "live")
    await relay.stop()


@pytest.mark.nightly
@pytest.mark.timeout(1800)  # some sixty pictures, of which those of a 4K canvas take a busy machine seconds each
@pytest.mark.parametrize("theme", OPTIONS["theme"]["values"])
@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_every_layout_in_every_theme_state_and_size(
    relay: app.Relay, open_page: OpenPage, width: int, height: int, theme: str
) -> None:
    album = OVERLAY.parent / "build" / "layouts"
    album.mkdir(parents=True, exist_ok=True)
    for layout in PANELS:
        for extra in ("", f"&note=on&title={TITLE}&language=de&position=top-left"):
            page = await open_page(
                f"{relay.url}/overlay?source=obs&layout={layout}&theme={theme}{extra}", width, height
            )
            await page.add_style_tag(content="html { background: linear-gradient(120deg, #8fb96a, #20384d, #b0603a) }")
            for name, show in STATES.items():
                await show(page)
                assert await faults(page) == [], f"{layout}, {name}, {extra}"
                kind = "full" if extra else "plain"
                await page.screenshot(path=album / f"{width}x{height}-{theme}-{layout}-{name}-{kind}.png")
            await page.close()
