"""Pages whose relay ends every connection at once: they come back, but never in a loop."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

from aiohttp import WSMsgType, web

from tests.e2e.conftest import OpenPage
from tests.support import free_port, wait_until

OVERLAY = Path(__file__).parents[2] / "overlay"
BYE = {"type": "bye", "code": 4503, "message": "later"}
MOOD = {
    "type": "mood", "seq": 1, "time": 1e9, "visible": True, "viewers": 4, "sharing": 4, "min_viewers": 1,
    "counts": [0, 0, 0, 4, 0, 0, 0], "shares": [0, 0, 0, 1, 0, 0, 0], "valence": 1, "resonance": 0, "trend": 0,
}  # fmt: skip
ENDS = {
    **{f"bye-{number}": BYE | {"retry_after_s": wait} for number, wait in enumerate((0, 0.001, -3, 1e12, "x"))},
    "bye-without": BYE,
    "mood": MOOD,
    "status": {"type": "status", "time": 1e9, "channel": "nobody"},
    "nothing": None,
}
"""By channel, what the broken relay says before it ends the connection."""


def broken_relay(connections: Counter[str]) -> web.Application:
    """Serves the real pages; of each channel it counts the connections."""

    async def mood(request: web.Request) -> web.StreamResponse:
        channel = request.match_info["channel"]
        connections[channel] += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if (await socket.receive()).type is WSMsgType.TEXT and ENDS[channel]:  # the page subscribes
            await socket.send_str(json.dumps(ENDS[channel]))
        await socket.close(code=4503)
        return socket

    async def page(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(OVERLAY / f"{request.path.strip('/')}.html")

    pages = web.Application()
    pages.router.add_get("/v1/channels/{channel}/mood", mood)
    pages.router.add_get("/overlay", page)
    pages.router.add_get("/dashboard", page)
    pages.router.add_static("/static/", OVERLAY)
    return pages


async def test_no_page_comes_back_in_a_loop(open_page: OpenPage) -> None:
    connections: Counter[str] = Counter()
    runner = web.AppRunner(broken_relay(connections))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    pages = []
    try:
        for channel in ENDS:
            kind = "dashboard" if channel == "status" else "overlay"
            url = f"http://127.0.0.1:{port}/{kind}?channel={channel}#key=k"
            pages.append(await open_page(url, 320, 180, expected=("WebSocket", "404")))
        await wait_until(lambda: len(connections) == len(ENDS))
        before, began = Counter(connections), time.monotonic()
        await asyncio.sleep(5.0)
        during, most = connections - before, 2 + time.monotonic() - began
        # Who asks for ages gets minutes, not a timer that overflows and runs at once.
        assert during.pop("bye-3", 0) == 0
        assert max(during.values()) <= most
        await wait_until(lambda: all(connections[channel] > 1 for channel in ENDS if channel != "bye-3"))
    finally:
        for page in pages:
            await page.close()  # before the server: what asks afterwards is refused, and complains
        await runner.cleanup()
