"""How the relay ends a WebSocket, frame by frame: a bye, one close frame with the same code, and nothing more."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from relay import protocol
from relay.app import Relay
from relay.http import sockets
from relay.live.websocket import Socket, encode_frame
from relay.store.channels import ChannelKeys
from tests.raw import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    RawClient,
    address,
    masked,
    unmasked,
    upgrade_request,
)
from tests.support import SOON, Viewer, request, wait_until

BRIEF = SOON._replace(close=0.1)
"""For those who will not answer a close frame."""
LABEL = masked(protocol.encode(protocol.Label(emotion="happy")))


def ended_with(frames: list[Frame], code: protocol.Code) -> None:
    """One close frame, the last of all, right after the bye; both with the code."""
    assert [frame.opcode for frame in frames].count(CLOSE) == 1, frames
    bye, close = frames[-2:]
    assert close.code == code.number
    message = protocol.from_relay.decode(bye.payload)
    assert isinstance(message, protocol.Bye)
    assert message.code == code.number


async def joined(relay: Relay, kind: str, key: str) -> RawClient:
    """A viewer, or else a subscriber."""
    return await (RawClient.viewer(relay.url) if kind == "viewer" else RawClient.subscriber(relay.url, key))


End = Callable[[Relay, ChannelKeys], Awaitable[object]]


async def stop(relay: Relay, keys: ChannelKeys) -> None:
    await relay.stop()


async def revoke(relay: Relay, keys: ChannelKeys) -> None:
    assert (await request(relay.url, "POST", "demo/keys", keys.admin_key, {"rotate": "display"}))[0] == 200


async def delete(relay: Relay, keys: ChannelKeys) -> None:
    assert (await request(relay.url, "DELETE", "demo", keys.admin_key))[0] == 204


@pytest.mark.parametrize("answers", [True, pytest.param(False, marks=pytest.mark.relay(limits=BRIEF))])
@pytest.mark.parametrize(
    ("kind", "end", "code"),
    [
        ("viewer", stop, protocol.SHUTTING_DOWN),
        ("mood", stop, protocol.SHUTTING_DOWN),
        ("viewer", delete, protocol.UNKNOWN_CHANNEL),
        ("mood", delete, protocol.UNKNOWN_CHANNEL),
        ("mood", revoke, protocol.WRONG_KEY),
    ],
)
async def test_a_goodbye_is_one_close_frame(
    relay: Relay, kind: str, end: End, code: protocol.Code, answers: bool
) -> None:
    """Also to a client that never answers, nor hangs up."""
    keys = relay.create_channel("demo")
    async with await joined(relay, kind, keys.display_key) as client:
        ending = asyncio.create_task(end(relay, keys))  # type: ignore[arg-type]
        frames = await client.until_close(answer=answers)
        await ending
        ended_with(frames, code)


@pytest.mark.relay(limits=BRIEF)
async def test_what_comes_after_the_goodbye_is_answered_no_more(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as viewer:
        await delete(relay, keys)
        while (await viewer.frame()).opcode != CLOSE:
            pass
        await viewer.send(LABEL + masked(b"nonsense") + masked(b"", PING) + masked(b"x", BINARY))
        assert await viewer.until_close() == []


async def test_a_replaced_connection_gets_one_close_frame(relay: Relay) -> None:
    relay.create_channel("demo")
    _, answer = await request(relay.url, "POST", "demo/tickets", "", {})
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer") as older:
        await older.say(protocol.Hello(ticket=answer["ticket"]))
        await older.frame()
        async with await Viewer.connect(relay.url, ticket=answer["ticket"]):
            ended_with(await older.until_close(), protocol.REPLACED)


@pytest.mark.relay(limits=SOON._replace(hello=0.2))
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", protocol.NO_HELLO),
        (masked(b"nonsense"), protocol.BAD_MESSAGE),
        (masked(b"{}", BINARY), protocol.BAD_MESSAGE),
        (masked(b"\xff"), protocol.BAD_MESSAGE),
        (masked(protocol.encode(protocol.Hello(ticket="forged"))), protocol.BAD_TICKET),
        (masked(b"x" * 5000), protocol.TOO_LARGE),
        (masked(b'{"type":"hello"}') + LABEL * 300, protocol.TOO_FAST),
        (masked(b'{"type":"hello"}') + masked(b"", PING) * 300, protocol.TOO_FAST),
        (masked(b'{"type":"hello"}') + masked(b"a", opcode=3), protocol.BAD_MESSAGE),
        (unmasked(b'{"type":"hello"}'), protocol.BAD_MESSAGE),
        (masked(b'{"type":"hello"}') + LABEL + unmasked(LABEL[6:]), protocol.BAD_MESSAGE),
        (masked(b'{"type":"hello"}') + unmasked(b"", PING), protocol.BAD_MESSAGE),
        (masked(b'{"type":"hello"}') + unmasked(b"\x03\xe8", CLOSE), protocol.BAD_MESSAGE),
    ],
)
async def test_a_refusal_is_one_close_frame(relay: Relay, said: bytes, code: protocol.Code) -> None:
    relay.create_channel("demo")
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer") as client:
        await client.send(said)
        ended_with(await client.until_close(), code)


async def test_who_came_with_a_body_is_refused_as_any_other(relay: Relay) -> None:
    """Of a request that becomes a WebSocket, the HTTP is over, whatever it announced."""
    relay.create_channel("demo")
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer", "Content-Length: 5") as client:
        await client.say(protocol.Hello())
        await client.frame()
        await client.send(masked(b"", PING) * 20_000)  # more than aiohttp lets wait
        ended_with(await client.until_close(), protocol.TOO_FAST)


async def test_nothing_is_written_to_who_was_lost_in_the_handshake(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the number of its file may be that of another connection."""
    prepare, takes = web.WebSocketResponse.prepare, []

    async def cut_off(self: Socket, request: web.BaseRequest) -> AbstractStreamWriter:
        writer = await prepare(self, request)
        assert request.transport is not None
        request.transport.abort()
        await wait_until(lambda: request.transport is None)
        return writer

    class Spy(Socket):
        async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
            writer = await super().prepare(request)
            takes.append(self.takes)
            return writer

    monkeypatch.setattr(web.WebSocketResponse, "prepare", cut_off)
    monkeypatch.setattr(sockets, "Socket", Spy)
    keys = relay.create_channel("demo")
    async with await RawClient.connect(relay.url) as client:
        subscribe = masked(protocol.encode(protocol.Subscribe(key=keys.display_key)))
        await client.send(upgrade_request("/v1/channels/demo/mood") + subscribe)
        await client.read_to_end()
        await wait_until(lambda: takes)
    assert takes == [False]


@pytest.mark.relay(tick_ms=3_600_000)
@pytest.mark.parametrize("seed", range(4))
async def test_frames_stay_whole_and_in_their_order_however_little_is_read(relay: Relay, seed: int) -> None:
    """Whichever way they are sent, and whatever the kernel takes of them."""
    chance = random.Random(seed)
    relay.create_channel("demo")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(address(relay.url))
    raw.setblocking(False)
    async with RawClient(*await asyncio.open_connection(sock=raw, limit=1024)) as client:
        await client.send(upgrade_request("/v1/channels/demo/viewer"))
        await client.reader.readuntil(b"\r\n\r\n")
        await client.say(protocol.Hello())
        frames = [await client.frame(), await client.frame()]  # welcome, mood
        (viewer,) = relay._hub.members.channels["demo"].viewers
        sent, refused, tasks = [], 0, []
        for number in range(400):
            text = b"%d" % number * chance.choice([1, 30, 300, 3000])
            way = chance.choice(["offer", "offer", "send", "read", "read", "ping"])
            if way == "offer":
                took = viewer.socket.offer(encode_frame(text))
                sent += [text] if took else []
                refused += not took
            elif way == "send":
                sent.append(text)
                tasks.append(asyncio.create_task(viewer.socket.send(text)))
                await asyncio.sleep(0)
            elif way == "ping":
                viewer.socket.check(viewer.socket.heard + 40.0, 30.0)
            elif len(frames) - 2 < len(sent):
                frames.append(await client.frame())
        while [frame.opcode for frame in frames].count(TEXT) - 2 < len(sent):
            frames.append(await client.frame())
        await asyncio.gather(*tasks)
    assert {frame.opcode for frame in frames} == {TEXT, PING}
    assert [frame.payload for frame in frames if frame.opcode == TEXT][2:] == sent
    assert refused


async def test_frames_in_pieces_are_taken_until_one_has_no_mask(relay: Relay) -> None:
    """Byte by byte, with a frame so long that its length takes two bytes more."""
    relay.create_channel("demo")
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer") as client:
        client.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        for byte in masked(b'{"type":"hello"}') + masked(LABEL[6:] + b" " * 200) + masked(b"", PING):
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert b'"welcome"' in (await client.frame()).payload
        while (await client.frame()).opcode != PONG:
            pass
        assert relay.connections("demo") == (1, 0)
        for byte in unmasked(b"", PING):
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        ended_with(await client.until_close(), protocol.BAD_MESSAGE)


async def test_a_client_who_closes_gets_one_close_frame(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as client:
        await client.send(masked((1000).to_bytes(2, "big"), CLOSE))
        frames = await client.until_close(answer=False)
        assert [frame.opcode for frame in frames if frame.opcode != TEXT] == [CLOSE]
        assert frames[-1].opcode == CLOSE


@pytest.mark.relay(limits=SOON._replace(heartbeat=0.4))
@pytest.mark.parametrize("kind", ["viewer", "subscriber"])
async def test_who_does_not_answer_pings_is_cut_off(relay: Relay, kind: str) -> None:
    """As a laptop that was shut, whose connection nobody ended."""
    key = relay.create_channel("demo").display_key
    async with await joined(relay, kind, key) as silent:
        frames = await silent.until_close()
    assert PING in {frame.opcode for frame in frames}
    assert CLOSE not in {frame.opcode for frame in frames}
    await wait_until(lambda: relay.connections("demo") == (0, 0))


@pytest.mark.relay(limits=SOON._replace(heartbeat=0.4))
async def test_who_answers_pings_stays(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key

    async def answer(client: RawClient) -> None:
        for _ in range(3):
            while (await client.frame()).opcode != PING:
                pass
            await client.send(masked(b"", PONG))

    async with await RawClient.viewer(relay.url) as viewer, await RawClient.subscriber(relay.url, key) as subscriber:
        await asyncio.gather(answer(viewer), answer(subscriber))
        assert relay.connections("demo") == (1, 1)


@pytest.mark.relay(limits=BRIEF)
@pytest.mark.parametrize("kind", ["viewer", "subscriber"])
async def test_a_clients_ping_is_answered_with_what_it_holds(relay: Relay, kind: str) -> None:
    key = relay.create_channel("demo").display_key
    async with await joined(relay, kind, key) as client:
        await client.send(masked(b"anyone?", PING))
        while (frame := await client.frame()).opcode != PONG:
            pass
        assert frame.payload == b"anyone?"


@pytest.mark.relay(limits=BRIEF)
async def test_a_ping_before_the_hello_is_no_hello(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer") as client:
        await client.send(masked(b"", PING))
        assert (await client.frame()).opcode == PONG
        await client.say(protocol.Hello())
        assert b'"welcome"' in (await client.frame()).payload


async def test_a_file_that_was_given_to_another_connection_gets_nothing_of_the_old_ones(relay: Relay) -> None:
    """Moods are written by the number of a connection's file, which the system gives anew once it is closed."""
    key = relay.create_channel("demo").display_key
    async with await RawClient.subscriber(relay.url, key) as gone:
        await wait_until(lambda: relay.connections("demo") == (0, 1))
        (subscriber,) = relay._hub.members.channels["demo"].subscribers
        assert subscriber.socket is not None
        await gone.frame()
    await wait_until(lambda: relay.connections("demo") == (0, 0))
    before = subscriber.socket._file
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer") as newcomer:
        sockets = [one.socket for one in relay._doorway.server.connections if getattr(one, "socket", None)]
        assert [one._file for one in sockets] == [before]
        assert not subscriber.socket.takes
        assert not subscriber.socket.offer(b"not yours")
        await newcomer.say(protocol.Hello())
        assert b'"welcome"' in (await newcomer.frame()).payload
