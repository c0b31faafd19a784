"""What several processes of one relay cost, and what they bring: ``python -m benchmarks.processes [cost] [capacity]``.

``cost``: CPU seconds of a relay of one process and of one of two workers, by turns, under the same load. All processes
of the relay have the first core, so that both get the same one; the generator has the second, Redis with it, and
neither counts.

``capacity``: how many viewers are told in time by one worker and by two. That needs five free cores (two workers, Redis
and supervisor, the generator, and one for all else); with fewer it says so and measures nothing. Since a process may
not open enough files for a crowd that fills a core, a hog of higher priority takes a part of each worker's core away.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
from tqdm import tqdm

from benchmarks import machine
from benchmarks.relay import HELLO, ROOT, Load, RelayProcess, pin
from benchmarks.telling import LABELS_PER_S, PATIENCE_S, in_time
from relay.protocol import HEARTBEAT_S

SIZES = (2000, 8000)
_START_S, _SETTLE_S, _WINDOW_S, _TRIAL_S = 30.0, 2.0, 6.0, 3.0
_NEEDED = 5
_IDLE_PERCENT = 15.0
_LEFT = 0.15
"""Of each worker's core, where the hog has the rest."""
_FIRST, _GROWTH, _MOST_VIEWERS = 1000, 1.12, 18_000


class SeveralProcesses(RelayProcess):
    """A relay of so many processes; ``cpu`` is that of all but Redis."""

    def __init__(self, folder: str, count: int, log: IO[bytes]) -> None:
        super().__init__(folder, "--processes", str(count), "--no-fetch", log=log)
        deadline = time.monotonic() + _START_S
        while Path(log.name).read_text().count("relay starts") < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"the relay's workers do not start:\n{Path(log.name).read_text()}")
            time.sleep(0.1)
        children = self.process.children(recursive=True)
        self.workers = [one for one in children if one.cmdline()[-1] == "worker"] or [self.process]
        self.redis = [one for one in children if one.name() in ("redis-server", "valkey-server")]
        self.counted = list({self.process, *self.workers})

    @property
    def cpu(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in self.counted)

    @property
    def waits(self) -> int:
        """How often its processes have waited for something so far: each time costs a wake-up."""
        return sum(one.num_ctx_switches().voluntary for one in self.workers)


@contextlib.contextmanager
def loaded(count: int) -> Iterator[tuple[SeveralProcesses, Load]]:
    """A relay of so many processes, and a generator with a subscriber."""
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "log").open("wb") as log,
        SeveralProcesses(folder, count, log) as relay,
        Load(relay.port, "benchmarks.audience_load") as load,
    ):
        load.do(
            "subscribe",
            path="/v1/channels/bench/mood",
            first=json.dumps({"type": "subscribe", "key": relay.key}),
        )
        yield relay, load


def cost_of(count: int, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Seconds of a core that so many processes spend a second, for each size of an audience that rests or changes."""
    rows = []
    with loaded(count) as (relay, load):
        for one in relay.counted:
            pin(one.pid, 0)
        for one in relay.redis:
            pin(one.pid, 1)
        for size in sizes:
            load.do("grow", path="/v1/channels/bench/viewer", count=size, first=HELLO)
            for audience, order, rate in (("rests", "rest", 1 / HEARTBEAT_S), ("changes", "sway", LABELS_PER_S)):
                load.do(order, per_second=rate)
                load.do("wait", seconds=_SETTLE_S)
                spent, redis, waits, began = relay.cpu, _sum(relay.redis), relay.waits, time.perf_counter()
                answer = load.do("measure", seconds=_WINDOW_S)
                took = time.perf_counter() - began
                rows.append({
                    "processes": count,
                    "audience": audience,
                    "viewers": size,
                    "cpu": (relay.cpu - spent) / took,
                    "redis": (_sum(relay.redis) - redis) / took,
                    "waits": (relay.waits - waits) / took,
                    "p99": answer["p99"],
                    "busy": answer["busy"],
                })  # fmt: skip
    return rows


def _sum(processes: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def cost(sizes: tuple[int, ...], rounds: int) -> None:
    """One process and two workers by turns."""
    rows = []
    for _ in tqdm(range(rounds), disable=None):
        for count in (1, 2):
            rows += cost_of(count, sizes)
    print(
        "| audience | viewers | one process: us a viewer and second | two workers | times | Redis "
        "| wake-ups a second | label to mood, p99 ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        for audience in ("changes", "rests"):
            one, two = (
                [row for row in rows if (row["processes"], row["audience"], row["viewers"]) == (count, audience, size)]
                for count in (1, 2)
            )
            alone, both, redis = _median(one, "cpu"), _median(two, "cpu"), _median(two, "redis")
            print(
                f"| {audience} | {size:,} | {alone / size * 1e6:.1f} | {both / size * 1e6:.1f} | {both / alone:.2f} | "
                f"{redis / size * 1e6:.1f} | {_median(one, 'waits'):.0f}, {_median(two, 'waits'):.0f} | "
                f"{_median(one, 'p99') * 1e3:.0f}, {_median(two, 'p99') * 1e3:.0f} |"
            )
    if any(row["busy"] > 0.9 for row in rows):
        print("(the load generator was the bottleneck)")


def _median(rows: list[dict[str, Any]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


def capacity_of(count: int) -> int:
    """The largest audience, in steps of 12 %, that so many workers tell in time in a part of a core each."""
    most = 0
    with loaded(count) as (relay, load):
        for core, worker in enumerate(relay.workers):
            pin(worker.pid, core)
        for one in relay.redis:
            pin(one.pid, 2)
        if count > 1:
            pin(relay.process.pid, 2)
        load.pin(3)
        with _hogs(relay.workers):
            size = _FIRST * count
            while size <= _MOST_VIEWERS:
                load.do("grow", path="/v1/channels/bench/viewer", count=size, first=HELLO)
                load.do("sway", per_second=LABELS_PER_S)
                load.do("wait", seconds=_SETTLE_S)
                answer = load.do("measure", seconds=_TRIAL_S)
                if not in_time(answer, PATIENCE_S[0]):
                    return most
                most, size = size, int(size * _GROWTH)
    print(f"({count} of them told {most:,} viewers in time, and more could not be connected)")
    return most


@contextlib.contextmanager
def _hogs(workers: list[psutil.Process]) -> Iterator[None]:
    """Takes a part of each worker's core away."""
    hogs = [subprocess.Popen([sys.executable, "-m", "benchmarks.hog", str(1 - _LEFT)], cwd=ROOT) for _ in workers]
    try:
        for core, one in enumerate(hogs):
            pin(one.pid, core)
            try:
                psutil.Process(one.pid).nice(-20)
            except psutil.AccessDenied:
                workers[core].nice(19)  # for who is not root; other programs must rest then
        yield
    finally:
        for one in hogs:
            one.kill()
            one.wait()


def capacity() -> None:
    """One worker and two, where there are cores for it."""
    free = sum(used < _IDLE_PERCENT for used in psutil.cpu_percent(interval=1.0, percpu=True))
    if free < _NEEDED:
        print(f"capacity: not measured. It needs {_NEEDED} free cores, and {free} of {psutil.cpu_count()} are.")
        return
    one, two = capacity_of(1), capacity_of(2)
    print(
        f"capacity, with {_LEFT:.0%} of a core for each worker: one tells {one:,} viewers in time, two {two:,}: "
        f"{two / max(one, 1):.2f} times as many"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help="cost, capacity; default: both")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="viewers; default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="times that each is measured; default: 2")
    args = parser.parse_args()
    if unknown := set(args.what) - {"cost", "capacity"}:
        parser.error(f"expected cost or capacity, got {', '.join(sorted(unknown))}")
    print(f"Machine: {machine.describe()}")
    if "cost" in args.what or not args.what:
        cost(tuple(sorted(args.sizes)), args.rounds)
    if "capacity" in args.what or not args.what:
        capacity()


if __name__ == "__main__":
    main()
