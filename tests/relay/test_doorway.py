"""Connections that say nothing, or too slowly, or are far too many: over real sockets."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from relay import app, protocol
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.limits import Limits, Places
from relay.http.accept import MAX_HEAD, Doorway
from relay.http.acceptor import Acceptor
from relay.http.lobby import Lobby
from relay.live.counters import Counters
from relay.workers import ports
from tests.raw import RawClient, upgrade_request
from tests.support import Viewer, count_of, subscribe, wait_until

SLOW = Limits(request=0.3)


def error_of(answer: bytes) -> tuple[int, int]:
    """Status and code of an HTTP answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


@pytest.mark.relay(limits=SLOW)
@pytest.mark.parametrize(
    "said", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", upgrade_request("/", "X: ")[:-2]]
)
async def test_who_does_not_finish_asking_is_cut_off(relay: Relay, said: bytes) -> None:
    async with await RawClient.connect(relay.url) as client:

        async def drip() -> None:
            await client.send(said)
            while said:  # a byte now and then does not help
                await asyncio.sleep(0.05)
                await client.send(b"a")

        dripping = asyncio.create_task(drip())
        assert await client.read_to_end() == b""
        dripping.cancel()


@pytest.mark.slow
@pytest.mark.relay(limits=SLOW)
async def test_a_body_that_does_not_come_is_answered(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await RawClient.connect(relay.url) as client:
        await client.send(
            b"POST /v1/channels/demo/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"pass'
        )
        assert error_of(await client.read_to_end()) == (408, protocol.NO_HELLO.number)


async def test_a_request_in_pieces_is_a_request(relay: Relay) -> None:
    async with await RawClient.connect(relay.url) as client:
        for part in (b"GET /healthz HT", b"TP/1.1\r\nHost: localhost\r\nConnection: close\r", b"\n\r", b"\n"):
            await client.send(part)
            await asyncio.sleep(0.01)  # else they come as one
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_head_without_end_is_refused(relay: Relay) -> None:
    async with await RawClient.connect(relay.url) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\n" + b"X-Header: 1\r\n" * (MAX_HEAD // 13))
        assert error_of(await client.read_to_end()) == (413, protocol.TOO_LARGE.number)


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n \r\n\r\n"]
)
async def test_what_is_no_http_is_answered_at_once_and_logged_nowhere(
    relay: Relay, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with await RawClient.connect(relay.url) as client:
        await client.send(said)
        assert error_of(await client.read_to_end(timeout=60)) == (400, protocol.BAD_MESSAGE.number)
    assert "127.0.0.1" not in caplog.text


async def test_the_relay_stops_while_somebody_says_nothing(relay: Relay) -> None:
    async with await RawClient.connect(relay.url) as client:
        await (await Viewer.open(relay.url, "/v1/channels/demo/viewer")).close()  # the silent one was accepted before
        await relay.stop()
        assert await client.read_to_end() == b""


# --- many from one address -------------------------------------------------------------------------------------------


@pytest.fixture
async def crowded() -> AsyncIterator[str]:
    """The address of a server whose houses, this machine's own addresses too, have ten connections each."""

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    application = web.Application()
    application.router.add_get("/", hello)
    runner = web.AppRunner(application)
    await runner.setup()
    assert runner.server
    doorway = Doorway(
        runner.server,
        places=Places(10),
        house_of=lambda address: address,
        head_s=0.5,
        stalled_s=20.0,
        counts=Counters(),
        lobby=Lobby(2000, 2000),
    )
    listener = ports.listen("127.0.0.1", 0)
    acceptor = Acceptor(listener, doorway)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    await acceptor.close()
    doorway.close()
    await runner.cleanup()


async def hello_from(url: str, source: str) -> bool:
    """Whether somebody with this address is served."""
    async with await RawClient.connect(url, source) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return (await client.read_to_end()).endswith(b"\r\n\r\nhello")


async def test_a_thousand_connections_from_one_address_leave_room_for_others(crowded: str) -> None:
    crowd = [await RawClient.connect(crowded, "127.0.0.2") for _ in range(1000)]
    assert await hello_from(crowded, "127.0.0.3")
    answers = await asyncio.gather(*(client.read_to_end() for client in crowd))
    silent = sum(answer == b"" for answer in answers)  # these were let in, and said nothing in time
    assert 10 <= silent < 500  # ten at once, and more as their time is up
    assert {error_of(answer) for answer in answers if answer} == {(503, protocol.FULL.number)}
    await wait_until(lambda: hello_from(crowded, "127.0.0.2"))
    for client in crowd:
        await client.close()


async def test_those_who_are_served_count_until_they_leave(crowded: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(await RawClient.connect(crowded)) for _ in range(10)]
        for client in kept:
            await client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await client.reader.readuntil(b"hello")
        assert not await hello_from(crowded, "127.0.0.1")
        await kept[0].close()
        await wait_until(lambda: hello_from(crowded, "127.0.0.1"))


def own_address() -> str:
    """An address of this machine that is no loopback; skips where there is none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network on this machine: every address is its own, which has no limits")
        return str(probe.getsockname()[0])


@pytest.mark.slow
async def test_the_relay_keeps_serving_under_a_thousand_silent_connections(tmp_path: Path) -> None:
    host = own_address()
    settings = RelaySettings(host="0.0.0.0", port=0, data=str(tmp_path), tick_ms=50, min_viewers=1, max_per_address=50,
                             require_tickets="off")  # fmt: skip
    relay = await app.start(settings)
    keys = relay.create_channel("demo")
    outside = f"http://{host}:{relay.url.rpartition(':')[2]}"
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(1000):
            await stack.enter_async_context(await RawClient.connect(outside))
        with pytest.raises((aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError)):
            await Viewer.connect(outside)
        viewer = await stack.enter_async_context(await Viewer.connect(relay.url))
        audience = await stack.enter_async_context(await subscribe(relay.url, "demo", keys.display_key))
        await viewer.label("happy")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)

    async def there_is_room() -> bool:
        try:
            async with await Viewer.connect(outside):
                return True
        except (aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError):  # not all are gone yet
            return False

    await wait_until(there_is_room)
    await relay.stop()
