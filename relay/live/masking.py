"""A client's frames are masked (RFC 6455, section 5.1). aiohttp's reader takes others as well; this stands before it.

Without masks a page could make a client send bytes that a proxy on the way takes for a request, whose answer it keeps.
"""

from typing import Protocol

NO_FRAME = b"\xff\xff"
"""What no reader takes for a frame, as bits are set that mean nothing: aiohttp then does as after any such error."""

_FINAL, _CONTROL = 0x80, 0x08
"""Bits of a frame's first byte: the last one of its message; a frame of control, which is a message of its own."""

Fed = tuple[bool, bytes]
"""What ``feed_data`` of aiohttp's reader returns."""


class FrameReader(Protocol):
    """What a connection calls of aiohttp's ``WebSocketReader``."""

    def feed_data(self, data: bytes) -> Fed: ...

    def feed_eof(self) -> None: ...


class MaskedOnly:
    """A ``FrameReader`` before another, to which it hands on what it gets.

    It looks at the heads of frames alone. Bytes of a head that is not whole yet wait here.
    """

    __slots__ = ("_reader", "_rest", "_unfinished", "_waiting", "passed")

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self.passed = 0
        """Messages that were handed on, as the reader counts: frames of control, and the last frames of others."""
        self._unfinished = False
        """Whether the last frame of a message in several is still to come."""
        self._rest = 0
        """Bytes of the current frame that are still to come."""
        self._waiting = b""

    @property
    def is_between(self) -> bool:
        """Whether the next byte begins a message."""
        return not (self._rest or self._waiting or self._unfinished)

    def feed_data(self, data: bytes) -> Fed:
        """Hand on all frames, up to the first without a mask and ``NO_FRAME`` in its place."""
        # Nearly always it is just one whole, small frame: 128 for the mask and the length, in data[1], and a head of 6.
        if len(data) > 5 and len(data) == data[1] - 122 < 132 and not self._rest and not self._waiting:
            self._count(data[0])
            return self._reader.feed_data(data)
        block = self._waiting + data
        place, end = self._rest, len(block)
        while place + 2 <= end:
            length = block[place + 1] - 128
            if length < 0:
                self._reader.feed_data(block[:place])
                return self._reader.feed_data(NO_FRAME)
            if length >= 126:
                more = 2 if length == 126 else 8
                if place + 2 + more > end:
                    break
                length = more + int.from_bytes(block[place + 2 : place + 2 + more], "big")
            self._count(block[place])
            place += 6 + length
        self._rest = max(0, place - end)
        self._waiting = block[place:]
        return self._reader.feed_data(block[:place])

    def _count(self, first: int) -> None:
        """A frame begins with this byte (RFC 6455, section 5.2)."""
        if first & _CONTROL:
            self.passed += 1
        elif first & _FINAL:
            self.passed += 1
            self._unfinished = False
        else:
            self._unfinished = True

    def feed_eof(self) -> None:
        """Hand on the end."""
        self._reader.feed_eof()
