"""Viewers and subscribers over real sockets."""

import asyncio
import contextlib
import itertools
import socket
import sys
import time

import aiohttp
import pytest

from relay import protocol
from relay.app import Relay
from relay.core.limits import Limits
from relay.live.websocket import SEND_BUFFER
from relay.protocol import Bye, Error, Mood, Reaction, Status
from tests.support import SOON, Client, Viewer, audience, count_of, leave, server_sent_events, subscribe, wait_until

DEEP = '{"type":"label","x":' + "[" * 3000
BROKEN = 1006
"""What aiohttp's client makes of a close frame when the connection is gone before it can answer."""


async def closed_with(client: Client) -> tuple[Bye, int | None]:
    """The bye and the close code that a connection ends with."""
    bye = await client.receive_until(lambda message: isinstance(message, Bye))
    while await client.receive() is not None:
        pass
    return bye, client.close_code


# --- the main job ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_label_reaches_websocket_subscribers_and_the_viewers(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer, await subscribe(relay.url, "demo", keys.display_key) as other:
        await viewer.label("happy")
        mood = await other.mood(lambda mood: mood.visible)
        assert count_of(mood, "happy") == 1
        assert mood.shares[protocol.EXPRESSIONS.index("happy")] == 1
        assert (await viewer.mood(lambda mood: mood.visible)).counts == mood.counts


async def test_a_label_reaches_server_sent_events(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewer = await Viewer.connect(relay.url)
    events = server_sent_events(relay.url, "demo", keys.display_key)
    async with viewer, contextlib.aclosing(events):
        await viewer.label("sad")
        names, numbers = set(), []
        async for event in events:
            names.add(event.name)
            message = protocol.from_relay.decode(event.data)
            if isinstance(message, Mood):
                assert event.id == str(message.seq)
                numbers.append(message.seq)
                if message.visible:
                    assert count_of(message, "sad") == 1
                    break
        assert names == {"status", "mood"}
        assert numbers == sorted(set(numbers))


async def test_the_stream_of_server_sent_events_is_what_browsers_expect(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    headers = {"Authorization": f"Bearer {keys.display_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{relay.url}/v1/channels/demo/mood") as response,
    ):
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.content.readline() == b"retry: 2000\n"
        assert await response.content.readline() == b"\n"
        assert await response.content.readline() == b"event: status\n"
        assert (await response.content.readline()).startswith(b'data: {"type":"status","channel":"demo"')


@pytest.mark.relay(tick_ms=100)
async def test_moods_come_at_each_tick_and_in_order(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        status = await client.receive()
        assert isinstance(status, Status)
        assert (status.tick_ms, status.session, status.warnings) == (100, None, [])
        moods = [await client.mood() for _ in range(6)]
    assert [mood.seq for mood in moods] == list(range(moods[0].seq, moods[0].seq + 6))
    assert moods[5].time - moods[1].time == pytest.approx(0.4, abs=0.3)


async def test_a_burst_and_a_tap_become_reactions(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["neutral"] * 6)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        await client.mood(lambda mood: mood.visible and mood.sharing == 6)
        for viewer in viewers[:4]:
            await viewer.label("surprise")
        burst = await client.receive_until(lambda message: isinstance(message, Reaction))
        assert (burst.kind, burst.name) == ("expression", "surprise")
        assert 3 <= burst.count <= 4
        for _ in range(5):
            await viewers[0].tap("heart")
        tap = await client.receive_until(lambda message: isinstance(message, Reaction) and message.kind == "tap")
        assert (tap.name, tap.count) == ("heart", 1)
    await leave(viewers)


@pytest.mark.slow
@pytest.mark.relay(min_viewers=3, limits=Limits())
async def test_below_min_viewers_nothing_is_shown(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        assert (await client.mood(lambda mood: mood.visible)).sharing == 3
        await viewers[0].away()
        hidden = await client.mood(lambda mood: not mood.visible)
        assert set(hidden.counts) == {0}
        assert (hidden.viewers, hidden.sharing) == (3, 0)
        back = time.time()
        await viewers[0].label("happy")
        shown = await client.mood(lambda mood: mood.visible)
        assert shown.sharing == 3
        assert shown.time - back >= 0.9
    await leave(viewers)


async def test_a_viewer_who_leaves_counts_no_more(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    stays, leaves = await audience(relay.url, "demo", ["happy", "sad"])
    async with stays, await subscribe(relay.url, "demo", keys.display_key) as client:
        await client.mood(lambda mood: mood.visible and mood.sharing == 2)
        await leaves.close()
        mood = await client.mood(lambda mood: mood.sharing == 1)
        assert (mood.viewers, count_of(mood, "happy"), count_of(mood, "sad")) == (1, 1, 0)


@pytest.mark.slow
@pytest.mark.relay(limits=SOON._replace(label_ttl=1.5))
async def test_a_label_that_is_not_repeated_expires(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as client,
    ):
        assert viewer.welcome.label_ttl_s == 1.5
        await viewer.label("happy")
        await client.mood(lambda mood: mood.visible)
        mood = await client.mood(lambda mood: mood.sharing == 0)
        assert (mood.viewers, mood.visible) == (1, False)


async def test_fast_labels_replace_each_other(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as client,
    ):
        for _ in range(50):
            await viewer.label("happy")
            await viewer.label("fear")
        mood = await client.mood(lambda mood: mood.visible)
        assert (mood.sharing, count_of(mood, "fear")) == (1, 1)


async def test_channels_are_apart(relay: Relay) -> None:
    one, two = relay.create_channel("one"), relay.create_channel("two")
    viewers = await audience(relay.url, "one", ["happy"])
    async with (
        await subscribe(relay.url, "one", one.display_key) as first,
        await subscribe(relay.url, "two", two.display_key) as second,
        await subscribe(relay.url, "two", one.display_key) as thief,
    ):
        await first.mood(lambda mood: mood.visible)
        assert (await second.mood()).viewers == 0
        assert (await closed_with(thief))[1] == protocol.WRONG_KEY.number
    await leave(viewers)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["viewer", "mood"])
async def test_an_unknown_channel_is_refused_for_good(relay: Relay, path: str) -> None:
    async with await Client.open(relay.url, f"/v1/channels/nowhere/{path}") as client:
        bye, code = await closed_with(client)
        assert bye.code == code == protocol.UNKNOWN_CHANNEL.number
        assert "nowhere" in bye.message


@pytest.mark.parametrize("key", ["", "wrong", "\N{SNOWMAN}", "\x00"])
async def test_a_wrong_key_is_refused_for_good(relay: Relay, key: str) -> None:
    relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", key) as client:
        bye, code = await closed_with(client)
        assert bye.code == code == protocol.WRONG_KEY.number


async def test_the_admin_key_opens_too(relay: Relay) -> None:
    async with await subscribe(relay.url, "demo", relay.create_channel("demo").admin_key) as client:
        await client.mood()


@pytest.mark.relay(limits=SOON._replace(hello=0.1))
@pytest.mark.parametrize(("path", "word"), [("viewer", "hello"), ("mood", "subscribe")])
async def test_who_says_nothing_is_closed(relay: Relay, path: str, word: str) -> None:
    relay.create_channel("demo")
    async with await Client.open(relay.url, f"/v1/channels/demo/{path}") as client:
        bye, code = await closed_with(client)
        assert bye.code == code == protocol.NO_HELLO.number
        assert word in bye.message
        assert bye.retry_after_s > 0


@pytest.mark.parametrize("path", ["viewer", "mood"])
@pytest.mark.parametrize("first", ['{"type":"label","emotion":"happy"}', "hello", DEEP, '{"type":3}', b"{}"])
async def test_a_wrong_first_frame_is_refused(relay: Relay, path: str, first: str | bytes) -> None:
    relay.create_channel("demo")
    async with await Client.open(relay.url, f"/v1/channels/demo/{path}") as client:
        await (client.ws.send_str(first) if isinstance(first, str) else client.ws.send_bytes(first))
        bye, code = await closed_with(client)
        assert bye.code == code == protocol.BAD_MESSAGE.number


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("happy", "malformed"),
        (DEEP, "recursion"),
        ('{"type":"label","emotion":"bored"}', "bored"),
        ('{"type":"label","emotion":"happy","confidence":"2"}', "confidence"),
        ('{"type":"hello"}', "already"),
        ('{"type":"of a newer agent"}', "of a newer agent"),
        (b'{"type":"away"}', "binary"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_viewer_stays(relay: Relay, frame: str | bytes, expected: str) -> None:
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as client,
    ):
        await (viewer.ws.send_str(frame) if isinstance(frame, str) else viewer.ws.send_bytes(frame))
        error = await viewer.receive_until(lambda message: isinstance(message, Error))
        assert error.code == protocol.BAD_MESSAGE.number
        assert expected in error.message
        await viewer.label("happy")
        await client.mood(lambda mood: mood.sharing == 1)


async def test_a_frame_over_4_kib_is_refused_for_good(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.ws.send_str('{"type":"away","x":"' + "y" * 4096 + '"}')
        bye, code = await closed_with(viewer)
        assert bye.code == protocol.TOO_LARGE.number
        assert code in (bye.code, BROKEN)


@pytest.mark.slow
async def test_a_frame_of_4_kib_is_fine(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        start = '{"type":"label","emotion":"happy","x":"'
        await viewer.ws.send_str(start + "y" * (4096 - len(start) - 2) + '"}')
        await viewer.mood(lambda mood: mood.sharing == 1)


async def test_invalid_utf_8_is_refused_for_good(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.ws.send_frame(b'{"type":"away\xff"}', aiohttp.WSMsgType.TEXT)
        bye, code = await closed_with(viewer)
        assert bye.code == protocol.BAD_MESSAGE.number
        assert code in (bye.code, BROKEN)


async def test_a_subscriber_who_talks_is_told_and_stays(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        await client.ws.send_str("hello?")
        assert await client.receive_until(lambda message: isinstance(message, Error))
        await client.mood()


async def test_the_relay_does_not_compress(relay: Relay) -> None:
    relay.create_channel("demo")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{relay.url}/v1/channels/demo/viewer", compress=15) as ws,
    ):
        assert ws.compress == 0


# --- slow readers and the end ----------------------------------------------------------------------------------------


async def stalled_client(url: str, kind: str, key: str) -> socket.socket:
    """A raw client with a tiny receive buffer that joins (kind: viewer, mood or sse) and then never reads."""
    host, port = url.removeprefix("http://").split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    await asyncio.to_thread(raw.connect, (host, int(port)))
    if kind == "sse":
        raw.sendall(
            f"GET /v1/channels/demo/mood HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        )
        return raw
    request = (
        f"GET /v1/channels/demo/{kind} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    first = protocol.encode(protocol.Hello() if kind == "viewer" else protocol.Subscribe(key=key))
    header = bytes([0x81, 0x80 | len(first), 0, 0, 0, 0])  # a masked text frame whose mask is zero
    raw.sendall(request.encode() + header + first)
    return raw


def read_to_the_end(raw: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := raw.recv(65536):
            found += part
    return found


@pytest.mark.slow
@pytest.mark.relay(limits=SOON._replace(slow_reader=0.3, viewer_mood=0.05, mood_heartbeat=0.05))
async def test_slow_readers_are_closed_and_delay_nobody(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    stalled = [await stalled_client(relay.url, kind, keys.display_key) for kind in ("viewer", "mood", "sse")]
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as client,
    ):
        await viewer.label("happy")
        await wait_until(lambda: relay.connections("demo") == (2, 3))
        seen: list[Mood] = []

        async def only_we_are_left(counted: slice) -> bool:
            seen.append(await client.mood())
            return set(relay.connections("demo")[counted]) == {1}

        await wait_until(lambda: only_we_are_left(slice(0, 1)), timeout=60)
        late = asyncio.create_task(asyncio.to_thread(read_to_the_end, stalled[0]))
        await wait_until(lambda: only_we_are_left(slice(0, 2)), timeout=60)
        assert b'"code":4501' in await late
        gaps = [later.seq - earlier.seq for earlier, later in itertools.pairwise(seen)]
        assert set(gaps) == {1}  # the others missed nothing
    for raw in stalled:
        raw.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give a connection's buffer in another measure")
async def test_the_kernel_keeps_little_for_moods_and_its_own_measure_for_downloads(relay: Relay) -> None:
    """A download of 8 MB took four seconds on loopback with as little."""
    keys = relay.create_channel("demo")

    def kept() -> list[int]:
        sockets = [one.transport.get_extra_info("socket") for one in relay._doorway.server.connections if one.transport]
        return sorted(one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) for one in sockets)

    async with aiohttp.ClientSession(relay.url) as http, http.get("/healthz") as response:
        await response.read()
        (usual,) = await wait_until(kept)
    assert usual > 4 * SEND_BUFFER
    for kind in ("viewer", "mood", "sse"):
        await wait_until(lambda: not kept())
        with await stalled_client(relay.url, kind, keys.display_key):
            await wait_until(lambda: kept() == [2 * SEND_BUFFER])  # Linux doubles what it is given


async def test_stop_says_bye_to_everyone(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewer = await Viewer.connect(relay.url)
    client = await subscribe(relay.url, "demo", keys.display_key)
    await client.mood()
    events = server_sent_events(relay.url, "demo", keys.display_key)
    await anext(events)
    stopping = asyncio.create_task(relay.stop())
    for connection in (viewer, client):
        bye, code = await closed_with(connection)
        assert bye.code == code == protocol.SHUTTING_DOWN.number
        assert bye.retry_after_s > 0
    assert [event.name async for event in events][-1] == "bye"
    await stopping
    await leave([viewer])
    await client.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await Client.open(relay.url, "/v1/channels/demo/viewer")


@pytest.mark.slow
@pytest.mark.relay(limits=SOON._replace(viewer_mood=0.5, mood_heartbeat=0.5))
async def test_viewers_get_fewer_moods_than_subscribers(relay: Relay) -> None:
    """At 20 ticks a second, each viewer hears every tenth mood, and not all of them at the same tick."""
    keys = relay.create_channel("demo")
    viewers = [await Viewer.connect(relay.url) for _ in range(2)]
    turns = []
    for viewer in viewers:
        await viewer.mood()  # which each gets as it comes
        numbers = [(await viewer.mood()).seq for _ in range(3)]
        assert [later - earlier for earlier, later in itertools.pairwise(numbers)] == [10, 10]
        turns.append(numbers[0] % 10)
    assert turns[0] != turns[1]
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        first, second = await client.mood(), await client.mood()
        assert second.seq == first.seq + 1
    await leave(viewers)
