"""The download of what is missing at the first start: said before, asked for, stopped, gone on with."""

import asyncio
import hashlib
import os
from pathlib import Path

from aiohttp import web

from tests.agent.window.desk import Desk
from tests.strange import Server

FILE = os.urandom(1_200_000)
TITLE = "One download first"


async def test_it_says_who_is_asked_for_how_much_and_goes_on_where_it_was_stopped(display: str, tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def half(request: web.Request) -> web.StreamResponse:
        begin = request.http_range.start or 0
        response = web.StreamResponse(status=206 if begin else 200)
        response.content_length = len(FILE) - begin
        if begin:
            response.headers["Content-Range"] = f"bytes {begin}-{len(FILE) - 1}/{len(FILE)}"
        await response.prepare(request)
        middle = max(begin, len(FILE) // 2)
        await response.write(FILE[begin:middle])
        while not go_on.is_set():  # so slowly that it is stopped before its end
            await response.write(FILE[middle : middle + 1])
            middle += 1
            await asyncio.sleep(0.05)
        await response.write(FILE[middle:])
        return response

    server = Server({"/landmarker": half})
    async with server.serve():
        missing = f"{server.url}/landmarker", hashlib.sha256(FILE).hexdigest(), str(len(FILE))
        cache = str(tmp_path / "cache")
        async with Desk.opened(tmp_path / "settings", display, missing, XDG_CACHE_HOME=cache) as desk:
            await desk.at("Welcome to Moodcast")
            await desk.press("Return")
            await desk.at(TITLE)
            for words in ("needs files of 1.2 MB", "They come from 127.0.0.1", "your network address"):
                await desk.reads(words)
            assert server.asked == []
            await desk.press("Return")
            await desk.reads("0.6 of 1.2 MB")
            await desk.press("alt+s")
            await desk.reads("Stopped. What has come is kept.")
            go_on.set()
            await desk.press("alt+d")
            await desk.at("Where do you watch?")
        assert len(server.asked) == 2


async def test_what_went_wrong_is_said_and_tried_again(display: str, tmp_path: Path) -> None:
    server = Server()
    async with server.serve():
        missing = f"{server.url}/landmarker", hashlib.sha256(FILE).hexdigest(), str(len(FILE))
        cache = str(tmp_path / "cache")
        async with Desk.opened(tmp_path / "settings", display, missing, XDG_CACHE_HOME=cache) as desk:
            await desk.at("Welcome to Moodcast")
            await desk.press("Return")
            await desk.at(TITLE)
            await desk.press("alt+d")
            await desk.reads("Could not fetch")

            async def whole(_: web.Request) -> web.Response:
                return web.Response(body=FILE)

            server.answers["/landmarker"] = whole
            await desk.press("alt+d")
            await desk.at("Where do you watch?")


async def test_a_link_from_outside_waits_for_the_files_too(display: str, tmp_path: Path) -> None:
    missing = "http://127.0.0.1:9/landmarker", hashlib.sha256(FILE).hexdigest(), str(len(FILE))
    relay = Server()
    async with (
        relay.serve(),
        Desk.opened(tmp_path / "settings", display, missing, XDG_CACHE_HOME=str(tmp_path / "cache")) as desk,
    ):
        await desk.at("Welcome to Moodcast")
        await desk.ask(f"invite {relay.url}/join/filmnight")
        await desk.at(TITLE)
        await desk.press("Escape")
        await desk.at("Welcome to Moodcast")
        assert relay.asked == []
