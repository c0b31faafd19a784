"""A proxy in front of the relay that keeps every byte of a browser or an agent, and tells the relay whose it is."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.packets import Frame, Request, said

_PROXYS = re.compile(rb"\r\n(?:proxy-[^:]*|connection|x-forwarded-for):[^\r]*", re.IGNORECASE)
"""Headers that are for the proxy, or about its own connections."""


@dataclass
class Sent:
    """What was sent on one connection, in the order of time: a request, and the frames of a WebSocket after it."""

    host: str
    """Name and port of who it was for."""
    up: bytearray = field(default_factory=bytearray)
    down: int = 0
    """Bytes of the answer."""

    def said(self) -> list[Request | Frame]:
        """Request and frames; ValueError where anything else was said."""
        return list(said(bytes(self.up)))

    @property
    def path(self) -> str:
        """What was asked for; the body may still be on its way."""
        return self.up.split(b" ", 2)[1].decode()


class RecordingProxy:
    """Takes requests as a browser sends them to its proxy, and as anybody sends them to a relay.

    Only the relay is reached. What is for another host is kept as all the rest, and comes to nothing.
    """

    def __init__(self, relay: str, house: str = "") -> None:
        """``relay``: its address; ``house``: the client's address, as told to the relay."""
        self._relay = urlsplit(relay).netloc
        self._house = house
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.sent: list[Sent] = []
        self.url = ""

    def cut(self) -> None:
        """All connections break, and no other comes about, until it is mended."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    def to_relay(self) -> list[Sent]:
        return [one for one in self.sent if one.host == self._relay]

    def elsewhere(self) -> list[str]:
        """The hosts of others."""
        return [one.host for one in self.sent if one.host != self._relay]

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator["RecordingProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._answer(reader, writer)
        finally:
            self._open.discard(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if self._is_cut:
                return
            host = self._relay
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"CONNECT "):
                host = head.split()[1].decode()
                if host != self._relay:  # it would be encrypted: that somebody is asked for is all there is to see
                    self.sent.append(Sent(host))
                    return
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, rest = head.split(b" ", 2)
            if not target.startswith(b"/"):
                host = urlsplit(target.decode()).netloc
                target = b"/" + target.split(b"/", 3)[3]
            head = _PROXYS.sub(b"", b" ".join((method, target, rest)))
            self.sent.append(sent := Sent(host, bytearray(head)))
            if host == self._relay:
                await self._pass_on(head, sent, reader, writer)

    async def _pass_on(
        self, head: bytes, sent: Sent, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One request and its answer, or a WebSocket, until either side ends it."""
        name, _, port = self._relay.partition(":")
        answer, there = await asyncio.open_connection(name, int(port))
        kept = b"Upgrade" if b"websocket" in head.lower() else b"close"
        house = f"\r\nX-Forwarded-For: {self._house}" if self._house else ""
        there.write(head[:-4] + f"\r\nConnection: {kept.decode()}{house}\r\n\r\n".encode())

        async def up() -> None:
            while part := await reader.read(65536):
                sent.up += part
                there.write(part)
                await there.drain()

        async def down() -> None:
            while part := await answer.read(65536):
                sent.down += len(part)
                writer.write(part)
                await writer.drain()

        with contextlib.closing(there):
            ways = [asyncio.ensure_future(up()), asyncio.ensure_future(down())]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
