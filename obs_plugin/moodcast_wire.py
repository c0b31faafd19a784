"""Connections of Moodcast's OBS script to the relay, each of which another thread can end at once.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import selectors
import socket
import ssl
import threading
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
else:
    import moodcast_core as core  # OBS puts this file's folder on the path

_CONNECT_TIMEOUT_S = 5.0
_LOOK_UP_S = 0.05  # from a connect that hangs to the question whether to stop
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))
READ_TIMEOUT_S = 25.0  # the relay sends at least a heartbeat every 10 s


class Wire:
    """Connections to the relay of these settings, one a thread. ``stopped`` is set once ``stop`` was called."""

    def __init__(self, settings: core.Settings) -> None:
        self.stopped = threading.Event()
        self._settings = settings
        self._sockets: Dict[str, Any] = {}

    def stop(self) -> None:
        """End all connections, also those that are only being made; returns at once."""
        self.stopped.set()
        for open_socket in list(self._sockets.values()):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)  # below TLS too; wakes a thread that reads

    @contextlib.contextmanager
    def open(self, thread: str) -> Iterator[http.client.HTTPConnection]:
        """A connection for the thread of this name.

        Raises:
            OSError: there is none, or ``stop`` was called.
        """
        parts = urllib.parse.urlsplit(self._settings.relay)
        secure = parts.scheme.lower() == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port)
        connection.auto_open = 0  # it would connect anew without encryption
        try:
            connection.sock = self._sockets[thread] = _connect(host, port, self.stopped)
            connection.sock.settimeout(_CONNECT_TIMEOUT_S)
            if secure:
                context = ssl.create_default_context()
                wrapped = context.wrap_socket(connection.sock, server_hostname=host, do_handshake_on_connect=False)
                connection.sock = self._sockets[thread] = wrapped  # here, so that ``stop`` reaches the handshake, too
                wrapped.do_handshake()
            if self.stopped.is_set():  # asked for before the socket was known
                raise ConnectionAbortedError("stopped")
            connection.sock.settimeout(READ_TIMEOUT_S)
            yield connection
        finally:
            self._sockets.pop(thread, None)
            connection.close()

    def get(self, connection: http.client.HTTPConnection, what: str, accept: str) -> http.client.HTTPResponse:
        """The answer to a GET of something of the channel, with the display key.

        Raises:
            core.RefusedError: the relay said no.
        """
        return self._ask(connection, "GET", what, {"Accept": accept}, None, "display")

    def send(
        self, connection: http.client.HTTPConnection, method: str, what: str, body: str, key: str
    ) -> http.client.HTTPResponse:
        """The answer to JSON; ``key``: ``display`` or ``admin``, which of the two goes with it.

        Raises:
            core.RefusedError: the relay said no.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return self._ask(connection, method, what, headers, body.encode(), key)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        what: str,
        headers: Dict[str, str],
        body: Optional[bytes],
        key: str,
    ) -> http.client.HTTPResponse:
        path = urllib.parse.urlsplit(self._settings.relay).path
        secret = self._settings.admin if key == "admin" else self._settings.key
        headers = {**headers, "Authorization": "Bearer " + secret, "User-Agent": "moodcast-obs"}
        connection.request(method, f"{path}/v1/channels/{self._settings.channel}/{what}", body, headers)
        response = connection.getresponse()
        if response.status not in (200, 201):
            wait = core.asked_wait(response.getheader("Retry-After"))
            said = response.read(core.MAX_EVENT_BYTES)
            raise core.refused_answer(self._settings, response.status, said, wait, key)
        return response


def _connect(host: str, port: int, stop: threading.Event) -> socket.socket:
    """A connected TCP socket; gives up soon after ``stop`` is set.

    A socket that is being connected is not woken by another thread that closes it, so this looks by itself.

    Raises:
        OSError: no address answers (that of the last one), or ``stop`` was set.
    """
    failure = OSError("the name has no address")
    for family, kind, number, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        attempt = socket.socket(family, kind, number)
        try:
            _await_connection(attempt, address, stop)
            attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return attempt
        except OSError as error:
            attempt.close()
            failure = error
    raise failure


def _await_connection(attempt: socket.socket, address: Any, stop: threading.Event) -> None:
    attempt.setblocking(False)
    code = attempt.connect_ex(address)
    until = time.monotonic() + _CONNECT_TIMEOUT_S
    with selectors.DefaultSelector() as waiting:
        waiting.register(attempt, selectors.EVENT_WRITE)
        while code in _UNDER_WAY and not stop.is_set():
            if time.monotonic() >= until:
                raise socket.timeout("timed out")
            if waiting.select(_LOOK_UP_S):
                code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if stop.is_set():
        raise ConnectionAbortedError("stopped")
    if code:
        raise OSError(code, os.strerror(code))
