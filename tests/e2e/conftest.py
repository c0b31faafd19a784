"""Fixtures for the tests that drive the real browser and the real agent."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from models.inference import registry
from tests.e2e.agent_program import weights
from tests.e2e.obs_moodcast import build_double
from tests.support import HANG_S

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=1000 * HANG_S)
OpenPage = Callable[..., Awaitable[Page]]
WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
  violations.push(`${effectiveDirective} ${blockedURI}`));"""


def chromium_options(*arguments: str) -> dict[str, Any]:
    """How Playwright launches the machine's own Chromium, headless; skips the test where there is none."""
    executable = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if executable is None:
        pytest.skip(f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} is on the PATH")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return {"executable_path": executable, "args": [*sandbox, *arguments]}


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """The machine's own Chromium, headless."""
    options = chromium_options()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(**options)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """For all tests of a file: to start it takes as long as most of them."""
    async with launched() as running:
        yield running


@pytest.fixture
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """That Chromium. Each page has a context of its own, as if nobody had used it before, and goes after the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with that browser share its event loop, too."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """And so do the fixtures of such a test, whichever they are."""
    marker = request.node.get_closest_marker("asyncio")
    if marker is None or "loop_scope" not in marker.kwargs:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixturedef.func, "_loop_scope", marker.kwargs["loop_scope"], raising=False)
        return (yield)


ENGINES = Path(__file__).parents[2] / ".engines"


@pytest.fixture(params=["system", "103", "127"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[BrowserContext]:
    """The machine's own Chromium, that of OBS 28 to 30, and that of OBS 31 and 32.

    Ask a page by ``evaluate``: what Playwright finds for itself needs a newer one than 103, and the pages' policies
    stop its ``wait_for_function``, which compiles its text again and again in the page.
    """
    options = chromium_options()
    if request.param != "system":
        executable = ENGINES / request.param / "chromium"
        if not await asyncio.to_thread(executable.exists):
            pytest.skip(f"no Chromium {request.param}: `sh ./engines.sh` fetches it")
        options["executable_path"] = str(executable)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(**options)
        context = await chromium.new_context(viewport={"width": 1920, "height": 1080})
        yield context
        await chromium.close()


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """``await open_page(url, width=1280, height=720, expected=(...))``: a page that must not complain on its console.

    A complaint that contains one of ``expected`` is allowed (a broken connection, an answer 401).
    """
    complaints: list[str] = []

    async def open_page(
        url: str, width: int = 1280, height: int = 720, expected: tuple[str, ...] = (), mock_clock: bool = False
    ) -> Page:
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(1000 * HANG_S)

        def complain(text: str) -> None:
            if not any(part in text for part in expected):
                complaints.append(text)

        page.on("pageerror", lambda error: complain(str(error)))
        page.on("console", lambda line: complain(line.text) if line.type in ("error", "warning") else None)
        if mock_clock:
            await page.clock.install()
        await page.goto(url)
        return page

    yield open_page
    assert complaints == []


@pytest.fixture
async def watched(browser: Browser) -> Page:
    """A page that keeps what its policies stopped, in ``window.violations``."""
    page = await browser.new_page()
    page.set_default_timeout(1000 * HANG_S)
    await page.add_init_script(WATCH)
    return page


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for OBS's browser source, built."""
    return build_double(tmp_path_factory.mktemp("double"))


@pytest.fixture(scope="module")
def agent_files() -> None:
    """The files that the agent fetches; skips the test with the reason where one is missing."""
    weights("face_landmarker")
    weights(registry.DEFAULT)


@pytest.fixture
def film(agent_files: None, tmp_path: Path) -> Path:
    """The packaged portrait for three seconds, then three seconds of nobody."""
    import cv2
    import numpy as np

    face = cv2.imread(str(weights("portrait")))
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (face.shape[1], face.shape[0]))
    for i in range(30):
        writer.write(face if i < 15 else np.full_like(face, 100))
    writer.release()
    return path
