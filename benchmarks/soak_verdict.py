"""What the samples of a soak say: whether memory and descriptors stayed flat, and came back. Pure."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

JUDGED = 0.75
"""The last part of a run, which the lines are drawn through: before, caches and the allocator's arenas fill."""
RISE_SHARE = 0.05
"""Of the memory: so much more of it, along its line over the judged part, still counts as flat. Of the hour's 100 MiB
that is some 110 KiB a minute, or 80 bytes a visit."""
RISE_FILES = 8.0
"""The same of spare descriptors, in number."""
LEAST = 4
"""Samples of a run that can be judged."""
KEPT_FILES = 4
"""Descriptors of each process that may be open when all have left, beside those of the start: those of the database."""
MOST_POINTS = 600
"""Of a line: more are thinned out, since each pair of them is looked at."""


class SoakSample(NamedTuple):
    """What was seen at one moment. Rates and shares are of the time since the sample before."""

    minute: float
    """Since the crowd began to come."""
    rss_kib: float
    """Resident memory of the relay's processes together, pages that they share counted each time."""
    uss_kib: float
    """Memory that would be free if they ended."""
    files: int
    """Open descriptors of all of them."""
    viewers: int
    subscribers: int
    cores: float
    """CPU seconds a second."""
    late_ms: float
    """Bound of the histogram's bucket in which the 99th percentile of the ticks' lateness lies."""
    labels: float
    """A second."""
    joins: float
    """Viewers and subscribers a minute."""
    refused: float
    """Frames, requests, tickets and connections a minute that were answered with a code."""

    @property
    def spare_files(self) -> int:
        """Descriptors that are neither a viewer's nor a subscriber's."""
        return self.files - self.viewers - self.subscribers


class Verdict(NamedTuple):
    """What became of memory and descriptors. ``complaints`` is empty where all is flat."""

    memory_slope: float
    """KiB a minute."""
    memory_bound: float
    """The steepest slope that counts as flat, in KiB a minute."""
    files_slope: float
    """Spare descriptors a minute."""
    kept_kib: float
    """Memory more than at the start when all have left: what the allocators keep of the fullest moment, to use it
    again. It is no complaint, since a leak would show in the slope."""
    kept_files: int
    """Descriptors more than at the start then."""
    complaints: tuple[str, ...]


def line(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the Theil-Sen line through points of different x: the median of all pairs' slopes (Sen 1968).

    Up to 29 % of the points may lie anywhere without moving it much.
    """
    step = -(-len(points) // MOST_POINTS)
    few = points[::step]
    slopes = [(y - b) / (x - a) for i, (x, y) in enumerate(few) for a, b in few[:i]]
    return statistics.median(slopes)


def judge(samples: Sequence[SoakSample], before: SoakSample, after: SoakSample, processes: int = 1) -> Verdict:
    """What samples of a run say, oldest first, with one of before anybody came and one of after all had left.

    ``processes``: as many as the relay has.

    Raises:
        ValueError: too few samples, of which no line can be drawn.
    """
    if len(samples) < LEAST:
        raise ValueError(f"expected at least {LEAST} samples, got {len(samples)}: let it run for longer")
    end = samples[-1].minute
    judged = [sample for sample in samples if sample.minute >= end * (1 - JUDGED)]
    minutes = end - judged[0].minute
    memory = line([(sample.minute, sample.uss_kib) for sample in judged])
    files = line([(sample.minute, sample.spare_files) for sample in judged])
    memory_bound = RISE_SHARE * statistics.median(sample.uss_kib for sample in judged) / minutes
    files_bound = RISE_FILES / minutes
    kept_files = after.spare_files - before.spare_files
    complaints = []
    if memory > memory_bound:
        complaints.append(f"memory grows by {memory:.0f} KiB a minute, and {memory_bound:.0f} still counts as flat")
    if files > files_bound:
        complaints.append(f"descriptors grow by {files:.2f} a minute, and {files_bound:.2f} still counts as flat")
    if kept_files > KEPT_FILES * processes:
        complaints.append(f"{kept_files} descriptors more than at the start are open when all have left")
    return Verdict(memory, memory_bound, files, after.uss_kib - before.uss_kib, kept_files, tuple(complaints))
