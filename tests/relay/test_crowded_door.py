"""More connections than the relay can hold, most of which want nothing: others get in, and who is in stays."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from relay import app, machine, protocol
from relay.common.deadline import end
from relay.config import RelaySettings
from relay.core.limits import Places
from relay.http.accept import Doorway
from relay.http.lobby import Lobby
from relay.live.counters import Counters
from tests.raw import RawClient
from tests.support import SOON, Viewer, count_of, request, subscribe, wait_until

ROOT = Path(__file__).parents[2]
PLACES = 20
ASKS = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
TICKET = b"POST /v1/channels/demo/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def is_served(url: str) -> bool:
    """Whether somebody new gets an answer; False where the connection ends without."""
    async with await RawClient.connect(url) as client:
        await client.send(ASKS + b"Connection: close\r\n\r\n")
        return (await client.read_to_end()).startswith(b"HTTP/1.1 200")


@pytest.fixture
async def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[app.Relay]:
    """A relay that has twenty connections at most, of whatever kind."""
    monkeypatch.setattr(machine, "LEAST", PLACES)
    settings = RelaySettings(port=0, data=str(tmp_path), tick_ms=50, min_viewers=1, max_connections=5)
    relay = await app.start(settings, SOON)
    yield relay
    await relay.stop()


async def silent(client: RawClient) -> None:
    """Ask for nothing."""


async def dribbles_a_head(client: RawClient) -> None:
    await client.send(ASKS)


async def dribbles_a_body(client: RawClient) -> None:
    await client.send(TICKET + b'Content-Length: 99\r\n\r\n{"password"')


async def is_kept_alive(client: RawClient) -> None:
    await client.send(ASKS + b"\r\n")
    assert b"200 OK" in await client.reader.readuntil(b"\r\n\r\n")


async def dribbles_a_second_head(client: RawClient) -> None:
    await is_kept_alive(client)
    await client.send(ASKS)


async def says_no_hello(client: RawClient) -> None:
    head = b"GET /v1/channels/demo/viewer HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    await client.send(head + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert b"101 Switching" in await client.reader.readuntil(b"\r\n\r\n")


async def is_no_http(client: RawClient) -> None:
    await client.send(b"\x16\x03\x01\x02\x00\x01\x00")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [silent, dribbles_a_head, dribbles_a_body, is_kept_alive, dribbles_a_second_head, says_no_hello, is_no_http],
    ids=lambda kind: kind.__name__,
)
async def test_others_get_in_and_who_is_in_stays(
    small: app.Relay, kind: Callable[[RawClient], Awaitable[None]]
) -> None:
    keys = small.create_channel("demo")
    async with (
        await Viewer.connect(small.url) as viewer,
        await subscribe(small.url, "demo", keys.display_key) as audience,
        contextlib.AsyncExitStack() as stack,
    ):
        crowd = [await stack.enter_async_context(await RawClient.connect(small.url)) for _ in range(PLACES - 2)]
        for client in crowd:
            await kind(client)
        for _ in range(2 * PLACES):
            crowd.append(await stack.enter_async_context(await RawClient.connect(small.url)))
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await kind(crowd[-1])
            assert await is_served(small.url)
        for client in crowd[:PLACES]:
            await client.read_to_end()  # to where it was cut off
        async with await Viewer.connect(small.url) as newcomer:
            await newcomer.label("sad")
            await viewer.label("happy")
            await audience.mood(lambda mood: (count_of(mood, "happy"), count_of(mood, "sad")) == (1, 1))


async def test_a_newcomer_has_time_to_ask_where_all_others_dribble_bodies(small: app.Relay) -> None:
    small.create_channel("demo")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(PLACES):
            await dribbles_a_body(await stack.enter_async_context(await RawClient.connect(small.url)))
        await wait_until(lambda: len(small._doorway.lobby) == PLACES)
        async with await RawClient.connect(small.url) as newcomer:
            for _ in range(PLACES // 2):  # come after it, and before it has asked
                await dribbles_a_body(await stack.enter_async_context(await RawClient.connect(small.url)))
            await wait_until(lambda: small._doorway.counts.put_out == 1 + PLACES // 2)
            await newcomer.send(ASKS + b"Connection: close\r\n\r\n")
            assert (await newcomer.read_to_end()).startswith(b"HTTP/1.1 200")


async def test_who_says_no_hello_takes_no_viewers_place(small: app.Relay) -> None:
    small.create_channel("demo")
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(await RawClient.connect(small.url)) for _ in range(PLACES - 2)]
        for client in crowd:
            await says_no_hello(client)
        for _ in range(5):
            await stack.enter_async_context(await Viewer.connect(small.url))
        assert small.connections("demo") == (5, 0)


async def test_where_all_others_stay_the_newcomer_is_told() -> None:
    server = aiohttp.web.Server(lambda request: None)  # type: ignore[arg-type, return-value]
    doorway = Doorway(
        server,
        places=Places(9),
        house_of=lambda address: address,
        head_s=9.0,
        stalled_s=9.0,
        counts=Counters(),
        lobby=Lobby(0, 9),
    )
    listener = await asyncio.get_running_loop().create_server(doorway, "127.0.0.1", 0)
    async with await RawClient.connect(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as client:
        answer = await client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"%d" % protocol.FULL.number in answer
    listener.close()
    await wait_until(lambda: len(doorway.lobby) == 0)


# --- processes with few descriptors ----------------------------------------------------------------------------------


async def started(log: Path, *command: str) -> asyncio.subprocess.Process:
    with log.open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no file descriptors")
async def test_six_addresses_fill_no_relay_and_no_log(tmp_path: Path) -> None:
    """The relay may open 300 files, and 360 connections come back whenever they are cut off."""
    log = tmp_path / "log"
    command = [sys.executable, "moodcast.py", "relay", "--port", "0", "--data", str(tmp_path / "data")]
    command += ["--channel", "demo", "--min-viewers", "1", "--tick-ms", "50"]
    process = await started(log, "sh", "-c", 'ulimit -n 300 && exec "$@"', "sh", *command)
    crowd: list[asyncio.Task[None]] = []
    try:
        url = (await line(process)).split(" at ")[1].split()[0]
        lines = [await line(process) for _ in range(3)]
        made = 0

        async def hold(source: str) -> None:
            nonlocal made
            while True:
                with contextlib.suppress(OSError):
                    async with await RawClient.connect(url, source) as client:
                        made += 1
                        await client.reader.read()  # no wait_for, which may lose the cancellation

        async with (
            await Viewer.connect(url) as viewer,
            await subscribe(url, "demo", lines[2].split()[-1]) as audience,
        ):
            crowd = [asyncio.create_task(hold(f"127.0.0.{2 + number % 6}")) for number in range(360)]
            await wait_until(lambda: made > 720, timeout=60)
            for _ in range(10):
                assert await is_served(url)
            async with await Viewer.connect(url) as newcomer:
                await newcomer.label("sad")
                await viewer.label("happy")
                await audience.mood(lambda mood: (count_of(mood, "happy"), count_of(mood, "sad")) == (1, 1))
        assert (await request(url, "GET", "demo/sessions", "wrong"))[0] == 401
    finally:
        await end(*crowd, patience_s=60)
        process.kill()
        await process.communicate()
    assert log.stat().st_size < 10_000
    assert "Traceback" not in log.read_text()


WITHOUT_DESCRIPTORS = """
import asyncio, os, resource, sys
from relay import app, logs
from relay.config import RelaySettings

async def main():
    logs.configure("text")
    relay = await app.start(RelaySettings(port=0, data=sys.argv[1]))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, before[1]))
    print(relay.url, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    await asyncio.to_thread(sys.stdin.readline)
    await relay.stop()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how many descriptors are open")
async def test_a_system_that_gives_no_descriptor_is_complained_of_and_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = await started(log, sys.executable, "-c", WITHOUT_DESCRIPTORS, str(tmp_path / "data"))
    assert process.stdin
    try:
        asking = asyncio.create_task(is_served(await line(process)))
        await wait_until(lambda: "No connection can be accepted" in log.read_text(), timeout=60)
        assert not asking.done()
        process.stdin.write(b"\n")
        assert await asking
        process.stdin.write(b"\n")
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    assert len(log.read_text().splitlines()) < 40
