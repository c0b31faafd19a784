"""The overlay in a real Chromium, against the real relay."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS, TAPS
from tests.e2e.conftest import OpenPage, chromium_options
from tests.e2e.overlay_page import OVERLAY, moment, mood, overlay_url, pixels, push, share_in_bar, state
from tests.support import SOON, Viewer, audience, free_port, leave, request, wait_until

CONDITIONS = json.loads((OVERLAY.parent / "tests" / "conditions.json").read_text("utf-8"))
GONE = "WebSocket connection to", "ERR_CONNECTION_REFUSED"
"""What Chromium says of a relay that is away: of the connection, and of the question whether it is back."""
MOVING = """document.getAnimations().flatMap(animation => animation.effect.getKeyframes()).flatMap(Object.keys)
    .filter(key => !["offset", "computedOffset", "easing", "composite"].includes(key))"""
"""JavaScript: the properties that are being animated."""
OVERFLOWING = """[...document.querySelectorAll(".moodcast-panel, .moodcast-panel *")].filter(element =>
    element.scrollWidth > element.clientWidth + 1 && element.clientWidth
    && getComputedStyle(element).visibility !== "hidden"
    && !element.closest(".moodcast-bar, .moodcast-stream, .moodcast-leader-face")).map(element => element.className)"""
"""JavaScript: the panel's parts whose content is wider than they are."""


# --- the overlay, fed by the relay -----------------------------------------------------------------------------------


async def test_a_label_changes_the_bars_pixels(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key))
    viewers = await audience(relay.url, "demo", ["neutral", "neutral", "sad"])

    async def shows(expression: str, least: float) -> bool:
        return await share_in_bar(page, expression) > least

    await wait_until(lambda: shows("neutral", 0.55))
    assert await share_in_bar(page, "happy") == 0
    for viewer in viewers[:2]:
        await viewer.label("happy")
    await wait_until(lambda: shows("happy", 0.55))
    assert await page.locator(".moodcast-leader-text").inner_text() == "67 % happy"
    assert await page.locator(".moodcast-sharing").inner_text() == "3 of 3 share"
    await leave(viewers)


async def test_a_burst_and_a_tap_make_reactions_float(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key))
    viewers = await audience(relay.url, "demo", ["neutral"] * 4)
    await wait_until(lambda: is_live(page))
    for viewer in viewers:
        await viewer.label("surprise")
    burst = page.locator(".moodcast-reaction[data-name=surprise]:not([data-companion])")
    await burst.wait_for()
    assert (await burst.inner_text()) == "\N{MULTIPLICATION SIGN}4"
    height = (await burst.bounding_box() or {})["y"]

    async def has_risen() -> bool:
        return (await burst.bounding_box() or {"y": height})["y"] < height - 50

    await wait_until(has_risen)
    await viewers[0].tap("heart")
    await page.locator(".moodcast-reaction[data-name=heart]").first.wait_for()
    await leave(viewers)


async def test_taps_of_one_kind_that_come_together_are_one_picture_that_counts(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs", mock_clock=True)
    for count in (3, 2, 1):
        await push(page, type="reaction", time=1e9, kind="tap", name="heart", strength=0.1, count=count)
        await page.clock.run_for(700)
    await push(page, type="reaction", time=1e9, kind="tap", name="clap", strength=0.1, count=2)
    counts = page.locator(".moodcast-reaction:not([hidden]):not([data-companion]) .moodcast-count")
    assert await counts.all_inner_texts() == ["\N{MULTIPLICATION SIGN}6", "\N{MULTIPLICATION SIGN}2"]


async def is_live(page: Page) -> bool:
    return await state(page) == "live"


async def test_only_the_panel_covers_the_video(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key))
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await wait_until(lambda: is_live(page))
        await expect(page.locator(".moodcast-panel")).to_have_css("opacity", "1")  # it fades in
        box = await page.locator(".moodcast-panel").bounding_box()
        assert box is not None
        picture = await pixels(page)
        assert (picture[: int(box["y"]) - 40, :, 3] == 0).all()
        assert picture[-1, 0, 3] < 60  # nothing but the panel's shadow
        inside = picture[int(box["y"]) + 6, int(box["x"]) + 100, 3]
        assert 128 < inside < 240


@pytest.mark.relay(min_viewers=5)
async def test_while_hidden_it_says_what_it_takes_and_not_who_is_there(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key))
    await page.get_by_text(re.compile("^Shown once .*five")).wait_for()
    before = await page.locator(".moodcast-panel").inner_text()
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    async with await Viewer.connect(relay.url) as witness:
        await witness.mood(lambda mood: mood.viewers == 4)
        assert await page.locator(".moodcast-panel").inner_text() == before
        assert await share_in_bar(page, "happy") == 0
    await leave(viewers)


@pytest.mark.parametrize(
    ("width", "height"),
    [(1280, 720), *(pytest.param(*size, marks=pytest.mark.nightly) for size in ((640, 200), (320, 180), (160, 90)))],
)
async def test_while_hidden_its_pixels_are_the_same_whoever_is_there(
    relay: app.Relay, open_page: OpenPage, width: int, height: int
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs", width, height)
    seen = []
    for viewers, sharing in ((0, 0), (1, 1), (40, 4)):  # an old relay tells how many share
        hidden = mood([0] * 7, visible=False, viewers=viewers, sharing=sharing, crowd="networks")
        await push(page, **hidden)
        await page.get_by_text("Shown once people of five networks share").wait_for()
        await page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
        seen.append((await pixels(page)).tobytes())
    assert len(set(seen)) == 1


async def test_what_it_takes_is_said_as_elsewhere(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    for case in CONDITIONS:
        given = {name: value for name, value in case.items() if name != "text"}
        await push(page, **mood([0] * 7, visible=False) | given)
        assert await page.locator(".moodcast-leader-text").inner_text() == f"Shown once {case['text']}"


async def test_a_pause_hides_the_audience_and_says_whose_it_is(relay: app.Relay, open_page: OpenPage) -> None:
    keys = relay.create_channel("demo")
    page = await open_page(overlay_url(relay, keys.display_key))
    dashboard = await open_page(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}")
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    await page.get_by_text("100 % happy").wait_for()
    assert (await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "paused"}))[0] == 200
    await page.get_by_text("Paused by the streamer").wait_for()
    await dashboard.get_by_text("Paused by the streamer").wait_for()

    async def is_empty() -> bool:
        return await share_in_bar(page, "happy") == 0

    await wait_until(is_empty)  # the segment shrinks in some steps
    assert (await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "auto"}))[0] == 200
    for viewer in viewers:
        await viewer.label("sad")
    await page.get_by_text("100 % sad").wait_for()
    await leave(viewers)


async def test_comes_back_after_the_relay_restarts(tmp_path: Path, open_page: OpenPage) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    page = await open_page(overlay_url(relay, relay.create_channel("demo").display_key), expected=GONE)
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("sad")
        await wait_until(lambda: is_live(page))
    await relay.stop()
    relay = await app.start(settings, SOON)
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("fear")
        await page.get_by_text("100 % afraid").wait_for(timeout=60_000)
    await relay.stop()


async def test_a_wrong_key_is_told_and_not_tried_again(relay: app.Relay, open_page: OpenPage) -> None:
    relay.create_channel("demo")
    page = await open_page(overlay_url(relay, "wrong"), mock_clock=True)
    await page.get_by_text("does not open the channel 'demo'").wait_for()
    assert await state(page) == "stopped"
    tried_again: list[str] = []
    page.on("websocket", lambda socket: tried_again.append(socket.url))
    await page.clock.fast_forward("10:00")
    assert tried_again == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/overlay", "No channel: expected an address as in /overlay?channel=NAME#key=DISPLAY_KEY."),
        ("/overlay?channel=demo", "No display key: expected #key=DISPLAY_KEY at the end of the address."),
        ("/overlay?channel=demo&key=abc", "put it behind a # instead"),
        ("/overlay?language=de&source=obs&scale=huge", "scale=huge: erwartet wird eine Zahl von 0.5 bis 3."),
        *(
            pytest.param(*one, marks=pytest.mark.nightly)
            for one in (
                ("/overlay?channel=a%20b#key=k", "channel=a b: expected 1 to 64 letters, digits, - or _."),
                ("/overlay?source=obs&scale=huge", "scale=huge: expected a number from 0.5 to 3."),
                ("/overlay?language=ja", "チャンネルがありません。/overlay?channel=NAME#key=DISPLAY_KEY のような"),
                ("/overlay?channel=demo&relay=http://[#key=k", "relay=http://[: expected an address as in https://"),
            )
        ),
        (
            "/overlay?source=obs&bar=no&position=left",
            "position=left: expected bottom or top or bottom-left or bottom-right or top-left or top-right.\n"
            "bar=no: expected on or off.",
        ),
        (
            "/overlay?source=obs&title=<b>x</b>&relay=javascript:alert(1)",
            "relay=javascript:alert(1): expected an address",
        ),
    ],
)
async def test_says_what_is_wrong_with_its_address(
    relay: app.Relay, open_page: OpenPage, address: str, sentence: str
) -> None:
    page = await open_page(relay.url + address)
    notice = page.locator(".moodcast-notice")
    await notice.wait_for()
    assert sentence in await notice.inner_text()


# --- the overlay, fed by the OBS script ------------------------------------------------------------------------------


async def test_the_obs_scripts_events_move_it(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?channel=demo&source=obs")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.get_by_text("Waiting for the Moodcast script in OBS").wait_for()
    await push(page, **mood([0, 0, 0, 6, 0, 0, 4]))
    await page.get_by_text("60 % happy").wait_for()

    async def is_happy() -> bool:
        return await share_in_bar(page, "happy") > 0.5

    await wait_until(is_happy)
    await push(page, type="reaction", time=1e9, kind="tap", name="clap", strength=0.2, count=2)
    clap = page.locator(".moodcast-reaction[data-name=clap]").first
    await clap.wait_for()
    assert await clap.inner_text() == "\N{MULTIPLICATION SIGN}2"
    await push(page, type="bye", code=4401, message="The key does not open the channel.", retry_after_s=0)
    refusal = page.get_by_text("The key does not open the channel.")
    await refusal.wait_for()
    await push(page, **mood([0, 0, 0, 5, 0, 0, 5]))  # the streamer set the script right
    await page.get_by_text("50 % happy").wait_for()
    await expect(refusal).to_be_hidden()
    assert sockets == []


async def test_opened_as_a_file_it_is_whole() -> None:
    """As a browser source does with *Local file*: an engine that lets a file read those beside it."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(**chromium_options("--allow-file-access-from-files"))
        page = await chromium.new_page()
        await page.goto(f"{(OVERLAY / 'overlay.html').as_uri()}?source=obs&layout=bar")
        await page.get_by_text("Waiting for the Moodcast script in OBS").wait_for()
        await push(page, **mood([0, 0, 0, 6, 0, 0, 4]))
        await page.get_by_text("60 % happy").wait_for()
        await expect(page.locator(".moodcast-panel")).to_have_css("display", "grid")
        assert await page.locator(".moodcast-panel").evaluate("e => getComputedStyle(e).borderRadius") != "0px"
        await chromium.close()


async def test_what_is_no_message_is_ignored(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    await push(page, **mood([0, 0, 0, 6, 0, 0, 4]))
    await push(page, type="mood", shares=["<img src=x onerror=alert(1)>"])
    await push(page, type="reaction", kind="tap", name="../../x", strength=1, count=1)
    await push(page, type="from the future")
    await page.evaluate("window.dispatchEvent(new CustomEvent('moodcast', {detail: null}))")
    await push(page, **mood([0, 0, 0, 0, 8, 0, 2]))
    await page.get_by_text("80 % sad").wait_for()
    assert await page.locator(".moodcast-reaction").count() == 0


async def test_options_place_scale_and_thin_it_out(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs&position=top&scale=1.5&reactions=off&title=Friday%20run")
    await push(page, **mood([0, 0, 0, 6, 0, 0, 4]))
    await push(page, type="reaction", time=1e9, kind="tap", name="clap", strength=0.2, count=2)
    await page.get_by_text("Friday run").wait_for()
    large = await page.locator(".moodcast-panel").bounding_box()
    assert large is not None
    assert large["y"] < 60
    assert await page.locator(".moodcast-reaction").count() == 0
    page = await open_page(f"{relay.url}/overlay?source=obs&bar=off")
    await push(page, **mood([0, 0, 0, 6, 0, 0, 4]))
    await push(page, type="reaction", time=1e9, kind="tap", name="clap", strength=0.2, count=2)
    await page.locator(".moodcast-reaction").first.wait_for()
    assert not await page.locator(".moodcast-panel").is_visible()


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [
        (640, 240, 2),
        *(pytest.param(*size, marks=pytest.mark.nightly) for size in ((1920, 1080, 1), (640, 200, 1), (320, 180, 3))),
    ],
)
async def test_nothing_sticks_out_of_the_panel_whatever_the_size(
    relay: app.Relay, open_page: OpenPage, width: int, height: int, scale: int
) -> None:
    address = f"{relay.url}/overlay?source=obs&scale={scale}&title=A%20rather%20long%20title%20for%20a%20small%20source"
    page = await open_page(address, width, height)
    # Fonts differ from machine to machine: leave room for a wide one.
    await page.add_style_tag(content="body { letter-spacing: 0.12em }")
    waiting = mood([0] * 7, visible=False, crowd="networks")
    for event, text in (
        (waiting, "Shown once people of five networks share"),
        (mood([0, 0, 0, 0, 0, 96, 32]), "75 % surprised"),
    ):
        await push(page, **event)
        await page.get_by_text(text).wait_for()
        assert await page.evaluate(OVERFLOWING) == []
        box = await page.locator(".moodcast-panel").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0


async def test_a_streamers_own_css_wins(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    css = (
        ":root { --moodcast-happy: #00ff00; --moodcast-panel: rgba(0, 0, 255, 1) } .moodcast-sharing { display: none }"
    )
    await page.add_style_tag(content=css)
    await push(page, **mood([0, 0, 0, 9, 0, 0, 1]))
    happy = page.locator(".moodcast-segment[data-expression=happy]")
    assert await happy.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(0, 255, 0)"
    panel = page.locator(".moodcast-panel")
    assert await panel.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(0, 0, 255)"
    assert not await page.locator(".moodcast-sharing").is_visible()


async def test_hours_of_events_add_no_elements_and_move_nothing_but_transform_and_opacity(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    floating = page.locator(".moodcast-reaction:visible")
    moving: set[str] = set()
    most = 0
    for hour in range(3):
        for index in range(40):
            await push(page, **mood([1 + (index * 7 + hour + k * k) % 11 for k in range(7)]))
            await push(page, type="reaction", time=1e9, kind="tap", name=TAPS[index % 5], strength=0.5, count=30)
            await push(page, **moment("sad"))
        most = max(most, await floating.count())
        moving |= set(await page.evaluate(MOVING))
        assert await page.evaluate("document.querySelectorAll('*').length") < 250
        await page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
        await expect(floating).to_have_count(0)
    assert moving == {"transform", "opacity"}
    assert 5 <= most <= await page.locator(".moodcast-reaction").count() <= 40


# --- the countdown ---------------------------------------------------------------------------------------------------

SHOWN_NUMBER = """[...document.querySelectorAll(".moodcast-countdown-number")]
    .filter(number => getComputedStyle(number).opacity > 0.5).map(number => number.textContent).join()"""
TO_TIME = """t => document.getAnimations().filter(a => a.effect.target.closest(".moodcast-countdown"))
    .forEach(a => { a.pause(); a.currentTime = t; })"""


async def test_a_countdown_of_the_relay_runs_to_its_flash_and_goes(relay: app.Relay, open_page: OpenPage) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(overlay_url(relay, key))
    await wait_until(lambda: relay.connections("demo")[1] == 1)
    assert (await request(relay.url, "POST", "demo/countdown", key, {"seconds": 3}))[0] == 201
    seen: list[str] = []

    async def over() -> bool:
        number = await page.evaluate(SHOWN_NUMBER)
        if number and number not in seen:
            seen.append(number)
        return bool(seen) and await page.locator(".moodcast-countdown").count() == 0

    await wait_until(over)
    assert seen[-1] == "0"
    assert seen == sorted(seen, reverse=True)  # on a slow machine not each second can be looked at
    assert set(seen) <= {"3", "2", "1", "0"}


async def test_the_zero_is_unmistakable_and_the_clocks_need_not_agree(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs&bar=off&reactions=off")
    await push(page, type="countdown", time=1.0, seconds=5, zero=6.0)
    await page.locator(".moodcast-countdown").wait_for(state="attached")
    moving = set(await page.evaluate(MOVING))
    assert moving == {"transform", "opacity"}
    brightness = []
    for milliseconds, number in ((10, "5"), (990, ""), (1010, "4"), (4010, "1"), (5005, "0"), (6400, "0"), (7100, "")):
        await page.evaluate(TO_TIME, milliseconds)
        assert await page.evaluate(SHOWN_NUMBER) == number or milliseconds == 7100
        brightness.append(float((await pixels(page))[..., 3].mean()))
    assert brightness[4] > 3 * max(brightness[:4])  # the flash covers the picture
    assert brightness[-1] == 0


async def test_a_newer_countdown_takes_the_place_and_nonsense_none(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    stage = page.locator(".moodcast-countdown")
    for time in (5.5, 6, 1e9, -1e9, "1"):  # too late, over, impossible
        await push(page, type="countdown", time=time, seconds=5, zero=6)
    assert await stage.count() == 0
    await push(page, type="countdown", time=1, seconds=30, zero=31)
    await push(page, type="countdown", time=3.5, seconds=5, zero=6)  # came in the middle
    await expect(stage).to_have_count(1)
    assert await page.locator(".moodcast-countdown-number").all_inner_texts() == ["3", "2", "1", "0"]


# --- the pages' plain functions --------------------------------------------------------------------------------------


async def call(page: Page, module: str, expression: str) -> Any:
    """Evaluate an expression over a module's exports, named ``m``."""
    return await page.evaluate(f"import('/static/{module}').then(m => {expression})")


async def test_the_plain_functions(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    parts = await call(page, "figures.js", "m.segments([0, 0.25, 0, 0.5, 0, 0, 0.25], 104, 2)")
    assert [(part["left"], part["width"]) for part in parts if part["width"]] == [(0, 25), (27, 50), (79, 25)]
    assert await call(page, "figures.js", "m.segments([0,0,0,0,0,0,0], 100, 2).every(s => s.width === 0)")
    leaders = {
        "[0,0,0,0,0,0,1]": "neutral",
        "[0,0,0,.1,0,0,.9]": "happy",
        "[0,0,0,.3,.31,0,.39], 3": "happy",  # too close to change
        "[0,0,0,.3,.35,0,.35], 3": "sad",
        "[0,0,0,0,.01,0,.99], 3": "sad",
    }
    for arguments, expected in leaders.items():
        assert EXPRESSIONS[await call(page, "figures.js", f"m.leader({arguments})")] == expected
    assert await call(page, "figures.js", "[m.clock(0), m.clock(61), m.clock(3725)]") == ["0:00", "1:01", "1:02:05"]


async def test_waits_longer_with_each_failure_but_never_too_long_nor_in_step(
    relay: app.Relay, open_page: OpenPage
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs")
    waits = await call(page, "connection.js", "[0, 1, 2, 3, 30].map(attempt => m.backoff(attempt, 1))")
    assert waits == [0.5, 1, 2, 2, 2]
    assert await call(page, "connection.js", "[0, 1].map(random => m.backoff(2, random))") == [1, 2]
    asked = '[20, 1e12, 2, 0, -3, NaN, Infinity, "20", null, undefined].map(asked => m.backoff(2, 0.5, asked))'
    assert await call(page, "connection.js", asked) == [20, 60, 2, 1.5, 1.5, 1.5, 60, 1.5, 1.5, 1.5]
    addresses = {
        "http://127.0.0.1:8765/": "ws://127.0.0.1:8765/v1/channels/demo/mood",
        "https://example.org/moodcast/?x#y": "wss://example.org/moodcast/v1/channels/demo/mood",
    }
    for relay_url, expected in addresses.items():
        assert await call(page, "connection.js", f"m.moodAddress('{relay_url}', 'demo')") == expected
