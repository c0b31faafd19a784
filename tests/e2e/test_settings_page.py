"""The settings page in a real Chromium, against the real relay."""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageStat
from playwright.async_api import Browser, Locator, Page, expect

from relay import app
from relay.common.texts import Texts
from tests.e2e.axe import violations
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import OVERLAY
from tests.support import HANG_S, wait_until

ROWS: list[dict[str, Any]] = [
    row for row in json.loads((OVERLAY / "options.json").read_text("utf-8")) if row.get("look")
]
RUDE = "<img src=x onerror=alert(1)>"
SHOWN = ".screen iframe:not(.coming)"
MISSES = """() => {
    window.misses = [];
    const look = () => {
        const frames = [...document.querySelectorAll(".screen iframe:not(.coming)")];
        const roots = frames.map(frame => frame.contentDocument?.querySelector(".moodcast[data-state=live]"));
        if (roots.length !== 1 || !roots[0]) window.misses.push(frames.map(frame => frame.src));
        requestAnimationFrame(look);
    };
    look();
}"""
"""JavaScript: from now on, note each picture that the screen shows without exactly one overlay with its audience."""


@pytest.fixture
async def settings(open_page: OpenPage) -> Callable[..., Awaitable[Page]]:
    """``await settings(url)``: the page, once the preview shows its audience."""

    async def settings(url: str) -> Page:
        page = await open_page(url, 1440, 900)
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await previewed(page)
        return page

    return settings


async def previewed(page: Page, **options: str) -> None:
    """Wait until the preview shows these options; in any case an audience."""

    async def is_shown() -> bool:
        frame = page.locator(SHOWN)
        if await frame.count() != 1:
            return False
        query = parse_qs(urlsplit(await frame.get_attribute("src") or "").query)
        return all(query.get(name, [""]) == [value] for name, value in options.items())

    await wait_until(is_shown)
    await page.frame_locator(SHOWN).locator(".moodcast[data-state=live]").wait_for(state="attached")


def option(page: Page, name: str) -> Locator:
    return page.locator(f"[data-option={name}]")


async def change(page: Page, row: dict[str, Any]) -> str:
    """Another value than the usual one, by the control as a user finds it: by its label. Returns the value."""
    control = option(page, row["name"])
    if row["kind"] == "number":
        value = f"{row['least'] + 3 * row['step']:g}"
        await control.get_by_role("slider", name=row["label"], exact=True).fill(value)
        return value
    if row["kind"] == "text":
        await control.get_by_role("textbox", name=row["label"], exact=True).fill(RUDE)
        return RUDE
    assert row["kind"] == "choice"
    value = next(value for value in reversed(row["values"]) if value != row["default"])
    if set(row["values"]) == {"on", "off"}:
        await control.get_by_role("switch", name=row["label"], exact=True).press("Space")
    elif await control.get_by_role("combobox").count():
        await control.get_by_role("combobox", name=row["label"], exact=True).select_option(value)
    else:
        group = control.get_by_role("radiogroup", name=row["label"], exact=True)
        await group.get_by_role("radio", name=row["values"][value], exact=True).check()
    return value


async def copied(page: Page, button: str) -> str:
    await page.get_by_role("button", name=button).click()
    await expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def test_each_option_of_the_table_has_a_control_that_reaches_preview_and_address(
    relay: app.Relay, settings: Callable[..., Awaitable[Page]]
) -> None:
    key = relay.create_channel("demo").display_key
    page = await settings(f"{relay.url}/settings/demo#key={key}")
    assert await copied(page, "Copy for OBS") == f"{relay.url}/overlay?channel=demo#key={key}"
    chosen = {}
    for row in ROWS:
        chosen[row["name"]] = await change(page, row)
        await expect(option(page, row["name"])).to_have_attribute("data-changed", "")
    await previewed(page, source="obs", **chosen)
    address = urlsplit(await copied(page, "Copy for OBS"))
    assert address.fragment == f"key={key}"
    assert parse_qs(address.query) == {name: [value] for name, value in ({"channel": "demo"} | chosen).items()}
    for row in ROWS:  # as a user takes it back, with the keyboard
        await option(page, row["name"]).get_by_role("button", name=f"Reset: {row['label']}").press("Enter")
        assert await page.evaluate("document.activeElement.closest('[data-option]')?.dataset.option") == row["name"]
    assert await copied(page, "Copy for OBS") == f"{relay.url}/overlay?channel=demo#key={key}"


async def test_the_preview_follows_without_a_picture_that_lacks_the_overlay(
    relay: app.Relay, settings: Callable[..., Awaitable[Page]]
) -> None:
    page = await settings(f"{relay.url}/settings/anything")
    await page.evaluate(MISSES)
    await option(page, "position").get_by_role("radio", name="At the top").check()
    await previewed(page, position="top")
    await page.get_by_text("Colours, font and shapes").click()
    await page.get_by_label("Corners of the panel", exact=True).first.fill("0")
    panel = page.frame_locator(SHOWN).locator(".moodcast-panel")
    await expect(panel).to_have_css("border-radius", "0px")
    await page.get_by_role("button", name="Taps").click()
    await page.frame_locator(SHOWN).locator(".moodcast-reaction[data-name=heart]").first.wait_for()
    await page.get_by_role("button", name="Countdown").click()
    await page.frame_locator(SHOWN).locator(".moodcast-countdown").wait_for()
    assert await page.evaluate("window.misses") == []
    assert "--moodcast-radius: 0em;" in await copied(page, "Copy CSS")


async def test_the_key_is_in_what_is_copied_for_obs_and_nowhere_else(
    relay: app.Relay, settings: Callable[..., Awaitable[Page]]
) -> None:
    key = relay.create_channel("demo").display_key
    page = await settings(f"{relay.url}/settings/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.headers} {request.post_data}"))
    channel, title = page.get_by_label("Channel", exact=True), option(page, "title").get_by_role("textbox")
    for field in (channel, title, page.get_by_label("Name of the look")):  # while nobody knows that it is one
        await field.fill(key)
        await field.press("Enter")
        await expect(field).to_have_value("")
    await expect(page.locator("#presets li")).to_have_count(0)
    await page.get_by_label("Channel", exact=True).fill("demo")
    await page.get_by_label("Display key").fill(key)
    await option(page, "theme").get_by_role("radio", name="Light").check()
    for typed in (key, f"overlay#key={key[:20]}"):  # into the wrong field
        await option(page, "title").get_by_role("textbox").fill(typed)
        await expect(page.get_by_text("it was taken away")).to_be_visible()
        await page.get_by_label("Name of the look").click()
    await page.get_by_label("Name of the look").fill("Mine")
    await page.get_by_role("button", name="Save").click()
    await previewed(page, theme="light")
    assert await copied(page, "Copy a link") == f"{relay.url}/settings/#theme=light"
    assert key not in await page.locator("#address").input_value()
    assert await copied(page, "Copy for OBS") == f"{relay.url}/overlay?channel=demo&theme=light#key={key}"
    stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "Mine" in stored
    assert sent
    assert key[:20] not in "".join([stored, page.url, *sent])
    assert all(line.startswith(relay.url) for line in sent)


async def test_a_shared_look_is_asked_about_and_saved_looks_come_back(
    relay: app.Relay, settings: Callable[..., Awaitable[Page]]
) -> None:
    page = await settings(f"{relay.url}/settings/demo#key=mine")
    await option(page, "title").get_by_role("textbox").fill("Friday run")
    hostile = "#layout=wave&css-panel=%23102030&key=theirs&channel=theirs&relay=https://relay.example.org&title=rude"
    await page.goto("about:blank")
    await page.goto(f"{relay.url}/settings/theirs{hostile}")
    offer = page.get_by_role("region", name="Somebody shared a look with you")
    await expect(offer).to_contain_text("own colours and shapes")
    await previewed(page, layout="wave")
    await expect(page.locator("#name")).to_have_value("")
    await expect(page.get_by_role("button", name="Copy for OBS")).to_be_disabled()
    await offer.get_by_role("button", name="Keep mine").click()
    await expect(option(page, "layout")).not_to_have_attribute("data-changed", "")
    assert urlsplit(page.url).fragment == ""

    await page.get_by_label("Paste a link").fill(f"{relay.url}/settings/{hostile}")
    await page.get_by_role("button", name="Open").click()
    await page.keyboard.press("Enter")  # on "Use it"
    await expect(option(page, "layout").get_by_role("radio", name="Stream")).to_be_checked()
    await expect(option(page, "title").get_by_role("textbox")).to_have_value("Friday run")

    await page.get_by_label("Name of the look").fill(RUDE)
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Reset all").click()
    await page.reload()
    await expect(option(page, "layout").get_by_role("radio", name="Bar")).to_be_checked()
    await page.get_by_role("button", name=f"Load {RUDE}").click()
    await expect(option(page, "layout").get_by_role("radio", name="Stream")).to_be_checked()
    await page.get_by_role("button", name="Undo").click()
    await expect(option(page, "layout").get_by_role("radio", name="Bar")).to_be_checked()
    await page.get_by_role("button", name=f"Rename {RUDE}").click()
    await page.get_by_label("Name", exact=True).fill("Wave")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Delete Wave").click()
    await expect(page.get_by_role("button", name="Load Wave")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("button", name="Load Wave")).to_be_visible()


async def test_no_tab_undoes_what_another_saved_and_what_is_not_kept_is_told(
    relay: app.Relay, browser: Browser
) -> None:
    context = await browser.new_context()
    context.set_default_timeout(1000 * HANG_S)
    one, other = await context.new_page(), await context.new_page()
    for tab in (one, other):
        await tab.goto(f"{relay.url}/settings/demo#key=mine")
        await previewed(tab)
    for page, name in ((one, "First"), (other, "Second")):
        await page.get_by_label("Name of the look").fill(name)
        await page.get_by_role("button", name="Save").click()
        for tab in (one, other):
            await expect(tab.get_by_role("button", name=f"Load {name}")).to_be_visible()
    assert [preset["name"] for preset in json.loads(await one.evaluate("localStorage['moodcast-presets']"))] == [
        "First", "Second"
    ]  # fmt: skip
    await expect(one.get_by_role("button", name="Undo")).to_be_hidden()  # it would take away Second as well

    await other.evaluate(
        "void (Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') })"
    )
    await other.get_by_label("Name of the look").fill("Third")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("This browser keeps nothing")).to_be_visible()

    await one.evaluate("void (navigator.clipboard.writeText = () => Promise.reject())")  # as on plain http
    await one.get_by_role("button", name="Copy for OBS").click()
    await expect(one.locator("#address")).to_have_value(f"{relay.url}/overlay?channel=demo#key=mine")
    await one.get_by_label("Name of the look").focus()
    await expect(one.locator("#address")).to_have_value(f"{relay.url}/overlay?channel=demo#key=" + 3 * "\N{BULLET}")


async def test_on_a_phone_and_in_another_language_nothing_sticks_out_or_hinders(
    relay: app.Relay, browser: Browser
) -> None:
    page = await browser.new_page(locale="ru-RU", viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.set_default_timeout(1000 * HANG_S)
    await page.goto(f"{relay.url}/settings/demo")
    await page.locator("#languages").select_option("vi")
    await page.wait_for_url("**/demo?language=vi")
    await page.goto(f"{relay.url}/settings/demo")  # it is kept
    await previewed(page)
    await expect(page.get_by_role("heading", name=Texts("vi", "settings")("looks.title"))).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.locator("#style").evaluate("details => { details.open = true }")
    assert await violations(page) == []
    await page.emulate_media(color_scheme="light")
    assert await violations(page) == []
    box = await page.locator("#stage").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 422  # the preview is in sight, above the controls


async def test_in_the_dark_the_ground_shows_through_the_preview(
    settings: Callable[..., Awaitable[Page]], relay: app.Relay
) -> None:
    page = await settings(f"{relay.url}/settings/demo")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.locator("#ground").select_option("dark")
        box = await page.locator(".screen").bounding_box()
        assert box
        top = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"] / 2}
        picture = Image.open(io.BytesIO(await page.screenshot(clip=top))).convert("L")
        assert ImageStat.Stat(picture).median[0] < 60, scheme  # whatever floats there
