"""A page of another site in a real Chromium, on the machine of a relay with the real recogniser: nothing is done."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from agent import trial
from relay import app
from relay.config import RelaySettings
from relay.trial import PictureRecogniser
from tests.e2e.conftest import chromium_options
from tests.relay.test_metrics import scrape
from tests.support import request, wait_until

ATTACK = """async ([relay, channel]) => {
    const quiet = promise => promise.then(() => "an answer", error => "nothing");
    const picture = new Blob([new Uint8Array(20000)]);
    const ask = (path, options) => quiet(fetch(relay + path, options));
    const post = (body, headers) => ({method: "POST", mode: "no-cors", body, headers});
    const channels = JSON.stringify({channel: "stolen"});
    await ask("/v1/try", post(picture));
    await ask("/v1/try", post(new Blob([picture], {type: "text/plain"})));
    await ask("/v1/try?model=moodnet", post(picture));
    await ask("/v1/try", {mode: "no-cors"});
    await ask("/v1/channels", post(new Blob([channels])));
    await ask("/v1/channels", post(channels));
    await ask("/v1/channels", {method: "POST", body: channels, headers: {"Content-Type": "application/json"}});
    await ask(`/v1/channels/${channel}/tickets`, post(new Blob(["{}"])));
    const beacon = navigator.sendBeacon(relay + "/v1/try", picture);
    const image = await new Promise(done => {
        const element = new Image();
        element.onload = element.onerror = event => done(event.type);
        element.src = relay + "/v1/try";
    });
    const socket = path => new Promise(done => {
        const opened = new WebSocket(relay.replace("http", "ws") + path);
        opened.onopen = () => done("open");
        opened.onerror = () => done("refused");
    });
    const read = await ask("/metrics", {});
    const sockets = [await socket(`/v1/channels/${channel}/viewer`), await socket(`/v1/channels/${channel}/mood`)];
    return {image, read, sockets, beacon};
}"""
FORM = """([relay, kind]) => {
    const form = document.createElement("form");
    form.method = "POST";
    form.action = relay + (kind === "file" ? "/v1/try" : "/v1/channels");
    form.enctype = kind === "file" ? "multipart/form-data" : "text/plain";
    const field = document.createElement("input");
    field.name = '{"channel":"stolen","x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[tuple[app.Relay, list[int]]]:
    """A relay as on a laptop, and how often its recogniser was made."""
    made: list[int] = []

    def make() -> PictureRecogniser:
        made.append(1)
        return trial.recogniser()

    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay")), recogniser=make)
    yield relay, made
    await relay.stop()


@pytest.fixture
async def elsewhere() -> AsyncIterator[int]:
    """The port of another site, which is a page that does nothing by itself."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Kittens</title>", content_type="text/html")

    async def onward(request: web.Request) -> NoReturn:
        raise web.HTTPFound(request.query["to"])

    site = web.Application()
    site.router.add_get("/", page)
    site.router.add_get("/onward", onward)
    runner = web.AppRunner(site)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def refused(relay: app.Relay) -> float:
    """How many requests the relay has refused as forbidden."""
    return (await scrape(relay.url)).get('moodcast_requests_refused_total{code="4403"}', 0)


async def post_form(page: Page, relay: app.Relay, kind: str) -> str:
    """What the browser shows after the page has sent it there with a form."""
    async with page.expect_navigation():
        await page.evaluate(FORM, [relay.url, kind])
    return await page.content()


@pytest.mark.parametrize(
    "name", ["127.0.0.1", pytest.param("localhost", marks=pytest.mark.nightly), "kittens.localhost"]
)
async def test_a_foreign_page_gets_nothing_done(
    home: tuple[app.Relay, list[int]], elsewhere: int, browser: Browser, name: str
) -> None:
    """Another port of the relay's own host is another site as well."""
    relay, made = home
    relay.create_channel("demo")
    page = await browser.new_page()
    await page.goto(f"http://{name}:{elsewhere}/")
    found = await asyncio.wait_for(page.evaluate(ATTACK, [relay.url, "demo"]), 60)
    assert found == {"image": "error", "read": "nothing", "sockets": ["refused", "refused"], "beacon": True}
    for kind in ("file", "text"):
        assert "forbidden" in await post_form(page, relay, kind)
        await page.goto(f"http://{name}:{elsewhere}/")

    async def all_came() -> bool:
        return await refused(relay) >= 14

    await wait_until(all_came)
    assert made == []
    assert not relay.has_channel("stolen")
    assert relay.connections("demo") == (0, 0)


async def test_an_address_at_which_browsers_dont_say_whose_page_asks(
    home: tuple[app.Relay, list[int]], elsewhere: int, browser: Browser
) -> None:
    """Chromium takes an address of IPv4 in IPv6 for one of the network, and sends no Sec-Fetch-Site there."""
    relay, made = home
    relay.create_channel("demo")
    page = await browser.new_page()
    await page.goto(f"http://kittens.localhost:{elsewhere}/")
    mapped = relay.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    found = await asyncio.wait_for(page.evaluate(ATTACK, [mapped, "demo"]), 60)
    assert found == {"image": "error", "read": "nothing", "sockets": ["refused", "refused"], "beacon": True}
    assert made == []
    assert not relay.has_channel("stolen")


async def test_a_link_in_a_mail_that_leads_on_to_the_relay_gets_nothing_done(
    home: tuple[app.Relay, list[int]], elsewhere: int, browser: Browser
) -> None:
    """To Chromium it is the user who opens the last address."""
    relay, made = home
    page = await browser.new_page()
    shown = await page.goto(f"http://kittens.localhost:{elsewhere}/onward?to={relay.url}/v1/try")
    assert shown is not None
    assert (shown.url, shown.status) == (f"{relay.url}/v1/try", 403)
    assert made == []


@pytest.fixture
async def misled() -> AsyncIterator[Browser]:
    """A Chromium to which DNS says that these names are this machine."""
    rules = "MAP evil.example 127.0.0.1, MAP mood.example.org 127.0.0.1"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(**chromium_options(f"--host-resolver-rules={rules}"))
        yield chromium
        await chromium.close()


async def test_a_name_that_leads_here_gets_nothing_done(home: tuple[app.Relay, list[int]], misled: Browser) -> None:
    """DNS rebinding: to the browser, the relay is the page's own site, and all answers may be read."""
    relay, made = home
    relay.create_channel("demo")
    rebound = f"http://evil.example:{relay.url.rsplit(':', 1)[1]}"
    page = await misled.new_page(bypass_csp=True)  # an attacker's page has no policy of the relay's
    shown = await page.goto(f"{rebound}/dashboard")
    assert shown is not None
    assert shown.status == 403
    found = await asyncio.wait_for(page.evaluate(ATTACK, [rebound, "demo"]), 60)
    assert found["sockets"] == ["refused", "refused"]
    assert "--hosts evil.example" in await page.evaluate("async () => (await fetch('/metrics')).text()")
    assert made == []
    assert not relay.has_channel("stolen")
    assert relay.connections("demo") == (0, 0)


@pytest.mark.relay(host="0.0.0.0", hosts="mood.example.org")
async def test_a_name_of_the_list_opens_the_dashboard_and_no_other_does(relay: app.Relay, misled: Browser) -> None:
    """Where the relay listens for the whole network, the page of a wrong name is shown, and opens no WebSocket."""
    keys = relay.create_channel("demo")
    port = relay.url.rsplit(":", 1)[1]
    wrong, right = await misled.new_page(), await misled.new_page()
    async with wrong.expect_console_message(lambda line: "WebSocket" in line.text and "403" in line.text):
        await wrong.goto(f"http://evil.example:{port}/dashboard?channel=demo#key={keys.display_key}")
    assert relay.connections("demo") == (0, 0)
    await wrong.close()
    await right.goto(f"http://mood.example.org:{port}/dashboard?channel=demo#key={keys.display_key}")
    await wait_until(lambda: relay.connections("demo")[1] == 1, 60)


async def test_the_relays_own_page_and_a_link_to_it_go_on(
    home: tuple[app.Relay, list[int]], elsewhere: int, browser: Browser
) -> None:
    relay, _ = home
    keys = relay.create_channel("demo")
    page = await browser.new_page()
    await page.goto(f"http://localhost:{elsewhere}/")
    address = f"{relay.url}/dashboard?channel=demo#key={keys.display_key}"
    await page.evaluate("address => { location.href = address; }", address)
    await wait_until(lambda: relay.connections("demo")[1] == 1, 60)
    assert (await request(relay.url, "GET", "demo/sessions", keys.display_key))[0] == 200
