"""A yardstick for the relay: a plain server on the package websockets, with the paths of ``bare_server``.

``/publish`` sends each frame to all sockets of ``/fanout`` by ``websockets.broadcast``; ``/receive`` parses each frame.
Arguments: the port, and ``deflate`` for the package's default, which is to compress where the client offers it. The
garbage collection is the relay's.
"""

import asyncio
import contextlib
import sys

import msgspec
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from relay.machine import collect_rarely

listeners: set[ServerConnection] = set()


async def handler(socket: ServerConnection) -> None:
    assert socket.request
    with contextlib.suppress(ConnectionClosed):
        if socket.request.path == "/fanout":
            listeners.add(socket)
            await socket.wait_closed()
        elif socket.request.path == "/publish":
            async for text in socket:
                broadcast(listeners, text)
        else:
            decode = msgspec.json.decode
            async for text in socket:
                decode(text)


async def main() -> None:
    collect_rarely()
    compression = "deflate" if sys.argv[2:] == ["deflate"] else None
    # Without pings of its own: they would be counted with the sends.
    async with serve(handler, "127.0.0.1", int(sys.argv[1]), compression=compression, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
