"""Photograph the overlay in headless Chromium."""

import contextlib
import os
import shutil
from pathlib import Path

from demo.errors import NoBrowserError, ScreenshotError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = (1280, 720)


def find_browser() -> str:
    """Path of an installed Chromium or Chrome.

    Raises:
        NoBrowserError: there is none, or playwright, which drives it, is not installed.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise NoBrowserError(
        "expected Chromium or Chrome for --screenshot, but found neither: install it "
        "(Debian: apt-get install chromium) or leave --screenshot out"
    )


async def photograph(url: str, file: Path) -> None:
    """A PNG, 1280x720 with transparency, of the overlay: live, and with a reaction in the air if one comes.

    Raises:
        NoBrowserError: see ``find_browser``.
        ScreenshotError: the overlay showed no mood in time, or the file can't be written.
    """
    try:
        from playwright import async_api
    except ImportError:
        raise NoBrowserError(
            "--screenshot needs the package playwright: in Moodcast's folder pip install '.[demo]', "
            "or leave --screenshot out"
        ) from None
    try:
        async with async_api.async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_browser(), args=arguments())
            page = await browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
            await page.goto(url)
            await page.wait_for_selector(LIVE, timeout=LIVE_MS)
            with contextlib.suppress(async_api.TimeoutError):
                await page.wait_for_selector(FLOATING, timeout=REACTION_MS)
                await page.wait_for_timeout(RISE_MS)
            await page.screenshot(path=file, omit_background=True)
            await browser.close()
    except Exception as error:  # playwright raises a bare one where its driver does not start
        raise ScreenshotError(f"no screenshot {file}: expected the live overlay, got: {error}") from error


def arguments() -> list[str]:
    """Chromium refuses to sandbox itself for root, as in a container."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


# Set by overlay/overlay.js and overlay/reactions.js.
LIVE, LIVE_MS = ".moodcast[data-state='live']", 15_000
FLOATING, REACTION_MS = ".moodcast-reaction:not([hidden])", 8_000
RISE_MS = 1_200
"""After so long a reaction floats well above the panel."""
