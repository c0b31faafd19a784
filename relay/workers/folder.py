"""The folder that the workers of a relay share: this user's alone, and gone with the relay."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX, _LOCK = "moodcast-relay-", "lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new one, removed at the end. Those that relays left behind which were killed are removed as well.

    Raises:
        OSError: none can be made.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        new = folder / "new"
        with new.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            new.replace(folder / _LOCK)  # under its name it was locked from the beginning
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), path.open("r") as lock:  # OSError: somebody else's, or in use
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
