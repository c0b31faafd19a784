"""What one small server carries, a core and 1 GB: ``python -m benchmarks.small_server``.

A relay with all that it starts is held in one core and in a control group of 1 GB, as a small virtual machine or
container would hold it; where no group may be made, its processes' memory is added up instead, and that is said.
Viewers who change their expression (0.5 labels a second each) come in steps, before ten overlays, until a step is told
too late, loses somebody, or the limit of open files is reached. The generator has the second core.

Then the core is made smaller, as in ``benchmarks.telling``, until the last step is told too late there. So a machine
that may open fewer files than a core can tell says all the same how many that is.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import psutil
from tqdm import tqdm

from benchmarks import machine
from benchmarks.relay import HELLO, LABELS, ROOT, Load, RelayProcess, pin
from benchmarks.telling import LABELS_PER_S, PATIENCE_S, in_time, squeezed
from relay import machine as relay_machine
from relay.common.deadline import within
from tests.support import free_port

GB = 10**9
OVERLAYS = 10
STEP = 2000
TOO_LATE = "told too late"
PROXIED = (1000, 3000, 5000, 6000, 7000)
"""Viewers behind a proxy, as long as there is memory for them."""
ALMOST = 0.9
"""Of the memory: with more the next viewers may end it."""
_SETTLE_S, _WINDOW_S, _GROW_S = 2.0, 5.0, 45.0
_GROUPS = Path("/sys/fs/cgroup")
_VERSIONS = (
    (_GROUPS, "memory.max", "memory.current", "memory.peak"),
    (_GROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes"),
)
"""Of control groups, 2 and 1: where they are, the files of limit, use and the most used so far."""
_INTO_GROUP = 'echo $$ > "$0/cgroup.procs" && exec "$@"'

Row = dict[str, Any]


class Room:
    """Memory that a relay has: a control group of 1 GB, or nothing but a sum."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        for parent, limit, self._current, self._peak in _VERSIONS:
            if (parent / "cgroup.procs").exists():
                folder = parent / f"moodcast-{os.getpid()}"
                with contextlib.suppress(OSError):  # this user may make none
                    folder.mkdir()
                    self._folder = folder
                    (folder / limit).write_text(str(GB))
                    return

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder:
            self._folder.rmdir()

    @property
    def program(self) -> tuple[str, ...]:
        """What goes before a command that is to run in it."""
        python = (sys.executable, "-m")
        return ("sh", "-c", _INTO_GROUP, str(self._folder), *python) if self._folder else python

    def used(self, tree: list[psutil.Process]) -> tuple[int, int]:
        """Bytes now, and at most so far. Without a group they are those that the processes have themselves."""
        if self._folder is None:
            now = sum(process.memory_info().rss for process in tree)
            return now, now
        now = int((self._folder / self._current).read_text())
        peak = self._folder / self._peak  # Linux 5.19 and later
        return now, int(peak.read_text()) if peak.exists() else now

    def __str__(self) -> str:
        return (
            "a control group of 1 GB" if self._folder else "no control group: the memory of its processes is added up"
        )


def ramp(relay: RelayProcess, load: Load, room: Room, most: int) -> Iterator[Row]:
    """A row for each step, until one does not pass; its key ``bound`` says why."""
    for size in range(STEP, most + 1, STEP):
        load.do("grow", path="/v1/channels/bench/viewer", count=size, first=HELLO)
        load.do("sway", per_second=LABELS_PER_S)
        row = window(relay, load, room, size)
        if row["bound"] == TOO_LATE:  # it may have been another program's doing
            row = window(relay, load, room, size)
        row["bound"] = row["bound"] or ("open files" if size == most else "")
        yield row
        if row["bound"]:
            return


def window(relay: RelayProcess, load: Load, room: Room, viewers: int) -> Row:
    """What is used and told in some seconds; ``bound`` says what does not hold."""
    load.do("wait", seconds=_SETTLE_S)
    tree = [relay.process, *relay.process.children(recursive=True)]
    before = spent(tree)
    answer = load.do("measure", seconds=_WINDOW_S)
    took = answer.pop("seconds")
    now, peak = room.used(tree)
    row = {
        "viewers": viewers,
        "core": (spent(tree) - before) / took,
        "memory": now,
        "peak": peak,
        "rss": sum(process.memory_info().rss for process in tree),
        "mbit": answer["received"] * 8 / took / 1e6,
        **answer,
    }
    return row | {"bound": why_not(row)}


def spent(tree: list[psutil.Process]) -> float:
    """CPU seconds of all processes, in the program and in the system for it."""
    return sum(sum(process.cpu_times()[:2]) for process in tree)


def why_not(row: Row) -> str:
    """What does not hold of a step."""
    if not in_time(row, PATIENCE_S[0]):
        return TOO_LATE
    if row["lost"]:
        return "lost connections"
    return "memory" if row["peak"] >= ALMOST * GB else ""


def files(wanted: int) -> int:
    """So many viewers, or how many fit the limit of open files, in the relay and in the generator; in whole steps."""
    return (relay_machine.room_for(wanted + OVERLAYS) - OVERLAYS) // STEP * STEP


HEAD = (
    "| viewers | of the core | memory, MB | at most so far | processes' RSS | Mbit/s out "
    "| label to mood, p50 and p99 ms | at a viewer |\n|---|---|---|---|---|---|---|---|"
)


PROXIED_HEAD = (
    "With Caddy and TLS in the same room:\n"
    "| viewers | of the core: relay, Caddy | memory, MB | at most so far |\n|---|---|---|---|"
)


def line(row: Row) -> str:
    """A row of the table."""
    text = f"| {row['viewers']:,} | {row['core']:.0%} | {row['memory'] / 1e6:.0f} | {row['peak'] / 1e6:.0f} | "
    text += f"{row['rss'] / 1e6:.0f} | {row['mbit']:.1f} | {row['p50'] * 1e3:.0f}, {row['p99'] * 1e3:.0f} | "
    text += f"{row['viewer_p50'] * 1e3:.0f}, {row['viewer_p99'] * 1e3:.0f} |"
    return text + (" (the load generator was the bottleneck)" if row["busy"] > 0.9 else "")


def measure(most: int) -> Row:
    """The rows, and what a part of the core does with the last that passed."""
    with (
        Room() as room,
        tempfile.TemporaryDirectory() as folder,
        RelayProcess(folder, "--no-fetch", program=room.program) as relay,
        Load(relay.port, "benchmarks.audience_load") as load,
    ):
        empty, _ = room.used([relay.process])
        print(f"One core and {room}; empty, the relay takes {empty / 1e6:.0f} MB.\n{HEAD}")
        for _ in range(OVERLAYS):
            load.do(
                "subscribe",
                path="/v1/channels/bench/mood",
                first=json.dumps({"type": "subscribe", "key": relay.key}),
            )
        rows = []
        for row in tqdm(ramp(relay, load, room, most), total=most // STEP, disable=None):
            tqdm.write(line(row))
            rows.append(row)
        found = {"machine": machine.describe(), "room": str(room), "empty": empty, "rows": rows}
        if rows[-1]["bound"] == "open files":
            found["squeezed"] = next(squeezed(relay, load, rows[-1]["core"]))
        return found


# --- behind a proxy ---------------------------------------------------------------------------------------------------


def behind_caddy() -> list[Row]:
    """What Caddy of deploy/Caddyfile, with TLS and in the same room, takes beside the relay."""
    options = ("--no-fetch", "--proxies", "1", "--hosts", "localhost", "--require-tickets", "off")
    most = ("--max-per-address", "100000")
    with (
        Room() as room,
        tempfile.TemporaryDirectory() as folder,
        RelayProcess(folder, *options, *most, program=room.program) as relay,
        caddy(room, Path(folder), relay.port) as (proxy, url),
    ):
        pin(os.getpid(), 1)
        return asyncio.run(_proxied(url, room, relay.process, proxy))


@contextlib.contextmanager
def caddy(room: Room, folder: Path, upstream: int) -> Iterator[tuple[psutil.Process, str]]:
    """A Caddy on the relay's core in front of it, and its https address."""
    port = free_port()
    environment = os.environ | {
        "SITE": "localhost", "HTTPS_PORT": str(port), "HTTP_PORT": str(free_port()), "HOME": str(folder),
        "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "UPSTREAMS": f"127.0.0.1:{upstream}",
    }  # fmt: skip
    command = ["caddy", "run", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
    process = subprocess.Popen([*room.program[:-2], *command], env=environment, stderr=subprocess.DEVNULL)
    pin(process.pid, 0)
    try:
        yield psutil.Process(process.pid), f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def _proxied(url: str, room: Room, relay: psutil.Process, proxy: psutil.Process) -> list[Row]:
    """A row for each number of viewers, while there is room."""
    connector = aiohttp.TCPConnector(ssl=False, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        await _answers(http, url)
        viewers: list[aiohttp.ClientWebSocketResponse] = []
        rows: list[Row] = []
        for size in tqdm(PROXIED, disable=None):
            try:
                await within(_GROW_S, _grow(http, url, viewers, size))
            except (aiohttp.ClientError, asyncio.TimeoutError):
                tqdm.write(f"{size:,} viewers did not get in: the memory is full.")
                break
            row = {"viewers": size} | await _proxied_window(viewers, room, relay, proxy)
            memory = f"{row['memory'] / 1e6:.0f} | {row['peak'] / 1e6:.0f}"
            tqdm.write(f"| {size:,} | {row['relay']:.0%}, {row['caddy']:.0%} | {memory} |")
            rows.append(row)
        return rows


async def _grow(
    http: aiohttp.ClientSession, url: str, viewers: list[aiohttp.ClientWebSocketResponse], size: int
) -> None:
    """More viewers, a hundred at a time."""
    while len(viewers) < size:
        path = f"{url}/v1/channels/bench/viewer"
        viewers += await asyncio.gather(*(http.ws_connect(path, compress=0) for _ in range(100)))
        for viewer in viewers[-100:]:
            await viewer.send_str(HELLO)


async def _answers(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(f"{url}/readyz") as response:
                if response.status == 200:
                    return
        await asyncio.sleep(0.1)


async def _proxied_window(
    viewers: list[aiohttp.ClientWebSocketResponse], room: Room, relay: psutil.Process, proxy: psutil.Process
) -> Row:
    """What all viewers take together, of memory and of seconds of the core."""
    listening = [asyncio.create_task(_listen(viewer)) for viewer in viewers]
    talking = asyncio.create_task(_talk(viewers))
    await asyncio.sleep(2 / LABELS_PER_S)
    before = spent([relay]), spent([proxy])
    began = time.monotonic()
    await asyncio.sleep(_WINDOW_S)
    took = time.monotonic() - began
    after = spent([relay]), spent([proxy])
    used, peak = room.used([relay, proxy])
    for task in (talking, *listening):
        task.cancel()
    await asyncio.gather(talking, *listening, return_exceptions=True)
    return {
        "memory": used,
        "peak": peak,
        "relay": (after[0] - before[0]) / took,
        "caddy": (after[1] - before[1]) / took,
    }


async def _listen(viewer: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await viewer.receive()


async def _talk(viewers: list[aiohttp.ClientWebSocketResponse]) -> None:
    """Each viewer says another expression, 0.5 labels a second, in even steps."""
    for number in itertools.count():
        await viewers[number % len(viewers)].send_str(LABELS[(number // len(viewers) + number) % len(LABELS)])
        if number % 10 == 0:
            await asyncio.sleep(10 / LABELS_PER_S / len(viewers))


def tell(found: Row) -> None:
    """What follows of the rows."""
    passed = [row for row in found["rows"] if row["bound"] in ("", "open files")]
    if not passed:
        print(f"Not even {STEP:,} viewers: {found['rows'][-1]['bound']}.")
        return
    last = passed[-1]
    print(f"Carried: {last['viewers']:,} viewers; the next bound is: {found['rows'][-1]['bound']}.")
    each = (last["memory"] - found["empty"]) / last["viewers"]
    print(f"Memory: {each / 1024:.1f} KiB a viewer, so 1 GB has room for {(GB - found['empty']) / each:,.0f}.")
    if "squeezed" in found:
        share = found["squeezed"]["share"]
        print(
            f"Core: {last['viewers']:,} viewers are told in time in {share:.0%} of it, so a whole one tells "
            f"{last['viewers'] / share:,.0f}."
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_server", description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, metavar="N", help="viewers; default: as many as can be")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    found = measure(files(args.most))
    tell(found)
    if shutil.which("caddy"):
        print(PROXIED_HEAD)
        found["behind_caddy"] = rows = behind_caddy()
        more = rows[-1]["viewers"] - rows[0]["viewers"]
        each = {name: (rows[-1][name] - rows[0][name]) / more for name in ("memory", "relay", "caddy")}
        print(
            f"A viewer more takes {each['memory'] / 1024:.0f} KiB, {each['relay'] * 1e6:.0f} us of the core a second "
            f"for the relay and {each['caddy'] * 1e6:.0f} us for Caddy."
        )
    else:
        print("No caddy here, so what a proxy on the same machine takes is not measured.")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
