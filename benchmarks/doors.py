"""What strangers at the door cost: ``python -m benchmarks.doors [download] [idle] [passwords]`` (default: all).

The relay is a process of its own (see ``benchmarks.relay``), whose CPU time and memory are read from outside, and so is
the attack. Under each attack a mood's way is measured as in ``benchmarks.relay``, and what others at the door wait for.
"""

import argparse
import asyncio
import contextlib
import functools
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import IO, Any

import aiohttp

from benchmarks import machine
from benchmarks.relay import OWNER, RelayProcess, Server, pin, probe
from relay.protocol import EXPRESSIONS
from relay.store import database

ATTACK_S = 11.0
ONE_CROWD = ("--require-tickets", "off", "--crowd", "viewers", "--address-weight", "100")
"""Options with which viewers of one address are an audience, as those are who measure the mood."""
Visit = Callable[[aiohttp.ClientSession, int], Awaitable[None]]
"""What somebody else does at the door, the how manieth time, in a new session; an exception where that fails."""


def download(moments: int = 60_000, repeats: int = 5) -> None:
    """A long session's JSON, against the same number of bytes from a bare server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RelayProcess(folder) as relay,
        Server("benchmarks.bare_server", "{port}") as bare,
    ):
        _store_session(Path(folder) / database.FILE, moments)
        measured = []  # the best of all counts on both sides: other work on the machine only adds
        for _ in range(repeats):
            before = relay.cpu
            size, seconds = _fetch(f"{relay.url}/v1/channels/bench/sessions/1", relay.key)
            cpu = relay.cpu - before
            _, bare_seconds = _fetch(f"{bare.url}/bytes/{size}")
            measured.append((seconds, cpu, bare_seconds))
        seconds, cpu, bare_seconds = (min(column) for column in zip(*measured, strict=True))
        ratio = seconds / (bare_seconds + cpu)
        print(
            f"download, {size / 1e6:.1f} MB: {seconds:.3f} s; bare {bare_seconds:.3f} s + relay's CPU {cpu:.2f} s"
            f": {ratio:.2f} times as long (goal: at most 2)"
        )


def _store_session(file: Path, moments: int) -> None:
    columns = ", ".join(EXPRESSIONS)
    counts = ", ".join(f"t % {17 + place}" for place in range(len(EXPRESSIONS)))
    with contextlib.closing(sqlite3.connect(file)) as store, store:
        store.execute("INSERT INTO sessions VALUES ('bench', 1, 1e9, 1e9 + ?, 250, 1, '')", (moments,))
        store.execute(
            "WITH RECURSIVE seconds(t) AS (SELECT 1000000000 UNION ALL SELECT t + 1 FROM seconds LIMIT ?) "
            f"INSERT INTO moments (channel, session, time, viewers, sharing, {columns}, valence, resonance) "
            f"SELECT 'bench', 1, t, 999, 888, {counts}, 0.123, 0.456 FROM seconds",
            (moments,),
        )


def _fetch(url: str, key: str = "") -> tuple[int, float]:
    """How many bytes came, and how long they took in seconds."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read()), time.perf_counter() - began


# --- attacks ---------------------------------------------------------------------------------------------------------


async def under_attack(
    relay: RelayProcess, log: IO[bytes], attack: Callable[[], Coroutine[Any, Any, None]], visits: dict[str, Visit]
) -> None:
    """Print what the attack costs: the relay's CPU time, memory and log, moods, and the waits of who visits it."""
    moods = asyncio.create_task(probe(relay, "probe", ATTACK_S + 3))
    await asyncio.sleep(3)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(attack,), daemon=True)
    process.start()
    assert process.pid
    pin(process.pid, 1)
    cpu, memory, written = relay.cpu, relay.process.memory_info().rss, log.seek(0, 2)
    waits: dict[str, list[float]] = {name: [] for name in visits}
    failed = dict.fromkeys(visits, 0)
    began, peak = time.monotonic(), memory
    visiting = [asyncio.create_task(_visit(relay, each, waits[name], failed, name)) for name, each in visits.items()]
    while time.monotonic() < began + ATTACK_S:
        peak = max(peak, relay.process.memory_info().rss)
        await asyncio.sleep(0.1)
    busy = (relay.cpu - cpu) / (time.monotonic() - began)
    for task in visiting:
        task.cancel()
    await asyncio.gather(*visiting, return_exceptions=True)
    process.kill()
    process.join()
    cuts = statistics.quantiles(await moods, n=100, method="inclusive")
    print(
        f"  relay busy {busy:.0%} of a core, {(peak - memory) / 2**20:+.1f} MiB of memory, "
        f"{(log.seek(0, 2) - written) / 1e6:.3f} MB of log, "
        f"moods p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"
    )
    for name, each in waits.items():
        print(f"  {name}: {len(each)} got in, {failed[name]} did not, longest wait {max(each, default=0):.2f} s")


async def _visit(relay: RelayProcess, visit: Visit, waits: list[float], failed: dict[str, int], name: str) -> None:
    """Come again and again; a visit that the attack's end interrupts counts with the time until then."""
    number = 0
    while True:
        await asyncio.sleep(0.3)
        began, number = time.monotonic(), number + 1
        try:
            async with aiohttp.ClientSession(relay.url, timeout=aiohttp.ClientTimeout(total=30)) as http:
                await visit(http, number)
        except (OSError, aiohttp.ClientError, asyncio.TimeoutError, AssertionError):
            failed[name] += 1
        except asyncio.CancelledError:
            waits.append(time.monotonic() - began)
            raise
        else:
            waits.append(time.monotonic() - began)


def _run(attack: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(attack())


def idle(addresses: int = 6, each: int = 200, files: int = 1024) -> None:
    """More silent connections than the relay may have open; each comes back at once when it is cut off."""
    print(f"idle connections, {each} from each of {addresses} addresses, {files} descriptors:")
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as log,
        RelayProcess(folder, files=files, log=log) as relay,
    ):
        attack = functools.partial(_hold_all, relay.port, addresses, each)
        asyncio.run(under_attack(relay, log, attack, {"others": _knock}))


async def _knock(http: aiohttp.ClientSession, number: int) -> None:
    async with http.get("/healthz") as answer:
        await answer.read()


async def _hold_all(port: int, addresses: int, each: int) -> None:
    await asyncio.gather(*(_hold(port, f"127.0.0.{2 + number % addresses}") for number in range(addresses * each)))


async def _hold(port: int, address: str) -> None:
    """Keep a silent connection, for ever."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            await reader.read()
            writer.close()


def passwords(houses: int = 50, each: int = 6) -> None:
    """Many addresses guess the join password of one channel, as often as they may."""
    print(f"join passwords, {each} guesses for one channel from each of {houses} addresses:")
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as log,
        RelayProcess(folder, "--proxies", "1", *ONE_CROWD, log=log) as relay,
    ):
        asyncio.run(_guarded(relay, log, functools.partial(_guess_all, relay.url, houses, each)))


async def _guarded(relay: RelayProcess, log: IO[bytes], attack: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def other_channel(http: aiohttp.ClientSession, number: int) -> None:
        assert await _give(http, f"other{number}", "sesame", f"203.0.{number}.1") == 201

    async def other_address(http: aiohttp.ClientSession, number: int) -> None:
        """With a wrong password too, since the channel's guesses cost nothing once the right one was given."""
        assert await _give(http, "attacked", "sesam", f"203.0.{number}.1") == 403

    async with aiohttp.ClientSession(relay.url) as http:
        for channel in ("attacked", *(f"other{number}" for number in range(60))):
            async with http.post("/v1/channels", json={"channel": channel}, headers=OWNER) as answer:
                admin = {"Authorization": f"Bearer {(await answer.json())['admin_key']}"}
            path = f"/v1/channels/{channel}/password"
            async with http.put(path, json={"password": "sesame"}, headers=admin) as answer:
                answer.raise_for_status()
    await under_attack(relay, log, attack, {"another channel": other_channel, "another address": other_address})


async def _guess_all(url: str, houses: int, each: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:

        async def guess(house: str) -> None:
            while True:
                if await _give(http, "attacked", "a guess", house) == 429:
                    await asyncio.sleep(1)

        await asyncio.gather(*(guess(f"192.0.2.{house}") for house in range(houses) for _ in range(each)))


async def _give(http: aiohttp.ClientSession, channel: str, password: str, address: str) -> int:
    """Ask for a ticket; the answer's status."""
    path, headers = f"/v1/channels/{channel}/tickets", {"X-Forwarded-For": address}
    async with http.post(path, json={"password": password}, headers=headers) as answer:
        await answer.read()
        return answer.status


MEASUREMENTS = {"download": download, "idle": idle, "passwords": passwords}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(MEASUREMENTS)}; default: all")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    for name in args.what or MEASUREMENTS:
        if name not in MEASUREMENTS:
            parser.error(f"expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
