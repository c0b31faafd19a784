"""Where a relay listens: at a port of its own, or at one that its workers share."""

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from typing import Any

from relay.errors import AddressError, PortInUseError

_BACKLOG = 4096
"""Connections that may wait to be accepted: a whole audience comes back at once after a restart."""

SPREADS = sys.platform == "linux"
"""Whether the system shares out a port's connections among those who listen there (SO_REUSEPORT, Linux 3.9).

macOS has the option as well, and gives all connections to one of them; Windows has none.
"""


def listen(host: str, port: int, shared: bool = False) -> socket.socket:
    """A socket that listens at the address. ``shared``: with others of this user, where it is ``reserve``d.

    Raises:
        PortInUseError: another program does.
        AddressError: it can't be listened at for another reason.
    """
    with _refused(host, port):
        family, address = _found(host, port)
        return socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=shared)


def reserve(host: str, port: int) -> socket.socket:
    """Keep the address for those who share it, who may come and go. No connection comes to this socket itself.

    Raises:
        PortInUseError, AddressError: as ``listen``.
    """
    with _refused(host, port):
        family, address = _found(host, port)
        kept = socket.socket(family, socket.SOCK_STREAM)
        try:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a run before may linger
            if family == socket.AF_INET6:
                kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            kept.bind(address)
            # Only now, so that nobody was there before, not even one who would share.
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # else one who does not share could come, too
        except BaseException:
            kept.close()
            raise
        return kept


def url_of(listener: socket.socket) -> str:
    """As in ``http://127.0.0.1:8765``."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (every address: name one that can be opened)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _found(host: str, port: int) -> tuple[int, Any]:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return family, address[:2]


@contextlib.contextmanager
def _refused(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Another program listens on port {port} of {host}, perhaps another relay: "
                "stop it, or give another port with --port."
            ) from error
        raise AddressError(
            f"The relay can't listen on port {port} of {host} ({error}): "
            "give an address of this machine with --host and a port above 1023 with --port."
        ) from error
