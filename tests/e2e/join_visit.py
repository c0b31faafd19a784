"""A visitor of the join page in a real Chromium, and a relay that has what browsers read faces with."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from models.errors import ModelError
from models.inference import registry
from models.inference.assets import BrowserFiles
from relay import app
from relay.config import RelaySettings
from tests.e2e.fake_camera import UNPLUGGABLE
from tests.support import HANG_S, SOON, wait_until


def browser_files() -> BrowserFiles:
    """What browsers read faces with; skips the test where it was not fetched (`moodcast models fetch --browser`)."""
    try:
        for name in registry.BROWSER.values():
            registry.path(name)
    except ModelError as error:
        pytest.skip(str(error))
    return BrowserFiles([])


@contextlib.asynccontextmanager
async def reading_relay(folder: Path, **options: Any) -> AsyncIterator[app.Relay]:
    """A real relay whose pages can read faces; one viewer is enough to show."""
    table: dict[str, Any] = {"port": 0, "data": str(folder), "tick_ms": 50, "min_viewers": 1, "no_fetch": True}
    running = await app.start(RelaySettings(**{**table, **options}), SOON, assets=browser_files())
    try:
        yield running
    finally:
        await running.stop()


class Visit:
    """A page that an invitation opened."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, url: str, fragment: str = "", first: str = "") -> "Visit":
        """``url``: the relay's, or that of a proxy before it; ``first``: one more script that the page begins with."""
        context = await browser.new_context(viewport={"width": 420, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(1000 * HANG_S)
        await page.add_init_script(UNPLUGGABLE + first)
        await page.goto(f"{url}/join/demo{fragment}")
        await page.locator("body[data-screen=consent]").wait_for()
        return cls(page)

    async def share(self) -> None:
        """Agree to share the expression."""
        await self.page.locator("#yes-camera").click()

    async def screen(self) -> str:
        return str(await self.page.evaluate("document.body.dataset.screen"))

    async def says(self, *parts: str) -> str:
        """Wait until the page's status has one of these in it; it is returned whole."""

        async def said() -> str:
            text = await self.page.locator(".status").inner_text()
            return text if any(part in text for part in parts) else ""

        return await wait_until(said)

    async def cameras(self) -> list[str]:
        """The states of all cameras that the page has opened: ``live`` or ``ended``."""
        return list(await self.page.evaluate("cameras.map(({ readyState }) => readyState)"))

    async def sent(self) -> list[str]:
        """What the page tells that it has sent."""
        await self.page.evaluate("document.querySelector('#sent').open = true")
        return await self.page.locator("#sent-list li").all_inner_texts()
