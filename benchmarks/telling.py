"""Viewers per core: what it costs the relay to tell its audience the mood. ``python -m benchmarks.telling``.

``--before DIR`` runs the relay of another checkout in the same run, by turns with ours. Of each relay it measures, at
some sizes of the audience, one that changes at every tick (0.5 labels a second each) and one that rests (the heartbeat
of each agent, every 5 seconds), and beside them a bare loop that sends the same bytes once a second to as many.

The relay has the first core, the generator the second. Costs are CPU time of the relay's process. A process may not
open enough files for a crowd that fills a core, so the core is made smaller instead: a hog of higher priority takes a
part of it away, and the smallest part in which the largest audience is told in time says how many a whole core tells.
"""

import argparse
import asyncio
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

from benchmarks import machine
from benchmarks.relay import HELLO, ROOT, Load, RelayProcess, Server, fanout, memory, pin, publish
from relay.protocol import HEARTBEAT_S

SIZES = (2000, 5000, 10_000, 15_000)
LABELS_PER_S = 0.5
"""Of a viewer in an audience that changes: changes of expression, and the heartbeat between them."""
MOOD_BYTES = 216
"""Of a mood with some thousand viewers."""
IN_TIME_S = 0.25 + 0.1
"""Label to mood at a subscriber, p99: a tick and 100 ms."""
PATIENCE_S = (1.0, 2.0)
"""A viewer may hear of a label so much later than a subscriber: told once a second, or once in two."""
_SETTLE_S, _WINDOW_S = 0.7, 3.0
_HOG_S = 2.0
"""Until a hog has caught up with what its own start cost it."""
_LEAST, _MOST, _FINE = 0.4, 2.5, 1.08
"""Parts of a core that are tried, of what the relay uses when it has a whole one; and how near they get to each other.

Less than that may do, since a relay that has no time left may tell viewers less often."""

Row = dict[str, Any]


def telling(root: Path, name: str, sizes: tuple[int, ...]) -> list[Row]:
    """Rows of one relay: for each size of the audience, changing and resting, and on viewers per core."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        RelayProcess(folder, root=root) as relay,
        Load(relay.port, "benchmarks.audience_load") as load,
    ):
        subscribe = json.dumps({"type": "subscribe", "key": relay.key})
        load.do("subscribe", path="/v1/channels/bench/mood", first=subscribe)
        for size in sizes:
            load.do("grow", path="/v1/channels/bench/viewer", count=size, first=HELLO)
            for audience, order, rate in (("rests", "rest", 1 / HEARTBEAT_S), ("changes", "sway", LABELS_PER_S)):
                load.do(order, per_second=rate)
                rows.append({"relay": name, "audience": audience, "viewers": size} | window(relay, load))
        used = rows[-1]["user"] + rows[-1]["system"]
        for wait, row in zip(PATIENCE_S, squeezed(relay, load, used), strict=True):
            rows.append({"relay": name, "audience": f"in {wait:g} s", "viewers": sizes[-1]} | row)
    return rows


def window(relay: Server, load: Load) -> Row:
    """What the relay spends, as shares of a core, and how long labels take, in some seconds."""
    load.do("wait", seconds=_SETTLE_S)
    user, system = relay.cpu_parts
    answer = load.do("measure", seconds=_WINDOW_S)
    now = relay.cpu_parts
    took = answer.pop("seconds")
    return {"user": (now[0] - user) / took, "system": (now[1] - system) / took, **answer}


def squeezed(relay: Server, load: Load, used: float) -> Iterator[Row]:
    """For each of ``PATIENCE_S`` the smallest part of a core in which the audience is told in time, by bisection.

    ``used``: of a core when there is a whole one. ``share`` is NaN where not even the most that is tried will do.
    """
    tried: dict[float, Row] = {}
    for patience in PATIENCE_S:
        share = _MOST * used
        while True:
            if share not in tried:
                with hog(1 - share, relay):
                    load.do("wait", seconds=_HOG_S)
                    tried[share] = window(relay, load) | {"share": share}
                load.do("wait", seconds=_SETTLE_S)  # what piled up goes out
            done = [part for part, row in tried.items() if in_time(row, patience)]
            if not done:
                yield tried[share] | {"share": float("nan")}
                break
            least = max((part for part in tried if part < min(done)), default=_LEAST * used)
            if min(done) <= _FINE * least:
                yield tried[min(done)]
                break
            share = math.sqrt(least * min(done))


def in_time(row: Row, patience: float) -> bool:
    """Whether labels came to subscribers and viewers as soon as they had to; where none came, they did not."""
    return bool(row["p99"] < IN_TIME_S and row["viewer_p99"] < patience + IN_TIME_S)


@contextmanager
def hog(share: float, relay: Server) -> Iterator[None]:
    """Takes this share of the first core away from the relay."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.hog", str(share)], cwd=ROOT)
    pin(process.pid, 0)
    try:
        try:
            psutil.Process(process.pid).nice(-20)
        except psutil.AccessDenied:
            relay.process.nice(19)  # for who is not root; other programs must rest then, since it comes after all
        yield
    finally:
        process.kill()
        process.wait()


def bare(sizes: tuple[int, ...]) -> list[Row]:
    """The floor: plain sends of a mood's bytes to so many connections, one each a second, by aiohttp and without."""
    rows = []
    with Server("benchmarks.bare_server", "{port}", "rarely") as server, Load(server.port) as load:
        opened = 0
        for size in sizes:
            load.do("connect", path="/fanout", count=size - opened, first="{}")
            opened = size
            load.do("wait", seconds=0.5)
            for name, path in (("aiohttp", "/publish"), ("write(2)", "/write")):
                user, system = asyncio.run(publish(server, "x" * (MOOD_BYTES - 4), 8, path))
                rows.append(
                    {"relay": name, "audience": "bare", "viewers": size, "user": user / 8, "system": system / 8}
                )
    return rows


def medians(rows: list[Row]) -> list[Row]:
    """One row for each relay, audience and size: the median of each number."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["audience"], row["relay"], row["viewers"]), []).append(row)
    return [
        {
            name: value if isinstance(value, str) else statistics.median(row[name] for row in group)
            for name, value in group[0].items()
        }
        for _, group in sorted(groups.items())
    ]


def line(row: Row) -> str:
    """A row of the table."""
    used = row["user"] + row["system"]
    text = f"| {row['audience']} | {row['relay']} | {row['viewers']:,} | {row['user']:.1%}, {row['system']:.1%} | "
    text += f"{used / row['viewers'] * 1e6:.1f}"
    if "moods" in row:
        text += f" | {row['moods']:.2f} | "
        if row["audience"] != "rests":
            text += f"{row['p50'] * 1e3:.0f}, {row['p99'] * 1e3:.0f} | "
            text += f"{row['viewer_p50'] * 1e3:.0f}, {row['viewer_p99'] * 1e3:.0f}"
    text += " |"
    if row.get("lost"):
        text += f" ({row['lost']:.0f} connections were lost)"
    if row.get("busy", 0) > 0.9:
        text += " (the load generator was the bottleneck)"
    return text


def per_core(row: Row) -> str:
    """What was found with a part of a core."""
    text = f"{row['relay']}, {row['viewers']:,} viewers, who hear of a label {row['audience']}: "
    if math.isnan(row["share"]):
        return f"{text}not in {_MOST} times of what they cost"
    return (
        f"{text}in {row['share']:.1%} of a core, so {row['viewers'] / row['share']:,.0f} viewers per core, told "
        f"{row['moods']:.2f} times a second"
    )


HEAD = (
    "| audience | relay | viewers | of a core: program, system | us a viewer and second | moods a viewer and second "
    "| label to mood at a subscriber: p50, p99 ms | at a viewer |\n|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telling", description=__doc__)
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout whose relay is measured by turns")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="viewers; default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="times that each is measured; default: 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians there")
    args = parser.parse_args()
    sizes = tuple(sorted(args.sizes))
    print(f"Machine: {machine.describe()}")
    relays = {"now": ROOT}
    if args.before:
        relays = {"before": args.before.resolve()} | relays
    rows = []
    for name, root in tqdm([*relays.items()] * args.rounds, disable=None):
        rows += telling(root, name, sizes)
    rows = medians(rows + bare(sizes))
    print(HEAD)
    for row in rows:
        print(line(row))
    for row in rows:
        if "share" in row:
            print(per_core(row))
    found = {"machine": machine.describe(), "rows": rows}
    for name, root in relays.items():
        print(f"{name}:")
        found[name] = {"kib_a_viewer": memory(root=root), "fanout_over_bare_sends": fanout(root=root)}
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
