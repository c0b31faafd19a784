"""The page's connection in a real Chromium, against the real relay. The readings are made up.

tests/overlay/visit.test.mjs has each case without a browser, in an instant; most of these run nightly.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocket

from relay import app, protocol
from relay.config import RelaySettings
from tests.support import HANG_S, SOON, Viewer, count_of, free_port, request, subscribe, wait_until

START = """async (settings) => {
  const { ViewerClient } = await import(new URL("../static/viewer/client.js", location.href));
  const { BASE } = await import(new URL("../static/contract.js", location.href));
  const told = window.told = {};
  const hooks = {};
  for (const kind of ["state", "said", "countdown", "delay", "cameras", "mood", "people", "note"]) {
    told[kind] = [];
    hooks[`on${kind[0].toUpperCase()}${kind.slice(1)}`] = (...what) => told[kind].push(what[0]);
  }
  const where = { base: BASE, channel: "demo", password: "", ...settings };
  window.ask = () => ViewerClient.ask(where).then((ticket) => ticket, ({ code, message }) => ({ code, message }));
  window.reading = null;
  window.start = (agreed) => {
    const client = window.client = new ViewerClient({ name: "", delay: 0, agreed, hooks, ...where });
    client.join();
    setInterval(() => {
      if (window.reading) client.observe(window.reading);
      client.tick(performance.now());
    }, 50);
  };
}"""
AGREED = {"min_viewers": 1, "crowd": "networks"}
HAPPY = {"expression": "happy", "confidence": 0.914}


class Visitor:
    """A page with a viewer's client in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, url: str, agreed: object = AGREED, **settings: object) -> "Visitor":
        """A page of the relay that has joined, or is about to; ``agreed`` None: it has not."""
        page = await browser.new_page()
        await page.goto(f"{url}/join/demo")
        await page.evaluate(START, settings)
        if agreed:
            await page.evaluate("agreed => start(agreed)", agreed)
        return cls(page)

    async def told(self, kind: str) -> list[Any]:
        return list(await self.page.evaluate("kind => told[kind]", kind))

    async def state(self) -> Any:
        return (await self.told("state") or [None])[-1]

    async def comes_to(self, link: str, code: str = "") -> Any:
        """Wait until the client tells that it stands so."""

        async def stands() -> Any:
            state = await self.state()
            return state if state and (state["link"], state["code"]) == (link, code) else None

        return await wait_until(stands)

    async def show(self, reading: object) -> None:
        await self.page.evaluate("reading => { window.reading = reading; client.observe(reading); }", reading)


async def test_labels_taps_and_a_goodbye(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        visitor = await Visitor.open(browser, relay.url)
        await visitor.comes_to("joined")
        await visitor.show(HAPPY)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert await visitor.page.evaluate("client.tap('heart')")
        await audience.receive_until(lambda message: isinstance(message, protocol.Reaction) and message.name == "heart")
        await visitor.show(None)
        await audience.mood(lambda mood: (mood.viewers, mood.sharing) == (1, 0))
        await visitor.show(HAPPY)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await wait_until(lambda: visitor.told("mood"))  # viewers get it once a second
        await visitor.page.evaluate("client.leave()")
        await audience.mood(lambda mood: mood.viewers == 0)
    said = await visitor.told("said")
    tap = '{"type":"tap","tap":"heart"}'
    assert said.count(tap) == 1
    # On a busy machine the label is due once more meanwhile.
    assert [text for text, _ in groupby(text for text in said if text != tap)] == [
        "POST /v1/channels/demo/tickets {}",
        "GET /v1/channels/demo/viewer",
        '{"type":"hello","agent":"moodcast-page","ticket":"…"}',
        '{"type":"label","emotion":"happy","confidence":0.91}',
        '{"type":"away"}',
        '{"type":"label","emotion":"happy","confidence":0.91}',
        '{"type":"away"}',
    ]
    assert (await visitor.state())["link"] == "off"


@pytest.mark.nightly
async def test_what_is_told_of_what_was_sent_is_what_was_sent(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "s3cret"})
    visitor = await Visitor.open(browser, relay.url, None, password="s3cret", name="Änn")
    frames: list[str] = []
    bodies: list[str | None] = []
    visitor.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(str(frame))))
    visitor.page.on("request", lambda asked: bodies.append(asked.post_data))
    await visitor.page.evaluate("agreed => start(agreed)", AGREED)
    await visitor.comes_to("joined")
    await visitor.show(HAPPY)
    await wait_until(lambda: len(frames) == 2)
    ticket = json.loads(frames[0])["ticket"]
    said = await visitor.told("said")
    assert [body for body in bodies if body] == ['{"password":"s3cret"}']
    assert said[0] == 'POST /v1/channels/demo/tickets {"password":"…"}'
    assert said[2:] == [frame.replace(ticket, "…") for frame in frames]
    assert "s3cret" not in visitor.page.url


@pytest.mark.nightly
async def test_before_anybody_agrees_the_relay_tells_what_it_promises_and_nobody_has_joined(
    relay: app.Relay, browser: Browser
) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": False, "notice": "Be kind <3"})
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        visitor = await Visitor.open(browser, relay.url, None)
        told = await visitor.page.evaluate("ask()")
        assert told["ticket"]
        assert {name: told[name] for name in ("min_viewers", "crowd", "grid", "cameras", "notice", "via")} == {
            "min_viewers": 1, "crowd": "networks", "grid": False, "cameras": False, "notice": "Be kind <3", "via": "",
        }  # fmt: skip
        assert (await audience.mood()).viewers == 0
        await visitor.page.evaluate("agreed => start(agreed)", AGREED)
        await visitor.comes_to("joined")
        await visitor.show(HAPPY)
        assert await visitor.page.evaluate("client.tap('heart')")
        assert await visitor.told("cameras") == [False]
        assert not any("label" in text for text in await visitor.told("said"))
        await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": True})
        await wait_until(lambda: _ends_with(visitor, "cameras", True))
        await visitor.show(HAPPY)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)


async def _ends_with(visitor: Visitor, kind: str, value: object) -> bool:
    return (await visitor.told(kind) or [None])[-1] == value


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("settings", "code"), [({"channel": "nosuch"}, "unknown_channel"), ({"password": "no"}, "wrong_password")]
)
async def test_a_refusal_is_told_before_and_ends_the_client(
    settings: dict[str, str], code: str, relay: app.Relay, browser: Browser
) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "s3cret"})
    visitor = await Visitor.open(browser, relay.url, **settings)
    assert (await visitor.page.evaluate("ask()"))["code"] == code
    state = await visitor.comes_to("refused", code)
    assert len(state["message"]) > 20


@pytest.mark.nightly
@pytest.mark.relay(min_viewers=3, crowd="viewers")
async def test_a_relay_that_promises_less_than_agreed_is_left_before_anything_is_sent(
    relay: app.Relay, browser: Browser
) -> None:
    relay.create_channel("demo")
    visitor = await Visitor.open(browser, relay.url, {"min_viewers": 3, "crowd": "networks"})
    await visitor.show(HAPPY)
    await visitor.comes_to("refused", "promises_less")
    assert [text[:15] for text in await visitor.told("said")] == [
        "POST /v1/channe",
        "GET /v1/channel",
        '{"type":"hello"',
    ]


@pytest.mark.nightly
@pytest.mark.relay(max_per_channel=2)
async def test_a_full_channel_is_tried_again_later_and_the_relay_says_why(relay: app.Relay, browser: Browser) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url), await Viewer.connect(relay.url):
        visitor = await Visitor.open(browser, relay.url)
        state = await visitor.comes_to("lost", "full")
        assert "channel" in state["message"]


@pytest.mark.nightly
async def test_a_page_whose_ticket_is_used_again_stays_away(relay: app.Relay, browser: Browser) -> None:
    relay.create_channel("demo")
    visitor = await Visitor.open(browser, relay.url, None)
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: first.done() or first.set_result(str(frame)))

    visitor.page.on("websocket", watch)
    await visitor.page.evaluate("agreed => start(agreed)", AGREED)
    await visitor.comes_to("joined")
    ticket = json.loads(await asyncio.wait_for(first, HANG_S))["ticket"]
    async with await Viewer.connect(relay.url, ticket=ticket):
        await visitor.comes_to("refused", "replaced")


@pytest.mark.nightly
async def test_as_many_taps_as_a_finger_can_do_never_have_the_viewer_thrown_out(
    relay: app.Relay, browser: Browser
) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        visitor = await Visitor.open(browser, relay.url)
        await visitor.comes_to("joined")
        taken = await visitor.page.evaluate(
            "Array.from({length: 2000}, () => client.tap('clap')).filter(Boolean).length"
        )
        assert 250 <= taken <= 300
        await visitor.show(HAPPY)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert (await visitor.told("note"), (await visitor.state())["link"]) == ([], "joined")


async def test_a_page_that_is_left_is_gone_at_once(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        visitor = await Visitor.open(browser, relay.url)
        await visitor.comes_to("joined")
        await visitor.show(HAPPY)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await visitor.page.goto(f"{relay.url}/healthz")
        await audience.mood(lambda mood: mood.viewers == 0)
        await visitor.page.go_back()
        assert (await audience.mood()).viewers == 0


@pytest.mark.nightly
async def test_a_countdown_measures_the_delay(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    visitor = await Visitor.open(browser, relay.url)
    await visitor.comes_to("joined")
    await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3})
    until = (await wait_until(lambda: visitor.told("countdown")))[0]
    left = until - await visitor.page.evaluate("performance.now()")
    assert 100_000 < left <= 123_000
    await visitor.page.evaluate("client.tapZero()")
    assert await wait_until(lambda: visitor.told("note")), "long before the zero"
    await asyncio.sleep(max(0.0, (left - 119_500) / 1000))  # its end is far
    await visitor.page.evaluate("client.tapZero()")
    assert await wait_until(lambda: visitor.told("delay")) in ([0], [1])


@pytest.mark.nightly
async def test_a_viewer_is_shown_by_name_and_sees_the_others(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    visitor = await Visitor.open(browser, relay.url, name="Ann")
    await visitor.comes_to("joined")
    await visitor.page.evaluate("client.show(true); client.look(true)")

    async def named(*names: str) -> bool:
        people = (await visitor.told("people") or [{"people": []}])[-1]["people"]
        return [person["name"] for person in people] == list(names)

    await wait_until(lambda: named("Ann"))
    assert await visitor.page.evaluate("client.isShown")
    await visitor.page.evaluate("client.show(false)")
    await wait_until(lambda: named())


@contextlib.asynccontextmanager
async def relay_at(port: int, folder: Path) -> AsyncIterator[app.Relay]:
    settings = RelaySettings(port=port, data=str(folder), tick_ms=50, min_viewers=1, no_fetch=True)
    running = await app.start(settings, SOON)
    try:
        yield running
    finally:
        await running.stop()


async def test_after_a_restart_the_page_comes_back_with_its_label(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    async with relay_at(port, tmp_path) as relay:
        keys = relay.create_channel("demo")
        visitor = await Visitor.open(browser, relay.url)
        await visitor.comes_to("joined")
        await visitor.show(HAPPY)
    await visitor.comes_to("lost", "shutting_down")
    await visitor.comes_to("lost", "no_answer")
    async with relay_at(port, tmp_path) as relay, await subscribe(relay.url, "demo", keys.display_key) as audience:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert (await visitor.state())["link"] == "joined"
        await visitor.page.close()


@pytest.mark.nightly
async def test_without_a_network_it_waits_and_comes_back(relay: app.Relay, browser: Browser) -> None:
    keys = relay.create_channel("demo")
    visitor = await Visitor.open(browser, relay.url, None)
    await visitor.page.context.set_offline(True)
    assert (await visitor.page.evaluate("ask()"))["code"] == "no_answer"
    await visitor.page.evaluate("agreed => start(agreed)", AGREED)
    await visitor.show(HAPPY)
    await visitor.comes_to("lost", "no_answer")
    await visitor.page.context.set_offline(False)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
