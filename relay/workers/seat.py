"""Where a worker sits: several processes may be one relay (``--processes``), and each is told which of them it is."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from relay.errors import DataFolderError


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

    def succeed(self, holder: str) -> str:
        """Note whose leases those of this process are; returns whose those of the one before it in this seat were, and
        nothing for the first. That one has ended: its leases are nobody's any more.

        Raises:
            DataFolderError: the folder can't be written.
        """
        note = self.folder / f"holder-{self.number}"
        before = ""
        with contextlib.suppress(FileNotFoundError):
            before = note.read_text()
        try:
            note.write_text(holder)
        except OSError as error:
            raise DataFolderError(f"A worker can't write {note} ({error}): make room there.") from error
        return before


def socket_of(folder: Path) -> Path:
    """Where the workers' own Redis listens, where no other was given."""
    return folder / "redis.sock"


def bus_of(folder: Path) -> str:
    """Its address, as for ``--cluster``."""
    return f"unix://{socket_of(folder)}"
