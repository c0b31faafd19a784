"""The dashboard while the stream goes on, in a real Chromium: reactions, keys, test reactions, light and dark."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from relay import app
from tests.e2e.axe import violations
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import overlay_url
from tests.support import Viewer, audience, leave, request


async def opened(relay: app.Relay, open_page: OpenPage, **options: Any) -> tuple[Page, Any]:
    keys = relay.create_channel("demo")
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}", **options)
    await page.locator("#line[data-line=open]").wait_for()
    return page, keys


async def give_admin_key(page: Page, key: str) -> None:
    await page.get_by_label("Admin key", exact=True).fill(key)
    await page.keyboard.press("Enter")


async def press(page: Page, keys: str) -> None:
    """One key right after the other, with the focus on nothing."""
    await page.evaluate(
        """(keys) => [...keys].forEach((key) =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key })))""",
        keys,
    )


async def test_bursts_stay_on_top_of_taps_which_are_one_line(relay: app.Relay, open_page: OpenPage) -> None:
    page, _ = await opened(relay, open_page)
    await expect(page.locator("#line")).to_have_text(re.compile("Ready *no viewers yet"))
    viewers = await audience(relay.url, "demo", ["neutral"] * 6)
    await expect(page.locator("#line")).to_have_text(re.compile("On air *6 viewers"))
    await expect(page.locator("#sharing")).to_have_text("6")  # before the mood is shown there are no bursts
    for viewer in viewers:
        await viewer.label("happy")
    # All six, or fewer where the machine is too busy to bring all their labels in one tick.
    pinned = page.locator("#reactions li[data-pinned]", has_text=re.compile("[3-6] viewers turned happy together"))
    await pinned.wait_for()
    for viewer in viewers[:3]:
        await viewer.tap("heart")
    for viewer in viewers[3:]:
        await viewer.tap("clap")
    taps = page.locator("#reactions li[data-kind=tap]")
    await expect(taps.locator("b")).to_have_text([re.compile("3"), re.compile("3")])
    assert await taps.count() == 1
    assert await page.locator("#reactions li").first.get_attribute("data-pinned") == ""
    for time in await page.locator("#reactions time").all():
        box = await time.bounding_box()
        assert box is not None
        assert box["height"] < 24
    await leave(viewers)


async def test_keys_mark_count_down_and_show_a_test_on_the_overlay(relay: app.Relay, open_page: OpenPage) -> None:
    page, keys = await opened(relay, open_page)
    overlay = await open_page(overlay_url(relay, keys.display_key))
    await overlay.locator(".moodcast[data-state=waiting]").wait_for()  # it is connected
    async with await Viewer.connect(relay.url):
        await page.locator("#marker").fill("mct?")
        await expect(page.locator("#help-dialog")).to_be_hidden()
        await page.locator("h1").click()
        await page.keyboard.press("m")
        await give_admin_key(page, keys.admin_key)
        await page.get_by_text("Marked: mct?").wait_for()
        await page.locator("h1").click()
        await page.keyboard.press("M")
        await page.get_by_text("Marked: Marked at").wait_for()
        await page.locator("#rehearsed").select_option("laugh")
        await page.locator("h1").click()
        await page.keyboard.press("t")
        shown = overlay.locator(".moodcast-reaction[data-name=laugh]")
        await expect(shown).to_have_text("Test")
        await page.get_by_text("The overlay shows it now").wait_for()
        assert await page.locator("#reactions li").count() == 0
        await page.keyboard.press("?")
        await page.get_by_label("Use these keys").uncheck()
        await page.keyboard.press("Escape")
        await expect(page.locator("#help-dialog")).to_be_hidden()
        await page.keyboard.press("c")
        await expect(page.locator("#countdown")).to_be_enabled()
        await page.keyboard.press("?")
        await page.get_by_label("Use these keys").check()
        await page.keyboard.press("Escape")
        await expect(page.locator("#help-dialog")).to_be_hidden()
        await page.keyboard.press("c")
        await expect(page.locator("#countdown")).to_be_disabled()


async def test_a_text_is_one_marker_and_away_from_the_channel_no_key_does_anything(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page, keys = await opened(relay, open_page)
    async with await Viewer.connect(relay.url):
        await page.locator("#marker").fill("the goal")
        await page.locator("h1").click()
        await page.keyboard.press("m")
        await page.keyboard.press("Escape")  # the dialog that asks for the key
        await expect(page.locator("#marker")).to_have_value("the goal")
        await page.locator("h1").click()
        await page.keyboard.press("m")
        await give_admin_key(page, keys.admin_key)
        await page.get_by_text("Marked: the goal").wait_for()
        await page.locator("#marker").fill("the next one")
        await page.locator("h1").click()
        await press(page, "mm")
        await page.get_by_text("Marked: Marked at").wait_for()
        await page.locator("#change").click()
        await page.locator("#change").wait_for(state="hidden")
        await press(page, "mt?")
        assert await page.locator("dialog[open]").count() == 0
        _, stored = await request(relay.url, "GET", "demo/sessions/current", keys.display_key)
    texts = [marker["text"] for marker in stored["markers"]]
    assert (texts.count("the goal"), texts.count("the next one"), len(texts)) == (1, 1, 3)


async def test_a_new_overlay_address_and_a_new_admin_key(relay: app.Relay, open_page: OpenPage) -> None:
    page, keys = await opened(relay, open_page, expected=("401 (Unauthorized)", "403 (Forbidden)"))
    other = await open_page(page.url, expected=("401 (Unauthorized)",))
    await page.get_by_role("button", name="New overlay address").click()
    await page.get_by_role("button", name="Keep the old one").click()
    assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 200
    await page.get_by_role("button", name="New overlay address").click()
    await expect(page.locator("#rotate-text")).to_contain_text("The old one ends at once")
    await page.get_by_role("button", name="Replace it").click()
    await give_admin_key(page, keys.admin_key)
    address = page.get_by_label("New overlay address", exact=True).and_(page.locator("input"))
    await expect(address).to_have_value(re.compile(f"^{re.escape(relay.url)}/overlay\\?channel=demo#key="))
    display = (await address.input_value()).partition("#key=")[2]
    assert display != keys.display_key
    assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 401
    await other.get_by_text("The key was replaced").wait_for()
    assert page.url.endswith(f"#key={display}")
    async with await Viewer.connect(relay.url):
        await expect(page.locator("#watching")).to_have_text("1 viewer")  # it goes on by itself
    await page.get_by_role("button", name="New admin key").click()
    await page.get_by_role("button", name="Replace it").click()
    shown = page.get_by_label("New admin key", exact=True).and_(page.locator("input"))
    await expect(shown).not_to_have_value("")
    admin = await shown.input_value()
    assert (await request(relay.url, "GET", "demo", keys.admin_key))[0] == 401
    assert (await request(relay.url, "GET", "demo", admin))[0] == 200
    await page.locator("#rehearse").click()  # with the new one, unasked
    await page.get_by_text("The overlay shows it now").wait_for()
    kept = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert admin not in kept


async def test_an_admin_key_that_another_replaced_is_asked_for_when_it_is_needed(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page, keys = await opened(relay, open_page, expected=("401 (Unauthorized)",))
    await page.locator("#opening-show").click()
    await give_admin_key(page, keys.admin_key)
    await page.locator("#grid").check()
    await expect(page.locator("#on-grid-words")).not_to_have_text("")
    _, new = await request(relay.url, "POST", "demo/keys", keys.admin_key, {"rotate": "admin"})
    await page.locator("#opening-show").wait_for()  # who is on the grid is looked at all the time, and asks nobody
    dialog = page.locator("#admin-dialog")
    await expect(dialog).to_be_hidden()
    await page.locator("#rehearse").click()
    await expect(dialog).to_contain_text("This key does not open the channel")
    await give_admin_key(page, new["admin_key"])
    await page.get_by_text("The overlay shows it now").wait_for()
    await page.locator("#opening-show").click()
    await expect(page.locator("#grid")).to_be_checked()


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.nightly), "dark"])
async def test_light_and_dark_hinder_nobody(relay: app.Relay, browser: Browser, scheme: str) -> None:
    keys = relay.create_channel("demo")
    page = await browser.new_page(color_scheme="dark" if scheme == "light" else "light", reduced_motion="reduce")
    await page.goto(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}")
    viewers = await audience(relay.url, "demo", ["happy", "happy", "sad", "neutral"])
    await page.locator("#leader", has_text="50 % happy").wait_for()
    await page.get_by_role("button", name="Dark colours").click()
    await viewers[0].tap("heart")
    await page.locator("#reactions li").first.wait_for()
    await page.locator("#opening-show").click()
    await give_admin_key(page, keys.admin_key)
    await page.locator("#invite-show").click()
    await page.get_by_label("Link for viewers").wait_for()
    await page.reload()
    await page.locator("#leader", has_text="50 % happy").wait_for()
    assert await page.evaluate("document.documentElement.dataset.scheme") == scheme  # the switch is kept
    assert await violations(page) == []
    await page.keyboard.press("?")
    assert await violations(page) == []
    await leave(viewers)


async def test_a_phone_has_room_for_fingers(relay: app.Relay, open_page: OpenPage) -> None:
    page, keys = await opened(relay, open_page, width=390, height=844)
    await page.locator("#invite-show").click()
    await give_admin_key(page, keys.admin_key)
    await page.get_by_label("Link for viewers").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    small = await page.evaluate("""[...document.querySelectorAll("button, select, a, input:not([type=checkbox])")]
        .filter(element => element.checkVisibility())
        .map(element => [element.id || element.textContent, element.getBoundingClientRect()])
        .filter(([, box]) => box.height < 40 || box.width < 40 || box.right > 390).map(([name]) => name)""")
    assert small == []


async def test_the_language_is_chosen_on_the_page_and_kept(relay: app.Relay, open_page: OpenPage) -> None:
    page, keys = await opened(relay, open_page)
    await page.get_by_label("Language").select_option("de")
    await page.get_by_role("heading", name="Reaktionen").wait_for()
    assert await page.locator("html").get_attribute("lang") == "de"
    await page.goto(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}")
    await expect(page.locator("#line")).to_have_text(re.compile("Bereit *noch keine Zuschauer"))
    async with await Viewer.connect(relay.url):
        await expect(page.locator("#watching")).to_have_text("1 Zuschauer")
    assert "Deutsch" in await page.locator("#languages option:checked").inner_text()
    assert await page.locator("#languages option:checked").inner_text() != "Deutsch"  # no native has read it
