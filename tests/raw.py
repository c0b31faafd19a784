"""A client of the relay that says exactly what a test tells it to: bytes on a connection, and raw WebSocket frames."""

import asyncio
import contextlib
import struct
from typing import NamedTuple

from relay import protocol
from relay.protocol import Message
from tests.support import HANG_S

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0


class Frame(NamedTuple):
    """A frame of the relay."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int.from_bytes(self.payload[:2], "big")


def masked(payload: bytes, opcode: int = TEXT, fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame (RFC 6455, section 5.2) of at most 65,535 bytes, masked with zeroes. ``rsv``: 4 is RSV1."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if len(payload) < 126:
        return struct.pack("!BB4x", first, 0x80 | len(payload)) + payload
    return struct.pack("!BBH4x", first, 0x80 | 126, len(payload)) + payload


def unmasked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame of at most 125 bytes as only a server may send it."""
    return struct.pack("!BB", 0x80 | opcode, len(payload)) + payload


def address(url: str) -> tuple[str, int]:
    """Host and port of a relay's ``http://HOST:PORT``."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host.strip("[]"), int(port)


class RawClient:
    """One TCP connection. It answers nothing by itself, neither pings nor a close frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, url: str, source: str | None = None) -> "RawClient":
        """Connect and say nothing. ``source``: the address to come from."""
        return cls(*await asyncio.open_connection(*address(url), local_addr=(source, 0) if source else None))

    @classmethod
    async def upgrade(cls, url: str, path: str, *headers: str) -> "RawClient":
        """Open a WebSocket; returns after the relay's 101."""
        client = await cls.connect(url)
        client.writer.write(upgrade_request(path, *headers))
        head = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), HANG_S)
        assert head.startswith(b"HTTP/1.1 101"), head
        return client

    @classmethod
    async def viewer(cls, url: str, channel: str = "demo") -> "RawClient":
        """A viewer who said hello and was welcomed."""
        client = await cls.upgrade(url, f"/v1/channels/{channel}/viewer")
        await client.say(protocol.Hello())
        assert b'"welcome"' in (await client.frame()).payload
        return client

    @classmethod
    async def subscriber(cls, url: str, key: str, channel: str = "demo") -> "RawClient":
        """A subscriber who got its first event."""
        client = await cls.upgrade(url, f"/v1/channels/{channel}/mood")
        await client.say(protocol.Subscribe(key=key))
        assert b'"status"' in (await client.frame()).payload
        return client

    async def send(self, data: bytes) -> None:
        """Bytes as they are; a connection that is gone is no error."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def say(self, message: Message) -> None:
        await self.send(masked(protocol.encode(message)))

    async def frame(self, timeout: float = HANG_S) -> Frame:
        """The relay's next frame.

        Raises:
            asyncio.IncompleteReadError: the connection ended.
        """

        async def read() -> Frame:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            return Frame(first & 15, await self.reader.readexactly(length))

        return await asyncio.wait_for(read(), timeout)

    async def until_close(self, answer: bool = True) -> list[Frame]:
        """All frames from here to the end of the connection. ``answer``: reply to the first close frame."""
        found: list[Frame] = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                found.append(await self.frame())
                if found[-1].opcode == CLOSE and answer:
                    answer = False
                    await self.send(masked(found[-1].payload, CLOSE))
        return found

    async def read_to_end(self, timeout: float = HANG_S) -> bytes:
        """Whatever comes until the connection ends; TimeoutError where it stays open."""
        found = b""
        with contextlib.suppress(ConnectionError):
            while part := await asyncio.wait_for(self.reader.read(65536), timeout):
                found += part
        return found

    async def close(self) -> None:
        """Cut the line."""
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> "RawClient":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def upgrade_request(path: str, *headers: str) -> bytes:
    """The request that opens a WebSocket, with more headers as in ``Origin: https://a.example``."""
    lines = [
        f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *headers,
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
