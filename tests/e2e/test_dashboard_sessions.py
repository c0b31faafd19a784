"""The dashboard's part after the stream, in a real Chromium against the real relay: chart, moments, two sessions."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from benchmarks.history_page import store
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from tests.e2e import axe
from tests.e2e.conftest import OpenPage
from tests.support import Viewer, request

LABELS = {
    "happy": "Laughter", "surprise": "Surprise", "sad": "Sadness", "angry": "Anger", "fear": "Fear",
    "disgust": "Disgust", "clap": "Applause",
}  # fmt: skip
SPAN = """async () => {
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const canvas = document.querySelector("#chart canvas");
    return [Number(canvas.getAttribute("aria-valuemin")), Number(canvas.getAttribute("aria-valuemax"))];
}"""
"""JavaScript: the first and the last second that the chart shows, once it is drawn."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a session of three hours, and one before it of half an hour."""
    path = tmp_path_factory.mktemp("sessions")
    store(str(path), 1800, number=1, started=1_764_100_000, name="Rehearsal")
    store(str(path), 10_800, number=2)
    return path


@pytest.fixture
async def stored(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """A relay with the sessions: its address and the display key."""
    running = await app.start(RelaySettings(port=0, data=str(folder)))
    if not (folder / "key").exists():
        (folder / "key").write_text(running.create_channel("demo").display_key)
    yield running.url, (folder / "key").read_text()
    await running.stop()


async def opened(open_page: OpenPage, stored: tuple[str, str], **options: Any) -> Page:
    page = await open_page(f"{stored[0]}/dashboard?channel=demo#key={stored[1]}", **options)
    await page.locator("#peaks .moment").first.wait_for()
    await page.get_by_role("slider", name="% happy").wait_for()
    await page.locator("#chart").scroll_into_view_if_needed()
    return page


async def test_each_listed_moment_is_what_the_chart_shows_at_its_second(
    open_page: OpenPage, stored: tuple[str, str]
) -> None:
    page = await opened(open_page, stored, height=1400)
    listed = (await request(stored[0], "GET", "demo/sessions/2/peaks", stored[1]))[1]["peaks"]
    history = (await request(stored[0], "GET", "demo/sessions/2", stored[1]))[1]
    seconds = {moment["time"]: moment for moment in history["moments"]}
    assert {"happy", "sad", "clap"} <= {peak["name"] for peak in listed}
    start = int(history["session"]["started"])
    cards, tooltip = page.locator("#peaks .moment"), page.locator(".tooltip")
    await expect(cards).to_have_count(len(listed))
    for card, peak in zip(await cards.all(), sorted(listed, key=lambda peak: peak["time"]), strict=True):
        second, share = peak["time"] - start, f"{int(100 * peak['share'] + 0.5)} %"
        clock = f"{second // 3600}:{second // 60 % 60:02}:{second % 60:02}" if second >= 3600 else (
            f"{second // 60}:{second % 60:02}"
        )  # fmt: skip
        await card.locator(".moment-show").click()
        await expect(tooltip.locator(".tooltip-time")).to_have_text(re.compile(f"^{clock} "))
        told = tooltip.locator(".tooltip-peak")
        await expect(told).to_have_text(f"{LABELS[peak['name']]}{share}")
        assert share in await card.inner_text()
        if peak["kind"] == "expression":
            count = seconds[peak["time"]]["counts"][EXPRESSIONS.index(peak["name"])]
            await expect(tooltip).to_contain_text(f"{share} ({count})")
    face = page.locator("#chart .chart-peak").first
    name = str(await face.get_attribute("aria-label"))
    await page.keyboard.press("Escape")
    await face.focus()
    await page.keyboard.press("Enter")
    time, label, share = re.split(": |, ", name)
    await expect(tooltip.locator(".tooltip-peak")).to_have_text(f"{label}{share}")
    await expect(tooltip.locator(".tooltip-time")).to_have_text(re.compile(f"^{time} "))


async def test_a_click_beside_a_face_takes_its_second(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, height=1000)
    canvas = await page.locator("#chart canvas").bounding_box()
    assert canvas is not None
    for face in (await page.locator("#chart .chart-peak").all())[:6]:
        box = await face.bounding_box()
        assert box is not None
        _, label, share = re.split(": |, ", str(await face.get_attribute("aria-label")))
        await page.mouse.click(box["x"] + box["width"] / 2 + 4, canvas["y"] + 200)
        await expect(page.locator(".tooltip-peak")).to_have_text(f"{label}{share}")


async def test_the_chart_is_zoomed_by_wheel_drag_and_keys(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, height=1000)
    assert await page.evaluate(SPAN) == [0, 10_799]
    everything = page.get_by_role("button", name="Show all", exact=True)
    await expect(everything).to_be_disabled()
    box = await page.locator("#chart canvas").bounding_box()
    assert box is not None
    middle = box["x"] + 50 + (box["width"] - 64) / 2
    await page.mouse.move(middle, box["y"] + 150)
    await page.mouse.wheel(0, -400)
    await expect(everything).to_be_enabled()
    first, last = await page.evaluate(SPAN)
    assert 2000 < last - first < 6000
    assert abs((first + last) / 2 - 5400) < 60  # what is under the pointer stays there
    await everything.click()
    assert await page.evaluate(SPAN) == [0, 10_799]

    await page.mouse.move(box["x"] + 50 + (box["width"] - 64) / 4, box["y"] + 150)
    await page.mouse.down()
    await page.mouse.move(middle, box["y"] + 160, steps=3)
    await page.mouse.up()
    first, last = await page.evaluate(SPAN)
    assert abs(first - 2700) < 60
    assert abs(last - 5400) < 60

    chart = page.get_by_role("slider")
    await chart.press("0")
    assert await page.evaluate(SPAN) == [0, 10_799]
    for _ in range(8):
        await chart.press("+")
    first, last = await page.evaluate(SPAN)
    assert last - first < 60
    await chart.press("Shift+ArrowLeft")
    assert (await page.evaluate(SPAN))[0] < first
    await chart.press("-")
    assert (await page.evaluate(SPAN))[1] > last - 15
    await chart.press("Home")
    await expect(page.locator(".tooltip-time")).to_contain_text("0:00 ")
    assert (await page.evaluate(SPAN))[0] == 0  # the cursor is in view


async def test_two_fingers_zoom_the_chart_and_one_finger_moves_it(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, width=390, height=844)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    touch = await page.context.new_cdp_session(page)
    box = await page.locator("#chart canvas").bounding_box()
    assert box is not None

    async def fingers(kind: str, *places: float) -> None:
        points = [{"x": x, "y": box["y"] + 150, "id": number} for number, x in enumerate(places)]
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await fingers("touchStart", 180)
    await fingers("touchStart", 180, 240)
    await fingers("touchMove", 120, 300)
    await fingers("touchEnd")
    first, last = await page.evaluate(SPAN)
    assert 3000 < last - first < 4200  # three times as near
    await fingers("touchStart", 250)
    await fingers("touchMove", 200)
    await fingers("touchMove", 150)
    await fingers("touchEnd")
    later, end = await page.evaluate(SPAN)
    assert later > first + 500
    assert abs((end - later) - (last - first)) <= 2


async def test_the_moments_are_taken_along(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, height=1400)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    read = "navigator.clipboard.readText()"
    cards = page.locator("#peaks .moment")
    first = re.search(r"\d\d:\d\d:\d\d", await cards.first.inner_text())
    assert first
    await cards.first.get_by_role("button", name="Copy time").click()
    await page.get_by_text(f"Copied: {first[0]}").wait_for()
    assert await page.evaluate(read) == first[0]

    every = await cards.count()
    await page.locator("#moment-filters").get_by_role("button", name="Applause").click()
    names = "items => items.map(item => item.dataset.name || item.title)"
    assert set(await cards.evaluate_all(names)) == {"clap"}
    faces = page.locator(".chart-peak")
    await expect(faces).to_have_count(await cards.count())
    assert all(": Applause, 35 %" in title for title in await faces.evaluate_all(names))
    await page.get_by_role("button", name="Copy chapters").click()
    await page.get_by_text("chapters, for a video that begins with the session").wait_for()
    chapters = str(await page.evaluate(read)).splitlines()
    assert chapters[0] == "00:00:00 Start"
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d Applause", line) for line in chapters[1:])
    assert len(chapters) == 1 + await cards.count()

    await page.locator("#moment-filters").get_by_role("button", name="All").click()
    await expect(cards).to_have_count(every)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save list").click()
    saved = (await (await download.value).path()).read_text("utf-8").splitlines()
    assert saved[0] == "time,kind,name,share,rise,utc"
    assert len(saved) == 1 + every
    async with page.expect_download() as download:
        await page.get_by_role("button", name="PNG").click()
    assert (await download.value).suggested_filename == "demo-session-2.png"
    assert (await (await download.value).path()).read_bytes().startswith(b"\x89PNG")
    listed = (await request(stored[0], "GET", "demo/sessions/2/peaks?all=1", stored[1]))[1]["peaks"]
    await page.get_by_role("button", name="Show all moments").click()
    await expect(cards).to_have_count(len(listed))


async def test_the_chart_is_drawn_as_it_is_set(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, height=1000)
    chart, tooltip = page.get_by_role("slider"), page.locator(".tooltip")

    async def drawn() -> bytes:
        await page.evaluate(SPAN)
        return await page.locator("#chart canvas").screenshot()

    lines = await drawn()
    await page.get_by_role("button", name="Stacked").click()
    stacked = await drawn()
    assert stacked != lines
    height = await page.locator("#chart canvas").evaluate("canvas => canvas.clientHeight")
    await page.locator("#channels").get_by_role("button", name="valence").click()
    await page.locator("#channels").get_by_role("button", name="in tune").click()
    await page.evaluate(SPAN)
    assert await page.locator("#chart canvas").evaluate("canvas => canvas.clientHeight") > height + 100
    await page.get_by_label("Each point").select_option("60")
    await page.locator("#times").select_option("seconds")
    await chart.press("Home")
    await expect(tooltip).to_have_text(re.compile("^0 s . 60 s"))
    await expect(tooltip).to_contain_text("Mean of 60 seconds")


async def test_who_uses_a_screen_reader_or_a_keyboard_is_not_hindered(
    browser: Browser, stored: tuple[str, str]
) -> None:
    page = await browser.new_page()  # what axe-core itself does the page's policy complains of
    await page.goto(f"{stored[0]}/dashboard?channel=demo#key={stored[1]}")
    await page.locator("#peaks .moment").first.wait_for()
    await page.locator("#peaks .moment-show").first.click()
    await page.locator(".tooltip-peak").wait_for()
    assert await axe.violations(page) == []


async def test_two_sessions_are_compared_from_their_start(open_page: OpenPage, stored: tuple[str, str]) -> None:
    page = await opened(open_page, stored, height=1000)
    await page.get_by_label("Compare with").select_option("1")
    told = page.locator("#compared")
    await expect(told).to_have_text(re.compile(r"^happy: \d+ % on average here, \d+ % in Rehearsal, over the 29:00 "))
    await page.locator("#channels").get_by_role("button", name="valence").click()
    await expect(told).to_have_text(re.compile(r"^valence: .?\d\.\d\d on average here"))
    await page.get_by_role("slider").press("Home")
    await expect(page.locator(".tooltip")).to_contain_text("This session")
    card = page.locator("#peaks .moment").first
    await card.locator(".moment-show").click()
    share = re.search(r"\d+ %", await card.inner_text())
    assert share
    await expect(page.locator(".tooltip-peak")).to_contain_text(share[0])
    await page.get_by_label("Compare with").select_option("")
    await expect(told).to_be_hidden()


async def test_a_session_that_ended_is_read_once(open_page: OpenPage, stored: tuple[str, str]) -> None:
    asked: list[str] = []
    page = await open_page(f"{stored[0]}/dashboard")
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{stored[0]}/dashboard?channel=demo&again#key={stored[1]}")
    await page.locator("#peaks .moment").first.wait_for()
    await page.locator("#line[data-line=open]").wait_for()
    assert len([url for url in asked if url.endswith("/sessions/2")]) == 1, json.dumps(asked)


async def test_the_list_names_the_session_on_the_chart_when_another_begins(open_page: OpenPage, tmp_path: Path) -> None:
    store(str(tmp_path), 600, number=1, started=1_764_100_000, name="Rehearsal")
    store(str(tmp_path), 600, number=2)
    running = await app.start(RelaySettings(port=0, data=str(tmp_path), min_viewers=1, tick_ms=50))
    try:
        page = await opened(open_page, (running.url, running.create_channel("demo").display_key))
        listed = page.locator("#sessions")
        await listed.select_option("1")
        chart = page.locator("#chart canvas[aria-label]")
        await expect(page.locator("#against option")).to_contain_text(["no other", "Opening night"])
        async with await Viewer.connect(running.url) as viewer:
            await viewer.label("happy")
            await expect(listed.locator("option")).to_contain_text(["live now", "Opening night", "Rehearsal"])
            await expect(page.locator("#against option")).to_contain_text(["no other", "live now", "Opening night"])
            await expect(listed).to_have_value("1")
            await expect(chart).to_have_attribute("aria-label", re.compile("over 9:59"))
    finally:
        await running.stop()
