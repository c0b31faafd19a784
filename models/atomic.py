"""Files that are whole or not there."""

import os
import secrets
from pathlib import Path


def write(data: bytes, path: Path) -> None:
    """Write beside the old file and swap, so that a kill or a full disk leaves the old one whole.

    What is written first has a name that nobody else uses; only a kill in the midst of it leaves that behind.

    Raises:
        OSError: it can't be written; the old file is untouched and nothing is left beside it.
    """
    beside = path.with_name(f".moodcast-{secrets.token_hex(8)}")
    # Opened here, not by ``tempfile``, whose files are their owner's alone: the umask says who may read the result.
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:  # Ctrl-C as well
        beside.unlink(missing_ok=True)
        raise
