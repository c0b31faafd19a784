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
import msgspec

from benchmarks import machine
from benchmarks import relay as single
from benchmarks.node_costs import LABELS_PER_S, PLAN_DELAYS, TICK_S, Costs, audience, measure
from benchmarks.relay import OWNER, RelayProcess, Server
from demo import crowd
from relay.cluster.peers import Activity, Identity, Peers, encode_report
from relay.core.channel import Channel
from relay.core.limits import Limits
from relay.core.snapshot import NOTHING
from relay.protocol import LABEL_TTL_S
from tests.redis_server import RedisServer

CHANNELS = 100
DELAYS = 5
"""Different delays among a channel's viewers on a node."""
MILLION = 1_000_000
BUSY = 0.6
"""Of a core: what a plan may use of it, so that a tick is not late when an audience comes back at once."""


class Merge(NamedTuple):
    """Cost of the others for one node: seconds of a core for each tick, and bytes of one node's report."""

    seconds: float
    """The mean, and ..."""
    worst: float
    """... of the tick that took longest."""
    report: int


def measure_merge(nodes: int, channels: int, delays: int, changing: bool = True, ticks: int = 24) -> Merge:
    """Read all reports of a tick, add the counts of all channels up, and make their moods.

    ``changing``: whether each channel is another one at each tick, down to its networks; else none changes.
    """
    names = [f"channel{number}" for number in range(channels)]
    cores = {name: Channel(name, 5, LABEL_TTL_S) for name in names}
    here = Peers(Identity("here", 1), 3.0, 5)
    costs, size = [], 0
    for tick in range(ticks):
        moved = tick if changing else 0
        reports = [
            encode_report(f"node{node}:8765", 1, tick, _channels(names, moved, delays, node, changing), 5)
            for node in range(1, nodes)
        ]
        size = sum(map(len, reports[0]))
        own, now = audience(moved, delays), tick * TICK_S
        began = time.process_time()
        for report in reports:
            for part in report:
                here.receive(part, now)
        here.tick(now)
        for name, core in cores.items():
            core.tick(here.whole(name, own), now, now)
        costs.append(time.process_time() - began)
    settled = costs[ticks // 3 :]
    return Merge(statistics.mean(settled), max(settled), size)


def _channels(names: list[str], moved: int, delays: int, node: int, taps: bool) -> dict[str, Activity]:
    """A node's: each another."""
    found = {name: audience(number + moved, delays, node) for number, name in enumerate(names)}
    return {
        name: Activity(state if taps else msgspec.structs.replace(state, taps=NOTHING.taps))
        for name, state in found.items()
    }


def measure_shares(nodes: int, delays: int, rounds: int = 200) -> float:
    """Seconds of a core to add up a channel by delay and age: once a second, on the node that writes its history."""
    here = Peers(Identity("here", 1), 3.0, 5)
    for node in range(1, nodes):
        for part in encode_report(f"node{node}:8765", 1, 0, {"hot": Activity(audience(node, delays, node))}, 5):
            here.receive(part, 0.0)
    own = audience(0, delays)
    began = time.process_time()
    for _ in range(rounds):
        assert here.whole("hot", own).shares
    return (time.process_time() - began) / rounds


def merge() -> None:
    """CPU and bytes of 2, 8 and 32 nodes with 100 channels each."""
    for nodes in (2, 8, 32):
        cost, rests = (measure_merge(nodes, CHANNELS, DELAYS, changing) for changing in (True, False))
        through = nodes * cost.report / TICK_S
        print(
            f"  {nodes:2} nodes x {CHANNELS} channels: {cost.seconds * 1000:6.2f} ms a tick and node, "
            f"{cost.seconds / TICK_S:6.2%} of a core (the longest {cost.worst * 1000:.2f} ms; where nothing changes "
            f"{rests.seconds * 1000:.2f} ms); {cost.report / 1024:.1f} KiB a report, "
            f"{through / 2**20:.2f} MiB/s into Redis, {through * nodes / 2**20:.1f} MiB/s out; "
            f"{measure_shares(nodes, DELAYS) * 1000:.2f} ms a second more for a channel whose history is written there"
        )
    print(f"merge: decode, add up, make the moods; every channel has viewers with {DELAYS} delays on each node, and is")
    print("another one on each node and at each tick, with other networks (goal: under 10 ms with 32 nodes)")


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
        async with http.post(f"{relay.url}/v1/channels", json={"channel": channel}, headers=OWNER) as answer:
            key = (await answer.json())["display_key"]
        task = asyncio.create_task(crowd.probe(http, relay.url, channel, key, latencies, seen_at))
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            await task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return latencies


# --- the plan --------------------------------------------------------------------------------------------------------


def plan() -> None:
    """All inputs of the plan for a million viewers, and the plan."""
    kib = single.memory()
    costs = measure(MILLION // 20, 20)
    print(f"  a viewer {kib:.1f} KiB")
    print(f"A million viewers of one channel, {LABELS_PER_S:g} labels a second each, cores used to {BUSY:.0%}:")
    print("        a tick | cores: moods | labels |   ticks | nodes | viewers a node | GiB a node | Redis MiB/s out")
    for tick in (0.25, 0.5, 1.0, 2.0):
        print(derive(tick, costs, kib))


def derive(tick: float, costs: Costs, kib: float) -> str:
    """The plan for one tick: a row of the table."""
    fanout = MILLION / max(tick, Limits().viewer_mood) * costs.mood
    intake = MILLION * LABELS_PER_S * costs.label
    report = sum(map(len, encode_report("node:8765", 1, 1, {"hot": Activity(audience(1, PLAN_DELAYS))}, 5)))
    ticks, nodes = 0.0, 0
    while True:  # each node hears the reports of all others, so more nodes need a few more nodes
        needed = math.ceil((fanout + intake + ticks) / BUSY)
        if needed <= nodes:
            break
        nodes = needed
        ticks = nodes * (costs.tick + costs.message + costs.heard * (nodes - 1)) / tick
    gib = MILLION / nodes * kib / 2**20
    out = nodes * nodes * report / tick / 2**20
    return (
        f"  {tick * 1000:9.0f} ms | {fanout:12.1f} | {intake:6.1f} | {ticks:7.2f} | {nodes:5} | "
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
