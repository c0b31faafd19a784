"""What several nodes cost: ``python -m benchmarks.cluster [merge] [latency] [plan]`` (default: merge and latency).

``plan`` measures everything that a plan for a million viewers is made from, and prints the plan (minutes).
"""

import argparse
import asyncio
import math
import statistics
import tempfile
import time
from typing import NamedTuple

import aiohttp

from benchmarks import machine
from benchmarks import relay as single
from benchmarks.relay import HELLO, Load, RelayProcess, Server, remark
from demo import crowd
from relay.cluster.peers import Activity, Identity, Peers, encode_report
from relay.core.channel import Channel
from relay.core.limits import Limits
from relay.core.snapshot import AGES, Share, Snapshot
from relay.protocol import LABEL_TTL_S
from tests.redis_server import RedisServer

TICK_S = 0.25
CHANNELS = 100
DELAYS = 5
"""Different delays among a channel's viewers on a node."""
MILLION = 1_000_000
LABELS_PER_S = 0.5
"""Of a viewer: changes of expression, and the heartbeat between them."""
BUSY = 0.6
"""Of a core: what a plan may use of it, so that a tick is not late when an audience comes back at once."""
PLAN_DELAYS = 30
"""Different delays in an audience of a million: more than that few have."""


class Merge(NamedTuple):
    """Cost of the others for one node: seconds of a core for each tick, and bytes of one node's report."""

    seconds: float
    report: int


def audience(number: int, delays: int, node: int = 0) -> Snapshot:
    """A channel on one node: some hundred viewers, of networks that no other node has."""
    networks = [b"%04d%04d" % (node, (5 * number + place) % 10_000) for place in range(5)]
    shares = tuple(
        Share(2 * delay, AGES[-1], 60, (3, 1, 2, 20, 4, 5, 20 + number % 5), tuple(networks)) for delay in range(delays)
    )
    changed = [tuple(networks[:3]) if count else () for count in (0, 0, 0, 5, 0, 2, 0)]
    return Snapshot(shares, (0, 0, 0, 5, 0, 2, 0), tuple(changed), (3, 0, 1, 0, 0))


def measure_merge(nodes: int, channels: int, delays: int, ticks: int = 20) -> Merge:
    """Decode all reports of a tick, add the counts of all channels up, and make their moods."""
    names = [f"channel{number}" for number in range(channels)]
    cores = {name: Channel(name, 5, LABEL_TTL_S) for name in names}
    here = Peers(Identity("here", 1), 3.0, 5)
    costs, size = [], 0
    for tick in range(ticks):
        reports = [
            encode_report(
                f"node{node}:8765", 1, tick,
                {name: Activity(audience(number + tick, delays, node)) for number, name in enumerate(names)}, 5,
            )
            for node in range(1, nodes)
        ]  # fmt: skip
        size = sum(map(len, reports[0]))
        own, now = audience(tick, delays), tick * TICK_S
        began = time.process_time()
        for report in reports:
            for part in report:
                here.receive(part, now)
        here.tick(now)
        for name, core in cores.items():
            core.tick(here.whole(name, own), now, now)
        costs.append(time.process_time() - began)
    return Merge(statistics.median(costs), size)


def merge() -> None:
    """CPU and bytes of 2, 8 and 32 nodes with 100 channels each."""
    for nodes in (2, 8, 32):
        cost = measure_merge(nodes, CHANNELS, DELAYS)
        through = nodes * cost.report / TICK_S
        print(
            f"  {nodes:2} nodes x {CHANNELS} channels: {cost.seconds * 1000:6.2f} ms a tick and node, "
            f"{cost.seconds / TICK_S:6.2%} of a core; {cost.report / 1024:.1f} KiB a report, "
            f"{through / 2**20:.2f} MiB/s into Redis, {through * nodes / 2**20:.1f} MiB/s out"
        )
    print(f"merge: decode, add up, make the moods; every channel has viewers with {DELAYS} delays on each node")


def latency(seconds: float = 20) -> None:
    """From a label's sending on one node to the mood that counts it, on the same node and on another."""
    with RedisServer.started() as redis, tempfile.TemporaryDirectory() as folder:
        options = ("--cluster", redis.url)
        with RelayProcess(folder, *options) as first, node(folder, *options) as second:
            for what, seen_at in (("on the same node", first.url), ("on another node", second.url)):
                measured = asyncio.run(probe(first, f"probe{seen_at == first.url}", seen_at, seconds))
                cuts = statistics.quantiles(measured, n=100, method="inclusive")
                print(
                    f"  label -> mood {what}: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, "
                    f"{len(measured)} probes"
                )
    print("latency: a mood every 250 ms; another node adds the wait for its own tick")


def node(folder: str, *options: str) -> Server:
    """One more node on the database in the folder."""
    return Server("moodcast", "relay", "--port", "{port}", "--data", folder, *options)


async def probe(relay: RelayProcess, channel: str, seen_at: str, seconds: float) -> list[float]:
    latencies: list[float] = []
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{relay.url}/v1/channels", json={"channel": channel}) as answer:
            key = (await answer.json())["display_key"]
        task = asyncio.create_task(crowd.probe(http, relay.url, channel, key, latencies, seen_at))
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            await task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return latencies


# --- the plan --------------------------------------------------------------------------------------------------------


def to_viewers(viewers: int = 4000, seconds: float = 8) -> float:
    """Mood events to viewers, per second of CPU."""
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder) as relay, Load(relay.port) as load:
        load.do("connect", path="/v1/channels/bench/viewer", count=viewers, first=HELLO)
        load.do("wait", seconds=2)
        before = relay.cpu
        answer = load.do("wait", seconds=seconds)
        moods = viewers * round(seconds / Limits().viewer_mood)
        rate, size = moods / (relay.cpu - before), answer["received"] / moods
        print(f"moods to viewers: {rate:,.0f} per CPU second, {size:.0f} bytes each{remark(answer)}")
        return rate


def plan() -> None:
    """All inputs of the plan for a million viewers, and the plan."""
    labels, kib, moods = single.labels(), single.memory(), to_viewers()
    print("Inputs:")
    inputs = {"labels per CPU second": labels, "KiB a viewer": kib, "moods to viewers per CPU second": moods}
    for name, value in inputs.items():
        print(f"  {name}: {value:,.1f}" if value < 1000 else f"  {name}: {value:,.0f}")
    print(f"A million viewers of one channel, {LABELS_PER_S:g} labels a second each, cores used to {BUSY:.0%}:")
    print("        a tick | cores: moods | labels | merging | nodes | viewers a node | GiB a node | Redis MiB/s out")
    for tick in (0.25, 0.5, 1.0, 2.0):
        print(derive(tick, labels, kib, moods))


def derive(tick: float, labels: float, kib: float, moods: float) -> str:
    """The plan for one tick: a row of the table."""
    fanout, intake = MILLION / max(tick, Limits().viewer_mood) / moods, MILLION * LABELS_PER_S / labels
    merging, nodes, report = 0.0, 0, 0
    while True:  # each node merges the reports of all others, so more nodes need a few more nodes
        needed = math.ceil((fanout + intake + merging) / BUSY)
        if needed <= nodes:
            break
        nodes = needed
        cost = measure_merge(nodes, 1, PLAN_DELAYS)
        merging, report = nodes * cost.seconds / tick, cost.report
    gib = MILLION / nodes * kib / 2**20
    out = nodes * nodes * report / tick / 2**20
    return (
        f"  {tick * 1000:9.0f} ms | {fanout:12.1f} | {intake:6.1f} | {merging:7.2f} | {nodes:5} | "
        f"{MILLION / nodes:14,.0f} | {gib:10.2f} | {out:.2f}"
    )


MEASUREMENTS = {"merge": merge, "latency": latency, "plan": plan}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help="merge, latency or plan; default: merge and latency")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    for name in args.what or ("merge", "latency"):
        if name not in MEASUREMENTS:
            parser.error(f"expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
