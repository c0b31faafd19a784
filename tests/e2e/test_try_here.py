"""The page /try in a browser that looks at pictures itself: none leaves it, and it finds what the relay does."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser, Page, Request, async_playwright, expect

from agent import trial
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.assets import BrowserFiles
from relay import app
from relay.assets import AssetsMissingError
from relay.config import RelaySettings
from tests.e2e.conftest import OpenPage, launched
from tests.e2e.fake_camera import LONDON, chromium_with_camera, film, framed
from tests.support import HANG_S

LOOK = """async (files) => {
    const { StillReader } = await import("/static/reading/still-reader.js");
    const reader = new StillReader(), found = [];
    for (const file of files) {
        const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
        found.push((await reader.look(new Blob([bytes]), () => {})).findings);
    }
    reader.close();
    return found;
}"""
LIBRARY = ("INFO: Created TensorFlow Lite",)
"""What MediaPipe says on the console."""
STRANGER = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """One for each test: with it ends what a page that is left still loads, before the relay does."""
    async with launched() as running:
        yield running


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[app.Relay]:
    """With all that browsers load; it has a recogniser of its own too."""
    files = BrowserFiles(())
    try:
        files.look()
        registry.path("face_landmarker")
        registry.path("portrait")
    except (AssetsMissingError, ModelMissingError) as error:
        pytest.skip(str(error))
    # Where nothing is compressed yet, a stranger's browser would take a minute at the usual rate.
    settings = RelaySettings(port=0, data=str(tmp_path / "relay"), asset_rate=0)
    running = await app.start(settings, recogniser=trial.recogniser, assets=files)
    yield running
    await running.stop()


def png(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def face() -> Image.Image:
    return Image.open(registry.path("portrait")).convert("RGB").crop((110, 0, 340, 230))


def group() -> Image.Image:
    """Four in two rows, the last of whom wears a mask."""
    one, wall = face().resize((240, 240)), Image.new("RGB", (620, 620), (120, 110, 100))
    for place in ((30, 30), (350, 40), (40, 350), (350, 350)):
        wall.paste(one, place)
    wall.paste((60, 110, 170), (350 + 65, 350 + 118, 350 + 175, 350 + 180))
    return wall


def turned() -> bytes:
    """As a phone stores a picture that was taken upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(
        Image.open(registry.path("portrait")).convert("RGB").rotate(90, expand=True), "JPEG", quality=95, exif=exif
    )


def with_bodies(page: Page) -> list[str]:
    """Requests of a page and its workers that send anything, as they are made."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method != "GET" or request.post_data_buffer or "v1/try?" in request.url:
            found.append(f"{request.method} {request.url}")

    page.on("request", note)
    page.on("websocket", lambda socket: found.append(socket.url))
    return found


async def choose(page: Page, name: str, content: bytes) -> None:
    await page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})


async def looked_at_by_the_relay(relay: app.Relay, file: bytes) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(relay.url) as http,
        http.post("/v1/try?model=moodnet", data=file, headers={"Content-Type": "image/png"}) as response,
    ):
        found: dict[str, Any] = await response.json()
        return found


def assert_same(here: dict[str, Any], there: dict[str, Any]) -> None:
    assert (here["width"], here["height"]) == (there["width"], there["height"])
    assert [one["unread"] for one in here["faces"]] == [one["unread"] for one in there["faces"]]
    for mine, theirs in zip(here["faces"], there["faces"], strict=True):
        assert mine["probabilities"] == pytest.approx(theirs["probabilities"], abs=0.02)
        for corner, other in zip(mine["outline"], theirs["outline"], strict=True):
            assert corner == pytest.approx(other, abs=0.3)


async def test_a_browser_finds_what_the_relay_finds(relay: app.Relay, open_page: OpenPage) -> None:
    files = [registry.path("portrait").read_bytes(), png(group()), turned()]
    page = await open_page(f"{relay.url}/try", expected=LIBRARY)
    found = await page.evaluate(LOOK, [base64.b64encode(file).decode() for file in files])
    for file, here in zip(files, found, strict=True):
        assert_same(here, await looked_at_by_the_relay(relay, file))
    assert [len(here["faces"]) for here in found] == [1, 4, 1]
    assert [one["unread"] for one in found[1]["faces"]] == ["", "", "", "covered"]


@pytest.mark.nightly
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
async def test_a_browser_finds_what_the_relay_finds_in_all_portraits(relay: app.Relay, open_page: OpenPage) -> None:
    files = [file.read_bytes() for file in sorted(LONDON.glob("*.jpg"))]
    page = await open_page(f"{relay.url}/try", expected=LIBRARY)
    found = await page.evaluate(LOOK, [base64.b64encode(file).decode() for file in files])
    same = 0
    for file, here in zip(files, found, strict=True):
        there = await looked_at_by_the_relay(relay, file)
        best = [
            [one["probabilities"].index(max(one["probabilities"])) for one in side["faces"]] for side in (here, there)
        ]
        same += best[0] == best[1] and len(best[0]) == 1
    assert same >= len(files) - 1


async def test_a_stranger_may_look_and_nothing_leaves_the_browser(relay: app.Relay, browser: Browser) -> None:
    page = await browser.new_page(extra_http_headers=STRANGER)
    page.set_default_timeout(1000 * HANG_S)
    sent = with_bodies(page)
    await page.goto(f"{relay.url}/try")
    await expect(page.locator("#where")).to_contain_text("Your pictures stay in this browser")
    await expect(page.locator("#where")).to_contain_text(" MB from this relay, once.")
    assert await page.locator("#models option").all_inner_texts() == ["moodnet"]
    for name, content, sentence in (
        ("photo.heic", b"\0\0\0\x18ftypheic" + bytes(90), "This is no JPEG, PNG, WebP or GIF picture"),
        ("cut.png", registry.path("portrait").read_bytes()[:5000], "The picture's file is broken or incomplete"),
        ("bomb.png", png(Image.new("1", (8000, 8000))), "The picture has more than 50 million pixels"),
        ("wall.png", png(Image.new("RGB", (200, 100), "white")), "No face was found."),
        ("group.png", png(group()), "4 faces: 3 happy, 1 not sure."),
    ):
        await choose(page, name, content)
        await page.get_by_role("status").get_by_text(sentence).wait_for()
    assert await page.locator("#numbers .number").all_inner_texts() == ["1", "2", "3", "4"]
    await expect(page.locator("#where")).not_to_contain_text(" MB")
    assert sent == []


OLD_BROWSERS = ["delete window.Worker", "delete window.WebAssembly", "delete window.OffscreenCanvas"]


@pytest.mark.parametrize(
    "missing", [OLD_BROWSERS[0], *(pytest.param(one, marks=pytest.mark.nightly) for one in OLD_BROWSERS[1:])]
)
async def test_an_old_browser_says_that_the_relay_looks_before_it_sends_anything(
    missing: str, relay: app.Relay, browser: Browser
) -> None:
    page = await browser.new_page()
    page.set_default_timeout(1000 * HANG_S)
    await page.add_init_script(missing)
    sent = with_bodies(page)
    await page.goto(f"{relay.url}/try")
    await expect(page.locator("#where")).to_contain_text("This browser can't look at pictures itself: it is too old.")
    await expect(page.locator("#where")).to_contain_text(
        "Pictures go from this page to the relay on this same computer"
    )
    assert sent == []
    await page.set_input_files("#file", registry.path("portrait"))
    await page.get_by_text("One face, happy").wait_for()
    assert sent == [f"POST {relay.url}/v1/try?model=moodnet"]
    await page.set_extra_http_headers(STRANGER)
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text(
        "it is too old. Moodcast's promise is that no picture leaves"
    )
    assert await page.get_by_role("button", name="Choose a picture").is_disabled()


async def test_what_can_not_be_loaded_sends_nothing_and_the_next_picture_is_the_relays(
    relay: app.Relay, browser: Browser
) -> None:
    page = await browser.new_page()
    page.set_default_timeout(1000 * HANG_S)
    sent = with_bodies(page)
    await page.context.route("**/face_landmarker.task", lambda route: route.fulfill(body="changed on its way"))
    await page.goto(f"{relay.url}/try")
    await expect(page.locator("#where")).to_contain_text("Your pictures stay in this browser")
    await page.set_input_files("#file", registry.path("portrait"))
    await page.get_by_text("Nothing was sent. Read above who looks at pictures now").wait_for()
    await expect(page.locator("#where")).to_contain_text("what it loaded is damaged.")
    await expect(page.locator("#where")).to_contain_text(
        "Pictures go from this page to the relay on this same computer"
    )
    assert sent == []
    await page.set_input_files("#file", registry.path("portrait"))
    await page.get_by_text("One face, happy").wait_for()
    assert len(sent) == 1


DROP = """(text) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], "face.png"));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
}"""


async def test_where_nobody_looks_at_pictures_none_is_sent_whatever_is_dropped(
    relay: app.Relay, browser: Browser
) -> None:
    page = await browser.new_page(extra_http_headers=STRANGER)
    page.set_default_timeout(1000 * HANG_S)
    sent = with_bodies(page)
    await page.context.route("**/face_landmarker.task", lambda route: route.fulfill(body="changed on its way"))
    await page.goto(f"{relay.url}/try")
    await page.locator("body[data-page=ready]").wait_for()
    for _ in range(2):
        await page.evaluate(DROP, base64.b64encode(png(face())).decode())
        await page.get_by_text("This browser can't look at pictures, and nothing was sent.").wait_for()
        assert await page.get_by_role("button", name="Choose a picture").is_disabled()
    assert sent == []


async def test_another_model_is_the_relays_and_says_so_first(relay: app.Relay, browser: Browser) -> None:
    page = await browser.new_page()
    page.set_default_timeout(1000 * HANG_S)
    sent = with_bodies(page)
    await page.goto(f"{relay.url}/try")
    await page.locator("body[data-page=ready]").wait_for()
    if "moodnet-tiny" not in await page.locator("#models option").all_inner_texts():
        pytest.skip("moodnet-tiny is not here")
    await page.locator("#models").select_option("moodnet-tiny")
    await expect(page.locator("#where")).to_contain_text("This browser does not have that model. Pictures go from")
    await page.get_by_text("Nothing was sent. Read above").wait_for()
    assert sent == []


@pytest.mark.nightly
async def test_the_webcam_is_looked_at_in_the_browser_alone(relay: app.Relay, tmp_path: Path) -> None:
    seen = film(tmp_path / "camera.y4m", [framed(np.asarray(face()))])
    async with async_playwright() as playwright, chromium_with_camera(playwright, seen) as browser:
        page = await browser.new_page()
        page.set_default_timeout(1000 * HANG_S)
        sent = with_bodies(page)
        await page.goto(f"{relay.url}/try")
        await page.get_by_role("button", name="Use the webcam").click()
        await expect(page.locator(".face .face-head .word")).to_have_text("happy", timeout=1000 * HANG_S)
        await page.get_by_role("button", name="Stop the webcam").click()
        await page.get_by_text("The camera is off.").wait_for()
        assert await page.evaluate("document.querySelector('#video').srcObject") is None
        assert sent == []
