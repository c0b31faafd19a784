"""A WebSocket of the relay: its limits, and how it says goodbye."""

import asyncio
import contextlib
import time

from aiohttp import WSCloseCode, WSMsgType, web

from relay import protocol
from relay.counts import Counts
from relay.limits import Limits, Meter, Pace
from relay.protocol import Bye, Code

CLOSE_S = 2.0
"""A client has this long to answer a close frame."""


class Socket(web.WebSocketResponse):
    """A WebSocket that says ``bye`` with a code of the contract before it closes."""

    # More names in aiohttp's dictionary of attributes would cost more than the meter.
    __slots__ = ("counts", "meter")

    def __init__(self, limits: Limits, counts: Counts) -> None:
        # No compression: it costs ten times the memory a connection, and opens the door for compression bombs.
        # writer_limit 0 makes a send wait until the one before has left, so that nothing stale queues up.
        super().__init__(
            compress=False,
            max_msg_size=protocol.MAX_FRAME_BYTES + 1,  # aiohttp refuses from this size on
            heartbeat=limits.heartbeat,
            timeout=CLOSE_S,
            writer_limit=0,
        )
        self.meter = Meter(time.monotonic())
        self.counts = counts

    async def send(self, message: bytes) -> None:
        """Send a text frame; a connection that is gone is no error, since its handler is about to learn it."""
        with contextlib.suppress(ConnectionError):
            await self.send_frame(message, WSMsgType.TEXT)

    async def pong(self, message: bytes = b"") -> None:
        """Answer a ping. Pings never reach the handler, so those that come too fast end here."""
        if self.meter.spend(time.monotonic()) is Pace.CLOSE:
            await self.refuse(protocol.TOO_FAST, "Pings come far too fast.")
        else:
            await super().pong(message)

    async def refuse(self, code: Code, message: str, retry_after: float = 0.0) -> None:
        """Say why and close with the code. For the task that receives: it waits for the client's answer."""
        self.counts.closes[code.number] += 1
        await self.send(encode_bye(code, message, retry_after))
        await self.close(code=code.number)

    async def bye(self, code: int, message: bytes) -> None:
        """Say why and ask the client to close. For other tasks: the answer ends the receiving one.

        ``close`` of aiohttp won't do here: called beside ``receive`` it cuts the line before the client can answer,
        whose own aiohttp then reports 1006 and not the code.
        """
        self.counts.closes[code] += 1
        with contextlib.suppress(ConnectionError):
            await self.send_frame(message, WSMsgType.TEXT)
            await self.send_frame(code.to_bytes(2, "big"), WSMsgType.CLOSE)

    async def close(self, *, code: int = 1000, message: bytes = b"", drain: bool = True) -> bool:
        """As in aiohttp, but what it closes with its own codes gets the contract's."""
        if code == WSCloseCode.MESSAGE_TOO_BIG:
            text = f"A frame holds {protocol.MAX_FRAME_BYTES} bytes at most: send smaller ones."
            await self.send(encode_bye(protocol.TOO_LARGE, text))
            code = self._refused_frame(protocol.TOO_LARGE)
        elif code in (WSCloseCode.INVALID_TEXT, WSCloseCode.PROTOCOL_ERROR):
            text = "What came is no WebSocket frame with JSON in UTF-8: see the protocol's documentation."
            await self.send(encode_bye(protocol.BAD_MESSAGE, text))
            code = self._refused_frame(protocol.BAD_MESSAGE)
        return await super().close(code=code, message=message, drain=drain)

    def _refused_frame(self, code: Code) -> int:
        self.counts.refuse_frame(code)
        self.counts.closes[code.number] += 1
        return code.number


def encode_bye(code: Code, message: str, retry_after: float = 0.0) -> bytes:
    """A ``bye`` message as JSON."""
    return protocol.encode(Bye(code=code.number, message=message, retry_after_s=retry_after))


async def drop_slow(socket: Socket, transport: asyncio.Transport) -> None:
    """Close a client that does not read: the code goes out if it starts reading at last, the connection ends anyway."""
    text = "Events come faster than this client reads them: come back when the connection or the machine is less busy."
    await drop(socket, transport, protocol.SLOW_READER, text, retry_after=5.0)


async def drop(
    socket: Socket, transport: asyncio.Transport, code: Code, message: str, retry_after: float = 0.0
) -> None:
    """Say why and ask the client to close; after ``CLOSE_S`` it is cut off."""
    farewell = asyncio.create_task(socket.bye(code.number, encode_bye(code, message, retry_after)))
    await asyncio.sleep(CLOSE_S)
    transport.abort()
    await farewell


def encode_frame(text: bytes) -> bytes:
    """A text frame of a server, whole and uncompressed (RFC 6455, section 5.2); at most 65,535 bytes of text."""
    if len(text) < 126:
        return bytes((0x81, len(text))) + text
    return bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text


def offer(socket: Socket, transport: asyncio.Transport, frame: bytes) -> bool:
    """Send an encoded frame at once, if the connection has taken all that was sent before; returns whether it did.

    The same frame goes to thousands, so it is encoded once, and passes by aiohttp's writer, which without compression
    keeps nothing back. That writer remains in charge of everything else.
    """
    if socket.closed or transport.is_closing() or transport.get_write_buffer_size():
        return False
    transport.write(frame)
    return True
