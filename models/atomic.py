"""Files that are whole or not there."""

import os
from pathlib import Path


def write(data: bytes, path: Path) -> None:
    """Write beside the old file and swap, so that a kill or a full disk leaves the old one whole.

    Raises:
        OSError: it can't be written; the old file is untouched and nothing is left beside it.
    """
    beside = path.with_suffix(".part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
