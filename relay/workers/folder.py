"""The folder that the workers of a relay share: this user's alone, and gone with the relay."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from relay.errors import DataFolderError

_PREFIX = "moodcast-relay-"
_MARK = "held"
"""A file in it: it was locked before this was there, so one that has it and is not locked is nobody's any more."""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new one, removed at the end. Those that relays left behind which were killed are removed as well.

    Raises:
        DataFolderError: none can be made.
    """
    with contextlib.ExitStack() as undo:
        try:
            _sweep()
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            undo.enter_context(_held(folder))
            (folder / _MARK).touch()
        except OSError as error:
            raise DataFolderError(
                f"The workers' folder can't be made among the system's temporary files ({error}): make room there, or "
                "name another folder of a local disk with the variable TMPDIR."
            ) from error
        yield folder


def _sweep() -> None:
    for mark in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_MARK}"):
        with contextlib.suppress(OSError), _held(mark.parent):
            shutil.rmtree(mark.parent, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock the folder itself: systemd-tmpfiles, which deletes old temporary files, passes over one that is locked.

    Others may make what they like among temporary files, such as pipes that never open: none of it is opened here.

    Raises:
        OSError: it is somebody else's, no folder, or in use.
    """
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(number).st_uid != os.geteuid():
            raise PermissionError(f"{folder} is another user's")
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)
