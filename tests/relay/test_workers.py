"""A relay of two real processes on one port: attacked at its limits, and one of them killed meanwhile."""

import asyncio
import contextlib
import shutil
from pathlib import Path

import aiohttp
import psutil
import pytest

from relay import protocol
from tests.relay import several
from tests.relay.several import Several, open_sockets
from tests.relay.test_metrics import scrape
from tests.support import Client, Viewer, leave, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="no Redis server: install redis-server"),
]
MOST = 6
KEY = "a-key-for-the-scraper"
OPTIONS = ("--host", "0.0.0.0", "--require-tickets", "off", "--max-per-address", str(MOST), "--metrics-key", KEY)
"""Others can reach it, so who comes from loopback is one address."""


async def comes(url: str) -> Viewer | None:
    """A viewer, if it is let in."""
    with contextlib.suppress(aiohttp.WSServerHandshakeError):  # one TCP connection too many
        viewer = await Viewer.open(url, "/v1/channels/demo/viewer")
        assert isinstance(viewer, Viewer)
        await viewer.send(protocol.Hello(agent="moodcast-tests/1"))
        if isinstance(await viewer.receive(), protocol.Welcome):
            return viewer
        await viewer.close()
    return None


async def crowd(url: str, count: int) -> list[Viewer]:
    """Those of many at once who are let in."""
    found = await asyncio.gather(*(comes(url) for _ in range(count)))
    return [viewer for viewer in found if viewer]


async def test_two_processes_let_in_what_one_would_and_a_killed_one_gives_its_places_back(tmp_path: Path) -> None:
    async with several.running(tmp_path / "data", *OPTIONS) as relay:
        port = int(relay.url.rsplit(":", 1)[1])
        inside = await crowd(relay.url, 12 * MOST)
        assert 1 <= len(inside) <= MOST
        while len(inside) < MOST or not all(open_sockets(one, port) for one in relay.workers):
            if len(inside) == MOST:  # the system gave all to one worker
                await leave([inside.pop()])
            inside += await crowd(relay.url, MOST)
            assert len(inside) <= MOST
        before = [await told(relay, viewers=MOST) for _ in range(6)]
        joined = [one["moodcast_viewers_joined_total"] for one in before]
        assert joined == sorted(joined), "whichever worker is asked"
        first, second = relay.workers
        dead, alive = sorted((first, second), key=lambda one: open_sockets(one, port))
        dead.kill()
        await relay.whole(3)
        await leave([viewer for viewer in inside if not await still_there(viewer)])
        inside = [viewer for viewer in inside if not viewer.ws.closed]
        assert len(inside) < MOST
        while len(inside) < MOST:
            inside += await crowd(relay.url, MOST)
            assert len(inside) <= MOST
        assert not await crowd(relay.url, 2 * MOST)
        after = await told(relay, viewers=MOST)
        assert after["moodcast_viewers_joined_total"] >= joined[-1], "those of the dead one count on"
        assert psutil.pid_exists(alive.pid)
        await leave(inside)


async def still_there(viewer: Client) -> bool:
    """Whether the viewer's worker lives: it answers a tap too many."""
    with contextlib.suppress(ConnectionError):
        await viewer.ws.send_str('{"type": "zero"}')
    while message := await viewer.receive():
        if isinstance(message, protocol.Error):
            return True
    return False


async def told(relay: Several, viewers: int) -> dict[str, float]:
    """The figures, of whichever worker, once all have told of so many viewers."""
    headers = {"Authorization": f"Bearer {KEY}"}

    async def found() -> dict[str, float] | None:
        figures = await scrape(relay.url, headers)
        whole = (figures["moodcast_viewers"], figures["moodcast_workers"], figures["moodcast_workers_silent"])
        return figures if whole == (viewers, 2, 0) else None

    return await wait_until(found)
