"""The real page on OBS's program output, where OBS has no browser: Chromium draws it, the double shows what it drew."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page


class Bridge:
    """What the double of the browser source is told, done in a page; and its picture for the double to draw.

    ``environ`` is for the OBS with the double in it. Run it with ``async with bridge.running():``.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._log, self._picture = folder / "double.log", folder / "page.png"
        self.environ = {"MOODCAST_DOUBLE_LOG": str(self._log), "MOODCAST_DOUBLE_PICTURE": str(self._picture)}
        self.page: Page | None = None
        self._read = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile the page follows OBS, and OBS shows the page, several times a second."""
        ends = asyncio.Event()
        work = asyncio.create_task(self._follow(ends))
        try:
            yield
        finally:
            ends.set()
            await work

    async def _follow(self, ends: asyncio.Event) -> None:
        while not ends.is_set():
            for line in self._news():
                await self._do(*line.split("\t"))
            if self.page is None:
                await asyncio.sleep(0.05)
                continue
            part = self._picture.with_suffix(".part")
            part.write_bytes(await self.page.screenshot(omit_background=True))
            part.replace(self._picture)

    def _news(self) -> list[str]:
        """The lines of the double's log that were not read yet, each to its end."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as log:
            log.seek(self._read)
            whole, _, _ = log.read().rpartition(b"\n")
        self._read += len(whole) + bool(whole)
        return whole.decode("utf-8").split("\n") if whole else []

    async def _do(self, kind: str, *fields: str) -> None:
        if kind == "url" and self.page is None:
            self.page = await self._browser.new_page()
        if self.page is None:
            return
        if kind == "url":
            await self.page.set_viewport_size({"width": int(fields[1]), "height": int(fields[2])})
            await self.page.goto(fields[0])
        elif kind == "size":
            await self.page.set_viewport_size({"width": int(fields[0]), "height": int(fields[1])})
        elif kind == "refresh":
            await self.page.reload()
        elif kind == "event":
            say = "([name, text]) => window.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(text) }))"
            await self.page.evaluate(say, list(fields))
