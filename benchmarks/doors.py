"""What strangers at the door cost: ``python -m benchmarks.doors [download] [idle] [passwords]`` (default: all).

The relay is a process of its own (see ``benchmarks.relay``), whose CPU time and memory are read from outside.
"""

import argparse
import contextlib
import sqlite3
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks import machine
from benchmarks.relay import Relay, Server
from relay import database
from relay.protocol import EXPRESSIONS


def download(moments: int = 60_000, repeats: int = 5) -> None:
    """A long session's JSON, against the same number of bytes from a bare server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Relay(folder) as relay,
        Server("benchmarks.bare_server", "{port}") as bare,
    ):
        _store_session(Path(folder) / database.FILE, moments)
        measured = []  # the best of all counts on both sides: other work on the machine only adds
        for _ in range(repeats):
            before = relay.cpu
            size, seconds = _fetch(f"{relay.url}/v1/channels/bench/sessions/1", relay.key)
            cpu = relay.cpu - before
            _, bare_seconds = _fetch(f"{bare.url}/bytes/{size}")
            measured.append((seconds, cpu, bare_seconds))
        seconds, cpu, bare_seconds = (min(column) for column in zip(*measured, strict=True))
        ratio = seconds / (bare_seconds + cpu)
        print(
            f"download, {size / 1e6:.1f} MB: {seconds:.3f} s; bare {bare_seconds:.3f} s + relay's CPU {cpu:.2f} s"
            f": {ratio:.2f} times as long (goal: at most 2)"
        )


def _store_session(file: Path, moments: int) -> None:
    columns = ", ".join(EXPRESSIONS)
    counts = ", ".join(f"t % {17 + place}" for place in range(len(EXPRESSIONS)))
    with contextlib.closing(sqlite3.connect(file)) as store, store:
        store.execute("INSERT INTO sessions VALUES ('bench', 1, 1e9, 1e9 + ?, 250, 1, '')", (moments,))
        store.execute(
            "WITH RECURSIVE seconds(t) AS (SELECT 1000000000 UNION ALL SELECT t + 1 FROM seconds LIMIT ?) "
            f"INSERT INTO moments (channel, session, time, viewers, sharing, {columns}, valence, resonance) "
            f"SELECT 'bench', 1, t, 999, 888, {counts}, 0.123, 0.456 FROM seconds",
            (moments,),
        )


def _fetch(url: str, key: str = "") -> tuple[int, float]:
    """How many bytes came, and how long they took in seconds."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read()), time.perf_counter() - began


MEASUREMENTS = {"download": download}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(MEASUREMENTS)}; default: all")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    for name in args.what or MEASUREMENTS:
        if name not in MEASUREMENTS:
            parser.error(f"expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
