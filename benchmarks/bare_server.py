"""Yardsticks for the relay: bare aiohttp servers that do the least that could be done.

``/receive``: a WebSocket receive loop that only parses JSON. ``/fanout``: each frame received on ``/publish`` is sent
to all sockets of ``/fanout``, one after the other; one received on ``/write`` too, but past aiohttp, by a system call
each. ``/bytes/N``: N bytes to download. Arguments: the port, and ``rarely`` to collect garbage as the relay does.
"""

import asyncio
import os
import sys

import msgspec
from aiohttp import WSMsgType, web

from relay.machine import collect_rarely

listeners: list[web.WebSocketResponse] = []


async def receive(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False, max_msg_size=4096)
    await socket.prepare(request)
    decode = msgspec.json.decode
    while True:
        frame = await socket.receive()
        if frame.type is not WSMsgType.TEXT:
            return socket
        decode(frame.data)


async def fanout(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    listeners.append(socket)
    async for _ in socket:
        pass
    return socket


async def publish(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for frame in socket:
        for listener in listeners:
            await listener.send_str(frame.data)
        await socket.send_str("done")
    return socket


async def write(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    files = [listener.get_extra_info("socket").fileno() for listener in listeners]
    async for message in socket:
        frame = b"\x81\x7e" + len(message.data).to_bytes(2, "big") + message.data.encode()
        for file in files:
            os.write(file, frame)
        await socket.send_str("done")
    return socket


async def download(request: web.Request) -> web.Response:
    return web.Response(body=bytes(int(request.match_info["count"])))


def main() -> None:
    if sys.argv[2:] == ["rarely"]:
        collect_rarely()
    app = web.Application()
    app.add_routes([web.get("/receive", receive), web.get("/fanout", fanout), web.get("/publish", publish)])
    app.add_routes([web.get("/write", write), web.get("/bytes/{count}", download)])
    web.run_app(
        app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=asyncio.new_event_loop()
    )


if __name__ == "__main__":
    main()
