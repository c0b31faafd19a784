"""Where a worker sits: several processes may be one relay (``--processes``), and each is told which of them it is."""

from pathlib import Path
from typing import NamedTuple


class Seat(NamedTuple):
    """One worker's place among those that are one relay on this machine.

    A worker that died is followed by another process in the same seat.
    """

    number: int
    """From 0 to ``of - 1``."""
    of: int
    """Workers in all, at least 2."""
    folder: Path
    """On a local disk or in memory, their user's alone (0700), there from before the first worker to after the last."""
