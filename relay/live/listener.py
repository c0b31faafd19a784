"""What viewers send once they are in, taken in as few steps as there can be: a crowd's labels are most of what comes.

A frame that is whole, small and of one piece, as each label is, is taken where it lies, in the buffer that all
connections share, and counts before the event loop turns to the next one. Everything else goes aiohttp's way: to its
reader of frames, its queue, and the task that receives.
"""

import asyncio
import time

import msgspec

from relay import protocol
from relay.core.channel import Channel
from relay.core.limits import TAP_COST
from relay.live.connections import Viewer
from relay.live.masking import MaskedOnly
from relay.protocol import Away, Label, TapMessage

_TEXT = 0x81
"""First byte of a text frame that is a whole message (RFC 6455, section 5.2)."""
_BYTES = bytearray(64 * 1024)
_BUFFER = memoryview(_BYTES)
"""What came on a connection, until it was looked at: before anything comes on another."""
NOT_A_MESSAGE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding a text frame raises."""
_PRICES = {Label: 1.0, TapMessage: TAP_COST, Away: 1.0}


class FrameListener(asyncio.BufferedProtocol):
    """A viewer's connection, in the place of aiohttp's ``connection``, which it goes on to serve."""

    __slots__ = ("_connection", "_core", "_frames", "_viewer")

    def __init__(self, connection: asyncio.Protocol, frames: MaskedOnly, viewer: Viewer, core: Channel) -> None:
        """``frames``: where those of the connection come in."""
        self._connection, self._frames, self._viewer, self._core = connection, frames, viewer, core

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to put what came."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        place, now = 0, time.monotonic()
        viewer, frames = self._viewer, self._frames
        # What went aiohttp's way was dealt with, so that nothing overtakes it.
        if frames.passed == viewer.socket.received and frames.is_between:
            viewer.socket.heard = now
            while place + 6 <= nbytes and _BYTES[place] == _TEXT:
                end = place + _BYTES[place + 1] - 122  # 128 for the mask, and a head of 6
                if not place + 6 <= end <= min(nbytes, place + 131) or not self._take(place + 2, end, now):
                    break
                place = end
        if place < nbytes:
            self._connection.data_received(bytes(_BUFFER[place:nbytes]))

    def _take(self, place: int, end: int, now: float) -> bool:
        """Take the message in the buffer, its mask before it; returns whether that could be done."""
        viewer, text = self._viewer, unmasked(_BYTES[place : place + 4], _BYTES[place + 4 : end])
        if not text.isascii():  # aiohttp looks whether it is UTF-8, the decoder not in what it passes over
            return False
        try:
            message = protocol.from_viewer.decode(text)
        except NOT_A_MESSAGE:
            return False
        if not viewer.joined:
            return True
        cost = price(message, self._core)
        if not cost or not viewer.socket.meter.afford(now, cost):
            return False
        count(viewer, self._core, message, now)
        return True

    def eof_received(self) -> bool | None:
        """The client sends nothing more."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client has not read all yet."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Now it has."""
        self._connection.resume_writing()


def price(message: protocol.Message, core: Channel) -> float:
    """What ``count`` of this message costs its sender, in frames; 0: it is none of those that are just counted."""
    if type(message) is Label and not core.cameras:
        return 0.0
    return _PRICES.get(type(message), 0.0)


def count(viewer: Viewer, core: Channel, message: protocol.Message, now: float) -> None:
    """Count a viewer's message that has a ``price``."""
    if type(message) is Label:
        core.label(viewer.member, message.emotion, now)
        viewer.socket.counts.labels += 1
    elif type(message) is TapMessage:
        core.tap(viewer.member, message.tap, now)
        viewer.socket.counts.taps += 1
    else:
        core.withdraw(viewer.member)


def unmasked(mask: bytearray, payload: bytearray) -> bytes:
    """A frame's payload without its mask (RFC 6455, section 5.3)."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(length, "little")
