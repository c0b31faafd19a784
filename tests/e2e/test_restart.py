"""A relay that is restarted, or killed and started again: channels, keys and the session stay, everyone comes back."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_link as link
from tests.agent.test_client import Agent
from tests.e2e.conftest import OpenPage
from tests.support import HANG_S, free_port, request, wait_until

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def relay_process(port: int, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A relay that listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "moodcast.py", "relay", "--port", str(port), "--data", str(folder), "--min-viewers", "1",
        "--tick-ms", "100",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout
    try:
        assert f":{port}" in (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def create_channel(url: str) -> str:
    """The display key of the new channel ``demo``."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/channels", json={"channel": "demo"}) as response,
    ):
        assert response.status == 201
        return str((await response.json())["display_key"])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.nightly), signal.SIGKILL])
async def test_everyone_comes_back_by_itself(number: signal.Signals, tmp_path: Path, open_page: OpenPage) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with relay_process(port, tmp_path) as process:
        key = await create_channel(url)
        page = await open_page(
            f"{url}/overlay?channel=demo#key={key}", expected=("WebSocket connection to", "ERR_CONNECTION_REFUSED")
        )
        obs = link.Link(core.Settings(url, "demo", key, 320, 180))

        def everyone_sees(share: float) -> bool:
            return obs.state == "connected" and obs.mood is not None and obs.mood["valence"] == share

        async with Agent(url) as agent:
            agent.show("happy")
            await wait_until(lambda: everyone_sees(1.0))
            await page.get_by_text("100 % happy").wait_for(timeout=1000 * HANG_S)
            before = await _sessions(url, key)
            process.send_signal(number)
            await asyncio.wait_for(process.wait(), 60)
            assert process.returncode == (0 if number == signal.SIGTERM else -number)
            agent.show("sad")
            async with relay_process(port, tmp_path):
                await wait_until(lambda: everyone_sees(-1.0))
                await wait_until(lambda: agent.client.connected)
                await page.get_by_text("100 % sad").wait_for(timeout=1000 * HANG_S)
                assert await _sessions(url, key) == before == [1]
                status, session = await request(url, "GET", "demo/sessions/current", key)
                assert (status, session["session"]["number"], session["session"]["ended"]) == (200, 1, None)
                valences = [moment["valence"] for moment in session["moments"]]
                assert valences[0] == 1.0
                assert valences[-1] == -1.0
        obs.stop()


async def _sessions(url: str, key: str) -> list[int]:
    """The numbers of the stored sessions; the first is stored with its first mood."""

    async def stored() -> list[int]:
        status, body = await request(url, "GET", "demo/sessions", key)
        assert status == 200
        return [session["number"] for session in body["sessions"]]

    return await wait_until(stored)
