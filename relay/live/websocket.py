"""A WebSocket of the relay: its limits, and how it says goodbye."""

import asyncio
import contextlib
import os
import socket
import sys
import time

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from relay import protocol
from relay.core.limits import Meter, Pace
from relay.live.counters import Counters
from relay.protocol import Bye, Code

SEND_BUFFER = 16 * 1024
"""Bytes that the kernel keeps for who gets moods: few, so that a stalled reader finds news and not old moods.

A download keeps the kernel's own measure: with so few bytes under way it would wait for the client all the time."""
PING = b"\x89\x00"
"""A ping's frame (RFC 6455, section 5.5.2)."""


class Socket(web.WebSocketResponse):
    """A WebSocket that says ``bye`` with a code of the contract before it closes."""

    # Names in aiohttp's dictionary of attributes would cost more than what they name.
    __slots__ = ("_file", "close_s", "counts", "heard", "meter", "parting", "received", "takes", "transport")

    transport: asyncio.Transport

    def __init__(self, counts: Counters, close_s: float) -> None:
        """``close_s``: seconds for which a client may take its time to answer a close frame."""
        # No compression: it costs ten times the memory a connection, and opens the door for compression bombs.
        # writer_limit 0 makes a send wait until the one before has left, so that nothing stale queues up.
        super().__init__(
            compress=False,
            max_msg_size=protocol.MAX_FRAME_BYTES + 1,  # aiohttp refuses from this size on
            timeout=close_s,
            writer_limit=0,
            # aiohttp's heartbeat plans a timer anew for each packet that comes. The hub does without: ``check``.
            heartbeat=None,
            autoping=False,
        )
        now = time.monotonic()
        self.meter = Meter(now)
        self.counts, self.close_s = counts, close_s
        self.heard = now
        """When a frame came the last time; whoever receives keeps this."""
        self.received = 0
        """Messages that came out of ``receive``; whoever receives keeps this as well."""
        self.takes = False
        """Whether an event may be sent at once: the connection is open, and has taken all that was sent before."""
        self.parting = False
        """Whether a bye is out, after which nothing may come but its close frame."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Answer the handshake.

        Raises:
            web.HTTPBadRequest: it is none.
        """
        self.transport = transport_of(request)
        keep_few(self.transport)
        connection = None if sys.platform == "win32" else self.transport.get_extra_info("socket")
        self._file = -1 if connection is None else connection.fileno()
        self.transport.set_write_buffer_limits(high=0)  # a send is over when the kernel has it all; and see ``ready``
        try:
            writer = await super().prepare(request)
        except ValueError:  # aiohttp stumbles over headers that are not ASCII
            raise web.HTTPBadRequest(text="Expected a WebSocket's handshake in ASCII.") from None
        self.ready(True)
        self.headers.clear()  # they have gone out, and would be kept for as long as the client is here
        return writer

    def ready(self, writable: bool) -> None:
        """Whether all that was sent before has left, as the transport tells."""
        # The handshake may end when the connection has: then the number of its file may be another's already.
        self.takes = writable and not (self.parting or self.closed or self.transport.is_closing())

    async def send(self, message: bytes) -> None:
        """Send a text frame; a connection that is gone is no error, since its handler is about to learn it."""
        if self.parting:
            return
        with contextlib.suppress(ConnectionError):
            await self.send_frame(message, WSMsgType.TEXT)

    def offer(self, frame: bytes) -> bool:
        """Send an encoded frame at once, if the connection ``takes`` it; returns whether it did."""
        if self.takes:
            self.put(frame)
            return True
        return False

    def put(self, frame: bytes) -> None:
        """Send an encoded frame on a connection that ``takes`` it.

        The same frame goes to thousands, so it is encoded once, and passes by aiohttp's writer, which without
        compression keeps nothing back, and by asyncio's transport, which has nothing waiting (what that saves is told
        by ``benchmarks.telling``). Both remain in charge of everything else, as of what does not fit and of a
        connection that broke.
        """
        try:
            sent = os.write(self._file, frame)
        except OSError:
            sent = 0
        if sent < len(frame):
            self.transport.write(frame[sent:])

    async def control(self, frame: WSMessage) -> bool:
        """Answer a ping; whether the frame was a ping or pong at all. Those that come too fast end here."""
        if frame.type not in (WSMsgType.PING, WSMsgType.PONG):
            return False
        if self.meter.spend(time.monotonic()) is Pace.CLOSE:
            await self.refuse(protocol.TOO_FAST, "Pings or pongs come far too fast.")
        elif frame.type is WSMsgType.PING and not self.parting:
            with contextlib.suppress(ConnectionError):
                await self.pong(frame.data)
        return True

    def check(self, now: float, heartbeat: float) -> None:
        """Ping a client that was silent for longer than ``heartbeat`` seconds; cut it off after half as long again."""
        silent = now - self.heard
        if silent > 1.5 * heartbeat:
            self.transport.abort()
        elif silent > heartbeat:
            self.offer(PING)

    async def refuse(self, code: Code, message: str, retry_after: float = 0.0) -> None:
        """Say why and close with the code. For the task that receives: it waits for the client's answer."""
        if not self.parting:
            self.counts.closes[code.number] += 1
        await self.send(encode_bye(code, message, retry_after))
        await self.close(code=code.number)

    async def bye(self, code: int, message: bytes) -> None:
        """Say why and ask the client to close; after ``close_s`` it is cut off. For any task.

        ``close`` of aiohttp won't do here: called beside ``receive`` it cuts the line before the client can answer,
        whose own aiohttp then reports 1006 and not the code.
        """
        if self.parting or self.closed:
            return
        self.parting, self.takes = True, False
        self.counts.closes[code] += 1
        asyncio.get_running_loop().call_later(self.close_s, self.transport.abort)
        with contextlib.suppress(ConnectionError):
            await self.send_frame(message, WSMsgType.TEXT)  # waits where the client does not read
            await self.send_frame(code.to_bytes(2, "big"), WSMsgType.CLOSE)

    async def close(self, *, code: int = 1000, message: bytes = b"", drain: bool = True) -> bool:
        """As in aiohttp, but what it closes with its own codes gets the contract's.

        aiohttp also comes by here when the client answers a ``bye``, and would send a second close frame.
        """
        self.takes = False
        if self.parting:
            self.transport.close()
            return True
        if code == WSCloseCode.MESSAGE_TOO_BIG:
            text = f"A frame holds {protocol.MAX_FRAME_BYTES} bytes at most: send smaller ones."
            await self.send(encode_bye(protocol.TOO_LARGE, text))
            code = self._refused_frame(protocol.TOO_LARGE)
        elif code in (WSCloseCode.INVALID_TEXT, WSCloseCode.PROTOCOL_ERROR):
            text = "What came is no masked WebSocket frame with JSON in UTF-8: see the protocol's documentation."
            await self.send(encode_bye(protocol.BAD_MESSAGE, text))
            code = self._refused_frame(protocol.BAD_MESSAGE)
        try:
            return await super().close(code=code, message=message, drain=drain)
        finally:
            if failure := self.exception():
                # It hangs on to all that it went through, this socket too: in a circle, which only the garbage
                # collector would find, after thousands of connections that broke.
                failure.__traceback__ = failure.__cause__ = failure.__context__ = None

    def _refused_frame(self, code: Code) -> int:
        self.counts.refuse_frame(code)
        self.counts.closes[code.number] += 1
        return code.number


def encode_bye(code: Code, message: str, retry_after: float = 0.0) -> bytes:
    """A ``bye`` message as JSON."""
    return protocol.encode(Bye(code=code.number, message=message, retry_after_s=retry_after))


async def drop_slow(socket: Socket) -> None:
    """Close a client that does not read: the code goes out if it starts reading at last, the connection ends anyway."""
    text = "Events come faster than this client reads them: come back when the connection or the machine is less busy."
    await socket.bye(protocol.SLOW_READER.number, encode_bye(protocol.SLOW_READER, text, retry_after=5.0))


def encode_frame(text: bytes) -> bytes:
    """A text frame of a server, whole and uncompressed (RFC 6455, section 5.2); at most 65,535 bytes of text."""
    if len(text) < 126:
        return bytes((0x81, len(text))) + text
    return bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text


def transport_of(request: web.BaseRequest) -> asyncio.Transport:
    """The request's connection.

    Raises:
        ConnectionResetError: the client left while its request was read.
    """
    if request.transport is None:
        raise ConnectionResetError
    assert isinstance(request.transport, asyncio.Transport)
    return request.transport


def keep_few(transport: asyncio.Transport) -> None:
    """Have the kernel keep no more than ``SEND_BUFFER`` for this connection, from now on."""
    connection = transport.get_extra_info("socket")
    if connection is not None:  # None where it broke meanwhile
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
