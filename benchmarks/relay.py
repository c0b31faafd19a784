"""What the relay can take: ``python -m benchmarks.relay [WHAT ...]``.

WHAT is labels, memory, fanout, latency, core or ticks; default: all.

Every server and the load generator is a process of its own; where there are two cores, servers get one and the
generator the other. Costs are CPU time of the server's process, so that a slow generator can't flatter or blame it;
if the generator itself was busy for over 90 % of a run, that is said beside the number.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import aiohttp
import psutil

from benchmarks import machine
from demo import crowd
from relay import app
from relay import machine as relay_machine
from relay.config import RelaySettings
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.protocol import EXPRESSIONS, LABEL_TTL_S
from relay.store import database
from relay.store.channels import Channels
from tests.support import free_port

ROOT = Path(__file__).parent.parent
CREATE_KEY = "the-benchmarks-create-key"
TICK_S = 0.25
OWNER = {"Authorization": f"Bearer {CREATE_KEY}"}
HELLO = '{"type":"hello","agent":"load"}'
LABELS = [json.dumps({"type": "label", "emotion": name, "confidence": 0.87}) for name in EXPRESSIONS]


class Server:
    """A server process pinned to the first core; ``cpu`` is what it has used so far, in seconds."""

    def __init__(
        self,
        *command: str,
        program: tuple[str, ...] = (sys.executable, "-m"),
        files: int | None = None,
        log: IO[bytes] | None = None,
        root: Path = ROOT,
    ) -> None:
        """``program``: what the command is of, {port} in which is filled in. ``files``: how many it may open. ``log``:
        where its standard error goes. ``root``: the checkout it is of."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        arguments = [*program, *(part.format(port=self.port) for part in command)]
        if files:
            arguments = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *arguments]
        self._process = subprocess.Popen(arguments, cwd=root, stdout=subprocess.DEVNULL, stderr=log)
        self.process = psutil.Process(self._process.pid)
        pin(self.process.pid, 0)
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=1).close()
                return
            except urllib.error.HTTPError as answer:
                answer.close()
                return  # it answers, if only to say that it has no such page
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(20)

    @property
    def cpu(self) -> float:
        return sum(self.cpu_parts)

    @property
    def cpu_parts(self) -> tuple[float, float]:
        """Seconds in the program, and in the system for it."""
        times = self.process.cpu_times()
        return float(times.user), float(times.system)


class RelayProcess(Server):
    """A relay with one channel, ``bench``."""

    def __init__(self, folder: str, *options: str, **how: Any) -> None:
        """``how``: as for ``Server``."""
        options = ("--port", "{port}", "--data", folder, "--create-key", CREATE_KEY, *options)
        super().__init__("moodcast", "relay", *options, **how)
        headers = {"Content-Type": "application/json", **OWNER}
        request = urllib.request.Request(f"{self.url}/v1/channels", b'{"channel": "bench"}', headers)
        with urllib.request.urlopen(request) as answer:
            keys = json.load(answer)
        self.key: str = keys["display_key"]
        self.admin_key: str = keys["admin_key"]


class Load:
    """The generator's process, on the second core."""

    def __init__(self, port: int, module: str = "benchmarks.load") -> None:
        command = [sys.executable, "-m", module, "127.0.0.1", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pin(1)

    def pin(self, core: int) -> None:
        """Bind it to another core."""
        pin(self._process.pid, core)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def do(self, what: str, **order: Any) -> dict[str, float]:
        """Carry out an order (see ``benchmarks.load``) and return its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **order}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the load generator failed; its words are above")
        answer: dict[str, float] = json.loads(line)
        return answer


def pin(pid: int, core: int) -> None:
    """Bind a process to one core, where there are two and the system can."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > core + 1 or (core and len(cores) > core):
        os.sched_setaffinity(pid, {cores[core]})


def remark(answer: dict[str, float]) -> str:
    return "  (the load generator was the bottleneck)" if answer["busy"] > 0.9 else ""


# --- the measurements ------------------------------------------------------------------------------------------------


def labels(connections: int = 2000, repeats: int = 15) -> float:
    """Labels taken per second of CPU (returned), against a bare receive loop.

    Many connections and few labels each: over a hundred at once the relay would rightly take for a flood. The
    median of five runs counts on both sides: a run is short, and its CPU time comes in steps of 10 ms.
    """
    count = connections * repeats * len(LABELS)
    rates: dict[str, list[float]] = {}
    for name in ("bare", "rarely", "relay") * 5:
        with tempfile.TemporaryDirectory() as folder:
            server = RelayProcess(folder) if name == "relay" else Server("benchmarks.bare_server", "{port}", name)
            path = "/v1/channels/bench/viewer" if name == "relay" else "/receive"
            with server:
                with Load(server.port) as warm_up:
                    warm_up.do("connect", path=path, count=connections // 4, first=HELLO)
                    warm_up.do("blast", frames=LABELS, repeats=repeats)
                with Load(server.port) as load:
                    load.do("connect", path=path, count=connections, first=HELLO)
                    before = server.cpu
                    answer = load.do("blast", frames=LABELS, repeats=repeats)
                    rate = count / (server.cpu - before)
            rates.setdefault(name, []).append(rate)
            print(f"  {name:6} {rate:9,.0f} labels per CPU second, {count / answer['seconds']:9,.0f} a second", end="")
            print(remark(answer))
    bare, rarely, relay = (statistics.median(rates[name]) for name in ("bare", "rarely", "relay"))
    print(f"labels in: relay {relay:,.0f} / bare receive loop {bare:,.0f} = {relay / bare:.2f} (goal: at least 0.8)")
    print(f"  the bare loop with the relay's garbage collection: {rarely:,.0f}; relay / that = {relay / rarely:.2f}")
    return relay


def memory(viewers: int = 10_000, root: Path = ROOT) -> float:
    """Memory of a connected, sharing viewer, in KiB."""
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder, root=root) as relay, Load(relay.port) as load:
        path = "/v1/channels/bench/viewer"
        load.do("connect", path=path, count=100, first=HELLO)
        load.do("blast", frames=LABELS[:1], repeats=1)
        before = relay.process.memory_info().rss
        load.do("connect", path=path, count=viewers, first=HELLO)
        load.do("blast", frames=LABELS[:1], repeats=1)
        load.do("wait", seconds=3)
        kib = (relay.process.memory_info().rss - before) / viewers / 1024
        print(f"memory: {kib:.1f} KiB a viewer with {viewers:,} viewers (goal: at most 14)")
        return kib


def fanout(subscribers: int = 4000, seconds: float = 8, root: Path = ROOT) -> float:
    """Mood events to subscribers per second of CPU, over bare sends of the same bytes (returned)."""
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder, root=root) as relay, Load(relay.port) as load:
        subscribe = json.dumps({"type": "subscribe", "key": relay.key})
        load.do("connect", path="/v1/channels/bench/mood", count=subscribers, first=subscribe)
        load.do("wait", seconds=2)
        before = relay.cpu
        answer = load.do("wait", seconds=seconds)
        events = round(seconds / TICK_S)
        cost = (relay.cpu - before) / events / subscribers
        print(
            f"  relay {1 / cost:9,.0f} sends per CPU second, {answer['received'] / events / subscribers:.0f} bytes",
            end="",
        )
        print(f" each{remark(answer)}")
    with Server("benchmarks.bare_server", "{port}") as bare, Load(bare.port) as load:
        load.do("connect", path="/fanout", count=subscribers, first="{}")
        load.do("wait", seconds=1)
        payload = "x" * round(answer["received"] / events / subscribers - 4)
        bare_cost = sum(asyncio.run(publish(bare, payload, 20))) / 20 / subscribers
        print(f"  bare  {1 / bare_cost:9,.0f} sends per CPU second")
    print(f"fan-out to {subscribers:,}: relay / bare sends = {bare_cost / cost:.2f} (goal: at least 1.2)")
    return bare_cost / cost


async def publish(server: Server, payload: str, times: int, path: str = "/publish") -> tuple[float, float]:
    """CPU seconds, as ``cpu_parts``, that the bare server takes to send a text to all its sockets so many times."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{server.url}{path}", compress=0) as socket:
        await socket.send_str(payload)
        await socket.receive()
        user, system = server.cpu_parts
        for _ in range(times):
            await asyncio.sleep(TICK_S)  # as the relay rests: receivers who sleep between two events cost more to reach
            await socket.send_str(payload)
            await socket.receive()
        now = server.cpu_parts
        return now[0] - user, now[1] - system


def latency(viewers: int = 5000, seconds: float = 20) -> None:
    """From a label's sending to the first mood event that counts it, under load."""
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder) as relay, Load(relay.port) as load:
        load.do("connect", path="/v1/channels/bench/viewer", count=viewers, first=HELLO)
        for crowd_size in (0, viewers):
            if crowd_size:
                load.do("chat", frames=LABELS, per_second=0.5)
            before = relay.cpu
            measured = asyncio.run(probe(relay, f"probe{crowd_size}", seconds))
            cuts = statistics.quantiles(measured, n=100, method="inclusive")
            busy = (relay.cpu - before) / seconds
            print(
                f"  {'with' if crowd_size else 'without'} {viewers:,} viewers' labels: p50 {cuts[49] * 1000:.0f} ms, "
                f"p99 {cuts[98] * 1000:.0f} ms, relay busy {busy:.0%}, {len(measured)} probes"
            )
        print("latency goal: p99 under the tick (250 ms) + 100 ms")


async def probe(relay: RelayProcess, channel: str, seconds: float) -> list[float]:
    latencies: list[float] = []
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{relay.url}/v1/channels", json={"channel": channel}, headers=OWNER) as answer:
            key = (await answer.json())["display_key"]
        task = asyncio.create_task(crowd.probe(http, relay.url, channel, key, latencies))
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            await task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return latencies


def core(labels_each: int = 200_000) -> None:
    """One label's cost in the pure core, whatever the audience's size."""
    chance = random.Random(0)
    for size in (100, 10_000, 100_000):
        channel = Channel("bench", 5, LABEL_TTL_S)
        viewers = [Member() for _ in range(size)]
        for viewer in viewers:
            channel.join(viewer, 0.0, 0.0)
            channel.label(viewer, "neutral", 0.0)
        work = [(chance.choice(viewers), chance.choice(EXPRESSIONS)) for _ in range(labels_each)]
        began = time.perf_counter()
        for number, (viewer, expression) in enumerate(work):
            channel.label(viewer, expression, number * 1e-6)
        each = (time.perf_counter() - began) / labels_each
        began = time.perf_counter()
        channel.tick(channel.snapshot(1.0), 1.0, 1.0)
        print(f"  {size:7,} viewers: {each * 1e6:.2f} us a label, {(time.perf_counter() - began) * 1e3:.2f} ms a tick")
    print("core goal: a label's cost is flat")


def ticks(channels: int = 2000, seconds: float = 10) -> None:
    """How long a tick of many channels, with a viewer and a subscriber each, keeps all other work waiting."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_ticks(folder, channels, seconds))


async def _ticks(folder: str, channels: int, seconds: float) -> None:
    place = database.prepare(folder)
    keys = Channels(place).create("many0")
    with database.opened(place) as file:  # all with the same keys, in one transaction
        columns = "admin_hash, display_hash, created"
        copy = f"INSERT INTO channels (name, {columns}) SELECT ?, {columns} FROM channels WHERE name = 'many0'"
        for number in range(1, channels):
            file.execute(copy, (f"many{number}",))
    relay = await app.start(RelaySettings(port=free_port(), data=folder, min_viewers=1, crowd="viewers"))
    relay_machine.collect_rarely()  # as the command does
    port, subscribe = int(relay.url.rpartition(":")[2]), json.dumps({"type": "subscribe", "key": keys.display_key})
    try:
        with Load(port) as viewers, Load(port) as overlays:
            path = "/v1/channels/many{}"
            await asyncio.to_thread(viewers.do, "connect", path=f"{path}/viewer", count=channels, first=HELLO)
            await asyncio.to_thread(overlays.do, "connect", path=f"{path}/mood", count=channels, first=subscribe)
            viewers.do("chat", frames=LABELS, per_second=0.5)
            await asyncio.sleep(3)
            steps = await _steps(seconds)
    finally:
        await relay.stop()
    steps.sort()
    print(
        f"ticks of {channels:,} channels: of {len(steps):,} steps of the event loop the longest took "
        f"{steps[-1] * 1e3:.0f} ms of CPU, the tenth longest {steps[-10] * 1e3:.1f} ms; "
        f"busy {sum(steps) / seconds:.0%}"
    )


async def _steps(seconds: float) -> list[float]:
    """CPU time of each step of the event loop: how long it kept all others waiting on a machine of its own."""
    steps: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        begun = time.thread_time()
        run(handle)
        steps.append(time.thread_time() - begun)

    asyncio.Handle._run = timed  # type: ignore[method-assign]
    try:
        await asyncio.sleep(seconds)
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
    return steps


MEASUREMENTS = {
    "labels": labels, "memory": memory, "fanout": fanout, "latency": latency, "core": core, "ticks": ticks,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(MEASUREMENTS)}; default: all")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    for name in args.what or MEASUREMENTS:
        if name not in MEASUREMENTS:
            parser.error(f"expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
