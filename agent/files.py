"""A small file that is there whole or not at all."""

import os
from pathlib import Path


def write_whole(data: bytes, path: Path, mode: int = 0o600) -> None:
    """Write beside the old file and swap. Raises OSError: it can't be written, and the old file is untouched."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)  # of a kill in the midst of this
        beside.touch(mode, exist_ok=False)
        with beside.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
