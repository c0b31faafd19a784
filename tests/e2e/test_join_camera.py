"""The join page with a camera, in a real Chromium, against the real relay: from the question to the label, and back."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from relay.protocol import Mood
from tests.e2e import fake_camera as camera
from tests.e2e.join_visit import Visit, reading_relay
from tests.e2e.overlay_page import overlay_url
from tests.e2e.recording_proxy import RecordingProxy
from tests.support import count_of, free_port, request, subscribe, wait_until


def _nobody_shares(mood: Mood) -> bool:
    return (mood.viewers, mood.sharing) == (1, 0)


def _is_happy(mood: Mood) -> bool:
    return count_of(mood, "happy") == 1


async def test_a_visit(tmp_path: Path) -> None:
    """Nothing before the yes; then a label within seconds; away when the plug is pulled, in a pause, and at the end."""
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen) as browser,
    ):
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            visit = await Visit.open(browser, relay.url)
            asked: list[str] = []
            visit.page.on("request", lambda asking: asked.append(asking.url))
            assert (await audience.mood()).viewers == 0
            assert await visit.cameras() == []
            await visit.share()
            await audience.mood(_is_happy)
            await visit.says("No picture leaves this device.")
            overlay = await browser.new_page()
            await overlay.goto(overlay_url(relay, keys.display_key))
            await expect(overlay.get_by_text("100 % happy")).to_be_visible()
            await overlay.close()
            assert await visit.cameras() == ["live"]
            assert any("/assets/" in url for url in asked), "loaded on consent only"

            await visit.page.evaluate("unplug()")
            await audience.mood(_nobody_shares)
            await visit.page.locator("#use-camera").click()
            await audience.mood(_is_happy)
            await visit.page.locator("#pause").click()
            await audience.mood(_nobody_shares)
            assert await visit.cameras() == ["ended"]
            await visit.page.locator("#resume").click()
            await audience.mood(_is_happy)
            await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": False})
            await audience.mood(_nobody_shares)
            await wait_until(lambda: _all_ended(visit))
            await visit.page.locator("#stop").click()
            await audience.mood(lambda mood: mood.viewers == 0)
            assert await visit.screen() == "ended"
            await visit.page.reload()
            await visit.page.locator("body[data-screen=consent]").wait_for()
            assert await visit.cameras() == [], "a reload opens no camera"


async def _all_ended(visit: Visit) -> bool:
    return set(await visit.cameras()) == {"ended"}


@pytest.mark.nightly
async def test_who_does_not_agree_opens_nothing_and_is_not_there(tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen) as browser,
    ):
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            for fragment in ("", "#camera=on&agreed=1&password="):
                visit = await Visit.open(browser, relay.url, fragment)
                asked: list[str] = []
                visit.page.on("request", lambda asking, asked=asked: asked.append(asking.url))
                visit.page.on("websocket", lambda socket, asked=asked: asked.append(socket.url))
                for _ in range(5):
                    assert (await audience.mood()).viewers == 0
                await visit.page.reload()
                await visit.page.locator("body[data-screen=consent]").wait_for()
                assert await visit.cameras() == []
                assert not [url for url in asked if "/assets/" in url or url.startswith("ws")]
                await visit.page.close()
                assert (await audience.mood()).viewers == 0


@pytest.mark.nightly
@pytest.mark.parametrize("missing", [False, True], ids=["refused", "missing"])
async def test_who_has_no_camera_or_refuses_it_is_told_so_and_can_tap(missing: bool, tmp_path: Path) -> None:
    seen = None if missing else camera.film(tmp_path / "happy.y4m", camera.moving(camera.portrait()))
    async with (
        reading_relay(tmp_path / "relay") as relay,
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen, "accept" if missing else "deny") as browser,
    ):
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            visit = await Visit.open(browser, relay.url)
            await visit.share()
            await audience.mood(_nobody_shares)
            await visit.says("No camera was found" if missing else "The browser may not use the camera")
            await visit.page.locator("#taps button").first.click()
            await wait_until(lambda: _has_sent(visit, '"tap"'))
            assert not await _has_sent(visit, '"label"')
            assert await visit.cameras() == []


@pytest.mark.nightly
async def test_two_faces_are_one_viewer_and_none_is_away(tmp_path: Path) -> None:
    both = camera.side_by_side(camera.portrait(), camera.portrait()[:, ::-1])
    empty = camera.film(tmp_path / "empty.y4m", camera.moving(camera.nobody()))
    two = camera.film(tmp_path / "two.y4m", camera.moving(both))
    async with reading_relay(tmp_path / "relay") as relay, async_playwright() as playwright:
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            async with camera.chromium_with_camera(playwright, two) as browser:
                visit = await Visit.open(browser, relay.url)
                await visit.share()
                await audience.mood(_is_happy)
                for _ in range(60):
                    assert (await audience.mood()).sharing == 1
            async with camera.chromium_with_camera(playwright, empty) as browser:
                visit = await Visit.open(browser, relay.url)
                await visit.share()
                await visit.says("Away: no face")
                assert not await _has_sent(visit, '"label"')


@pytest.mark.nightly
async def test_without_a_network_and_after_a_restart_the_label_comes_back(tmp_path: Path) -> None:
    """A proxy that takes nothing is how a network fails: the relay itself goes on."""
    seen = camera.film(tmp_path / "film.y4m", camera.moving(camera.portrait()))
    port, folder = free_port(), tmp_path / "relay"
    proxy = RecordingProxy(f"http://127.0.0.1:{port}")
    async with (
        async_playwright() as playwright,
        camera.chromium_with_camera(playwright, seen) as browser,
        proxy.serve(),
    ):
        async with reading_relay(folder, port=port) as relay:
            keys = relay.create_channel("demo")
            async with await subscribe(relay.url, "demo", keys.display_key) as audience:
                visit = await Visit.open(browser, proxy.url)
                await visit.share()
                await audience.mood(_is_happy)
                proxy.cut()
                await audience.mood(lambda mood: mood.viewers == 0)
                await visit.says("Connection lost")
                proxy.mend()
                await audience.mood(_is_happy)
        await visit.says("Connection lost")
        assert await visit.cameras() == ["live"], "it goes on without being asked again"
        async with (
            reading_relay(folder, port=port) as relay,
            await subscribe(relay.url, "demo", keys.display_key) as audience,
        ):
            await audience.mood(_is_happy)
            await visit.page.close()


@pytest.mark.nightly
async def test_a_hidden_tab_goes_on(tmp_path: Path) -> None:
    """Chromium alone: Playwright's pages never know that they are hidden."""
    seen = camera.film(tmp_path / "film.y4m", [*camera.moving(camera.portrait()), *[camera.nobody()] * 30])
    async with (
        reading_relay(tmp_path / "relay") as relay,
        camera.bare_chromium(tmp_path / "profile", seen) as chromium,
    ):
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            tab = await chromium.open(f"{relay.url}/join/demo")
            await wait_until(lambda: tab.evaluate("document.body?.dataset.screen === 'consent'"))
            await tab.evaluate("document.querySelector('#yes-camera').click()", gesture=True)
            await audience.mood(_is_happy)
            await chromium.open("about:blank")
            await wait_until(lambda: tab.evaluate("document.visibilityState === 'hidden'"))
            for _ in range(2):
                await audience.mood(_nobody_shares)
                await audience.mood(_is_happy)
            assert await tab.evaluate("document.visibilityState") == "hidden"


async def _has_sent(visit: Visit, what: str) -> bool:
    return any(what in line for line in await visit.sent())
