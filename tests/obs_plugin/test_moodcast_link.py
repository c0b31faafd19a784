"""The OBS script's link: its threads against the real relay."""

import asyncio
import contextlib
import gc
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_link as link
from obs_plugin import moodcast_wire as wire
from relay import app, protocol
from relay.config import RelaySettings
from relay.core import channel
from tests.support import HANG_S, SOON, Viewer, free_port, wait_until


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., link.Link]]:
    """Starts links that try again soon; all of them must have ended when the test has."""
    monkeypatch.setattr(core, "backoff", lambda attempt, chance, asked: 0.05)
    made = []

    def start(
        relay: str,
        channel: str = "demo",
        key: str = "k",
        pictures: bool = False,
        look: tuple[tuple[str, str], ...] = (),
    ) -> link.Link:
        wanted = core.Settings(relay, channel, key, 320, 180, look=look)
        made.append(link.Link(wanted, tmp_path if pictures else None))
        return made[-1]

    yield start
    for one in made:
        one.stop()
    assert all(one.join(HANG_S) for one in made), "a thread did not stop"


async def test_a_label_arrives_as_ordered_moods(relay: app.Relay, subscribe: Callable[..., link.Link]) -> None:
    key = relay.create_channel("demo").display_key
    subscription = subscribe(relay.url, key=key)
    taken: list[core.Message] = []

    def happy() -> bool:
        taken.extend(subscription.take())
        return any(message.kind == "mood" and message.fields["counts"][3] == 1 for message in taken)

    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await wait_until(happy)
    assert subscription.state == "connected"
    assert subscription.sentence == 'Connected to channel "demo".'
    seqs = [message.fields["seq"] for message in taken if message.kind == "mood"]
    assert seqs == sorted(set(seqs))
    for message in taken:
        assert json.loads(message.text)["type"] == message.kind
        protocol.from_relay.decode(message.text)


async def test_a_wrong_key_ends_the_link_with_a_sentence(relay: app.Relay, subscribe: Callable[..., link.Link]) -> None:
    relay.create_channel("demo")
    subscription = subscribe(relay.url, key="wrong")
    await wait_until(lambda: subscription.state == "refused")
    assert "Wrong key" in subscription.sentence
    assert "Copy the display key" in subscription.sentence
    await wait_until(lambda: subscription.join(0))


async def test_an_unknown_channel_ends_the_link_with_a_sentence(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    subscription = subscribe(relay.url, channel="nobody")
    await wait_until(lambda: subscription.state == "refused")
    assert 'no channel "nobody"' in subscription.sentence


async def test_a_relay_that_goes_and_comes_back_is_found_again(
    tmp_path: Path, subscribe: Callable[..., link.Link]
) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    try:
        await wait_until(lambda: subscription.state == "connected" and subscription.mood)
    finally:
        await relay.stop()
    await wait_until(lambda: subscription.state == "retrying" and "unreachable" in subscription.sentence)
    assert "check the address and that the relay runs" in subscription.sentence
    relay = await app.start(settings, SOON)
    try:
        await wait_until(lambda: subscription.state == "connected")
    finally:
        await relay.stop()


async def test_something_else_at_the_address_is_named(subscribe: Callable[..., link.Link]) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("https://example.org/")

    pages = web.Application()
    pages.router.add_get("/hello/{rest:.*}", hello)
    pages.router.add_get("/moved/{rest:.*}", elsewhere)
    runner = web.AppRunner(pages)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        expected = {"hello": "no Moodcast relay", "moved": "enter the final address", "404": "no Moodcast relay"}
        for path, sentence in expected.items():
            subscription = subscribe(f"http://127.0.0.1:{port}/{path}")
            await wait_until(lambda found=subscription, text=sentence: text in found.sentence)
            assert subscription.state == "retrying"
            subscription.stop()
        subscription = subscribe(f"https://127.0.0.1:{port}")
        await wait_until(lambda: "No https at" in subscription.sentence)
    finally:
        await runner.cleanup()


async def test_pictures_follow_the_mood_in_a_private_folder(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    key = relay.create_channel("demo").display_key
    subscription = subscribe(relay.url, key=key, pictures=True)
    empty = await wait_until(subscription.picture)
    assert core.is_picture(empty.read_bytes(), 320, 180)
    before = empty.read_bytes()
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await wait_until(lambda: (subscription.picture() or empty).read_bytes() != before)
    assert subscription.picture_problem == ""


async def test_the_picture_has_the_language_and_title_that_were_chosen(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    key = relay.create_channel("demo").display_key
    look = core.pictured(
        (("language", "de"), ("title", "Quiz & more \U0001f642"), ("theme", "light"), ("layout", "bar"))
    )
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        plain = subscribe(relay.url, key=key, pictures=True)
        worded = subscribe(relay.url, key=key, pictures=True, look=look)

        def differ() -> bool:
            pictures = [one.picture() for one in (plain, worded)]
            return all(pictures) and len({one.read_bytes() for one in pictures if one}) == 2

        await wait_until(differ)
        await wait_until(lambda: "The title lacks U+1F642" in worded.picture_notice)
    assert plain.picture_notice == plain.picture_problem == worded.picture_problem == ""
    assert core.pictured((("language", "auto"), ("title", ""))) == ()


async def test_a_picture_from_before_an_outage_is_not_shown_after_it(
    tmp_path: Path, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "STALE_S", 0.5)
    table = RelaySettings(port=free_port(), data=str(tmp_path), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    try:
        key = relay.create_channel("demo").display_key
        subscription = subscribe(relay.url, key=key, pictures=True)
        empty = (await wait_until(subscription.picture)).read_bytes()

        def other() -> bytes | None:
            path = subscription.picture()
            body = path.read_bytes() if path else empty
            return body if body != empty else None

        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await wait_until(other)
            await relay.stop()
        for _ in range(2):  # the second time, nothing differs from the picture before
            await relay.stop()
            await wait_until(lambda: subscription.picture() is None)
            relay = await app.start(table, SOON)
            first = await wait_until(subscription.picture)
            assert first.read_bytes() == empty
    finally:
        await relay.stop()


@pytest.mark.relay(tick_ms=5000)
async def test_a_test_reaction_floats_and_goes_without_viewers_at_any_tick(
    relay: app.Relay, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "REACTION_S", 1.0)
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key, pictures=True)
    plain = (await wait_until(subscription.picture)).read_bytes()
    seen = [plain]

    def news() -> bytes:
        picture = subscription.picture()
        assert picture is not None
        if picture.read_bytes() != seen[-1]:
            seen.append(picture.read_bytes())
        return seen[-1]

    subscription.test()
    await wait_until(lambda: news() != plain)
    await wait_until(lambda: news() == plain)
    assert len(set(seen)) > 2, "it did not move"
    assert subscription.picture_problem == ""


async def test_it_starts_a_countdown_and_says_why_it_can_not(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    await wait_until(lambda: subscription.state == "connected")
    seen: list[core.Message] = []
    subscription.measure()
    await wait_until(lambda: "was started" in subscription.measuring)

    def arrived() -> bool:
        seen.extend(message for message in subscription.take() if message.kind == "countdown")
        return bool(seen)

    await wait_until(arrived)
    assert seen[0].fields["seconds"] == 5
    subscription.measure()
    await wait_until(lambda: "No countdown. The relay says: Viewers with a long delay" in subscription.measuring)
    await relay.stop()
    subscription.measure()
    await wait_until(lambda: "No countdown. The relay is unreachable" in subscription.measuring)


async def test_what_became_of_a_countdown_is_told_as_long_as_it_may_last(
    relay: app.Relay, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    assert subscription.measuring == ""
    for _ in range(3):
        subscription.measure()
        await wait_until(lambda: "countdown was started" in subscription.measuring or "No c" in subscription.measuring)
        await wait_until(lambda: all(thread.name != "moodcast-countdown" for thread in threading.enumerate()))
    monkeypatch.setattr(link, "COUNTDOWN_S", 0.0)
    assert subscription.measuring == ""
    gc.collect()
    threads = [one for one in gc.get_objects() if type(one) is threading.Thread]  # isinstance asks lazy modules, too
    assert len([one for one in threads if one.name == "moodcast-countdown"]) <= 1


BYES = [
    *(f'{{"type":"bye","code":4503,"message":"later","retry_after_s":{wait}}}' for wait in ("0", "0.01", "-5", '"x"')),
    '{"type":"bye","code":4503,"message":"later"}',
    '{"type":"status","time":1,"channel":"demo"}',
    "",
]
"""What a broken relay says before it ends the connection."""


def eager_server(event: str, ends: bool) -> tuple[web.Application, list[str]]:
    """A relay that ends each connection after one event, and those for pictures after one picture if it ``ends``."""
    asked: list[str] = []

    async def mood(request: web.Request) -> web.StreamResponse:
        asked.append("events")
        kind = json.loads(event)["type"] if event else "nothing"
        body = f"event: {kind}\ndata: {event}\n\n"
        response = web.Response(text=body, content_type="text/event-stream")
        response.force_close()
        return response

    async def picture(request: web.Request) -> web.StreamResponse:
        asked.append("pictures")
        head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (320).to_bytes(4, "big") + (180).to_bytes(4, "big")
        # One that changes: else none would be wanted.
        response = web.Response(body=head + str(len(asked)).encode(), content_type="image/png")
        if ends:
            response.force_close()
        return response

    pages = web.Application()
    pages.router.add_get("/v1/channels/demo/mood", mood)
    pages.router.add_get("/v1/channels/demo/overlay.png", picture)
    return pages, asked


@pytest.mark.slow
@pytest.mark.parametrize("ends", [True, False])
async def test_a_relay_that_ends_every_connection_is_not_asked_in_a_loop(tmp_path: Path, ends: bool) -> None:
    """All broken relays at once, until each was asked twice and for five seconds: seven connections of a kind then."""
    links, counts, runners = [], [], []
    for number, event in enumerate(BYES):
        pages, asked = eager_server(event, ends)
        runner = web.AppRunner(pages)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port := free_port())
        await site.start()
        runners.append(runner)
        counts.append(asked)
        folder = tmp_path / str(number)
        folder.mkdir()
        links.append(link.Link(core.Settings(f"http://127.0.0.1:{port}", "demo", "k", 320, 180), folder))
    began = time.monotonic()

    def long_enough() -> bool:
        for one in links:
            one.test()  # the streamer wants pictures all the time
        often = all(asked.count(kind) >= 2 for asked in counts for kind in ("events", "pictures"))
        return often and time.monotonic() - began >= 5.0

    await wait_until(long_enough)
    most = 2 + time.monotonic() - began
    for one in links:
        one.stop()
    for runner in runners:
        await runner.cleanup()
    for asked in counts:
        assert asked.count("events") <= most
        if ends:
            assert asked.count("pictures") <= most
    assert all([await asyncio.to_thread(one.join, HANG_S) for one in links])


def test_stopping_at_any_moment_ends_the_threads(subscribe: Callable[..., link.Link]) -> None:
    """Connecting to a closed port, to one that never answers, and at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        subscriptions = [
            subscribe(f"http://127.0.0.1:{p}", pictures=True) for p in (port, free_port()) for _ in range(5)
        ]
        for subscription in subscriptions:
            subscription.stop()
        assert all(subscription.join(HANG_S) for subscription in subscriptions)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_relay_that_does_not_answer_keeps_nobody_waiting(
    scheme: str, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where connecting hangs, since the server's queue is full, nor where a TLS handshake does."""
    monkeypatch.setattr(wire, "_CONNECT_TIMEOUT_S", 10 * HANG_S)
    with socket.socket() as busy, contextlib.ExitStack() as queue:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0 if scheme == "http" else 10)
        while scheme == "http":
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(busy.getsockname())
            if not select.select([], [waiting], [], 0.2)[1]:
                break
        subscription = subscribe(f"{scheme}://127.0.0.1:{busy.getsockname()[1]}", pictures=True)
        if scheme == "https":
            queue.enter_context(busy.accept()[0]).recv(1)
        subscription.stop()
        assert subscription.join(HANG_S)


def test_a_test_reaction_floats_as_long_as_any() -> None:
    assert link.REACTION_S == channel.RECENT_S
