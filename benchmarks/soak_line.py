"""A simulated client's connection, cheap enough for thousands of them: raw bytes, read as slowly as it is told to."""

import asyncio
import base64
import contextlib
import os
import socket
import struct
from collections.abc import Callable

from benchmarks.load import TEXT, masked
from relay.common.deadline import within

CLOSE, PONG = 0x88, 0x8A
_CLOSE_FRAME, _PING_FRAME, _TEXT_FRAME = 0x8, 0x9, 0x1
WHOLE = 4096
"""Bytes that who reads as fast as it can takes at once."""
_CLOSING_S = 2.0
"""How long a client waits for the answer to its close frame."""


class RawLine(asyncio.BufferedProtocol):
    """A WebSocket, or a stream of events, of one client. Answers pings and close frames, as far as it reads them."""

    def __init__(self, request: bytes, hear: Callable[[bytes], None] | None, most: int, pause_s: float) -> None:
        """``request``: sent at once. ``hear``: is given each text frame; None for what is no WebSocket.

        ``most``: bytes that are read at once. ``pause_s``: seconds from one read to the next; with infinity nothing
        is read after the answer's head.
        """
        self._request, self._hear, self._pause_s = request, hear, pause_s
        self._buffer = bytearray(most)
        self._unread = bytearray()
        self._is_open = False
        self._is_asleep = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done with the answer's head; fails where that does not let the client in."""
        self.lost = asyncio.Event()
        """Set when the connection is over."""

    @property
    def is_lost(self) -> bool:
        """Whether the connection is over."""
        return self.lost.is_set()

    # --- what asyncio calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        if self._hear is not None or not self._is_open:
            self._unread += self._buffer[:count]
            if self._is_open or self._take_head():
                self._take_frames()
        if self._is_open and self._pause_s:
            self.transport.pause_reading()
            if self._pause_s != float("inf"):
                asyncio.get_running_loop().call_later(self._pause_s, self._read_on)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set()
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed before the answer"))
            self.opened.exception()  # nobody may wait for it any more

    # --- what a client does ------------------------------------------------------------------------------------------

    def say(self, message: bytes) -> None:
        """Send a text frame."""
        if not self.is_lost:
            self.transport.write(masked(TEXT, message))

    def fall_asleep(self) -> None:
        """Read nothing more."""
        self._is_asleep = True
        if not self.is_lost:
            self.transport.pause_reading()

    async def part(self) -> None:
        """Go as a polite client does: with a close frame, whose answer it waits for."""
        if self.is_lost:
            return
        self.transport.write(masked(CLOSE, struct.pack("!H", 1000)))
        await self.wait(_CLOSING_S)
        self.transport.abort()

    async def wait(self, seconds: float) -> None:
        """Until the connection is over, or so long."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, self.lost.wait())

    def reset(self) -> None:
        """Go without a word: the kernel sends RST."""
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # lost already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def vanish(self) -> None:
        """Go as a process that ends: the kernel sends FIN, or RST where something was not read."""
        self.transport.abort()

    # --- what comes --------------------------------------------------------------------------------------------------

    def _read_on(self) -> None:
        if not (self.is_lost or self._is_asleep):
            self.transport.resume_reading()

    def _take_head(self) -> bool:
        head, found, rest = self._unread.partition(b"\r\n\r\n")
        if not found:
            return False
        status = head[9:12]
        if status not in (b"101", b"200"):
            self.transport.abort()
            if not self.opened.done():
                self.opened.set_exception(ConnectionRefusedError(bytes(head[:60]).decode(errors="replace")))
                self.opened.exception()
            return False
        self._unread = rest
        self._is_open = True
        if not self.opened.done():
            self.opened.set_result(None)
        return self._hear is not None

    def _take_frames(self) -> None:
        assert self._hear is not None
        unread = self._unread
        while len(unread) >= 2:
            size, start = unread[1], 2
            if size == 126:
                if len(unread) < 4:
                    return
                size, start = int.from_bytes(unread[2:4], "big"), 4
            if len(unread) < start + size:
                return
            kind, payload = unread[0] & 0xF, bytes(unread[start : start + size])
            del unread[: start + size]
            if kind == _TEXT_FRAME:
                self._hear(payload)
            elif kind == _PING_FRAME:
                self.transport.write(masked(PONG, payload))
            elif kind == _CLOSE_FRAME:
                self.transport.write(masked(CLOSE, payload))
                self.transport.close()
                return


def upgrade(host: str, path: str, *headers: str) -> bytes:
    """The request for a WebSocket."""
    return _get(
        host, path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", *headers,
    )  # fmt: skip


def events(host: str, path: str, key: str, *headers: str) -> bytes:
    """The request for Server-Sent Events."""
    return _get(host, path, f"Authorization: Bearer {key}", "Accept: text/event-stream", *headers)


def _get(host: str, path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode()


async def connect(
    host: str, port: int, request: bytes, hear: Callable[[bytes], None] | None, slow: tuple[int, float] | None = None
) -> RawLine:
    """Open a connection and wait for the answer's head. ``slow``: bytes at once, and seconds between two reads; such a
    client's kernel also keeps as little as it can.

    Raises:
        OSError: there is no connection, or the answer lets nobody in.
    """
    connection = socket.socket()
    try:
        if slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WHOLE)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (host, port))
        most, pause_s = slow or (WHOLE, 0.0)
        _, line = await loop.create_connection(lambda: RawLine(request, hear, most, pause_s), sock=connection)
    except BaseException:
        connection.close()
        raise
    try:
        await line.opened
    except BaseException:
        line.vanish()
        raise
    return line
