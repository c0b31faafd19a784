"""Answers that nobody reads: whoever takes too little of one is cut off, so that it is not kept for ever."""

import asyncio
import contextlib
import math
import socket
import struct
import sys

LEAST = 8 * 1024
"""Bytes that must leave between two looks, or all that is left."""
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER: a close throws away what was not sent, and the other side sees a reset in place of a regular end."""


class Watch:
    """Looks twice in ``seconds`` at what is left of an answer. ``finish`` it when all is handed to the transport."""

    __slots__ = ("_finished", "_left", "_seconds", "_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport, self._seconds = transport, seconds
        self._left: float = math.inf
        self._finished = False
        limit_kernel(transport, seconds)
        self._timer = self._plan()

    def finish(self) -> None:
        """Nothing is added any more: it is over as soon as the rest has left."""
        self._finished = True
        if not self._transport.get_write_buffer_size():
            self.cancel()

    def cancel(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _plan(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds / 2, self._look)

    def _look(self) -> None:
        left = self._transport.get_write_buffer_size()
        if self._finished and not left:
            return
        if left > self._left - LEAST:
            cut_off(self._transport)
        else:
            self._left = left
            self._timer = self._plan()


def limit_kernel(transport: asyncio.Transport, seconds: float) -> None:
    """Have the kernel end the connection when the client takes nothing for so long of what it keeps (Linux alone).

    That can be megabytes, and is not seen from here.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):  # it is closed already
            connection.setsockopt(socket.IPPROTO_TCP, option, round(1000 * seconds))


def cut_off(transport: asyncio.Transport) -> None:
    """End a connection at once, and so that the client never takes it for the regular end of an answer."""
    if (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):  # it is closed already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
