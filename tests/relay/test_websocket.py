"""How the relay ends a WebSocket, frame by frame: a bye, one close frame with the same code, and nothing more."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from relay import protocol
from relay.app import Relay
from relay.store.channels import ChannelKeys
from tests.raw import BINARY, CLOSE, PING, PONG, TEXT, Frame, RawClient, masked, unmasked
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
