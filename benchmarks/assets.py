"""What viewers' browsers load before they read a face: how many bytes, and how long many who come at once wait.

    python -m benchmarks.assets [--viewers 20] [--rate 10]    # after `moodcast models assets`

A relay of its own process sends all files, compressed, to viewers of a network each. They take six files at once, as
browsers do, and come back when they are told to, as the page does. A viewer of the mood beside them says how late it
comes meanwhile. Rates are in megabytes a second.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from urllib.parse import urljoin

import aiohttp
import psutil

from benchmarks.machine import describe
from models.inference.assets import BrowserFiles
from relay.assets import Asset
from relay.common import ourselves
from tests.support import free_port, subscribe, wait_until

LIKE_BROWSERS = 6
ACCEPTED = {"gzip": "gzip, deflate", "br": "gzip, deflate, br"}
PIECE = 1 << 16


def sizes(assets: list[Asset]) -> None:
    print(f"{'':<40} {'raw':>10} {'gzip':>10} {'brotli':>10}")
    for asset in assets:
        row = [asset.codings[coding].size for coding in ("identity", "gzip", "br")]
        print(f"{asset.name:<40} {row[0]:>10} {row[1]:>10} {row[2]:>10}")
    total = [sum(asset.codings[coding].size for asset in assets) for coding in ("identity", "gzip", "br")]
    print(f"{'all':<40} {total[0]:>10} {total[1]:>10} {total[2]:>10}")


class Newcomer:
    """A viewer's browser at its first visit."""

    def __init__(self, http: aiohttp.ClientSession, url: str, number: int) -> None:
        self.http, self.manifest = http, f"{url}/v1/assets"
        address = f"198.51.{number // 250}.{1 + number % 250}"
        self.headers = {"Accept-Encoding": ACCEPTED["br"], "X-Forwarded-For": address}
        self.bytes = self.waits = 0
        self.took_s = 0.0

    async def load(self) -> None:
        began, at_once = time.perf_counter(), asyncio.Semaphore(LIKE_BROWSERS)
        async with self.http.get(self.manifest, headers=self.headers) as response:
            files = (await response.json())["files"].values()
        await asyncio.gather(*(self.take(urljoin(self.manifest, file["url"]), at_once) for file in files))
        self.took_s = time.perf_counter() - began

    async def take(self, url: str, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            while True:
                async with self.http.get(url, headers=self.headers) as response:
                    if response.status == 200:
                        async for piece in response.content.iter_chunked(PIECE):
                            self.bytes += len(piece)
                        return
                    wait_s = float(response.headers["Retry-After"])
                self.waits += 1
                await asyncio.sleep(wait_s * random.uniform(1, 1.5))


async def gaps(url: str, key: str, into: list[float]) -> None:
    """The seconds between two moods, which come four times a second."""
    async with await subscribe(url, "demo", key) as client:
        last = None
        while await client.receive() is not None:
            now = time.perf_counter()
            if last is not None:
                into.append(now - last)
            last = now


async def crowd(viewers: int, rate: float) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        relay = await asyncio.create_subprocess_exec(
            *ourselves.command("relay"), "--port", str(port), "--data", folder, "--no-fetch", "--channel", "demo",
            "--asset-rate", str(rate), "--proxies", "1", "--hosts", "mood.example", "--max-per-address", "10000",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert relay.stdout
            while b"Display key" not in (line := await relay.stdout.readline()):
                assert line, "the relay did not start"
            key, process = line.decode().split()[-1], psutil.Process(relay.pid)
            async with aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"Host": "mood.example"},
            ) as http:

                async def is_ready() -> bool:
                    async with http.get(f"{url}/v1/assets") as response:
                        return bool((await response.json())["state"] == "ready")

                await wait_until(is_ready)
                late: list[float] = []
                watching = asyncio.create_task(gaps(url, key, late))
                before, began = process.cpu_times(), time.perf_counter()
                newcomers = [Newcomer(http, url, number) for number in range(viewers)]
                await asyncio.gather(*(one.load() for one in newcomers))
                took_s, after = time.perf_counter() - began, process.cpu_times()
                watching.cancel()
        finally:
            relay.terminate()
            await relay.wait()
    came = sum(one.bytes for one in newcomers)
    cpu_s = after.user + after.system - before.user - before.system
    each = sorted(one.took_s for one in newcomers)
    print(
        f"\n{viewers} viewers at once at {rate:g} MB/s: first {each[0]:.1f} s, median {statistics.median(each):.1f} s, "
        f"last {each[-1]:.1f} s; {came / 1e6:.1f} MB at {came / took_s / 1e6:.2f} MB/s, told to come back "
        f"{sum(one.waits for one in newcomers)} times; relay {cpu_s:.1f} s of processor; the longest gap between two "
        f"moods {max(late, default=0) * 1000:.0f} ms (usual: 250)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--viewers", type=int, default=20, metavar="N", help="who come at once (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, metavar="X", help="--asset-rate (default: %(default)s)")
    asked = parser.parse_args()
    print(describe())
    assets, is_whole = BrowserFiles([]).look()
    if not is_whole:
        print("Run `moodcast models assets` first.", file=sys.stderr)
        return 1
    sizes(list(assets))
    asyncio.run(crowd(asked.viewers, asked.rate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
