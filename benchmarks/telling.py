"""Viewers per core: what it costs the relay to tell its audience the mood. ``python -m benchmarks.telling``.

``--before DIR`` runs the relay of another checkout in the same run, by turns with ours. Of each relay it measures, at
some sizes of the audience, one that changes at every tick (0.5 labels a second each) and one that rests (the heartbeat
of each agent, every 5 seconds), and beside them a bare loop that sends the same bytes once a second to as many.

The relay has the first core, the generator the second. Costs are CPU time of the relay's process.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.relay import HELLO, ROOT, Load, RelayProcess, Server, publish
from relay.protocol import HEARTBEAT_S

SIZES = (2000, 5000, 10_000, 15_000)
LABELS_PER_S = 0.5
"""Of a viewer in an audience that changes: changes of expression, and the heartbeat between them."""
SETTLE_S, WINDOW_S = 1.0, 4.0
MOOD_BYTES = 216
"""Of a mood with some thousand viewers."""

Row = dict[str, Any]


def telling(root: Path, name: str, sizes: tuple[int, ...]) -> list[Row]:
    """Rows of one relay: one for each size of the audience, changing and resting."""
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
            for audience, order, rate in (("changes", "sway", LABELS_PER_S), ("rests", "rest", 1 / HEARTBEAT_S)):
                load.do(order, per_second=rate)
                load.do("wait", seconds=SETTLE_S)
                row = {"relay": name, "audience": audience, "viewers": size} | window(relay, load, size)
                rows.append(row)
                print(shown(row), flush=True)
    return rows


def window(relay: Server, load: Load, viewers: int) -> Row:
    """What the relay spends, and how long labels take, in a few seconds."""
    user, system = relay.cpu_parts
    answer = load.do("measure", seconds=WINDOW_S)
    user, system = (now - before for now, before in zip(relay.cpu_parts, (user, system), strict=True))
    took = answer.pop("seconds")
    return {
        "user": user / took,
        "system": system / took,
        "microseconds": (user + system) / took / viewers * 1e6,
        **answer,
    }


def bare(sizes: tuple[int, ...]) -> list[Row]:
    """The floor: plain sends of a mood's bytes to so many connections, one each a second."""
    rows = []
    with Server("benchmarks.bare_server", "{port}", "rarely") as server, Load(server.port) as load:
        opened = 0
        for size in sizes:
            load.do("connect", path="/fanout", count=size - opened, first="{}")
            opened = size
            load.do("wait", seconds=0.5)
            spent = asyncio.run(publish(server, "x" * (MOOD_BYTES - 4), 8)) / 8
            row = {"relay": "bare sends", "audience": "", "viewers": size, "microseconds": spent / size * 1e6}
            rows.append(row)
            print(shown(row), flush=True)
    return rows


def shown(row: Row) -> str:
    """A line of the table."""
    text = (
        f"  {row['relay']:10} {row['audience']:8} {row['viewers']:6,} viewers: {row['microseconds']:5.1f} us of CPU a "
    )
    text += "viewer and second"
    if "user" in row:
        text += (
            f" ({row['user']:.0%} user, {row['system']:.0%} system); label -> mood of a subscriber p50 "
            f"{row['p50'] * 1e3:.0f} ms, p99 {row['p99'] * 1e3:.0f} ms, of a viewer {row['viewer_p50'] * 1e3:.0f} and "
            f"{row['viewer_p99'] * 1e3:.0f} ms; {row['moods']:.2f} moods a viewer and second, {row['changed']:.0%} of "
            f"the ticks changed; generator {row['busy']:.0%}, {row['lost']} lost"
        )
    return text


def medians(rows: list[Row]) -> list[Row]:
    """One row for each relay, audience and size: the median of each number."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["relay"], row["audience"], row["viewers"]), []).append(row)
    return [
        {
            name: value if isinstance(value, str) else statistics.median(row[name] for row in group)
            for name, value in group[0].items()
        }
        for group in groups.values()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telling", description=__doc__)
    parser.add_argument(
        "--before", type=Path, metavar="DIR", help="a checkout whose relay is measured by turns with ours"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="viewers; default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="times that each is measured; default: 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians there")
    args = parser.parse_args()
    sizes = tuple(sorted(args.sizes))
    print(f"Machine: {machine.describe()}")
    relays = [("now", ROOT)]
    if args.before:
        relays.insert(0, ("before", args.before.resolve()))
    rows = []
    for _ in range(args.rounds):
        for name, root in relays:
            rows += telling(root, name, sizes)
    rows += bare(sizes)
    print("Medians:")
    found = medians(rows)
    for row in found:
        print(shown(row))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine.describe(), "rows": found}, indent=1))


if __name__ == "__main__":
    main()
