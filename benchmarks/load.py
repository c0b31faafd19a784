"""A load generator for WebSocket servers, cheap enough not to be the bottleneck: raw frames, answers dropped unread.

It runs in a process of its own (``python -m benchmarks.load``), told what to do by JSON lines on standard input, and
answers each with a JSON line: how long it took, and how much of that time this process was busy itself.
"""

import asyncio
import base64
import json
import os
import resource
import struct
import sys
import time
from typing import Any

TEXT, PING = 0x81, 0x89
HANDSHAKES_AT_ONCE = 200


def masked(kind: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455, section 5.2) of at most 65,535 bytes; its mask is zero: allowed, and cheap."""
    if len(payload) < 126:
        return struct.pack("!BB4x", kind, 0x80 | len(payload)) + payload
    return struct.pack("!BBH4x", kind, 0x80 | 126, len(payload)) + payload


class LoadClient(asyncio.Protocol):
    """One connection. ``received`` counts bytes; ``pong`` is set by the first frame 0x8A after ``expect_pong``."""

    def __init__(self, host: str, path: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pong: asyncio.Future[None] | None = None
        self.received = 0
        self.writable = asyncio.Event()
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.writable.set()
        transport.write(self._request)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self.opened.done():
            self._head += data
            if b"\r\n\r\n" in self._head:
                if self._head.startswith(b"HTTP/1.1 101"):
                    self.opened.set_result(None)
                else:
                    self.opened.set_exception(ConnectionError(self._head[:200].decode(errors="replace")))
        elif self.pong is not None and b"\x8a" in data and not self.pong.done():
            # A mood's JSON is ASCII, so this byte can only be the pong's first.
            self.pong.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.writable.set()
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed during the handshake"))
        if self.pong is not None and not self.pong.done():
            self.pong.set_exception(ConnectionError("closed while a pong was awaited"))


class Generator:
    """The clients of one run."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.clients: list[LoadClient] = []
        self._chatter: asyncio.Task[None] | None = None

    async def connect(self, path: str, count: int, first: str) -> None:
        """Open connections and say the first frame on each. A ``{}`` in the path becomes 0, 1, 2, ..."""
        gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        loop = asyncio.get_running_loop()

        async def one(number: int) -> LoadClient:
            async with gate:
                _, client = await loop.create_connection(
                    lambda: LoadClient(f"{self.host}:{self.port}", path.format(number)), self.host, self.port
                )
                await client.opened
                client.transport.write(masked(TEXT, first.encode()))
                return client

        self.clients += await asyncio.gather(*(one(number) for number in range(count)))

    async def blast(self, frames: list[str], repeats: int) -> None:
        """Each client sends all frames ``repeats`` times as fast as it can; over when each got a pong after them."""
        burst = b"".join(masked(TEXT, frame.encode()) for frame in frames)
        loop = asyncio.get_running_loop()

        async def one(client: LoadClient) -> None:
            client.pong = loop.create_future()
            for _ in range(repeats):
                client.transport.write(burst)
                await client.writable.wait()
            client.transport.write(masked(PING, b""))
            await client.pong

        await asyncio.gather(*(one(client) for client in self.clients))

    async def chat(self, frames: list[str], per_second: float) -> None:
        """Each client sends one of the frames about so often, spread evenly, until told otherwise."""
        encoded = [masked(TEXT, frame.encode()) for frame in frames]
        gap, number = 1 / (per_second * len(self.clients)), 0
        due = time.perf_counter()
        while True:
            while due <= time.perf_counter():
                client = self.clients[number % len(self.clients)]
                client.transport.write(encoded[(number // len(self.clients) + number) % len(encoded)])
                number += 1
                due += gap
            await asyncio.sleep(0.002)

    async def do(self, order: dict[str, Any]) -> None:
        what = order.pop("do")
        if what == "chat":
            self._chatter = asyncio.create_task(self.chat(**order))
        elif what == "wait":
            await asyncio.sleep(order["seconds"])
        else:
            await {"connect": self.connect, "blast": self.blast}[what](**order)


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    generator = Generator(sys.argv[1], int(sys.argv[2]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        began, busy, bytes_before = time.perf_counter(), time.process_time(), sum(c.received for c in generator.clients)
        await generator.do(json.loads(line))
        took = time.perf_counter() - began
        received = sum(client.received for client in generator.clients) - bytes_before
        answer = {"seconds": took, "busy": (time.process_time() - busy) / max(took, 1e-9), "received": received}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
