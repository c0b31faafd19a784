"""The relay beside other servers that tell an audience the same bytes: ``python -m benchmarks.anchors``.

Beside it stand a bare loop of aiohttp sends (``bare_server``), a plain server on the package websockets
(``websockets_server``; with its default, which compresses, in a row of its own), and Centrifugo where there is one:
``--centrifugo PROGRAM``, of version 2 or 6. In the audience are 4,000 and then 10,000 connections, of one process on
the second core; the server has the first, and Centrifugo one Go processor (GOMAXPROCS=1).

The relay publishes a mood every 250 ms, by itself; twenty of them are what the others are given to publish, one every
250 ms. Costs are CPU time of the server's process over these events. Then labels that come in: what the relay,
a bare loop and websockets parse, and what Centrifugo takes as publications in a channel that nobody listens to.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from websockets.version import version as websockets_version

from benchmarks import centrifugo, machine
from benchmarks.centrifugo import Dialect
from benchmarks.relay import HELLO, LABELS, Load, RelayProcess, Server, pin

SIZES = (4000, 10_000)
EVENTS, GAP_S = 20, 0.25
_CLOCK_STEP_S = 0.01
"""The system counts a process's time in such steps."""
_WARM_UP = 2
"""Events before those that count."""
_FIRST = 100
"""Connections that are open before memory is measured: what a server loads with the first is not theirs."""
_TALKERS, _TALK = 100, 0.2
"""Viewers of the relay's channel, and their labels a second: moods change, and there are no reactions beside them."""
_LABEL_CONNECTIONS, _LABEL_REPEATS, _LABEL_RUNS = 2000, 15, 3


@dataclass(frozen=True)
class FanOut:
    """What one server needed for one size of the audience."""

    server: str
    connections: int
    kib: float
    """Resident memory, of each connection."""
    event_bytes: float
    """What a connection got of each event, with the WebSocket's frame and the server's envelope."""
    per_cpu_second: float
    p50: float
    p99: float
    """Seconds from publication to receipt, over all connections and events."""
    busy: float
    """How much of the time the audience's own process was busy."""
    lost: int
    """Connections that the server ended."""

    def row(self) -> str:
        """A row of the table."""
        remark = f" ({self.lost:,.0f} connections lost)" if self.lost else ""
        if self.busy > 0.9:
            remark += " (the audience was the bottleneck)"
        return (
            f"| {self.server} | {self.connections:,} | {self.kib:.1f} | {self.event_bytes:.0f} | "
            f"{self.per_cpu_second:,.0f} | {self.p50 * 1e3:.0f}, {self.p99 * 1e3:.0f} ms{remark} |"
        )


@dataclass(frozen=True)
class Anchor:
    """A server that is measured."""

    name: str
    start: Callable[[], AbstractContextManager[Server]]
    listening: Callable[[Server], dict[str, str]]
    """Path and first frame of a connection that is told."""
    publish: Callable[[Load, int], dict[str, Any]]
    """Publishes so many events and returns when they came."""
    labels: tuple[dict[str, str], list[str]] | None = None
    """Path and first frame of a connection that sends labels, and the frames."""
    offers: bool = False
    """Whether the connections offer to compress."""


def ours(events: list[str]) -> Anchor:
    """Our relay. What it publishes is put into ``events``."""

    @contextlib.contextmanager
    def start() -> Iterator[Server]:
        with (
            tempfile.TemporaryDirectory() as folder,
            RelayProcess(folder, "--crowd", "viewers") as server,
            Load(server.port) as talkers,
        ):
            talkers.do("connect", count=_TALKERS, **viewer)
            talkers.do("chat", frames=LABELS, per_second=_TALK)
            yield server

    def listening(server: Server) -> dict[str, str]:
        assert isinstance(server, RelayProcess)
        return {"path": "/v1/channels/bench/mood", "first": json.dumps({"type": "subscribe", "key": server.key})}

    def publish(load: Load, count: int) -> dict[str, Any]:
        answer: dict[str, Any] = load.do("ticks", seconds=count * GAP_S)
        events[:] = answer["events"]
        return answer

    viewer = {"path": "/v1/channels/bench/viewer", "first": HELLO}
    return Anchor("Moodcast's relay", start, listening, publish, (viewer, LABELS))


def plain(events: list[str]) -> Iterator[Anchor]:
    """Servers of a few lines, which publish the events."""

    def publish(load: Load, count: int) -> dict[str, Any]:
        return load.do("by_socket", path="/publish", events=events[:count], gap_s=GAP_S)

    def listening(_: Server) -> dict[str, str]:
        return {"path": "/fanout", "first": "{}"}

    def server(name: str, *command: str) -> Callable[[], Server]:
        return lambda: Server(f"benchmarks.{name}", "{port}", *command)

    labels = ({"path": "/receive", "first": "{}"}, LABELS)
    bare, package = f"bare loop, aiohttp {aiohttp.__version__}", f"websockets {websockets_version}"
    yield Anchor(bare, server("bare_server", "rarely"), listening, publish, labels)
    yield Anchor(package, server("websockets_server"), listening, publish, labels)
    yield Anchor(f"{package}, compressing", server("websockets_server", "deflate"), listening, publish, offers=True)


def from_program(words: Dialect, events: list[str]) -> Anchor:
    """Centrifugo, which publishes the events."""

    @contextlib.contextmanager
    def start() -> Iterator[Server]:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config.json"
            config.write_text(json.dumps(words.config))
            command = ("env", "GOMAXPROCS=1", words.program, "--config", str(config))
            with Server(*words.listen, program=command) as server:
                for thread in server.process.threads():  # those that it started before it was pinned
                    pin(thread.id, 0)
                yield server

    def publish(load: Load, count: int) -> dict[str, Any]:
        bodies = [words.body(event) for event in events[:count]]
        return load.do("by_http", path=words.publish_path, bodies=bodies, gap_s=GAP_S)

    def listening(_: Server) -> dict[str, str]:
        return {"path": centrifugo.PATH, "first": words.subscribe()}

    publications = [words.publish(label) for label in LABELS]
    labels = ({"path": centrifugo.PATH, "first": words.connect()}, publications)
    return Anchor(f"Centrifugo {words.version}", start, listening, publish, labels)


def fan_out(anchor: Anchor, sizes: list[int]) -> Iterator[FanOut]:
    """One result for each size of the audience, which grows."""
    with anchor.start() as server, Load(server.port, "benchmarks.receipts") as load:
        listening = anchor.listening(server)
        if anchor.offers:
            load.do("offer_compression")
        load.do("connect", count=_FIRST, **listening)
        anchor.publish(load, _WARM_UP)
        empty, opened = server.process.memory_info().rss, _FIRST
        for size in sizes:
            load.do("connect", count=size - opened, **listening)
            opened = size
            anchor.publish(load, _WARM_UP)
            before = server.cpu
            answer = anchor.publish(load, EVENTS)
            spent, held = max(server.cpu - before, _CLOCK_STEP_S), server.process.memory_info().rss - empty
            yield FanOut(
                anchor.name, size, held / (size - _FIRST) / 1024, answer["bytes"], answer["receipts"] / spent,
                answer["p50"], answer["p99"], answer["busy"], answer["lost"],
            )  # fmt: skip


def labels_taken(anchors: list[Anchor]) -> dict[str, float]:
    """Labels that each server takes per second of CPU: the median of some runs, by turns."""
    rates: dict[str, list[float]] = {}
    for _ in range(_LABEL_RUNS):
        for anchor in anchors:
            if anchor.labels:
                with anchor.start() as server:
                    rates.setdefault(anchor.name, []).append(taken(server, *anchor.labels))
    return {name: statistics.median(found) for name, found in rates.items()}


def taken(server: Server, sending: dict[str, str], frames: list[str]) -> float:
    """Frames per second of CPU. Who warms up and who counts are different connections, for the relay's limits."""
    with Load(server.port) as warm_up:
        warm_up.do("connect", count=_LABEL_CONNECTIONS // 4, **sending)
        warm_up.do("blast", frames=frames, repeats=_LABEL_REPEATS)
    with Load(server.port) as load:
        load.do("connect", count=_LABEL_CONNECTIONS, **sending)
        before = server.cpu
        load.do("blast", frames=frames, repeats=_LABEL_REPEATS)
        load.do("wait", seconds=0.5)  # for who answers each frame, maybe after the pong
        return _LABEL_CONNECTIONS * _LABEL_REPEATS * len(frames) / (server.cpu - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--centrifugo", metavar="PROGRAM", help="default: the one on the PATH, if any")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="default: 4000 10000")
    arguments = parser.parse_args()
    events: list[str] = []
    anchors = [ours(events), *plain(events)]
    if program := arguments.centrifugo or shutil.which("centrifugo"):
        try:
            anchors.append(from_program(centrifugo.asked(program), events))
        except (OSError, ValueError) as error:
            parser.error(f"--centrifugo {program}: {error}")
    print(f"Machine: {machine.describe()}\n")
    print("| server | connections | KiB a connection | bytes an event | sends per CPU second | p50, p99 to receipt |")
    print("|---|---|---|---|---|---|")
    for anchor in anchors:
        for result in fan_out(anchor, sorted(arguments.sizes)):
            print(result.row(), flush=True)
    print(f"\nThe last event: {events[-1]}\n\n| server | labels per CPU second |\n|---|---|")
    for name, rate in labels_taken(anchors).items():
        print(f"| {name} | {rate:,.0f} |")


if __name__ == "__main__":
    main()
