"""What an attack costs the relay: ``python -m benchmarks.attacks [NAME ...]`` (default: all of ``ATTACKS``).

Each attack meets a relay of its own, in a process of its own, with a channel and a 12-hour session in its history. Told
are the memory of the relay and its children beyond what they had before, their CPU time, the time between two moods at
a subscriber (again a process of its own), what the attack itself saw, and how long the relay takes to end on SIGTERM.
"""

import argparse
import asyncio
import io
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from PIL import Image

from benchmarks import machine
from relay.protocol import EXPRESSIONS
from relay.store import database
from tests.support import free_port

ROOT = Path(__file__).parent.parent
CHANNEL = "bench"
SESSION_S = 12 * 3600
QUIET_S = 2.0
"""Before and after an attack, so that the subscriber sees what is usual and what comes late."""


class Target:
    """A relay to attack. ``folder``: of its data."""

    def __init__(self, folder: Path) -> None:
        fill(folder)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.path = f"/v1/channels/{CHANNEL}"
        command = [sys.executable, "-m", "moodcast", "relay", "--port", str(port), "--data", str(folder)]
        self._started = subprocess.Popen([*command, "--channel", CHANNEL], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.process = psutil.Process(self._started.pid)
        assert self._started.stdout is not None
        self.key = next(line.split()[-1] for line in self._started.stdout if "Display key" in line)
        self.headers = {"Authorization": f"Bearer {self.key}"}
        threading.Thread(target=self._started.stdout.read, daemon=True).start()
        self._peak, self._over = 0, threading.Event()
        self._cpu_of_children: dict[int, float] = {}
        self._listener = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.attacks", "--listen", self.url],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def client(self, timeout: float = 120.0) -> aiohttp.ClientSession:
        """For as many requests at once as an attack likes."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        return aiohttp.ClientSession(self.url, connector=connector, timeout=aiohttp.ClientTimeout(total=timeout))

    def begin(self) -> None:
        """Measure from now on."""
        assert self._listener.stdin
        self._listener.stdin.write(self.key + "\n")
        self._listener.stdin.flush()
        time.sleep(QUIET_S)
        self._before = self._look()
        self._cpu_before = self._cpu()
        self._watch = threading.Thread(target=self._sample)
        self._watch.start()

    def _sample(self) -> None:
        while not self._over.wait(0.02):
            self._peak = max(self._peak, self._look())
            self._cpu()

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def _look(self) -> int:
        total = 0
        for process in self._family():
            try:
                total += process.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
        return total

    def _cpu(self) -> float:
        for process in self._family():
            try:
                self._cpu_of_children[process.pid] = sum(process.cpu_times()[:2])
            except psutil.Error:
                continue
        return sum(self._cpu_of_children.values())

    def end(self) -> dict[str, Any]:
        """Stop the relay; what was measured."""
        time.sleep(QUIET_S)
        self._over.set()
        self._watch.join()
        cpu = self._cpu() - self._cpu_before
        gaps, _ = self._listener.communicate("stop\n", timeout=60)
        return {
            "memory_mb": round((self._peak - self._before) / 1e6),
            "cpu_s": round(cpu, 1),
            "moods": json.loads(gaps),
            "sigterm_s": self.stop(),
        }

    def stop(self) -> float:
        """Seconds from SIGTERM until the relay has ended."""
        begun = time.monotonic()
        self._started.send_signal(signal.SIGTERM)
        try:
            self._started.wait(120)
        except subprocess.TimeoutExpired:
            self._started.kill()
        return round(time.monotonic() - begun, 1)

    def kill(self) -> None:
        for process in (self._started, self._listener):
            if process.poll() is None:
                process.kill()
            process.wait()


def fill(folder: Path) -> None:
    """A session of 12 hours, as it would lie in the history after 12 hours with a hundred viewers."""
    chance = random.Random(1)
    started = int(time.time()) - SESSION_S - 3600
    with database.opened(database.prepare(str(folder))) as file:
        file.execute("INSERT INTO sessions VALUES (?, 1, ?, ?, 250, 5, '')", (CHANNEL, started, started + SESSION_S))
        row = f"INSERT INTO moments VALUES (?, 1, ?, 100, ?, {', '.join('?' * len(EXPRESSIONS))}, ?, ?)"
        for second in range(started, started + SESSION_S):
            counts = [chance.randrange(20) for _ in EXPRESSIONS]
            file.execute(row, (CHANNEL, second, sum(counts), *counts, chance.random(), chance.random()))
            if second % 10 == 0:
                file.execute(
                    "INSERT INTO reactions VALUES (?, 1, ?, 'tap', 'heart', 0.25, 20)", (CHANNEL, second + 0.5)
                )
            if second % 600 == 0:
                file.execute("INSERT INTO markers VALUES (?, 1, ?, 'a marker')", (CHANNEL, second + 0.25))


# --- the attacks -----------------------------------------------------------------------------------------------------


async def bombs(target: Target) -> dict[str, Any]:
    """Two progressive JPEGs of 2,000 scans, and another picture meanwhile; the history is asked to close with them."""
    async with target.client() as http:
        answers = [asyncio.create_task(look(http, bomb(2000))) for _ in range(2)]
        await asyncio.sleep(0.3)
        other = await look(http, jpeg(640, 480))
        return {"other": other, "bombs": [await answer for answer in answers]}


async def slowest(target: Target) -> dict[str, Any]:
    """As ``bombs``, with what is just let through: 50 scans of 20 million pixels."""
    file = bomb(40, (5000, 4000))
    async with target.client() as http:
        answers = [asyncio.create_task(look(http, file)) for _ in range(2)]
        await asyncio.sleep(0.3)
        other = await look(http, jpeg(640, 480))
        return {"other": other, "slowest": [await answer for answer in answers]}


async def sigterm(target: Target) -> dict[str, Any]:
    """SIGTERM while two such bombs are looked at. (The time stands under ``seconds``.)"""
    async with target.client() as http:
        answers = [asyncio.create_task(look(http, bomb(2000))) for _ in range(2)]
        await asyncio.sleep(0.5)
        seconds = await asyncio.to_thread(target.stop)
        for answer in answers:
            answer.cancel()
        return {"seconds": seconds}


async def pixels(target: Target) -> dict[str, Any]:
    """Three pictures at once of 49 million pixels each, in a file of 0.2 MB."""
    found = {}
    async with target.client() as http:
        for kind, mode in (("WEBP", "RGB"), ("PNG", "RGBA"), ("PNG", "RGB"), ("JPEG", "RGB")):
            file = flat(kind, mode)
            answers = await asyncio.gather(*(look(http, file) for _ in range(3)))
            found[f"{kind} {mode}"] = [f"{len(file) / 1e6:.2f} MB", *answers]
    return found


async def exports(target: Target) -> dict[str, Any]:
    """A hundred exports of the session at once."""
    return await crowd(target, 100, "sessions/1.csv")


async def parts(target: Target) -> dict[str, Any]:
    """A hundred times the session as JSON at once."""
    return await crowd(target, 100, "sessions/1")


async def peaks(target: Target) -> dict[str, Any]:
    """Forty times the session's peaks at once."""
    return await crowd(target, 40, "sessions/1/peaks")


async def pictures(target: Target) -> dict[str, Any]:
    """Four hundred overlay pictures at once, each of another size."""
    return await crowd(target, 400, "overlay.png?width={width}&height={height}&reaction=happy&age={age}")


async def readers(target: Target) -> dict[str, Any]:
    """Sixty GETs whose sender reads nothing of the answer: how many are still open after so many seconds."""
    path = {"csv": f"{target.path}/sessions/1.csv", "png": f"{target.path}/overlay.png?width=1920&height=1080"}
    found: dict[str, Any] = {}
    begun = time.monotonic()
    opened = []
    for kind in ("csv", "png", "static") * 20:
        writer = await mute(target, path.get(kind, "/static/dashboard.js"))
        opened.append((kind, writer))
    while time.monotonic() - begun < 40:
        await asyncio.sleep(5)
        remotes = {peer.raddr.port for peer in target.process.net_connections("tcp") if peer.raddr}
        alive = Counter(kind for kind, writer in opened if writer.get_extra_info("sockname")[1] in remotes)
        found[f"{time.monotonic() - begun:.0f} s"] = dict(alive)
    for _, writer in opened:
        writer.transport.abort()
    return found


ATTACKS: dict[str, Callable[[Target], Awaitable[dict[str, Any]]]] = {
    attack.__name__: attack for attack in (bombs, slowest, sigterm, pixels, exports, parts, peaks, pictures, readers)
}


# --- what they are made of -------------------------------------------------------------------------------------------


async def crowd(target: Target, count: int, path: str) -> dict[str, Any]:
    """``count`` requests at once: how many were answered with which status, and when the last one was."""
    async with target.client() as http:

        async def one(number: int) -> int:
            query = path.format(width=1520 + number, height=680 + number, age=number / 200)
            async with http.get(f"{target.path}/{query}", headers=target.headers) as response:
                async for _ in response.content.iter_any():
                    pass
                return response.status

        begun = time.monotonic()
        answers = await asyncio.gather(*map(one, range(count)), return_exceptions=True)
        taken = time.monotonic() - begun
    return {"answers": dict(Counter(str(answer) for answer in answers)), "last_after_s": round(taken, 1)}


async def look(http: aiohttp.ClientSession, picture: bytes) -> str:
    """Status and seconds of the answer to a picture."""
    begun = time.monotonic()
    try:
        async with http.post("/v1/try", data=picture, headers={"Content-Type": "image/jpeg"}) as response:
            await response.read()
            return f"{response.status} after {time.monotonic() - begun:.1f} s"
    except aiohttp.ClientError as error:
        return f"{type(error).__name__} after {time.monotonic() - begun:.1f} s"


def jpeg(width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    Image.fromarray(noise).resize((width, height)).save(file, "JPEG", **options)
    return file.getvalue()


def bomb(scans: int, size: tuple[int, int] = (4000, 3000)) -> bytes:
    """A progressive JPEG whose last scan comes again and again; each is decoded over the whole picture."""
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, "JPEG", quality=5, progressive=True)
    whole = file.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def flat(kind: str, mode: str) -> bytes:
    """49 million pixels of one colour."""
    file = io.BytesIO()
    Image.new(mode, (7000, 7000), "teal").save(file, kind, lossless=True, quality=0, method=0)
    return file.getvalue()


async def mute(target: Target, path: str) -> asyncio.StreamWriter:
    """A request whose answer nobody reads."""
    host, _, port = target.url.removeprefix("http://").partition(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the kernel takes little on its behalf
    client.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=client, limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.key}\r\n\r\n".encode())
    writer._kept = reader  # type: ignore[attr-defined]  # else it is collected, and reads on
    return writer


# --- the subscriber --------------------------------------------------------------------------------------------------


async def listen(url: str) -> None:
    """Reads a key from standard input, then hears moods until another line comes; tells the times between two."""
    key = (await asyncio.to_thread(sys.stdin.readline)).strip()
    stop = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    gaps: list[float] = []
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/channels/{CHANNEL}/mood") as socket:
        await socket.send_str(json.dumps({"type": "subscribe", "key": key}))
        last = None
        while not stop.done():
            frame = await socket.receive(30)
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            now = time.monotonic()
            if json.loads(frame.data)["type"] == "mood":
                gaps += [] if last is None else [now - last]
                last = now
    p50, p99, most = np.quantile(gaps, [0.5, 0.99, 1.0]).round(3).tolist()
    print(json.dumps({"count": len(gaps), "gap_p50_s": p50, "gap_p99_s": p99, "gap_max_s": most}))


async def run(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        target = Target(Path(folder))
        try:
            if name in ("bombs", "slowest", "sigterm", "pixels"):  # the recogniser's own memory is no attack's
                async with target.client() as http:
                    await look(http, jpeg(640, 480))
            target.begin()
            found = await ATTACKS[name](target)
            return found | ({} if name == "sigterm" else await asyncio.to_thread(target.end))
        finally:
            target._over.set()
            target.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ATTACKS))
    parser.add_argument("--listen", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        return asyncio.run(listen(options.listen))
    if unknown := set(options.names) - ATTACKS.keys():
        parser.error(f"there is no attack {', '.join(sorted(unknown))}: choose of {', '.join(ATTACKS)}")
    print(machine.describe())
    for name in options.names or ATTACKS:
        print(f"{name}: {json.dumps(asyncio.run(run(name)))}", flush=True)
    return None


if __name__ == "__main__":
    main()
