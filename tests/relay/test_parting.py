"""Who leaves leaves nothing behind: what a connection took is free at once, and waits for no garbage collector.

That looks rarely (`relay.machine.collect_rarely`), so that what lies in circles would add up to hundreds of megabytes.
"""

import asyncio
import gc
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator

import pytest

from relay import protocol
from relay.app import Relay
from relay.http import accept
from relay.live.websocket import Socket
from relay.store.channels import ChannelKeys
from tests.raw import CLOSE, RawClient, address, masked
from tests.support import SOON, request, wait_until

BRIEF = SOON._replace(close=0.1, heartbeat=0.2)
"""The relay itself ends who says nothing more, and ..."""
DEAF = BRIEF._replace(hello=0.1, request=0.1)
"""... who has said nothing yet."""
COUNTED = {Socket, accept._Guest, accept._Connection}
LAST = 4
"""Who works through connections still knows the last one when at rest: the acceptor, and what looks for silent ones."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def remains(port: int) -> list[str]:
    """What is still there of the relay's side of connections."""
    found = []
    for one in gc.get_objects():
        if type(one) in COUNTED:
            found.append(type(one).__name__)
        elif type(one).__name__ == "_SelectorSocketTransport":
            name = one.get_extra_info("sockname")
            found += ["transport"] if name and name[1] == port else []
    return found


def reset(client: RawClient) -> None:
    """End the connection with RST."""
    linger = struct.pack("ii", 1, 0)
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    client.writer.transport.abort()


async def polite(client: RawClient) -> None:
    await client.send(masked((1000).to_bytes(2, "big"), CLOSE))
    await client.read_to_end()


async def abrupt(client: RawClient) -> None:
    reset(client)


async def cut(client: RawClient) -> None:
    await client.close()


async def silent(client: RawClient) -> None:
    await client.read_to_end()


async def wrong(client: RawClient) -> None:
    await client.send(b"\x81\x02{}")  # not masked
    await client.until_close()


async def viewer(relay: Relay, keys: ChannelKeys) -> RawClient:
    client = await RawClient.viewer(relay.url)
    await client.say(protocol.Label(emotion="happy"))
    return client


async def subscriber(relay: Relay, keys: ChannelKeys) -> RawClient:
    return await RawClient.subscriber(relay.url, keys.display_key)


async def stream(relay: Relay, keys: ChannelKeys) -> RawClient:
    """Server-Sent Events."""
    client = await RawClient.connect(relay.url)
    head = f"GET /v1/channels/demo/mood HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {keys.display_key}\r\n\r\n"
    await client.send(head.encode())
    await client.reader.readuntil(b"event: mood")
    return client


async def stranger(relay: Relay, keys: ChannelKeys) -> RawClient:
    """Who has not asked for anything yet."""
    client = await RawClient.connect(relay.url)
    await client.send(b"GET / HT")
    return client


async def unannounced(relay: Relay, keys: ChannelKeys) -> RawClient:
    """A WebSocket without its hello."""
    return await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer")


async def asker(relay: Relay, keys: ChannelKeys) -> RawClient:
    """Who has its answer, and keeps the connection."""
    client = await RawClient.connect(relay.url)
    await client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.reader.readuntil(b'"ok"')
    return client


@pytest.mark.parametrize(
    ("come", "go"),
    [
        (viewer, polite), (viewer, abrupt), (viewer, cut), (viewer, wrong),
        (subscriber, polite), (subscriber, abrupt), (subscriber, cut), (stream, abrupt), (stream, cut),
        (stranger, abrupt), (unannounced, abrupt), (unannounced, wrong), (asker, abrupt), (asker, cut),
        *(pytest.param(come, silent, marks=pytest.mark.relay(limits=BRIEF)) for come in (viewer, subscriber)),
        *(pytest.param(come, silent, marks=pytest.mark.relay(limits=DEAF)) for come in (stranger, unannounced)),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("no_collector")
async def test_a_connection_that_ends_waits_for_no_collector(
    relay: Relay,
    come: Callable[[Relay, ChannelKeys], Awaitable[RawClient]],
    go: Callable[[RawClient], Awaitable[None]],
) -> None:
    port, keys = address(relay.url)[1], relay.create_channel("demo")
    most = len(remains(port)) + LAST
    for _ in range(LAST + 2):
        client = await come(relay, keys)
        await go(client)
        await client.close()
    await wait_until(lambda: len(remains(port)) <= most)


@pytest.mark.usefixtures("no_collector")
async def test_nor_does_one_that_the_relay_ends(relay: Relay) -> None:
    port, keys = address(relay.url)[1], relay.create_channel("demo")
    most = len(remains(port)) + LAST
    clients = [await come(relay, keys) for come in (viewer, viewer, subscriber, subscriber)]
    assert (await request(relay.url, "DELETE", "demo", keys.admin_key))[0] == 204
    await asyncio.gather(*(client.until_close() for client in clients))
    await asyncio.gather(*(client.close() for client in clients))
    await wait_until(lambda: len(remains(port)) <= most)
