"""In which fonts a real Chromium writes: our own where it has the letters, the system's elsewhere."""

import shutil
import subprocess

import pytest
from playwright.async_api import Page

from relay import app
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import mood, push
from tests.support import HANG_S

OURS = {
    "en": "Quiz 0123",
    "vi": "Ng\u1ea1c nhi\u00ean",
    "ru": "\u0423\u0434\u0438\u0432\u043b\u0435\u043d\u0438\u0435",
    "es": "\u00bfQu\u00e9 tal\u2026?",
}
SYSTEMS = {
    "ja": "\u9a5a\u304d",
    "zh-cn": "\u60ca\u8bb6",
    "zh-tw": "\u9a5a\u8a1d",
    "he": "\u05e9\u05dc\u05d5\u05dd",
    "ar": "\u0645\u0631\u062d\u0628\u0627",
}


async def fonts(page: Page, selector: str) -> dict[bool, int]:
    """How many letters of an element are written in a font of the page's (True) and of the system's."""
    tools = await page.context.new_cdp_session(page)
    await tools.send("DOM.enable")
    await tools.send("CSS.enable")
    root = (await tools.send("DOM.getDocument"))["root"]["nodeId"]
    node = (await tools.send("DOM.querySelector", {"nodeId": root, "selector": selector}))["nodeId"]
    used = (await tools.send("CSS.getPlatformFontsForNode", {"nodeId": node}))["fonts"]
    found: dict[bool, int] = {}
    for font in used:
        found[font["isCustomFont"]] = found.get(font["isCustomFont"], 0) + int(font["glyphCount"])
    return found


@pytest.mark.nightly
async def test_the_overlay_writes_in_its_own_font_and_in_the_systems_what_that_lacks(
    relay: app.Relay, open_page: OpenPage
) -> None:
    relay.create_channel("demo")
    page = await open_page(f"{relay.url}/overlay?source=obs&title=Quiz")
    await push(page, **mood([0, 0, 0, 5, 0, 0, 0]))
    await page.get_by_text("Quiz", exact=True).wait_for()
    without = [language for language in SYSTEMS if not _has_font(language)]
    for language, title in (OURS | SYSTEMS).items():
        if language in without:
            continue
        await page.locator(".moodcast-title").evaluate("(title, text) => { title.textContent = text; }", title)
        await page.evaluate("document.fonts.ready")
        assert (await fonts(page, ".moodcast-title")).keys() == {language in OURS}, language
    for address in ("/dashboard", "/join/demo"):
        await page.goto(f"{relay.url}{address}")
        await page.evaluate("document.fonts.load('16px Inter')")
        assert True in await fonts(page, "h1, h2"), address
    if without:
        pytest.skip(f"no fonts here for {', '.join(without)}: install fonts-droid-fallback, fonts-dejavu-core")


def _has_font(language: str) -> bool:
    """As fontconfig tells; where there is none, nobody knows."""
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", f":lang={language}"], capture_output=True, timeout=HANG_S, check=False)
    return bool(listed.stdout.strip())
