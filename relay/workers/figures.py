"""What the workers of a relay count of themselves, told to each other: whoever is asked answers for the whole relay.

Each writes its own figures to a file, whole, once a second, and reads those of the others when it is asked. So nobody
waits for a worker that is frozen; and the counters of one that died are there for who comes after it to count on from,
since a sum that falls would look to Prometheus as if the relay had begun anew.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from relay.workers.seat import Seat

TELL_S = 1.0
_SILENT_S = 5.0
"""A worker that has told nothing for so long is gone, or frozen: nobody counts on what it has at the moment."""

Together = Literal["sum", "max", "min"]
"""What a relay has of that of which each of its workers has some."""
_TOGETHER: Mapping[Together, Callable[[Iterable[float]], float]] = {"sum": sum, "max": max, "min": min}
_LASTING = ("counter", "histogram")
"""Kinds of metrics that count from the start on."""


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """A number, as Prometheus has it."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Family(msgspec.Struct, array_like=True, frozen=True):
    """The samples of a metric."""

    name: str
    text: str
    kind: str
    """As in ``prometheus_client.Metric.type``."""
    together: Together | None
    """None: each worker has its own, told apart by the label ``worker``."""
    samples: list[Sample]


class WorkerFigures(msgspec.Struct, array_like=True, frozen=True):
    """All that one worker tells."""

    at: float
    """When, by the machine's steady clock."""
    families: list[Family]
    channels: frozenset[str]
    """Those in which somebody is."""
    history: str
    """A sentence while the database refuses."""


_decode = msgspec.msgpack.Decoder(WorkerFigures).decode


def merged(workers: Mapping[int, WorkerFigures], now: float) -> list[Family]:
    """The families of all workers (by their number) together. Of one that is silent its counters alone remain."""
    found: dict[str, tuple[Family, dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]]] = {}
    for number, figures in sorted(workers.items()):
        for family in figures.families:
            if family.kind not in _LASTING and is_silent(figures, now):
                continue
            _, samples = found.setdefault(family.name, (family, {}))
            for sample in family.samples:
                own = () if family.together else (("worker", str(number)),)
                samples.setdefault((sample.name, (*sample.labels, *own)), []).append(sample.value)
    return [
        msgspec.structs.replace(
            family,
            samples=[Sample(name, labels, _whole(family, name, values)) for (name, labels), values in samples.items()],
        )
        for family, samples in found.values()
    ]


def _whole(family: Family, sample: str, values: Sequence[float]) -> float:
    return _TOGETHER["min" if sample.endswith("_created") else family.together or "sum"](values)


def counted_on(families: Iterable[Family], before: Mapping[str, Family]) -> list[Family]:
    """The families, with what lasts of a process that was in the seat before."""
    return [
        merged(
            {0: WorkerFigures(0.0, [family], frozenset(), ""), 1: WorkerFigures(0.0, [earlier], frozenset(), "")}, 0.0
        )[0]
        if (earlier := before.get(family.name)) and family.kind in _LASTING and family.together
        else family
        for family in families
    ]


def is_silent(figures: WorkerFigures, now: float) -> bool:
    """Whether the worker has told nothing for long."""
    return now - figures.at > _SILENT_S


class Board:
    """Where one worker tells its figures and reads those of the others."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        earlier = self._read(seat.number)
        self._before = {family.name: family for family in earlier.families} if earlier else {}

    def tell(self, figures: WorkerFigures) -> WorkerFigures:
        """Tell; returns it with what was counted in this seat before.

        What can't be written, as on a full disk, is told later.
        """
        figures = msgspec.structs.replace(figures, families=counted_on(figures.families, self._before))
        path = self._path(self._seat.number)
        with contextlib.suppress(OSError):
            beside = path.with_suffix(".new")
            beside.touch(0o600)
            beside.write_bytes(msgspec.msgpack.encode(figures))
            beside.replace(path)
        return figures

    def others(self) -> dict[int, WorkerFigures]:
        """What the others have told last, by their numbers."""
        read = {number: self._read(number) for number in range(self._seat.of) if number != self._seat.number}
        return {number: figures for number, figures in read.items() if figures}

    def _path(self, number: int) -> Path:
        return self._seat.folder / f"figures-{number}"

    def _read(self, number: int) -> WorkerFigures | None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return _decode(self._path(number).read_bytes())
        return None
