"""A face read in a real Chromium by the page's own worker: where it runs, what it is kept from, and how it ends."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Playwright, Worker, async_playwright

from tests.e2e import fake_camera as camera
from tests.e2e.conftest import ENGINES, chromium_options
from tests.e2e.join_visit import reading_relay
from tests.support import wait_until

BEGIN = """async () => {
  const { Reader } = await import("/static/reading/reader.js");
  window.seen = [];
  window.ticks = 0;
  window.problems = [];
  window.reader = new Reader({
    onLook: (one) => seen.push(one), onTick: () => ticks++, onProgress: () => {},
    onFailed: ({ code }) => problems.push(code),
  });
}"""
LOAD = "() => reader.load().then(() => '', ({ code }) => code)"
FIRST_MS = "seen[0].time"
WATCH = """async () => {
  const wanted = { video: { width: { ideal: 320 }, height: { ideal: 240 } } };
  window.track = (await navigator.mediaDevices.getUserMedia(wanted)).getVideoTracks()[0];
  reader.watch(track);
}"""
LISTEN = """() => {
  self.violations = [];
  addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
    violations.push(`${effectiveDirective} ${blockedURI}`));
}"""
WITHOUT_WEBGL = ("--disable-gpu", "--disable-software-rasterizer")
HAS_WEBGL = "() => ['webgl2', 'webgl'].some((kind) => new OffscreenCanvas(1, 1).getContext(kind))"
WITHOUT_FRAMES = "delete window.MediaStreamTrackProcessor"
TAKE = """async () => {
  const { Pixels } = await import("/static/reading/frames.js");
  const wanted = { video: { width: { ideal: 320 }, height: { ideal: 240 } } };
  const track = (await navigator.mediaDevices.getUserMedia(wanted)).getVideoTracks()[0];
  const frame = (await new MediaStreamTrackProcessor({ track }).readable.getReader().read()).value;
  const context = new OffscreenCanvas(320, 240).getContext("2d", { alpha: false });
  context.drawImage(frame, 0, 0);
  const drawn = context.getImageData(0, 0, 320, 240).data;
  let draws = 0;
  OffscreenCanvasRenderingContext2D.prototype.drawImage = () => draws++;
  const { data, width, height } = await new Pixels().of(frame);
  const apart = data.reduce((most, value, at) => Math.max(most, Math.abs(value - drawn[at])), 0);
  return { width, height, drawn: draws, isClosed: frame.format === null, apart };
}"""
TELEMETRY_S = 70
"""Later versions of MediaPipe tell their maker after 60 s."""


async def _begun(page: Page, url: str) -> Worker:
    """On the join page, which has the policy under which faces are read, but not by it."""
    await page.goto(f"{url}/join/demo")
    async with page.expect_worker() as starting:
        await page.evaluate(BEGIN)
    worker = await starting.value
    await worker.evaluate(LISTEN)
    return worker


async def _is_happy(page: Page) -> bool:
    assert await page.evaluate("problems") == []
    shown: str | None = await page.evaluate("seen.at(-1)?.reading?.expression")
    return shown == "happy"


async def _engine(playwright: Playwright, seen: Path, version: str) -> Browser:
    executable = ENGINES / version / "chromium"
    if not await asyncio.to_thread(executable.exists):
        pytest.skip(f"no Chromium {version}: `sh ./engines.sh` fetches it")
    return await playwright.chromium.launch(
        executable_path=str(executable), args=["--no-sandbox", *camera.arguments(seen)]
    )


async def test_a_face_is_read_without_webgl_and_nothing_is_asked_of_others(tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen, "accept", *WITHOUT_WEBGL) as browser,
    ):
        relay.create_channel("demo")
        page = await browser.new_page()
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        worker = await _begun(page, relay.url)
        assert not await worker.evaluate(HAS_WEBGL)
        assert await page.evaluate(LOAD) == ""
        await page.evaluate(WATCH)
        await wait_until(lambda: _is_happy(page))
        assert await worker.evaluate("violations") == []
        assert [url for url in asked if not url.startswith(relay.url)] == []
        look: dict[str, Any] = await page.evaluate("seen.at(-1).look")
        assert look.keys() == {"hasFace", "probabilities", "unread", "box", "still"}

        await page.evaluate("() => { reader.pause(); window.count = seen.length; window.before = ticks; }")
        await wait_until(lambda: page.evaluate("ticks > before + 5"))
        assert await page.evaluate("seen.length <= count + 1")  # one may have been on its way
        async with worker.expect_event("close"):
            await page.evaluate("reader.close()")
        assert await page.evaluate("track.readyState") == "live"  # whoever asked for the camera stops it


@pytest.mark.nightly
@pytest.mark.parametrize("way", ["103", "127", "frames of a video"])
async def test_other_browsers_read_a_face_as_well(way: str, tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with reading_relay(tmp_path / "relay") as relay, async_playwright() as playwright:
        relay.create_channel("demo")
        if way.isdigit():
            browser = await _engine(playwright, seen, way)
        else:
            browser = await playwright.chromium.launch(**chromium_options(*camera.arguments(seen)))
        page = await browser.new_page()
        if not way.isdigit():
            await page.add_init_script(WITHOUT_FRAMES)
        worker = await _begun(page, relay.url)
        assert await page.evaluate(LOAD) == ""
        await page.evaluate(WATCH)
        await wait_until(lambda: _is_happy(page))
        assert await worker.evaluate("violations") == []
        await browser.close()


@pytest.mark.nightly
async def test_nobody_is_told_of_it_later_either(tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen) as browser,
    ):
        relay.create_channel("demo")
        page = await browser.new_page()
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        worker = await _begun(page, relay.url)
        assert await page.evaluate(LOAD) == ""
        await page.evaluate(WATCH)
        await wait_until(lambda: _is_happy(page))
        count = len(asked)
        await wait_until(
            lambda: page.evaluate(f"performance.now() > {FIRST_MS} + {1000 * TELEMETRY_S}"), 2 * TELEMETRY_S
        )
        assert await worker.evaluate("violations") == []
        assert asked[count:] == []


async def test_a_frame_is_taken_past_the_canvas_in_the_same_colours(tmp_path: Path) -> None:
    """Chromium keeps the last 128 frames that a canvas draws: 40 MB."""
    seen = camera.film(tmp_path / "still.y4m", [camera.framed(camera.portrait())] * 10)
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen) as browser,
    ):
        relay.create_channel("demo")
        page = await browser.new_page()
        await page.goto(f"{relay.url}/join/demo")
        told: dict[str, Any] = await page.evaluate(TAKE)
    assert told == {"width": 320, "height": 240, "drawn": 0, "isClosed": True, "apart": told["apart"]}
    assert told["apart"] <= 2  # of 255
