"""The page /try in a real Chromium, against the real relay with the real recogniser and without files for browsers."""

import asyncio
import base64
import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from PIL import Image
from playwright.async_api import Locator, Page, async_playwright, expect

from agent import trial
from models.errors import ModelMissingError
from models.inference import registry
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from relay.trial import PictureRecogniser, UnavailableError
from tests.e2e.conftest import OpenPage, chromium_options
from tests.support import free_port, wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def portrait() -> Path:
    try:
        registry.path("face_landmarker")
        return registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[app.Relay]:
    running = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay")), recogniser=trial.recogniser)
    yield running
    await running.stop()


def content(file: Path) -> bytes:
    return file.read_bytes()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def group(portrait: Path) -> bytes:
    """Three times the portrait's face, in a PNG file."""
    face = Image.open(portrait).convert("RGB").crop((110, 0, 340, 230)).resize((300, 300))
    wall, file = Image.new("RGB", (1000, 400), (120, 110, 100)), io.BytesIO()
    for left in (20, 350, 680):
        wall.paste(face, (left, 50))
    wall.save(file, "PNG")
    return file.getvalue()


async def choose(page: Page, name: str, content: bytes, kind: str = "image/png") -> None:
    await page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})


async def drop(page: Page, event: str, content: bytes) -> None:
    """As if somebody let a file go over the stage, or pasted it."""
    make = """([event, file]) => {
        const data = new DataTransfer();
        if (file) data.items.add(new File([Uint8Array.from(atob(file), c => c.charCodeAt(0))], "dropped"));
        const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data};
        const made = event === "paste" ? new ClipboardEvent(event, options) : new DragEvent(event, options);
        document.querySelector("#stage").dispatchEvent(made);
    }"""
    await page.evaluate(make, [event, base64.b64encode(content).decode()])


async def test_a_picture_shows_its_face_seven_bars_and_the_time(
    relay: app.Relay, open_page: OpenPage, portrait: Path
) -> None:
    page = await open_page(f"{relay.url}/try")
    await page.get_by_text("Nothing to look at yet.").wait_for()
    assert await page.locator("#models option").all_inner_texts() == [
        choice.name for choice in trial.recogniser().choices()
    ]
    await page.set_input_files("#file", portrait)
    card = page.get_by_role("listitem", name="Face 1")
    await expect(card.locator(".face-head .word")).to_have_text("happy")
    shares = [int(text.removesuffix(" %")) for text in await card.locator(".bars b").all_inner_texts()]
    assert len(shares) == 7
    assert shares.index(max(shares)) == EXPRESSIONS.index("happy")
    assert sum(shares) == pytest.approx(100, abs=3)
    assert await page.get_by_role("status").inner_text() == f"One face, happy ({max(shares)} %)."
    assert (await page.locator("#total").inner_text()).endswith(" ms")
    # The outline lies on the face: in the middle of a square picture, and in its upper half.
    frame = await page.locator("#frame").bounding_box()
    outline = await page.locator("#outlines polygon").last.bounding_box()
    assert frame and outline  # noqa: PT018
    assert (outline["x"] + outline["width"] / 2 - frame["x"]) / frame["width"] == pytest.approx(0.435, abs=0.04)
    assert (outline["y"] + outline["height"] / 2 - frame["y"]) / frame["height"] == pytest.approx(0.22, abs=0.04)
    # The bars are as long as they say, and the card shows the face upright.
    track, bar = await card.locator(".track").nth(3).bounding_box(), card.locator(".fill").nth(3)
    assert track is not None
    await wait_until(lambda: settled(bar, track["width"] * max(shares) / 100))
    assert await page.evaluate(
        "document.querySelector('.face canvas').getContext('2d').getImageData(60, 60, 1, 1).data[3]"
    )


async def settled(bar: Locator, width: float) -> bool:
    box = await bar.bounding_box()
    return box is not None and abs(box["width"] - width) < 3


@pytest.mark.parametrize("way", [pytest.param("choose", marks=pytest.mark.nightly), "drop", "paste"])
async def test_several_faces_are_numbered_whichever_way_the_picture_comes(
    way: str, relay: app.Relay, open_page: OpenPage, portrait: Path
) -> None:
    page = await open_page(f"{relay.url}/try")
    await page.locator("body[data-page=ready]").wait_for()
    if way == "choose":
        await choose(page, "group.png", group(portrait))
    else:
        await drop(page, way, group(portrait))
    await page.get_by_text("3 faces: 3 happy.").wait_for()
    assert await page.locator("#numbers .number").all_inner_texts() == ["1", "2", "3"]
    assert await page.locator(".face .face-head .number").all_inner_texts() == ["1", "2", "3"]
    boxes = [await number.bounding_box() for number in await page.locator("#numbers .number").all()]
    assert sorted(boxes, key=lambda box: box["x"] if box else 0) == boxes


async def test_a_crowd_fits_on_the_screen_and_one_face_can_be_opened(
    relay: app.Relay, open_page: OpenPage, portrait: Path
) -> None:
    face = Image.open(portrait).convert("RGB").crop((110, 0, 340, 230)).resize((240, 240))
    wall, file = Image.new("RGB", (2048, 1024), (120, 110, 100)), io.BytesIO()
    for number in range(31):
        wall.paste(face, (8 + 254 * (number % 8), 8 + 254 * (number // 8)))
    left, top = 8 + 254 * 6, 8 + 254 * 3  # the last one wears a mask
    wall.paste((60, 110, 170), (left + 65, top + 118, left + 175, top + 180))
    wall.save(file, "PNG")
    page = await open_page(f"{relay.url}/try", width=1280, height=900)
    await page.locator("body[data-page=ready]").wait_for()
    await choose(page, "crowd.png", file.getvalue())
    cards = page.locator(".face")
    await expect(cards).to_have_count(31)
    assert await page.get_by_role("status").inner_text() == "31 faces: 30 happy, 1 not sure."
    await expect(cards.last).to_contain_text("not sure")
    await expect(cards.last).to_contain_text("mouth covered")
    await expect(cards.last).to_be_in_viewport()
    assert await page.locator("#outlines polygon[data-unread]").count() == 1
    await expect(page.locator(".bars").first).to_be_hidden()
    await page.get_by_role("listitem", name="Face 2", exact=True).get_by_role("button").click()
    await expect(cards.nth(1).locator(".bars")).to_be_visible()
    await expect(cards.nth(2).locator(".bars")).to_be_hidden()
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.set_input_files("#file", portrait)
    await page.get_by_text("One face, happy").wait_for()
    await expect(page.locator(".bars")).to_be_visible()


async def test_what_can_not_be_used_gets_a_sentence_and_the_next_picture_works(
    relay: app.Relay, open_page: OpenPage, portrait: Path
) -> None:
    page = await open_page(f"{relay.url}/try", expected=("400 (Bad Request)",))
    await page.locator("body[data-page=ready]").wait_for()
    await choose(page, "letter.pdf", b"%PDF-1.7 and so on", "application/pdf")
    await page.get_by_text("This is no JPEG, PNG, WebP or GIF picture: choose one of these").wait_for()
    await choose(page, "cut.png", content(portrait)[:5000])
    await page.get_by_text("The picture's file is broken or incomplete").wait_for()
    await choose(page, "photo.tif", bytes(10_000_001))
    await page.get_by_text("photo.tif has 10.0 MB, and 10 MB is the most").wait_for()
    await drop(page, "drop", b"")
    await page.get_by_text("That was no picture file").wait_for()
    blank = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(blank, "PNG")
    await choose(page, "wall.png", blank.getvalue())
    await page.get_by_text("No face was found.").wait_for()
    await page.set_input_files("#file", portrait)
    await page.get_by_text("One face, happy").wait_for()


async def test_the_webcam_is_watched_until_it_is_stopped(relay: app.Relay, portrait: Path, tmp_path: Path) -> None:
    film, file = tmp_path / "camera.mjpeg", io.BytesIO()
    Image.open(portrait).convert("RGB").resize((640, 640)).crop((0, 0, 640, 480)).save(file, "JPEG", quality=95)
    film.write_bytes(file.getvalue() * 5)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    options = chromium_options(*fake, f"--use-file-for-fake-video-capture={film}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**options)
        page = await browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
        await page.goto(f"{relay.url}/try")
        await page.get_by_role("button", name="Use the webcam").click()
        await expect(page.locator(".face .face-head .word")).to_have_text("happy")
        live = "document.querySelector('#video').srcObject?.getTracks().some(track => track.readyState === 'live')"
        assert await page.evaluate(live)
        # Mirrored: her face, left of the middle in the picture, is right of it.
        middle = """selector => {
            const {left, right} = document.querySelector(selector).getBoundingClientRect();
            return (left + right) / 2;
        }"""
        assert await page.evaluate(middle, "#outlines polygon") > await page.evaluate(middle, "#frame")
        await wait_until(lambda: len(asked) >= 4)
        await page.get_by_role("button", name="Stop the webcam").click()
        await page.get_by_text("The camera is off.").wait_for()
        assert await page.evaluate("document.querySelector('#video').srcObject") is None
        assert await page.locator(".face").count() == 0
        assert {url.partition("?")[0] for url in asked} == {f"{relay.url}/v1/try"}
        await page.set_input_files("#file", portrait)
        await page.get_by_text("One face, happy").wait_for()
        await browser.close()


async def test_without_a_camera_it_says_so(relay: app.Relay, open_page: OpenPage, portrait: Path) -> None:
    page = await open_page(f"{relay.url}/try")
    await page.context.grant_permissions(["camera"])
    await page.get_by_role("button", name="Use the webcam").click()
    await page.get_by_text("No camera was found: plug one in, or choose a picture instead.").wait_for()
    await page.get_by_role("button", name="Use the webcam").wait_for()


async def test_says_why_nothing_can_be_recognised(tmp_path: Path, open_page: OpenPage) -> None:
    sentence = "Recognising needs the agent's packages: pip install '.[agent]'."

    def make() -> PictureRecogniser:
        raise UnavailableError(sentence)

    relay = await app.start(RelaySettings(port=0, data=str(tmp_path)), recogniser=make)
    page = await open_page(f"{relay.url}/try", expected=("403 (Forbidden)",))
    await expect(page.get_by_role("alert")).to_contain_text(
        "This browser can't look at pictures itself: this relay does not have what that takes."
    )
    await expect(page.get_by_role("alert")).to_contain_text(sentence)
    assert await page.get_by_role("button", name="Choose a picture").is_disabled()
    await page.set_extra_http_headers({"X-Forwarded-For": "192.0.2.1"})
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("no picture leaves the computer it was taken on")
    await relay.stop()


async def test_the_command_keeps_nothing_of_a_picture(portrait: Path, tmp_path: Path) -> None:
    """As its user starts it: the terminal and every folder that it may write to."""
    port, folders = free_port(), {name: tmp_path / name for name in ("data", "TMPDIR", "HOME")}
    for folder in folders.values():
        folder.mkdir()
    cache = {"XDG_CACHE_HOME": str(registry.location(registry.get("portrait")).parents[2])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "relay", "--port", str(port), "--data", str(folders["data"]),
        cwd=ROOT, env=os.environ | cache | {name: str(folders[name]) for name in ("TMPDIR", "HOME")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    picture = content(portrait)
    try:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readuntil(b"(Ctrl-C stops it)"), 60)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            for body, status in ((picture, 200), (picture[:5000], 400), (b"%PDF", 400)):
                async with http.post("/v1/try", data=body, headers={"Content-Type": "image/png"}) as response:
                    assert response.status == status, await response.text()
    finally:
        process.terminate()
        out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    said = out.decode() + errors.decode()
    assert "relay ends" in said
    assert not any(word in said for word in (*EXPRESSIONS, "/v1/try", "face", "WARNING", "ERROR"))
    assert sorted(files_in(tmp_path)) == ["relay.sqlite3", "relay.sqlite3.holder", "relay.sqlite3.lock"]


async def test_the_plain_functions(relay: app.Relay, open_page: OpenPage) -> None:
    page = await open_page(f"{relay.url}/try")

    async def call(expression: str) -> object:
        return await page.evaluate(f"import('/static/findings.js').then(m => {expression})")

    # A square of 10 px, rolled by a quarter: its own top left comes to 0, 0 and its bottom right to 100, 100.
    shown = """{
        const [a, b, c, d, e, f] = m.upright([[20, 30], [20, 40], [10, 40], [10, 30]], 100);
        const at = (x, y) => [a * x + c * y + e, b * x + d * y + f];
        return [at(20, 30), at(10, 40), at(15, 35)];
    }"""
    assert await call(shown) == [[0, 0], [100, 100], [50, 50]]
    assert await call("[0, 9.94, 9.96, 1234.4].map(m.milliseconds)") == ["0.0 ms", "9.9 ms", "10 ms", "1234 ms"]
    faces = "[[0,0,0,.6,0,0,.4], [0,0,0,.2,0,0,.8], [0,0,0,0,0,0,1]].map(probabilities => ({probabilities}))"
    assert await call(f"m.summary({faces})") == "3 faces: 2 neutral, 1 happy."
    assert await call(f"m.summary({faces}.slice(0, 1))") == "One face, happy (60 %)."
