"""Clients that stall, vanish, stuff votes or break the framing: the others notice nothing."""

import asyncio
import contextlib
import gc
import tracemalloc

import pytest

from relay import protocol
from relay.app import Relay
from relay.protocol import EXPRESSIONS, Mood, Reaction
from tests.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawClient, masked, upgrade_request
from tests.support import SOON, Client, Viewer, count_of, subscribe, wait_until

VIEWER = "/v1/channels/demo/viewer"
HELLO = masked(b'{"type":"hello"}')


# --- stuffing votes --------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_thousand_labels_of_one_viewer_are_one_vote(relay: Relay) -> None:
    """On as many connections as it takes: each is closed for its speed in the end."""
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as honest,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await honest.label("neutral")
        await audience.mood(lambda mood: mood.visible)

        async def stuff() -> None:
            for _ in range(5):
                async with await RawClient.viewer(relay.url) as viewer:
                    for number in range(200):
                        label = protocol.Label(emotion=EXPRESSIONS[number % 6])
                        await viewer.send(masked(protocol.encode(label)))
                        await viewer.send(masked(b'{"type":"tap","tap":"heart"}'))
                        await asyncio.sleep(0.001)  # so that ticks see many of them
                    await viewer.send(masked((1000).to_bytes(2, "big"), CLOSE))
                    await viewer.until_close()

        stuffing, seen = asyncio.create_task(stuff()), []
        while not stuffing.done():
            seen.append(await audience.receive())
        await stuffing
        moods = [event for event in seen if isinstance(event, Mood)]
        assert moods
        assert max(mood.sharing for mood in moods) <= 2
        assert all(sum(mood.counts) == mood.sharing and count_of(mood, "neutral") == 1 for mood in moods)
        bursts = [event for event in seen if isinstance(event, Reaction) and event.kind == "expression"]
        assert bursts == []


# --- stalling and vanishing ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.relay(tick_ms=2, limits=SOON._replace(slow_reader=60))
async def test_readers_that_stall_cost_no_memory(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    sse = f"GET /v1/channels/demo/mood HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {keys.display_key}\r\n\r\n"
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            clients = [
                await RawClient.viewer(relay.url),
                await RawClient.subscriber(relay.url, keys.display_key),
                await RawClient.connect(relay.url),
            ]
            await clients[2].send(sse.encode())
            for client in clients:
                client.writer.transport.pause_reading()  # type: ignore[attr-defined]
                await stack.enter_async_context(client)
        viewer = await stack.enter_async_context(await Viewer.connect(relay.url))
        audience = await stack.enter_async_context(await subscribe(relay.url, "demo", keys.display_key))
        await viewer.label("happy")

        async def memory_after(ticks: int) -> int:
            start = (await audience.mood(lambda mood: mood.visible)).seq
            await audience.mood(lambda mood: mood.seq > start + ticks, timeout=140)
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = await memory_after(700)  # the kernel's buffers are full
            after = await memory_after(1500)
        finally:
            tracemalloc.stop()
        assert after - before < 512 * 1024  # 24 clients x 1,500 moods are some 9 MiB
        assert relay.connections("demo") == (9, 17)


@pytest.mark.slow
@pytest.mark.relay(limits=SOON._replace(heartbeat=0.4, label_ttl=60))
async def test_a_client_that_vanished_is_dropped_with_its_vote(relay: Relay) -> None:
    """Its machine went to sleep, say: no FIN ever comes, and no answer to a ping."""
    keys = relay.create_channel("demo")
    gone, gone_reader = await RawClient.viewer(relay.url), await RawClient.subscriber(relay.url, keys.display_key)
    async with (
        gone,
        gone_reader,
        await RawClient.viewer(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await gone.say(protocol.Label(emotion="angry"))
        await viewer.say(protocol.Label(emotion="happy"))
        await wait_until(lambda: relay.connections("demo") == (2, 2))
        answered = 0

        async def answer() -> None:
            nonlocal answered
            while True:
                frame = await viewer.frame(timeout=60)
                if frame.opcode == PING:
                    await viewer.send(masked(frame.payload, PONG))
                    answered += 1

        answering = asyncio.create_task(answer())
        mood = await audience.mood(lambda mood: mood.visible and mood.viewers == 1)
        assert (mood.sharing, count_of(mood, "angry"), count_of(mood, "happy")) == (1, 0, 1)
        await wait_until(lambda: relay.connections("demo") == (1, 1))
        later = answered + 3  # those who answer stay; the audience does while it reads
        assert (await audience.mood(lambda mood: answered >= later)).viewers == 1
        assert relay.connections("demo") == (1, 1)
        answering.cancel()


# --- framing ---------------------------------------------------------------------------------------------------------

TINY = masked(b"[", fin=False) + masked(b"[", CONTINUATION, fin=False) * protocol.MAX_FRAME_BYTES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (masked(b"x" * 4097), protocol.TOO_LARGE),
        (TINY, protocol.TOO_LARGE),
        (b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4), protocol.TOO_LARGE),
        (masked(b"\xff\xfe"), protocol.BAD_MESSAGE),
        (masked(b"\xc3", fin=False) + masked(b"\x28", CONTINUATION), protocol.BAD_MESSAGE),
        (masked(b"{}", rsv=4), protocol.BAD_MESSAGE),
        (masked(b"{}", rsv=2), protocol.BAD_MESSAGE),
        (masked(b"{}", CONTINUATION), protocol.BAD_MESSAGE),
        (masked(b"x", fin=False) + masked(b"{}"), protocol.BAD_MESSAGE),
        (masked(b"x", PING, fin=False), protocol.BAD_MESSAGE),
        (masked(b"x" * 126, PING), protocol.BAD_MESSAGE),
        (masked(b"x", opcode=11), protocol.BAD_MESSAGE),
        (masked(b"x", CLOSE), protocol.BAD_MESSAGE),
        (masked(b"", PING) * 500, protocol.TOO_FAST),
        (masked(b"", PONG) * 500, protocol.TOO_FAST),
        (masked(b"{}", BINARY) * 50, protocol.TOO_FAST),
        (masked(b"", TEXT) * 50, protocol.TOO_FAST),
    ],
    ids=[
        "4097 bytes", "one byte at a time", "a tebibyte announced", "no UTF-8", "no UTF-8 in parts", "compressed",
        "reserved bit", "continues nothing", "interrupted", "ping in parts", "long ping", "unknown opcode",
        "half a close code", "pings", "pongs", "binary", "empty",
    ],
)  # fmt: skip
@pytest.mark.parametrize("offer", ["", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
async def test_frames_beyond_the_contract_end_the_connection(
    relay: Relay, said: bytes, code: protocol.Code, offer: str
) -> None:
    """Whether or not the client offers compression, which is never taken."""
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as honest,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        await RawClient.connect(relay.url) as client,
    ):
        await client.send(upgrade_request(VIEWER, *filter(None, [offer])) + HELLO)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"deflate" not in head
        await client.send(said)
        frames = await client.until_close()
        assert [frame.code for frame in frames if frame.opcode == CLOSE] == [code.number]
        await honest.label("happy")
        await audience.mood(lambda mood: (mood.viewers, mood.sharing) == (1, 1))


async def test_a_message_in_parts_within_the_limit_is_a_message(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    label = b'{"type":"label","emotion":"fear","x":"' + b"y" * 3900 + b'"}'
    async with (
        await RawClient.viewer(relay.url) as client,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        for number, byte in enumerate(label):
            opcode = CONTINUATION if number else TEXT
            client.writer.write(masked(bytes([byte]), opcode, fin=number == len(label) - 1))
        await audience.mood(lambda mood: count_of(mood, "fear") == 1)


async def test_an_endless_message_of_nothing_delays_nobody(relay: Relay) -> None:
    """Empty parts make no message, so nothing counts them; they are read between other work."""
    keys = relay.create_channel("demo")
    async with (
        await RawClient.viewer(relay.url) as client,
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await client.send(masked(b"", fin=False))

        async def flood() -> None:
            while True:
                await client.send(masked(b"", CONTINUATION, fin=False) * 2000)
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        for emotion in ("happy", "sad", "fear"):
            await viewer.label(emotion)
            await audience.mood(lambda mood, emotion=emotion: count_of(mood, emotion) == 1)  # type: ignore[misc]
        flooding.cancel()


@pytest.mark.parametrize("path", [VIEWER, "/v1/channels/demo/mood"])
async def test_who_hangs_up_in_the_middle_leaves_nothing_behind(relay: Relay, path: str) -> None:
    keys = relay.create_channel("demo")
    first = protocol.Hello() if path == VIEWER else protocol.Subscribe(key=keys.display_key)
    said = upgrade_request(path) + masked(protocol.encode(first)) + masked(b'{"type":"away"}')
    for length in range(1, len(said), 7):
        async with await RawClient.connect(relay.url) as client:
            await client.send(said[:length])
    await wait_until(lambda: relay.connections("demo") == (0, 0))
    async with await Client.open(relay.url, VIEWER) as viewer:
        await viewer.send(protocol.Hello())
        assert isinstance(await viewer.receive(), protocol.Welcome)
