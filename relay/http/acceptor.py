"""Accepts connections, a few at a time.

asyncio's own server tries to accept as many at once as may wait (``backlog``), and where the system refuses, each of
these tries becomes lines in the log: 47 MB in 11 s were seen.
"""

import asyncio
import contextlib
import errno
import logging
import socket

from relay.common.deadline import end
from relay.http.accept import Doorway

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Connections before everything else has its turn."""
_FRUITLESS_S = 0.01
"""A pause where connections came for nothing, so that who comes back at once, without end, takes no whole core."""
_REFUSED_S = 1.0
"""A pause after the system could not give a connection: it is out of descriptors or memory."""
_TRY_AGAIN = {
    errno.ECONNABORTED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EINTR, errno.ENETDOWN, errno.ENETUNREACH,
    errno.EPERM, errno.EPROTO,
}  # fmt: skip
"""Errors of ``accept`` that are a single connection's own (accept(2))."""


class Acceptor:
    """Has a listening socket, whose connections go to a doorway, from when it is made until ``close``."""

    def __init__(self, listener: socket.socket, doorway: Doorway) -> None:
        self._listener, self._doorway = listener, doorway
        listener.setblocking(False)
        self._task = asyncio.create_task(self._accept(), name="acceptor")

    async def close(self) -> None:
        """Accept no more; those who wait are refused."""
        await end(self._task)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            fruitless = self._doorway.fruitless
            try:
                accepted = [(await loop.sock_accept(self._listener))[0]]
                self._accept_more(accepted)
            except OSError as error:
                if error.errno not in _TRY_AGAIN:
                    log.error("No connection can be accepted: %s", error)
                    await asyncio.sleep(_REFUSED_S)
                continue
            # Not one after the other: that would take the loop two rounds for each.
            made = asyncio.gather(
                *(loop.connect_accepted_socket(self._doorway, one) for one in accepted), return_exceptions=True
            )
            try:
                results = await asyncio.shield(made)
            except asyncio.CancelledError:
                await made
                raise
            for one, result in zip(accepted, results, strict=True):
                if isinstance(result, BaseException):
                    one.close()
            await asyncio.sleep(_FRUITLESS_S if self._doorway.fruitless > fruitless else 0)

    def _accept_more(self, accepted: list[socket.socket]) -> None:
        """Those who wait, too. An error is for the next time."""
        with contextlib.suppress(OSError):
            while len(accepted) < AT_ONCE:
                one, _ = self._listener.accept()
                one.setblocking(False)
                accepted.append(one)
