"""Whether a relay stays as it is under churn: ``python -m benchmarks.soak --minutes 60 --out soak.json``.

A real relay behind a declared proxy, and an audience that comes and goes all the time: with reset connections,
sleeping laptops that come back together with old tickets, slow readers, overlays, streamers and strangers
(``benchmarks.soak_churn`` has all of it). Every few seconds memory, descriptors and the relay's own figures are noted;
at the end all leave. The exit code is 1 where memory or descriptors did not stay flat, or the relay's log has an error.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families
from tqdm import tqdm

from benchmarks import machine
from benchmarks.relay import CREATE_KEY, RelayProcess, Server
from benchmarks.soak_churn import Address, Churn, Plan
from benchmarks.soak_verdict import JUDGED, KEPT_FILES, LEAST, SoakSample, Verdict, judge
from models import atomic

METRICS_KEY = "the-soaks-metrics-key"
OPTIONS = ("--proxies", "1", "--metrics-key", METRICS_KEY, "--no-fetch", "--log-format", "json")
"""Of a relay that can be soaked, beside benchmarks.relay's."""
WARM_S = 3.0
"""The empty relay rests for so long before it is looked at."""
GONE_S = 100.0
"""Within so long after all have left, the last connection is over: one without a request may idle for 75 s."""
_REFUSALS = (
    "moodcast_frames_refused_total", "moodcast_closes_total", "moodcast_requests_refused_total",
    "moodcast_tickets_refused_total", "moodcast_connections_put_out_total",
)  # fmt: skip


class Scrape:
    """What ``/metrics`` told at one moment."""

    def __init__(self, text: str) -> None:
        self._values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, name: str) -> float:
        """The sum of a metric over all its labels."""
        return sum(value for (other, _), value in self._values.items() if other == name)

    def closes(self) -> dict[str, float]:
        """Connections that the relay ended, by the code's name."""
        return {
            dict(labels)["name"]: value
            for (name, labels), value in self._values.items()
            if name == "moodcast_closes_total" and value
        }

    def late_ms(self, before: "Scrape") -> float:
        """The bound of the bucket with the 99th percentile of the ticks' lateness since then.

        The last bucket has none, and counts as the one before.
        """
        counts: dict[float, float] = {}
        for figures, sign in ((self, 1), (before, -1)):
            for (name, labels), value in figures._values.items():
                if name == "moodcast_tick_late_seconds_bucket":
                    bound = float(dict(labels)["le"])
                    counts[bound] = counts.get(bound, 0.0) + sign * value
        finite = sorted(counts)[:-1]
        return next((bound * 1000 for bound in finite if counts[bound] >= 0.99 * counts[math.inf]), finite[-1] * 1000)


class SoakWatcher:
    """Looks at the relay's processes and figures."""

    def __init__(self, relay: Server, http: aiohttp.ClientSession) -> None:
        self._relay, self._http = relay, http
        self._began = self._then = time.monotonic()
        self._cpu = self._cpu_s()
        self.figures = Scrape("")

    def begin(self) -> None:
        """Count minutes from now on."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the begin."""
        return time.monotonic() - self._began

    async def look(self) -> SoakSample:
        """A sample of now."""
        before, self.figures = self.figures, Scrape(await self._scrape())
        rss = uss = files = 0
        for process in self.processes():
            memory = process.memory_full_info()
            rss, uss, files = rss + memory.rss, uss + memory.uss, files + process.num_fds()
        now, cpu = time.monotonic(), self._cpu_s()
        seconds, spent = now - self._then, cpu - self._cpu
        self._then, self._cpu = now, cpu

        def rate(*names: str) -> float:
            return sum(self.figures.total(name) - before.total(name) for name in names) / seconds

        return SoakSample(
            minute=round((now - self._began) / 60, 4),
            rss_kib=rss / 1024,
            uss_kib=uss / 1024,
            files=files,
            viewers=round(self.figures.total("moodcast_viewers")),
            subscribers=round(self.figures.total("moodcast_subscribers")),
            cores=round(spent / seconds, 4),
            late_ms=self.figures.late_ms(before),
            labels=rate("moodcast_labels_total"),
            joins=60 * rate("moodcast_viewers_joined_total", "moodcast_subscribers_joined_total"),
            refused=60 * rate(*_REFUSALS),
        )

    async def _scrape(self) -> str:
        """The text of ``/metrics``; a machine that was too busy for the answer is asked once more."""
        headers = {"Authorization": f"Bearer {METRICS_KEY}"}
        for last in (False, True):
            try:
                async with self._http.get(f"{self._relay.url}/metrics", headers=headers) as answer:
                    answer.raise_for_status()
                    return await answer.text()
            except (OSError, asyncio.TimeoutError, aiohttp.ClientError):
                if last:
                    raise
        raise AssertionError

    def processes(self) -> Iterator[psutil.Process]:
        """The relay's, and those that it started and that still run."""
        for process in (self._relay.process, *self._relay.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def _cpu_s(self) -> float:
        times = [process.cpu_times() for process in self.processes()]
        return float(sum(one.user + one.system for one in times))


class Record:
    """What a soak has seen so far."""

    def __init__(self) -> None:
        self.samples: list[SoakSample] = []
        self.before: SoakSample | None = None
        self.after: SoakSample | None = None
        self.processes = 1
        """Of the relay."""
        self.closes: dict[str, float] = {}
        """Connections that the relay ended, by the code's name."""
        self.churn: dict[str, int] = {}
        """What the crowd did, by name."""
        self.complaints: list[str] = []

    def verdict(self) -> Verdict:
        """What it says of memory and descriptors."""
        assert self.before
        assert self.after
        return judge(self.samples, self.before, self.after, self.processes)


async def soak(relay: Server, plan: Plan, minutes: float, every_s: float, seed: int, record: Record) -> None:
    """Let a relay live through it, so long or until SIGTERM. Until it is over, ``record`` has what was seen so far."""
    ended = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    address = Address("127.0.0.1", relay.port, CREATE_KEY)
    async with aiohttp.ClientSession() as http, Churn(address, plan, seed) as crowd:
        watcher = SoakWatcher(relay, http)
        await asyncio.sleep(WARM_S)
        record.before, record.processes = await watcher.look(), len(list(watcher.processes()))
        watcher.begin()
        crowd.come()
        with tqdm(total=round(60 * minutes / every_s), unit="sample", disable=None) as bar:
            while watcher.seconds < 60 * minutes and not ended.is_set():
                await asyncio.sleep(every_s - watcher.seconds % every_s)
                sample = await watcher.look()
                record.samples.append(sample)
                bar.set_postfix_str(f"{sample.uss_kib / 1024:.1f} MiB, {sample.spare_files} spare files", refresh=False)
                bar.update()
        record.closes, record.churn = watcher.figures.closes(), dict(sorted(crowd.counts.items()))
        await crowd.leave()
        deadline = time.monotonic() + GONE_S
        while True:
            record.after = await watcher.look()
            if record.after.files <= record.before.files + KEPT_FILES * record.processes or time.monotonic() > deadline:
                return
            await asyncio.sleep(1)


def run(record: Record, plan: Plan, minutes: float, every_s: float, seed: int, processes: str = "") -> None:
    """The same with a relay of its own, whose log's errors are complaints. ``processes``: its option, if not empty.

    Raises:
        OSError: the relay does not answer any more.
    """
    options = (*OPTIONS, "--processes", processes) if processes else OPTIONS
    _allow_files()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        try:
            with RelayProcess(folder, *options, log=log) as relay:
                _unpin(relay.process)
                asyncio.run(soak(relay, plan, minutes, every_s, seed, record))
        finally:
            log.seek(0)
            record.complaints = errors(log.read().decode(errors="replace"))


def errors(log: str) -> list[str]:
    """The lines of a relay's log (as JSON) that tell of a fault, and what is no line of it."""
    found = []
    for text in log.splitlines():
        try:
            level = json.loads(text)["level"].upper()
        except (ValueError, KeyError, TypeError):
            level = "ERROR"
        if level in ("ERROR", "CRITICAL"):
            found.append(f"the relay's log: {text[:500]}")
    return found


def as_json(record: Record, told: dict[str, Any]) -> bytes:
    """What was seen: ``told``, the churn, the verdict where the run was whole, and a list for each sample."""
    whole = record.after is not None and len(record.samples) >= LEAST
    found = told | {
        "churn": record.churn,
        "closes": record.closes,
        "before": record.before and record.before._asdict(),
        "after": record.after and record.after._asdict(),
        "verdict": record.verdict()._asdict() if whole else None,
        "complaints": record.complaints,
        "fields": SoakSample._fields,
        "samples": [[round(value, 4) for value in sample] for sample in record.samples],
    }
    return json.dumps(found, indent=1).encode()


def report(record: Record) -> int:
    """Print what was seen and the verdict; the exit code."""
    assert record.before
    assert record.after
    verdict, samples = record.verdict(), record.samples

    def middle(name: str) -> float:
        return statistics.median(getattr(sample, name) for sample in samples)

    print(
        f"{len(samples)} samples: {middle('viewers'):,.0f} viewers, "
        f"{middle('subscribers'):,.0f} subscribers, {middle('joins'):,.0f} joins and "
        f"{middle('refused'):,.0f} refusals a minute, {middle('labels'):,.0f} labels a "
        f"second, {middle('cores'):.1%} of a core, ticks late by at most "
        f"{middle('late_ms'):.0f} ms (99 %, median sample; worst {max(s.late_ms for s in samples):.0f})"
    )
    for name, counts in (("the crowd", record.churn), ("closed by the relay", record.closes)):
        print(f"{name}: " + ", ".join(f"{what} {count:,.0f}" for what, count in counts.items()))
    print(
        f"memory: {record.before.uss_kib / 1024:.1f} MiB before, {samples[-1].uss_kib / 1024:.1f} at the end, "
        f"{record.after.uss_kib / 1024:.1f} when all had left; {verdict.memory_slope:+.1f} KiB a minute over the last "
        f"{JUDGED:.0%} (flat: up to {verdict.memory_bound:.0f})"
    )
    print(
        f"descriptors beside viewers and subscribers: {record.before.spare_files} before, "
        f"{samples[-1].spare_files} at the end, {record.after.spare_files} when all had left; "
        f"{verdict.files_slope:+.2f} a minute"
    )
    complaints = [*verdict.complaints, *record.complaints]
    for complaint in complaints:
        print(f"not flat: {complaint}" if complaint in verdict.complaints else complaint)
    print("verdict: flat" if not complaints else "verdict: NOT flat")
    return 1 if complaints else 0


def _allow_files() -> None:
    """As many connections as the system allows this process."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _unpin(process: psutil.Process) -> None:
    """All cores are there for the relay: it is not timed, and may have several processes."""
    if hasattr(os, "sched_setaffinity"):
        for one in (process, *process.children(recursive=True)):
            os.sched_setaffinity(one.pid, os.sched_getaffinity(0))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="default: %(default)g")
    parser.add_argument("--viewers", type=int, default=Plan().viewers, help="at once; default: %(default)s")
    parser.add_argument("--processes", default="", help="as of `moodcast relay`; default: not given")
    parser.add_argument(
        "--every", type=float, default=5.0, metavar="SECONDS", help="between samples; default: %(default)g"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the crowd; default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where what was seen goes, as JSON")
    args = parser.parse_args()
    if 60 * args.minutes < LEAST * args.every:
        parser.error(f"expected time for {LEAST} samples at least: give more --minutes, or a shorter --every")
    told = {
        "machine": machine.describe(), "minutes": args.minutes, "viewers": args.viewers,
        "processes": args.processes, "every_s": args.every, "seed": args.seed,
    }  # fmt: skip
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
    print(f"Machine: {told['machine']}", flush=True)
    plan, record = Plan(viewers=args.viewers, overlays=max(2, args.viewers * 2 // 25)), Record()
    try:
        run(record, plan, args.minutes, args.every, args.seed, args.processes)
    finally:  # Ctrl-C as well
        if args.out:
            atomic.write(as_json(record, told), args.out)
    return report(record)


if __name__ == "__main__":
    sys.exit(main())
