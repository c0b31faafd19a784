"""A load generator for WebSocket servers, cheap enough not to be the bottleneck: raw frames, answers dropped unread.

It runs in a process of its own (``python -m benchmarks.load``), told what to do by JSON lines on standard input, and
answers each with a JSON line: how long it took, how much of that time this process was busy itself, how many bytes came
and how many connections the server ended. One loop over epoll, so Linux only: a received mood costs one ``recv_into``.
"""

import base64
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

TEXT, PING, PONG = 0x81, 0x89, 0x8A
HANDSHAKES_AT_ONCE = 200
_MASK = b"\x5a\x17\xc3\x2e"
_EVENTS_AT_ONCE = 256
"""Between two looks at what is due to be sent."""
_STEP_S = 0.001
"""The loop looks at what is due at least this often while the clients talk."""


def masked(kind: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455, section 5.2) of at most 65,535 bytes. All have the same mask."""
    mask = _MASK * (len(payload) // 4 + 1)
    body = bytes(byte ^ other for byte, other in zip(payload, mask, strict=False))
    if len(payload) < 126:
        return struct.pack("!BB", kind, 0x80 | len(payload)) + _MASK + body
    return struct.pack("!BBH", kind, 0x80 | 126, len(payload)) + _MASK + body


class LoadClient:
    """One client. ``hear`` takes what comes, and no bytes at its end; while it is None, that is dropped."""

    __slots__ = ("hear", "socket", "unsent")

    def __init__(self, opened: socket.socket, hear: Callable[["LoadClient", bytes], None]) -> None:
        self.socket = opened
        self.hear: Callable[[LoadClient, bytes], None] | None = hear
        self.unsent = b""


class Generator:
    """The clients of one run."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.clients: list[LoadClient] = []
        self.received = self.lost = 0
        """Bytes that came, and connections that the server ended."""
        self.talk: Callable[[float], None] | None = None
        """Sends what is due at this time of ``time.perf_counter``."""
        self._epoll = select.epoll()
        self._connections: dict[int, LoadClient] = {}
        self._buffer = bytearray(1 << 18)

    # --- orders ------------------------------------------------------------------------------------------------------

    def connect(self, path: str, count: int, first: str) -> None:
        """Open connections and say the first frame on each. A ``{}`` in the path becomes 0, 1, 2, ..."""
        self.clients += self.open([path.format(number) for number in range(count)], first)

    def blast(self, frames: list[str], repeats: int) -> None:
        """Each client sends all frames ``repeats`` times as fast as it can; over when each got a pong after them."""
        burst = b"".join(masked(TEXT, frame.encode()) for frame in frames) * repeats + masked(PING, b"")
        awaited = set(self.clients)

        def hear(client: LoadClient, data: bytes) -> None:
            _must_go_on(data)
            if PONG in data:  # a mood's JSON is ASCII, so this byte can only be the pong's first
                client.hear = None
                awaited.discard(client)

        for client in self.clients:
            client.hear = hear
            self.send(client, burst)
        self.loop(lambda: not awaited)

    def chat(self, frames: list[str], per_second: float) -> None:
        """Each client sends one of the frames about so often, spread evenly, until told otherwise."""
        encoded = [masked(TEXT, frame.encode()) for frame in frames]
        count = len(self.clients)
        self.talk_evenly(
            count * per_second,
            lambda turn: self.send(self.clients[turn % count], encoded[(turn // count + turn) % len(encoded)]),
        )

    def wait(self, seconds: float) -> None:
        """Go on with what was begun."""
        until = time.perf_counter() + seconds
        self.loop(lambda: time.perf_counter() >= until)

    # --- how ---------------------------------------------------------------------------------------------------------

    def open(self, paths: list[str], first: str) -> list[LoadClient]:
        """Connections on which the first frame is said."""
        frame, shaking, opened = masked(TEXT, first.encode()), dict[LoadClient, bytes](), list[LoadClient]()

        def shake(connection: LoadClient, data: bytes) -> None:
            head = shaking[connection] = shaking[connection] + data
            _must_go_on(data)
            if b"\r\n\r\n" not in head:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head[:200].decode(errors="replace"))
            del shaking[connection]
            connection.hear = None
            self.send(connection, frame)

        for path in paths:
            if len(shaking) >= HANDSHAKES_AT_ONCE:
                self.loop(lambda: len(shaking) < HANDSHAKES_AT_ONCE // 2)
            connection = LoadClient(socket.create_connection((self.host, self.port)), shake)
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.socket.setblocking(False)
            self._connections[connection.socket.fileno()] = connection
            self._epoll.register(connection.socket, select.EPOLLIN)
            shaking[connection] = b""
            self.send(connection, self._request(path))
            opened.append(connection)
        self.loop(lambda: not shaking)
        return opened

    def send(self, connection: LoadClient, data: bytes) -> None:
        """Send, or keep until the kernel takes it. A connection that the server ended takes nothing."""
        if connection.unsent:
            connection.unsent += data
            return
        try:
            sent = connection.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # reading tells of it
        if sent < len(data):
            connection.unsent = data[sent:]
            self._epoll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def talk_evenly(self, per_second: float, say: Callable[[int], None]) -> None:
        """From now on call ``say`` with 0, 1, 2, ... so often, in even steps."""
        due, turn, gap = time.perf_counter(), 0, 1 / per_second

        def talk(now: float) -> None:
            nonlocal due, turn
            while due <= now:
                say(turn)
                turn += 1
                due += gap

        self.talk = talk

    def loop(self, done: Callable[[], bool], orders: int | None = None) -> None:
        """Receive, and send what is due, until it is done, or until something comes from the file ``orders``."""
        if orders is not None:
            self._epoll.register(orders, select.EPOLLIN)
        try:
            while not done():
                for file, event in self._epoll.poll(_STEP_S if self.talk else 0.01, _EVENTS_AT_ONCE):
                    if file == orders:
                        return
                    connection = self._connections[file]
                    if event & select.EPOLLOUT:
                        self._send_rest(connection)
                    if event & ~select.EPOLLOUT:
                        self._receive(connection)
                if self.talk:
                    self.talk(time.perf_counter())
        finally:
            if orders is not None:
                self._epoll.unregister(orders)

    def _receive(self, connection: LoadClient) -> None:
        try:
            count = connection.socket.recv_into(self._buffer)
        except OSError:
            count = 0
        self.received += count
        if not count:
            self.lost += 1
            self._epoll.unregister(connection.socket)
        if connection.hear:
            connection.hear(connection, bytes(self._buffer[:count]))

    def _send_rest(self, connection: LoadClient) -> None:
        rest, connection.unsent = connection.unsent, b""
        self._epoll.modify(connection.socket, select.EPOLLIN)
        self.send(connection, rest)

    def _request(self, path: str) -> bytes:
        return (
            f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()


def _must_go_on(data: bytes) -> None:
    if not data:
        raise ConnectionError("the server ended a connection on which something was awaited")


def serve(generator: Generator) -> None:
    """Carry out the orders on standard input: ``{"do": METHOD, ...}`` with the method's arguments.

    What a method returns, a dictionary or nothing, is part of the answer.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    while True:
        generator.loop(lambda: False, orders=sys.stdin.fileno())
        line = os.read(sys.stdin.fileno(), 1 << 20)  # one order: the next one waits for the answer
        if not line:
            return
        order: dict[str, Any] = json.loads(line)
        began, busy, before = time.perf_counter(), time.process_time(), generator.received
        found = getattr(generator, order.pop("do"))(**order)
        took = time.perf_counter() - began
        answer = {
            "seconds": took,
            "busy": (time.process_time() - busy) / max(took, 1e-9),
            "received": generator.received - before,
            "lost": generator.lost,
        }
        sys.stdout.write(json.dumps(answer | (found or {})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Generator(sys.argv[1], int(sys.argv[2])))
