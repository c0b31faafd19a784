"""The dashboard in a real Chromium, against the real relay."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from relay import app
from relay.config import RelaySettings
from relay.protocol import Countdown, Delay, ShowMessage, Zero
from relay.store import database
from tests.e2e.conftest import OpenPage
from tests.support import Viewer, audience, leave, request, wait_until

CONTRASTS = """[...document.querySelectorAll("button")].filter(button => button.checkVisibility()).map(button => {
    const light = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    let behind = button;
    while (/, 0\\)$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const both = [getComputedStyle(button).color, getComputedStyle(behind).backgroundColor].map(light);
    return [button.textContent.trim(), (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
})"""
"""JavaScript: the text of each visible button and its contrast to what is behind it (WCAG 2.1, 1.4.3)."""


async def test_the_dashboard_shows_the_live_mood_and_the_sessions_history(
    relay: app.Relay, open_page: OpenPage
) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}")
    await page.get_by_text("No session yet").wait_for()
    viewers = await audience(relay.url, "demo", ["happy", "happy", "happy", "neutral"])
    await page.locator("#leader", has_text="75 % happy").wait_for()
    assert await page.locator("#sharing").inner_text() == "4"
    assert await page.locator("#valence").inner_text() == "+0.75"
    assert await page.locator("#valence-words").inner_text() == "very positive"
    await viewers[0].tap("laugh")
    await page.locator("#reactions .tap", has_text="1").get_by_alt_text("laugh").wait_for()
    await page.get_by_role("slider", name="% happy").wait_for()
    assert "live now" in await page.locator("#sessions").inner_text()
    await page.get_by_role("slider", name="% happy").press("End")
    tooltip = page.locator(".tooltip")
    await expect(tooltip).to_contain_text("of 4 viewers sharing")
    await expect(tooltip).to_contain_text("75 % (3)")
    await leave(viewers)


async def test_the_dashboard_lists_the_strongest_moments(open_page: OpenPage, tmp_path: Path) -> None:
    insert = "INSERT INTO moments VALUES ('demo', 1, ?, 100, 100, 0, 0, 0, ?, 0, ?, ?, ?, 0.4)"
    with database.opened(database.prepare(str(tmp_path))) as file:
        file.execute("INSERT INTO sessions VALUES ('demo', 1, 1000, 1500, 250, 5, 'Opening night')")
        file.execute("INSERT INTO markers VALUES ('demo', 1, 1250, 'The <b>dog</b> comes in')")
        for second in range(1000, 1500):
            happy = 80 if 1170 <= second < 1190 else 10 + second % 7
            surprise = 60 if 1400 <= second < 1406 else 2
            file.execute(insert, (second, happy, surprise, 100 - happy - surprise, happy / 100))
    running = await app.start(RelaySettings(port=0, data=str(tmp_path)))
    key = running.create_channel("demo").display_key
    page = await open_page(f"{running.url}/dashboard?channel=demo#key={key}", height=1000)
    peaks = page.locator("#peaks .moment")
    await expect(peaks).to_have_count(2)
    assert [
        re.sub(r" \d\d:\d\d:\d\d \S+ Copy", " Copy", " ".join(text.split())) for text in await peaks.all_inner_texts()
    ] == [
        "Laughter 80 % happy 00:02:50 Copy time",
        "Surprise 60 % surprised 00:06:40 Copy time",
    ]
    assert "Opening night" in await page.locator("#sessions").inner_text()
    await peaks.nth(1).get_by_role("button", name="Surprise").first.click()
    tooltip = page.locator(".tooltip")
    await expect(tooltip).to_contain_text("6:40")
    await page.get_by_role("slider").press("ArrowLeft")
    await expect(tooltip).to_contain_text("6:39")
    await page.get_by_role("button", name="4:10: The <b>dog</b> comes in").press("Enter")
    await expect(tooltip.get_by_text("The <b>dog</b> comes in", exact=True)).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="CSV").click()
    assert (await download.value).suggested_filename == "demo-session-1.csv"
    saved = (await (await download.value).path()).read_text("utf-8")
    assert len(saved.splitlines()) == 501
    assert "The <b>dog</b> comes in" in saved
    await page.close()
    await running.stop()


@pytest.mark.relay(tick_ms=50, min_viewers=5)
async def test_the_streamer_marks_names_and_deletes_on_the_dashboard(relay: app.Relay, open_page: OpenPage) -> None:
    keys = relay.create_channel("demo")
    address = f"{relay.url}/dashboard?channel=demo#key={keys.display_key}"
    page = await open_page(address, height=1200, expected=("401 (Unauthorized)", "403 (Forbidden)", "404 (Not Found)"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    admin_key = page.get_by_label("Admin key")
    marker = page.get_by_label("Mark this moment")

    await marker.fill("Nobody is here")
    await marker.press("Enter")
    for wrong, sentence in (("wrong", "does not open the channel"), (keys.display_key, "use the admin key of 'demo'")):
        await admin_key.fill(wrong)
        await admin_key.press("Enter")
        await page.get_by_text(sentence).wait_for()
    await page.keyboard.press("Escape")
    await expect(admin_key).to_be_hidden()
    await expect(marker).to_have_value("Nobody is here")
    await marker.press("Enter")
    await expect(page.locator("#admin-refused")).to_be_empty()
    await admin_key.fill(keys.admin_key)
    await admin_key.press("Enter")
    await page.get_by_text("The moment was not marked. No session of 'demo' is running").wait_for()

    async with await Viewer.connect(relay.url):  # one viewer is too few to be shown
        await marker.fill("The boss <b>fight</b> begins")
        await marker.press("Enter")
        await page.get_by_text("Marked: The boss <b>fight</b> begins").wait_for()
        await page.get_by_role("button", name=": The boss <b>fight</b> begins").wait_for()

        rename = page.get_by_role("button", name="Rename")
        await rename.press("Enter")
        name = page.get_by_role("textbox", name="Name")
        await name.fill("Opening night")
        await name.press("Enter")
        await page.get_by_text("Session 1 is called “Opening night” now.").wait_for()
        await expect(page.locator("#sessions")).to_contain_text("Opening night")

        await page.get_by_role("button", name="Delete", exact=True).press("Enter")
        loss = page.locator("#delete-text")
        await expect(loss).to_contain_text("Session 1, “Opening night”, goes for good")
        await expect(loss).to_contain_text("0 seconds of mood, 0 reactions, 1 marker. It is the running session")
        await expect(page.get_by_role("button", name="Keep it")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#delete-dialog")).to_be_hidden()
        assert "Opening night" in await page.locator("#sessions").inner_text()
        await page.get_by_role("button", name="Delete", exact=True).click()
        await page.get_by_role("button", name="Delete for good").click()
        await page.get_by_text("Session 1 is deleted.").wait_for()
        await page.get_by_text("No session yet").wait_for()
        await expect(rename).to_be_disabled()
    stored = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert keys.admin_key not in stored
    assert all(keys.admin_key not in url for url in asked)


async def test_the_dashboard_starts_the_countdown_and_tells_what_it_measured(
    relay: app.Relay, open_page: OpenPage
) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}")
    start = page.get_by_role("button", name="Start countdown")
    async with await Viewer.connect(relay.url) as viewer:
        await page.get_by_text("A countdown on the stream measures by how much.").wait_for()
        await start.click()
        await page.get_by_text("is shown once somebody answers. Viewers may still answer for 2:0").wait_for()
        await expect(start).to_be_disabled()
        await viewer.receive_until(lambda message: isinstance(message, Countdown))
        countdown = relay._hub.members.channel("demo").countdown
        assert countdown is not None
        countdown._zero -= 13  # eight seconds ago
        await viewer.send(Zero())
        await page.get_by_text("1 viewer answered: the median delay is 8.").wait_for()
        countdown._zero -= 120
        await expect(start).to_be_enabled()
        assert "Viewers may still answer" not in await page.locator("#delay").inner_text()


@pytest.mark.relay(tick_ms=50, min_viewers=5)
async def test_while_hidden_the_dashboard_tells_of_nobody_who_shares_or_answers(
    relay: app.Relay, open_page: OpenPage
) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}")
    viewers = await audience(relay.url, "demo", ["happy"])
    await expect(page.locator("#viewers")).to_have_text("1 viewer connected")
    await viewers[0].tap("heart")
    await viewers[0].label("angry")
    await page.get_by_role("button", name="Start countdown").click()
    await viewers[0].receive_until(lambda message: isinstance(message, Countdown))
    countdown = relay._hub.members.channel("demo").countdown
    assert countdown is not None
    countdown._zero -= 13  # eight seconds ago
    await viewers[0].send(Zero())
    await viewers[0].receive_until(lambda message: isinstance(message, Delay))
    await page.get_by_text(re.compile("The median delay is shown once .*five.* answer. Viewers may still")).wait_for()
    assert re.match("Shown once .*five", await page.locator("#leader").inner_text())
    for figure in ("sharing", "valence", "trend", "resonance"):
        assert await page.locator(f"#{figure}").inner_text() == "\N{EN DASH}"
    assert await page.locator(".moodcast-bar").get_attribute("aria-label") == "nothing yet"
    assert await page.locator("#reactions li").count() == 0
    countdown._zero -= 120
    await page.get_by_text("Too few answered the last countdown.").wait_for()
    await leave(viewers)


async def test_all_buttons_can_be_read(relay: app.Relay, open_page: OpenPage) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await expect(page.get_by_role("button", name="Delete", exact=True)).to_be_enabled()
        found = dict(await page.evaluate(CONTRASTS))
        assert {"Delete", "Rename", "Copy overlay URL"} <= set(found)
        assert [name for name, contrast in found.items() if contrast < 4.5] == []


@pytest.mark.parametrize("width", [*(pytest.param(one, marks=pytest.mark.nightly) for one in (1280, 390)), 320])
async def test_nothing_of_the_dashboard_sticks_out_at_any_width(
    relay: app.Relay, open_page: OpenPage, width: int
) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}", width)
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await page.get_by_role("slider", name="100 % happy").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.get_by_role("button", name="Delete", exact=True).click()
        box = await page.locator("#delete-dialog").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


async def test_the_dashboard_keeps_the_key_out_of_the_query(relay: app.Relay, open_page: OpenPage) -> None:
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.get_by_role("textbox", name="Channel").fill("demo")
    await page.get_by_label("Display key").fill(key)
    await page.get_by_role("button", name="Open the dashboard").click()
    await page.locator("#line[data-line=open]").wait_for()
    assert page.url == f"{relay.url}/dashboard?channel=demo#key={key}"
    assert all(key not in url.partition("#")[0] for url in asked)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy overlay URL").click()
    await page.get_by_text("Copied.").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == f"{relay.url}/overlay?channel=demo#key={key}"


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        ("demo", "does not open the channel 'demo'"),
        pytest.param("nobody", "There is no channel 'nobody'", marks=pytest.mark.nightly),
    ],
)
async def test_the_dashboard_asks_again_after_a_wrong_key_or_channel(
    relay: app.Relay, open_page: OpenPage, channel: str, sentence: str
) -> None:
    relay.create_channel("demo")
    page = await open_page(f"{relay.url}/dashboard?channel={channel}#key=wrong", expected=("401", "404"))
    await page.get_by_text(sentence).wait_for()
    assert await page.get_by_role("textbox", name="Channel").input_value() == channel


async def test_the_dashboard_says_when_the_relay_is_down(tmp_path: Path, open_page: OpenPage) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path)))
    key = relay.create_channel("demo").display_key
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={key}", expected=("ERR_CONNECTION_REFUSED",))
    await page.locator("#line[data-line=open]").wait_for()
    await relay.stop()
    await page.get_by_text("The relay does not answer. Trying again").wait_for()


async def read_code(page: Page) -> str:
    """What a reader reads in the QR code as it is shown."""
    cv2 = pytest.importorskip("cv2", reason="no OpenCV: install moodcast[agent]")
    shown = np.frombuffer(await page.locator("#invite-code").screenshot(), np.uint8)
    return str(cv2.QRCodeDetector().detectAndDecode(cv2.imdecode(shown, cv2.IMREAD_GRAYSCALE))[0])


async def test_the_streamer_invites_viewers_on_the_dashboard(relay: app.Relay, open_page: OpenPage) -> None:
    keys = relay.create_channel("demo")
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}", height=1200)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await expect(page.locator("#invite-code")).to_be_hidden()
    await page.get_by_role("button", name="Show the invitation").click()
    await page.get_by_label("Admin key").fill(keys.admin_key)
    await page.keyboard.press("Enter")
    link = page.get_by_label("Link for viewers")
    await expect(link).to_have_value(f"{relay.url}/join/demo")
    await expect(page.get_by_text("whoever has the link may join")).to_be_visible()
    await expect(page.get_by_text("Only this machine can open the invitation")).to_be_visible()
    await expect(page.locator("#invite-password")).to_be_hidden()
    assert await read_code(page) == f"{relay.url}/join/demo"
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Save the code").click()
    assert (await download.value).suggested_filename == "demo-invitation.svg"
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.get_by_text("The link is selected")).to_be_visible()
    assert all(keys.admin_key not in url for url in asked)


async def test_the_dashboard_puts_the_join_password_into_the_invitation(relay: app.Relay, open_page: OpenPage) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame & co"})
    address = f"{relay.url}/dashboard?channel=demo#key={keys.display_key}"
    page = await open_page(address, height=1200, expected=("403 (Forbidden)",))
    await page.get_by_role("button", name="Show the invitation").click()
    await page.get_by_label("Admin key").fill(keys.admin_key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("the link does not tell it: viewers are asked for it")).to_be_visible()
    password = page.get_by_label("Join password")
    await password.fill("s3same")
    await password.press("Enter")
    await expect(page.get_by_text("This is not the join password of 'demo'")).to_be_visible()
    await expect(page.get_by_label("Admin key")).to_be_hidden()  # that one was right
    await password.fill("sesame & co")
    await password.press("Enter")
    link = f"{relay.url}/join/demo#password=sesame%20%26%20co"
    await expect(page.get_by_label("Link for viewers")).to_have_value(link)
    await expect(page.get_by_text("until you change the password")).to_be_visible()
    await expect(password).to_be_hidden()
    assert await read_code(page) == link
    stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert "sesame" not in stored


@pytest.mark.relay(tick_ms=50, min_viewers=1, proxies=1, require_tickets="off")
async def test_the_streamer_lists_the_channel_and_hides_a_name_on_the_dashboard(
    relay: app.Relay, open_page: OpenPage
) -> None:
    keys = relay.create_channel("demo")
    page = await open_page(f"{relay.url}/dashboard?channel=demo#key={keys.display_key}", height=1300)
    listed, grid = page.get_by_label("List the channel"), page.get_by_label("Let viewers show themselves")
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("Admin key").fill(keys.admin_key)
    await page.keyboard.press("Enter")
    await expect(listed).not_to_be_checked()
    await expect(grid).not_to_be_checked()
    await listed.press("Space")
    await grid.press("Space")
    await page.get_by_text("Nobody is shown now.").wait_for()
    wanted = {"channel": "demo", "listed": True, "grid": True, "cameras": True, "notice": "", "password": False}

    async def done() -> bool:  # each switch is a request of its own, and nothing says which comes first
        return (await request(relay.url, "GET", "demo", keys.admin_key))[1] == wanted

    await wait_until(done)
    viewers = [
        await Viewer.connect(relay.url, name=name, address=f"192.0.2.{number}")
        for number, name in enumerate(["Ann", "<b>Ben</b>", "cat", "cat"])
    ]
    for viewer in viewers:
        await viewer.send(ShowMessage(on=True))
    await page.get_by_text("4 viewers are shown.").wait_for()
    names = page.locator("#on-grid-names span")
    assert await names.all_inner_texts() == ["Ann", "<b>Ben</b>", "cat"]
    await page.get_by_role("button", name="Hide: <b>Ben</b>").click()
    await page.get_by_text("Nobody is shown as “<b>Ben</b>” any more.").wait_for()
    await page.get_by_text("3 viewers are shown.").wait_for()
    await page.get_by_role("button", name="Show again: <b>ben</b>").click()
    await page.get_by_text("4 viewers are shown.").wait_for()
    await grid.click()
    await expect(names.first).to_be_hidden()
    await wait_until(lambda: not relay._hub.members.channel("demo").view.people)
    await leave(viewers)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_streamer_forbids_cameras_and_writes_what_viewers_read(relay: app.Relay, open_page: OpenPage) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"] * 2)
    page = await open_page(
        f"{relay.url}/dashboard?channel=demo#key={keys.display_key}", height=1300, expected=("400 (Bad Request)",)
    )
    cameras, notice = page.get_by_label("Take cameras"), page.get_by_label("What viewers read before they join")
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("Admin key").fill(keys.admin_key)
    await page.keyboard.press("Enter")
    await expect(cameras).to_be_checked()
    await notice.fill("  Film night:\n<b>laugh</b> & tap! ")
    await cameras.press("Space")  # what is being written stays
    await expect(page.locator("#leader")).to_have_text("Taps only: no cameras")
    await expect(notice).to_have_value("  Film night:\n<b>laugh</b> & tap! ")
    await viewers[0].mood(lambda mood: not mood.cameras)
    await page.get_by_role("button", name="Save the text").click()
    await page.get_by_text("Viewers who open the channel from now on read it.").wait_for()
    await expect(notice).to_have_value("Film night: <b>laugh</b> & tap!")
    await expect(page.locator("#notice-left")).to_have_text("31/280")
    told = (await request(relay.url, "GET", "demo", keys.admin_key))[1]
    assert (told["cameras"], told["notice"]) == (False, "Film night: <b>laugh</b> & tap!")
    await notice.fill("x" * 281)
    await page.get_by_role("button", name="Save the text").click()
    assert await notice.evaluate("notice => notice.validationMessage") != ""
    await notice.fill("turned \u202e text")
    await page.get_by_role("button", name="Save the text").click()
    await page.get_by_text("It was not changed.").wait_for()
    await expect(page.locator("#opening-told")).to_contain_text("characters that steer or turn text")
    await notice.fill("")
    await page.get_by_role("button", name="Save the text").click()
    await page.get_by_text("The text is taken away.").wait_for()
    await cameras.press("Space")
    await expect(page.locator("#leader")).not_to_have_text("Taps only: no cameras")
    told = (await request(relay.url, "GET", "demo", keys.admin_key))[1]
    assert (told["cameras"], told["notice"]) == (True, "")
    await leave(viewers)
