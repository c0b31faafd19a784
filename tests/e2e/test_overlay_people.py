"""The overlay page: a moment of the audience, and the streamer's own face."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from relay import app
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import moment, mood, overlay_url, push, state
from tests.support import Viewer, audience, leave, request

# --- moments ---------------------------------------------------------------------------------------------------------


async def test_a_moment_of_the_relay_shows_the_face_large_and_goes(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key))
    viewers = await audience(relay.url, "demo", ["neutral"] * 6)
    async with await Viewer.connect(relay.url) as witness:
        begun = (await witness.mood(lambda mood: mood.sharing == 6)).time
        await witness.mood(lambda mood: mood.time > begun + 11)  # what is usual takes ten seconds to know
    for viewer in viewers:
        await viewer.label("happy")
    banner = page.locator(".moodcast-moment")
    await expect(banner).to_be_visible(timeout=30_000)
    assert re.sub(r"\s+", " ", await banner.inner_text()) == "happy 100 %"
    await expect(banner).to_be_hidden()
    await leave(viewers)


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 180), *(pytest.param(*size, marks=pytest.mark.nightly) for size in ((1280, 720), (640, 200), (1080, 1920)))],
)
async def test_the_banner_is_in_the_middle_whatever_the_size(
    relay: app.Relay, open_page: OpenPage, width: int, height: int
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs", width, height)
    await push(page, **mood([0, 0, 0, 6, 0, 0, 2]))
    await push(page, **moment("clap", "tap"))
    await page.locator(".moodcast-moment").wait_for(state="attached")
    await page.evaluate("""const banner = document.querySelector(".moodcast-moment");
    for (const animation of banner.getAnimations({ subtree: true })) {
        animation.pause();
        animation.currentTime = 1000;
    }""")
    text = page.locator(".moodcast-moment-text")
    assert re.sub(r"\s+", " ", await text.inner_text()) == "clapped 72 %"
    area = await page.locator(".moodcast-reactions").bounding_box()
    assert area is not None
    for found in (text, page.locator(".moodcast-moment img")):
        box = await found.bounding_box()
        assert box is not None
        assert box["height"] > 6
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= area["y"] - 1
        assert box["y"] + box["height"] <= area["y"] + area["height"] + 1
        assert box["x"] + box["width"] / 2 == pytest.approx(width / 2, abs=2)
    await push(page, **mood([0] * 7, visible=False))
    await expect(page.locator(".moodcast-moment")).to_be_hidden()


async def test_moments_can_be_switched_off_and_nonsense_is_none(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs&moments=off")
    await push(page, **moment("sad"))
    await push(page, **mood([0, 0, 0, 6, 0, 0, 2]))
    await page.get_by_text("75 % happy").wait_for()
    assert not await page.locator(".moodcast-moment").is_visible()
    shown = await open_page(f"{relay.url}/overlay?source=obs")
    await push(shown, **moment("<b>x</b>"))
    await push(shown, **moment("happy", "tap"))
    await push(shown, **mood([0, 0, 0, 6, 0, 0, 2]))
    await shown.get_by_text("75 % happy").wait_for()
    assert not await shown.locator(".moodcast-moment").is_visible()


# --- the streamer's own face -----------------------------------------------------------------------------------------


async def streamer(relay: app.Relay, key: str) -> Viewer:
    """The streamer's connection."""
    _, answer = await request(relay.url, "POST", "demo/tickets", key, {"role": "streamer"})
    return await Viewer.connect(relay.url, ticket=answer["ticket"])


@pytest.mark.relay(min_viewers=3, crowd="viewers")
async def test_the_streamers_face_lies_beside_the_bar_and_is_compared_while_the_mood_is_shown(
    relay: app.Relay, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    page = await open_page(overlay_url(relay, keys.display_key))
    without = await open_page(overlay_url(relay, keys.display_key, streamer="off"))
    face, tune = page.locator(".moodcast-streamer"), page.locator(".moodcast-streamer-tune")
    shown = await streamer(relay, keys.admin_key)
    viewers = await audience(relay.url, "demo", ["happy", "sad"])
    await shown.label("happy")
    await expect(face).to_be_visible()
    await expect(face).to_have_attribute("data-expression", "happy")
    await expect(face).to_have_text("Streamer")
    assert await state(page) == "waiting"
    viewers += await audience(relay.url, "demo", ["happy"])
    await expect(tune).to_have_text("67 % in tune")
    bar, beside = await page.locator(".moodcast-bar").bounding_box(), await face.bounding_box()
    assert bar is not None
    assert beside is not None
    assert bar["x"] + bar["width"] <= beside["x"]
    assert beside["x"] + beside["width"] < 1280
    await page.screenshot(path=tmp_path / "streamer.png")
    await shown.label("sad")
    await expect(tune).to_have_text("33 % in tune")
    await viewers.pop().close()
    await expect(tune).to_have_text("")
    await expect(face).to_be_visible()
    await shown.close()
    await expect(face).to_be_hidden()
    await expect(without.locator(".moodcast-streamer")).to_be_hidden()
    await leave(viewers)


async def test_a_streamers_face_that_is_not_repeated_goes(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs", mock_clock=True)
    await push(page, **mood([0] * 7, visible=False))
    face = page.locator(".moodcast-streamer")
    await expect(page.locator(".moodcast")).to_have_attribute("data-state", "waiting")
    event = {"type": "face", "time": 1e9, "emotion": "surprise", "delay": 0}
    assert await face.evaluate(
        "(face, detail) => { window.dispatchEvent(new CustomEvent('moodcast', {detail})); return !face.hidden; }", event
    )
    await page.clock.run_for(16_000)
    await expect(face).to_be_hidden()
