"""What it costs that the workers of a relay count together: microseconds for what clients do, alone and shared.

    python -m benchmarks.ledger

No relay runs: the workers' ledgers are all in this process, with 20,000 connections of as many addresses in them.
"""

import os
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

from relay.core.audience import Changes, Member
from relay.core.limits import ALONE, Connections, Ledger
from relay.protocol import EXPRESSIONS
from relay.workers.ledger import SharedLedger
from relay.workers.seat import Seat

CONNECTIONS = 20_000
ADDRESS = "203.0.113.7"
HAPPY = EXPRESSIONS.index("happy")
TIMES, REPEATS = 5_000, 7


def main() -> None:
    """Print the table."""
    columns = {"alone": ALONE, **{f"{count} workers": _one_of(count) for count in (2, 4, 8)}}
    print("| microseconds | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for name, deed in DEEDS.items():
        found = [_microseconds(deed(ledger)) for ledger in columns.values()]
        print(f"| {name} | " + " | ".join(f"{each:.1f}" for each in found) + " |")


def _one_of(count: int) -> Ledger:
    folder = Path(tempfile.mkdtemp())
    ledgers = [SharedLedger(Seat(number, count, folder), os.urandom(32), CONNECTIONS) for number in range(count)]
    for number in range(CONNECTIONS):
        ledgers[number % count].places("house", 100).take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    return ledgers[0]


def _microseconds(deed: Callable[[], object]) -> float:
    return min(timeit.repeat(deed, number=TIMES, repeat=REPEATS)) / TIMES * 1e6


def _connection(ledger: Ledger) -> Callable[[], object]:
    connections, doors = Connections(100_000, 60_000, 100, ledger), ledger.places("doors", 200)

    def deed() -> None:
        doors.take(ADDRESS)
        connections.arrive("demo", ADDRESS)
        connections.enter("demo")
        connections.leave("demo")
        connections.depart(ADDRESS)
        doors.free(ADDRESS)

    return deed


def _vote(ledger: Ledger) -> Callable[[], object]:
    places = ledger.of("demo").places("votes", 8)

    def deed() -> None:
        places.take(ADDRESS)
        places.free(ADDRESS)

    return deed


def _change(ledger: Ledger) -> Callable[[], object]:
    changes, member = Changes(8, ledger.of("demo")), Member(ADDRESS, b"network1")

    def deed() -> None:
        changes.add(member, HAPPY, 0.0)
        changes.forget(member)

    return deed


def _ticket(ledger: Ledger) -> Callable[[], object]:
    rates = ledger.rates("tickets", 1e9, 120.0)
    return lambda: rates.spend(ADDRESS, 1000.0)


DEEDS = {
    "a connection's whole life": _connection,
    "a viewer's first label": _vote,
    "a label that changes the expression": _change,
    "a ticket": _ticket,
}

if __name__ == "__main__":
    main()
