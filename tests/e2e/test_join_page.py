"""The page that an invitation opens, in a real Chromium, against the real relay."""

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import Browser, expect

from relay import app
from relay.common import invitation
from relay.common.invitation import Invitation
from relay.common.texts import Texts
from tests.e2e.conftest import OpenPage
from tests.support import HANG_S, wait_until

PASSWORD = 'it\'s "open" + 100 % & <\u91cc\U0001f642>'
AGENT = "Or with the installed Moodcast"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


async def test_the_button_opens_the_agent_with_what_the_link_says(relay: app.Relay, open_page: OpenPage) -> None:
    relay.create_channel("demo")
    invited = Invitation(relay.url, "demo", PASSWORD)
    page = await open_page(invited.link + "&key=s3cret")
    await page.get_by_text(AGENT).click()
    button = page.get_by_role("link", name="Open in Moodcast")
    assert await button.get_attribute("href") == invited.app_link
    assert await page.locator("#channel").inner_text() == "demo"
    assert await page.locator("#relay").inner_text() == relay.url
    await expect(page.get_by_text("has the channel\u2019s join password")).to_be_visible()
    await page.get_by_role("button", name="Copy the link").click()
    await page.evaluate("location.hash = ''")
    await expect(button).to_have_attribute("href", Invitation(relay.url, "demo").app_link)
    await expect(page.get_by_text("If Moodcast asks for a join password")).to_be_visible()


async def test_the_browser_hands_the_link_over_to_the_system(relay: app.Relay, open_page: OpenPage) -> None:
    """Which opens nothing here."""
    relay.create_channel("demo")
    invited = Invitation(relay.url, "demo", "sesame")
    page = await open_page(invited.link, expected=("registered handler",))
    await page.get_by_text(AGENT).click()
    tools = await page.context.new_cdp_session(page)
    asked = asyncio.get_running_loop().create_future()
    tools.on("Page.frameRequestedNavigation", lambda event: asked.done() or asked.set_result(event["url"]))
    await tools.send("Page.enable")
    await page.get_by_role("link", name="Open in Moodcast").click()
    assert await asyncio.wait_for(asked, HANG_S) == invited.app_link


async def test_behind_a_proxy_with_a_path_the_page_knows_where_it_is(relay: app.Relay, open_page: OpenPage) -> None:
    under_way = set[asyncio.StreamWriter]()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request to the relay, without the path that the proxy put before the relay's own."""
        under_way.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await passed_on(reader, writer)
            await writer.wait_closed()
        under_way.remove(writer)

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):  # also where the browser opened it for later, and asks for nothing
            head = (await reader.readuntil(b"\r\n\r\n")).replace(b" /behind/it/", b" /", 1)
            head = head.replace(b"Connection: keep-alive", b"Connection: close")
            body = await reader.readexactly(
                int(found[1]) if (found := re.search(rb"Content-Length: (\d+)", head)) else 0
            )
            host, port = relay.url.removeprefix("http://").split(":")
            there, answer = await asyncio.open_connection(host, int(port))
            with contextlib.closing(answer):
                answer.write(head + body)
                while part := await there.read(65536):
                    writer.write(part)

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/behind/it"
    relay.create_channel("demo")
    page = await open_page(f"{base}/join/demo#password=x")
    await page.get_by_text("Who sees it").wait_for()
    await page.get_by_text(AGENT).click()
    href = await page.get_by_role("link", name="Open in Moodcast").get_attribute("href")
    assert invitation.parse(href or "") == Invitation(base, "demo", "x")
    await page.close()
    proxy.close()
    await wait_until(lambda: not under_way)


async def test_what_stands_in_the_fragment_goes_into_the_question_for_a_ticket_alone(
    relay: app.Relay, open_page: OpenPage
) -> None:
    relay.create_channel("demo")
    page = await open_page(f"{relay.url}/join/demo#password=s3cret&key=k3y")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.headers} {request.post_data}"))
    asked = asyncio.get_running_loop().create_future()
    page.on("requestfinished", lambda request: None if asked.done() else asked.set_result(None))
    await page.reload()
    await asked
    for language in ("zh-TW", "en"):
        await page.locator("#languages").select_option(language)
        await page.wait_for_url(f"**?language={language}#*")
    await page.get_by_text(AGENT).click()
    await page.get_by_role("button", name="Copy the link").click()
    assert sent
    assert all(line.startswith(relay.url) for line in sent)
    elsewhere = [line for line in sent if not line.startswith(f"{relay.url}/v1/channels/demo/tickets ")]
    assert "s3cret" not in "".join(elsewhere)
    assert all('{"password":"s3cret"}' in line for line in sent if line not in elsewhere)
    assert "k3y" not in "".join(sent)
    stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert stored == '[{"moodcast-language":"en"},{},""]', "the choice of a language, and nothing of the link"


async def test_the_page_speaks_the_browsers_language_or_the_chosen_one(relay: app.Relay, browser: Browser) -> None:
    """With the password still in its address; nothing stays in English."""
    relay.create_channel("demo")
    page = await browser.new_page(locale="zh-TW")
    await page.goto(f"{relay.url}/join/demo#password=x")
    await expect(page.get_by_role("button", name=Texts("zh-TW", "join")("yes.taps"))).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "zh-TW"
    for language in ("fr", "zh-CN", "en"):
        await page.locator("#languages").select_option(language)
        say = Texts(language, "join")
        await expect(page.get_by_role("button", name=say("yes.taps"))).to_be_visible()
        assert await page.title() == say("title")
        assert await page.evaluate("document.documentElement.lang") == language
        assert page.url == f"{relay.url}/join/demo?language={language}#password=x"
    await expect(page.locator("#languages")).to_contain_text("not yet read by a native speaker")


@pytest.mark.parametrize(
    "name",
    [
        "%3Cimg%20src=x%20onerror=alert(1)%3E",
        *(pytest.param(one, marks=pytest.mark.nightly) for one in ("big%20cats", "a" * 65)),
    ],
)
async def test_a_damaged_link_is_told_and_opens_nothing(relay: app.Relay, open_page: OpenPage, name: str) -> None:
    page = await open_page(f"{relay.url}/join/{name}#password=x")
    await expect(page.get_by_text("This link is damaged")).to_be_visible()
    await expect(page.locator("#open")).to_be_hidden()
    await expect(page.locator("#yes-taps")).to_be_hidden()
    assert await page.locator("main img:visible").count() == 3


async def test_on_a_phone_one_joins_right_there(relay: app.Relay, browser: Browser) -> None:
    relay.create_channel("demo")
    size = {"width": 360, "height": 740}
    page = await browser.new_page(user_agent=PHONE, viewport=size, is_mobile=True, has_touch=True)
    await page.goto(f"{relay.url}/join/demo")
    await page.get_by_role("button", name="Taps only").tap()
    await expect(page.get_by_role("button", name="heart")).to_be_enabled()
    await page.get_by_text(AGENT).click()
    await expect(page.locator("#open")).to_be_hidden()
    await expect(page.get_by_role("button", name="Copy the link")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360  # nothing sticks out


async def test_without_a_clipboard_the_link_can_be_copied_by_hand(relay: app.Relay, open_page: OpenPage) -> None:
    relay.create_channel("demo")
    page = await open_page(f"{relay.url}/join/demo#password=x&key=k3y")
    await page.get_by_text(AGENT).click()
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await page.get_by_role("button", name="Copy the link").click()
    field = page.get_by_label("Copy it from here")
    assert await field.input_value() == f"{relay.url}/join/demo#password=x"
    assert await page.evaluate("getSelection().toString() || document.activeElement.selectionEnd > 0")
