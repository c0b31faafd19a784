"""Clients beyond the limits, over real sockets: told why, and nobody else suffers."""

import asyncio
import contextlib
import random

import aiohttp
import pytest

from relay import protocol
from relay.app import Relay
from relay.protocol import Bye, Error
from tests.support import SOON, Client, Viewer, count_of, subscribe, wait_until

VIEWER = "/v1/channels/demo/viewer"


async def connect(relay: Relay, path: str = VIEWER, **headers: str) -> Client:
    """A client with headers that says nothing yet."""
    session = aiohttp.ClientSession()
    try:
        return Client(session, await session.ws_connect(relay.url + path, headers=headers))
    except BaseException:
        await session.close()
        raise


def behind_proxy(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def end_of(client: Client) -> tuple[Bye, int | None]:
    """The bye and the close code that a connection ends with."""
    bye = await client.receive_until(lambda message: isinstance(message, Bye))
    while await client.receive() is not None:
        pass
    return bye, client.close_code


async def test_a_flood_of_labels_is_warned_and_closed_and_the_others_go_on(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as calm,
        await Viewer.connect(relay.url) as flood,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await calm.label("happy")
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                await flood.label("angry")
        error = await flood.receive_until(lambda message: isinstance(message, Error))
        assert error.code == protocol.TOO_FAST.number
        bye, code = await end_of(flood)
        assert bye.code == protocol.TOO_FAST.number
        assert code in (bye.code, 1006)
        assert not protocol.TOO_FAST.retry
        mood = await audience.mood(lambda mood: mood.viewers == 1 and mood.visible)
        assert (mood.sharing, count_of(mood, "happy")) == (1, 1)


@pytest.mark.parametrize("path", ["viewer", "mood"])
async def test_nonsense_is_answered_and_then_closed(relay: Relay, path: str) -> None:
    keys = relay.create_channel("demo")
    client = await (Viewer.connect(relay.url) if path == "viewer" else subscribe(relay.url, "demo", keys.display_key))
    async with client:
        with contextlib.suppress(ConnectionError):
            for _ in range(50):
                await client.ws.send_str("nonsense")
        bye, _ = await end_of(client)
        assert bye.code == protocol.TOO_FAST.number


async def test_a_flood_of_pings_is_closed(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                await viewer.ws.ping()
        assert (await end_of(viewer))[0].code == protocol.TOO_FAST.number


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 400, "true", '"1"'])
async def test_what_is_no_number_is_answered(relay: Relay, number: str) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.ws.send_str('{"type":"label","emotion":"happy","confidence":' + number + "}")
        error = await viewer.receive_until(lambda message: isinstance(message, Error))
        assert error.code == protocol.BAD_MESSAGE.number


@pytest.mark.slow
@pytest.mark.parametrize("number", ["1.7", "-0.1", "500", "1e308", "-1e308", "9" * 30])
async def test_numbers_out_of_range_count_as_the_nearest(relay: Relay, number: str) -> None:
    keys = relay.create_channel("demo")
    async with (
        await Client.open(relay.url, VIEWER) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await viewer.ws.send_str('{"type":"hello","delay":' + number + "}")
        assert isinstance(await viewer.receive(), protocol.Welcome)
        await viewer.ws.send_str('{"type":"label","emotion":"happy","confidence":' + number + "}")
        mood = await audience.mood(lambda mood: mood.visible)
        assert (mood.sharing, count_of(mood, "happy"), mood.valence) == (1, 1, 1)
        with pytest.raises(asyncio.TimeoutError):
            await viewer.receive_until(lambda message: isinstance(message, Error), timeout=0.2)


async def test_mutated_messages_leave_the_relay_serving(relay: Relay) -> None:
    """A thousand of them, on as many connections as it takes; a seed, so that a failure can be seen again."""
    keys, chance = relay.create_channel("demo"), random.Random(5)
    seeds = [
        b'{"type":"label","emotion":"happy","confidence":0.5}',
        b'{"type":"hello","agent":"x","delay":3.5,"name":"\\u00e4"}',
        b'{"type":"tap","tap":"heart"}',
    ]
    async with contextlib.AsyncExitStack() as stack:
        viewer: Viewer | None = None
        for _ in range(1000):
            if viewer is None or viewer.ws.closed:
                viewer = await stack.enter_async_context(await Viewer.connect(relay.url))
            frame = bytearray(chance.choice(seeds))
            for _ in range(chance.randint(1, 6)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            kind = chance.choice([aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY])
            try:
                await viewer.ws.send_frame(bytes(frame), kind)
            except ConnectionError:
                viewer = None
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await viewer.label("fear")
        await audience.mood(lambda mood: count_of(mood, "fear") == 1 and mood.viewers == 1)


@pytest.mark.relay(proxies=1, require_tickets="off", max_per_address=3, limits=SOON._replace(hello=60))
async def test_a_crowd_from_one_address_leaves_room_for_others(relay: Relay) -> None:
    relay.create_channel("demo")
    crowd = await asyncio.gather(*(connect(relay, **behind_proxy("192.0.2.7")) for _ in range(20)))
    ends = [asyncio.create_task(turned_away(client)) for client in crowd]
    await wait_until(lambda: sum(end.done() for end in ends) == 17)
    async with await connect(relay, **behind_proxy("192.0.2.8")) as other:
        await other.send(protocol.Hello())
        assert isinstance(await other.receive(), protocol.Welcome)
    turned, staying = await asyncio.wait(ends, timeout=0)
    assert [end.result() for end in turned] == [None] * 17
    first = crowd[[end in staying for end in ends].index(True)]
    for end in staying:
        end.cancel()
    await asyncio.wait(staying)
    await first.close()

    async def there_is_room() -> bool:
        async with await connect(relay, **behind_proxy("192.0.2.7")) as client:
            await client.send(protocol.Hello())
            return isinstance(await client.receive(), protocol.Welcome)

    await wait_until(there_is_room)
    await asyncio.gather(*(client.close() for client in crowd))


async def turned_away(client: Client) -> None:
    """The relay ends it because it is full, with a hint when to come back."""
    bye = await client.receive()
    assert isinstance(bye, Bye)
    assert bye.retry_after_s > 0
    assert await client.receive() is None
    assert client.close_code == bye.code == protocol.FULL.number
    assert protocol.FULL.retry


@pytest.mark.relay(max_per_channel=2)
async def test_a_full_channel_turns_viewers_and_subscribers_away(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    relay.create_channel("other")
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as first,
    ):
        await first.mood()
        for path in (VIEWER, "/v1/channels/demo/mood"):
            async with await connect(relay, path) as client:
                assert (await end_of(client))[0].code == protocol.FULL.number
        headers = {"Authorization": f"Bearer {keys.display_key}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.get(f"{relay.url}/v1/channels/demo/mood") as response,
        ):
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
            assert (await response.json())["error"]["name"] == "full"
        async with await Viewer.connect(relay.url, "other"):
            pass
        await viewer.label("happy")
        await first.mood(lambda mood: mood.sharing == 1)


@pytest.mark.relay(max_connections=1)
async def test_a_full_relay_turns_away(relay: Relay) -> None:
    relay.create_channel("demo")
    relay.create_channel("other")
    async with await Viewer.connect(relay.url), await connect(relay, "/v1/channels/other/viewer") as client:
        bye, code = await end_of(client)
        assert bye.code == code == protocol.FULL.number


@pytest.mark.relay(origins="https://friend.example")
@pytest.mark.parametrize("path", [VIEWER, "/v1/channels/demo/mood"])
async def test_pages_of_other_sites_open_no_websocket(relay: Relay, path: str) -> None:
    relay.create_channel("demo")
    for origin in ("https://evil.example", "null"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(relay, path, Origin=origin)
        assert refused.value.status == 403
    for origin in ("https://friend.example", relay.url):
        await (await connect(relay, path, Origin=origin)).close()


async def test_a_message_over_4_kib_is_refused_in_fragments_too(relay: Relay) -> None:
    relay.create_channel("demo")
    host, port = relay.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {VIEWER} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"101" in head
    assert b"deflate" not in head
    part = bytes([0xFE]) + (1000).to_bytes(2, "big") + bytes(4) + b"x" * 1000  # masked with zeroes
    with contextlib.suppress(ConnectionError):
        for number in range(6):
            writer.write((b"\x01" if number == 0 else b"\x00") + part)
            await writer.drain()
    found = b""
    with contextlib.suppress(ConnectionError):
        found = await asyncio.wait_for(reader.read(), 60)
    assert b'"code":4413' in found
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.relay(proxies=1, require_tickets="off", address_weight=2)
async def test_one_house_is_not_the_crowd(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = []
    for address in (*["2001:db8::1", "2001:db8::2", "2001:db8::3"] * 3, "192.0.2.1", "192.0.2.2"):
        viewer = await connect(relay, **behind_proxy(address))
        await viewer.send(protocol.Hello())
        await viewer.send(protocol.Label(emotion="angry" if ":" in address else "happy"))
        viewers.append(viewer)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        mood = await audience.mood(lambda mood: mood.visible and count_of(mood, "happy") == 2)
        assert (mood.viewers, count_of(mood, "angry")) == (11, 2)
        await viewers[0].close()
        await audience.mood(lambda mood: count_of(mood, "angry") == 1)
        await viewers[8].send(protocol.Label(emotion="sad"))  # the next of the house takes the place
        await audience.mood(lambda mood: count_of(mood, "sad") == 1)
    await asyncio.gather(*(viewer.close() for viewer in viewers[1:]))


@pytest.mark.slow
@pytest.mark.relay(proxies=1, require_tickets="off", min_viewers=5)
async def test_four_more_connections_of_one_address_do_not_show_a_face(relay: Relay) -> None:
    """The mood minus four neutral ones would be the victim's face."""
    keys = relay.create_channel("demo")
    viewers = []
    for number, address in enumerate(["198.51.100.7"] + [f"2001:db8:0:{house:x}::1" for house in range(4)]):
        viewer = await connect(relay, **behind_proxy(address))
        await viewer.send(protocol.Hello())
        await viewer.send(protocol.Label(emotion="neutral" if number else "sad"))
        viewers.append(viewer)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        first = await audience.mood(lambda mood: mood.viewers == 5)
        last = await audience.mood(lambda mood: mood.visible or mood.time > first.time + 2)
        assert (last.visible, last.sharing, set(last.counts)) == (False, 0, {0})
        for house in range(3):
            viewer = await connect(relay, **behind_proxy(f"2001:db8:{house + 1}::1"))
            await viewer.send(protocol.Hello())
            await viewer.send(protocol.Label(emotion="happy"))
            viewers.append(viewer)
        shown = await audience.mood(lambda mood: mood.visible)
        assert (shown.sharing, shown.crowd) == (8, "networks")
    await asyncio.gather(*(viewer.close() for viewer in viewers))


@pytest.mark.relay(proxies=1, require_tickets="off", min_viewers=3, crowd="viewers", address_weight=10)
async def test_a_hall_behind_one_address_counts_its_viewers(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = [await connect(relay, **behind_proxy("198.51.100.7")) for _ in range(3)]
    for viewer in viewers:
        await viewer.send(protocol.Hello())
        welcome = await viewer.receive_until(lambda message: isinstance(message, protocol.Welcome))
        assert (welcome.min_viewers, welcome.crowd) == (3, "viewers")
        await viewer.send(protocol.Label(emotion="happy"))
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        shown = await audience.mood(lambda mood: mood.visible)
        assert (shown.sharing, shown.crowd) == (3, "viewers")
    await asyncio.gather(*(viewer.close() for viewer in viewers))
