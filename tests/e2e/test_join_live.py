"""Who opens an invitation joins in the browser: consent, camera, what is shared and shown, and the end of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from relay import app
from relay.config import RelaySettings
from relay.protocol import from_viewer
from tests.e2e import fake_camera
from tests.e2e.axe import violations
from tests.e2e.made_up_reader import MISSING, NOBODY, join_page, open_tracks, seen
from tests.support import Viewer, audience, free_port, leave, wait_until

CAMERA = "Share my expression"
TAPS = "Taps only"
NOTICE = "Friday is <b>horror</b> night. Scream!"


@pytest.fixture
async def filmed(tmp_path: Path) -> AsyncIterator[Browser]:
    """Chromium with a camera before a wall, which everybody may use who asks."""
    film = fake_camera.film(tmp_path / "wall.y4m", [fake_camera.nobody()] * 3)
    async with async_playwright() as playwright, fake_camera.chromium_with_camera(playwright, film) as chromium:
        yield chromium


async def ask(relay: app.Relay, key: str, method: str, path: str, body: dict[str, Any]) -> None:
    """What the streamer does."""
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{relay.url}/v1/channels/demo{path}"
    async with aiohttp.request(method, url, json=body, headers=headers) as answer:
        assert answer.ok, await answer.text()


async def joined(page: Page, relay: app.Relay, button: str = CAMERA) -> None:
    await page.goto(f"{relay.url}/join/demo")
    await page.get_by_role("button", name=button).click()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %" if button == CAMERA else "Taps only")


@pytest.mark.relay(min_viewers=3, crowd="networks")
async def test_what_is_promised_stands_there_before_anything_is_opened(relay: app.Relay, filmed: Browser) -> None:
    key = relay.create_channel("demo").admin_key
    await ask(relay, key, "PATCH", "", {"notice": NOTICE})
    page = await join_page(filmed)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(relay.url)))
    page.on("websocket", lambda socket: asked.append(socket.url))
    await page.goto(f"{relay.url}/join/demo")
    await expect(page.locator("#who")).to_contain_text("once people of 3 networks share")
    await expect(page.locator("#size")).to_contain_text("9.0 MB the first time")
    await expect(page.locator("#notice-text")).to_have_text(NOTICE, use_inner_text=True)
    await expect(page.locator("#notice")).to_contain_text("What stands above them holds")
    boxes = [await page.locator(name).bounding_box() for name in ("#yes-camera", "#yes-taps")]
    assert {(box["width"], box["height"]) for box in boxes if box} == {(boxes[0]["width"], boxes[0]["height"])}  # type: ignore[index]
    assert await page.evaluate("asked") == 0
    assert [path for path in asked if path.endswith("demo/viewer") or path.startswith("/assets/")] == []
    assert await page.evaluate("window.readers") is None


async def test_who_agrees_is_in_and_sees_what_is_shared(relay: app.Relay, filmed: Browser) -> None:
    """From the consent to the end: own picture, audience, taps, pause, what was sent."""
    relay.create_channel("demo")
    others = await audience(relay.url, "demo", ["sad"])
    page = await join_page(filmed)
    await joined(page, relay)
    assert (await others[0].mood(lambda mood: mood.counts[3] == 1)).viewers == 2
    await expect(page.locator("#beside")).to_have_text("Happy 87 %")
    await expect(page.locator("#counts")).to_have_text("2 watching · 2 sharing")
    await expect(page.locator("#bar")).to_have_attribute("aria-label", "50 % happy, 50 % sad")
    assert await page.evaluate("document.querySelector('#video').videoWidth") == 320
    await page.get_by_role("button", name="heart").click()

    await page.get_by_text("What was sent").first.click()
    lines = page.locator("#sent-list code")
    await expect(lines.last).to_have_text('{"type":"tap","tap":"heart"}')
    said = [text for text in await lines.all_inner_texts() if text.startswith("{")]
    assert [from_viewer.decode(text) for text in said], "contract messages, each of them"

    await page.get_by_role("button", name="Pause").click()
    assert await open_tracks(page) == 0
    await expect(page.locator("#headline")).to_have_text("Paused")
    await others[0].mood(lambda mood: mood.counts[3] == 0)
    await expect(page.get_by_role("button", name="heart")).to_be_disabled()
    await page.get_by_role("button", name="Resume").press("Enter")
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await page.get_by_role("button", name="Stop").click()
    assert await open_tracks(page) == 0
    assert await page.evaluate("readers.every(({ closed }) => closed)")
    await expect(page.get_by_role("heading", name="You have left demo")).to_be_focused()
    await others[0].mood(lambda mood: mood.viewers == 1)
    await leave(others)


async def test_nothing_but_a_press_of_the_button_opens_a_camera(relay: app.Relay, filmed: Browser) -> None:
    """The browser would give it to the page unasked, each time."""
    relay.create_channel("demo")
    page = await join_page(filmed)
    await joined(page, relay)
    await page.reload()
    await expect(page.get_by_role("button", name=CAMERA)).to_be_enabled()
    assert await page.evaluate("asked") == 0

    await page.get_by_role("button", name=CAMERA).click()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await page.evaluate("location.hash = '#camera=on'")
    await expect(page.get_by_role("button", name=CAMERA)).to_be_enabled()
    assert await page.evaluate("asked") == 1
    assert await open_tracks(page) == 0

    await page.get_by_role("button", name=CAMERA).click()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await page.goto("about:blank")
    await page.go_back()
    await expect(page.get_by_role("button", name=CAMERA)).to_be_enabled()
    assert await open_tracks(page) == 0


@pytest.mark.nightly
async def test_a_camera_that_is_refused_absent_or_pulled_out_leaves_taps(relay: app.Relay, filmed: Browser) -> None:
    relay.create_channel("demo")
    page = await join_page(filmed)
    await page.add_init_script(
        "const real = navigator.mediaDevices.getUserMedia;"
        "navigator.mediaDevices.getUserMedia = async (wanted) => {"
        "  if (window.no) throw new DOMException('no', window.no);"
        "  return real(wanted);"
        "}"
    )
    await joined(page, relay)
    await page.evaluate("tracks[0].stop(); tracks[0].dispatchEvent(new Event('ended'))")
    await expect(page.locator("#details")).to_contain_text("The camera went away")
    for name, told in {"NotAllowedError": "allow it beside", "NotFoundError": "No camera was found"}.items():
        await page.evaluate("name => { window.no = name; }", name)
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator("#details")).to_contain_text(told)
        await expect(page.get_by_role("button", name="heart")).to_be_enabled()
    await page.evaluate("window.no = ''")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")


@pytest.mark.nightly
async def test_a_face_that_is_not_there_is_told(relay: app.Relay, filmed: Browser) -> None:
    relay.create_channel("demo")
    page = await join_page(filmed)
    await joined(page, relay)
    await page.evaluate(f"window.seen = {json.dumps(NOBODY | {'hint': 'no_face'})}")
    await expect(page.locator("#headline")).to_have_text("Away: no face")
    await expect(page.locator("#details")).to_contain_text("Is there light on your face")
    await expect(page.locator("#box")).to_be_hidden()
    unread = seen(reading=None, look={"hasFace": True, "box": [0, 0, 1, 1], "unread": "covered"})
    await page.evaluate(f"window.seen = {json.dumps(unread)}")
    await expect(page.locator("#headline")).to_have_text("Away: something covers your mouth")


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("assets", "fails", "told"),
    [
        (MISSING, "", "Run moodcast models fetch --browser."),
        (None, "damaged", "not the one that the relay names"),
        (None, "no_webgl", "neither WebGL"),
    ],
    ids=["missing", "damaged", "no_webgl"],
)
async def test_where_faces_can_not_be_read_taps_are_left_with_a_sentence(
    relay: app.Relay, filmed: Browser, assets: dict[str, Any] | None, fails: str, told: str
) -> None:
    relay.create_channel("demo")
    script = f"window.readerFails = {json.dumps(fails)}"
    page = await (join_page(filmed, assets, script) if assets else join_page(filmed, script=script))
    await page.goto(f"{relay.url}/join/demo")
    if assets:
        await expect(page.locator("#obstacle")).to_contain_text(told)
        await expect(page.get_by_role("button", name=CAMERA)).to_be_disabled()
        await page.get_by_role("button", name=TAPS).click()
    else:
        await page.get_by_role("button", name=CAMERA).click()
        await expect(page.locator("#details")).to_contain_text(told)
    await expect(page.locator("#headline")).to_have_text("Taps only")
    await expect(page.get_by_role("button", name="clap")).to_be_enabled()
    assert await open_tracks(page) == 0


@pytest.mark.nightly
@pytest.mark.relay(hosts="mood.test")
async def test_without_https_there_is_no_camera_and_the_page_says_why(relay: app.Relay) -> None:
    relay.create_channel("demo")
    rules = "--host-resolver-rules=MAP mood.test 127.0.0.1"
    async with (
        async_playwright() as playwright,
        fake_camera.chromium_with_camera(playwright, None, "accept", rules) as c,
    ):
        page = await join_page(c)
        await page.goto(f"{relay.url.replace('127.0.0.1', 'mood.test')}/join/demo")
        await expect(page.locator("#obstacle")).to_contain_text("https alone")
        await expect(page.locator("#careful")).to_contain_text("others on the way can read what is sent")
        await expect(page.get_by_role("button", name=CAMERA)).to_be_disabled()
        await page.get_by_role("button", name=TAPS).click()
        await expect(page.get_by_role("button", name="clap")).to_be_enabled()


async def test_a_streamer_who_forbids_cameras_has_them_off_at_once(relay: app.Relay, filmed: Browser) -> None:
    key = relay.create_channel("demo").admin_key
    page = await join_page(filmed)
    await joined(page, relay)
    await ask(relay, key, "PATCH", "", {"cameras": False})
    await expect(page.locator("#details")).to_contain_text("The streamer takes taps only now")
    assert await open_tracks(page) == 0
    await expect(page.get_by_role("button", name="Turn the camera on")).to_be_hidden()
    await ask(relay, key, "PATCH", "", {"cameras": True})
    await expect(page.get_by_role("button", name="Turn the camera on")).to_be_visible()
    assert await open_tracks(page) == 0
    await page.reload()
    await ask(relay, key, "PATCH", "", {"cameras": False})
    await page.reload()
    await expect(page.locator("#obstacle")).to_contain_text("no camera is asked for")
    await expect(page.locator("#leaves-words")).to_contain_text("What you tap.")
    await expect(page.locator("#consent")).not_to_contain_text("One of seven words")


async def test_a_press_that_lasts_or_is_doubled_counts_once(relay: app.Relay, filmed: Browser) -> None:
    """What comes to lie under the finger meanwhile is not pressed: Stop below the yes, Resume after Pause."""
    relay.create_channel("demo")
    page = await join_page(filmed, viewport={"width": 320, "height": 568})
    await page.goto(f"{relay.url}/join/demo")
    await page.evaluate("document.querySelector('#yes-camera').scrollIntoView({block: 'center'})")
    await page.locator("#yes-camera").dblclick()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await page.locator("#pause").focus()
    for _ in range(2):  # the second one is the held key's repetition
        await page.keyboard.down("Enter")
    await page.keyboard.up("Enter")
    await expect(page.locator("#headline")).to_have_text("Paused")
    assert await open_tracks(page) == 0
    await page.evaluate("resume => resume.dispatchEvent(new MouseEvent('click', {detail: 2, bubbles: true}))",
                        await page.query_selector("#resume"))  # fmt: skip
    assert await page.evaluate("asked") == 1


@pytest.mark.nightly
async def test_passwords_and_refusals(relay: app.Relay, filmed: Browser) -> None:
    key = relay.create_channel("demo").admin_key
    await ask(relay, key, "PUT", "/password", {"password": "sesame"})
    page = await join_page(filmed)
    await page.goto(f"{relay.url}/join/demo")
    field = page.get_by_label("Join password")
    await expect(field).to_be_focused()
    await field.fill("simsim")
    await field.press("Enter")
    await expect(page.get_by_text("That is not the password of demo")).to_be_visible()
    await field.fill("sesame")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name=TAPS).click()
    await expect(page.get_by_role("button", name="heart")).to_be_enabled()
    assert "sesame" not in page.url
    await page.goto(f"{relay.url}/join/nosuch")
    await expect(page.get_by_text("has no channel nosuch")).to_be_visible()


@pytest.mark.nightly
async def test_the_relay_comes_back_and_who_promises_less_is_asked_about(filmed: Browser, tmp_path: Path) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path), tick_ms=50, min_viewers=2, crowd="networks")
    relay = await app.start(settings)
    relay.create_channel("demo")
    page = await join_page(filmed)
    await page.goto(f"{relay.url}/join/demo")
    await page.get_by_role("button", name=CAMERA).click()
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await relay.stop()
    await expect(page.locator("#headline")).to_have_text("Connection lost")
    relay = await app.start(settings)
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await relay.stop()
    relay = await app.start(RelaySettings(**(vars_of(settings) | {"min_viewers": 1})))
    try:
        await expect(page.get_by_text("sooner than you had agreed to")).to_be_visible()
        assert await open_tracks(page) == 0
        await expect(page.locator("#who")).to_contain_text("even a single person")
        await expect(page.get_by_role("button", name=CAMERA)).to_be_enabled()
    finally:
        await relay.stop()


def vars_of(settings: RelaySettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


@pytest.mark.nightly
async def test_who_wants_to_be_shown_by_name_is_and_can_withdraw(relay: app.Relay, filmed: Browser) -> None:
    key = relay.create_channel("demo").admin_key
    page = await join_page(filmed)
    await joined(page, relay)
    await expect(page.locator("#people")).to_be_hidden()
    await ask(relay, key, "PATCH", "", {"grid": True})
    await page.get_by_text("Who is shown").click()
    await page.get_by_label("Your name, if you like").fill("Ann")
    await page.get_by_role("button", name="Show me", exact=True).click()
    await expect(page.get_by_text("You are shown as Ann.")).to_be_visible()
    await expect(page.locator("#people-list")).to_contain_text("Ann")
    await page.get_by_role("button", name="Show me no more").click()
    await expect(page.get_by_text("Nobody is shown now.")).to_be_visible()


@pytest.mark.nightly
async def test_the_delay_is_measured_with_the_streamers_countdown(relay: app.Relay, filmed: Browser) -> None:
    keys = relay.create_channel("demo")
    page = await join_page(filmed)
    await joined(page, relay, TAPS)
    await ask(relay, keys.admin_key, "POST", "/countdown", {"seconds": 3})
    await page.get_by_role("button", name="Tap at 0").click()

    async def measured() -> Any:
        button = page.get_by_role("button", name="Tap at 0")
        if await button.is_visible():
            await button.click()
        return "you see the stream" in await page.locator("#countdown-words").inner_text()

    await wait_until(measured)
    await expect(page.locator("#countdown-words")).to_contain_text("you see the stream")


async def test_it_goes_on_in_a_small_window(relay: app.Relay, filmed: Browser) -> None:
    """With the page's own files: where Playwright answers for some, what such a window asks for never comes."""
    relay.create_channel("demo")
    page = await filmed.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    await joined(page, relay, TAPS)
    await page.get_by_role("button", name="Small window").click()
    await expect(page.get_by_text("Shown in the small window")).to_be_visible()
    there = "documentPictureInPicture.window.document"
    corner = f"getComputedStyle({there}.querySelector('.card')).borderTopLeftRadius"
    await until(page, f"{corner} === '16px'")
    await page.evaluate(f"{there}.querySelector('#pause').click()")
    await until(page, f"{there}.querySelector('#headline').textContent === 'Paused'")
    await page.get_by_role("button", name="Bring it back here").click()
    await expect(page.locator("#headline")).to_have_text("Paused")
    await page.get_by_role("button", name="Small window").click()
    await until(page, f"{there}.querySelector('#stop') !== null")
    await page.evaluate(f"{there}.querySelector('#stop').click()")
    await expect(page.get_by_role("heading", name="You have left demo")).to_be_visible()
    await until(page, "documentPictureInPicture.window === null")
    assert complaints == []


async def until(page: Page, condition: str) -> None:
    await wait_until(lambda: page.evaluate(condition))


@pytest.mark.parametrize(
    ("language", "scheme"),
    [
        ("de", "dark"),
        *(
            pytest.param(language, scheme, marks=pytest.mark.nightly)
            for language in ("en", "ru", "ja", "vi", "fr")
            for scheme in ("light", "dark")
        ),
    ],
)
async def test_no_state_breaks_a_rule_or_sticks_out_of_the_smallest_phone(
    relay: app.Relay, filmed: Browser, language: str, scheme: Any
) -> None:
    key = relay.create_channel("demo").admin_key
    await ask(relay, key, "PATCH", "", {"notice": NOTICE, "grid": True})
    size: dict[str, Any] = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
    page = await join_page(filmed, color_scheme=scheme, **size)
    await page.goto(f"{relay.url}/join/demo?language={language}")
    for state, button in {"consent": "", "face": "#yes-camera"}.items():
        if button:
            await page.locator(button).click()
            await page.locator("#box").wait_for()
            await page.locator("#people summary").click()
            await page.locator("#sent summary").click()
        else:
            await page.locator("#yes-camera").wait_for()
        assert await violations(page) == [], state
        assert await page.evaluate("document.documentElement.scrollWidth") == 320, state
    await page.locator("#stop").click()
    await page.locator("#rejoin").wait_for()
    assert await violations(page) == []


@pytest.mark.nightly
async def test_everything_can_be_done_with_the_keyboard(relay: app.Relay, filmed: Browser) -> None:
    relay.create_channel("demo")
    page = await join_page(filmed)
    await page.goto(f"{relay.url}/join/demo")
    await page.locator("#languages").focus()
    for wanted in ("yes-camera", "pause", "resume"):
        for _ in range(20):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.id") == wanted:
                break
            if wanted == "resume" and await page.evaluate("document.activeElement.id") == "stop":
                await page.keyboard.press("Shift+Tab")
                break
        assert await page.evaluate("document.activeElement.id") == wanted
        await page.keyboard.press("Enter")
        if wanted == "yes-camera":
            await expect(page.locator("#headline")).to_have_text("Happy, 87 %")
    await expect(page.locator("#headline")).to_have_text("Happy, 87 %")


@pytest.mark.nightly
async def test_two_tabs_are_two_viewers(relay: app.Relay, filmed: Browser) -> None:
    relay.create_channel("demo")
    pages = [await join_page(filmed) for _ in range(2)]
    for page in pages:
        await joined(page, relay, TAPS)
    async with await Viewer.connect(relay.url, "demo") as viewer:
        await viewer.mood(lambda mood: mood.viewers == 3)
