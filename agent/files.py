"""A small file that is there whole or not at all, and folders and files that are this user's alone."""

import contextlib
import os
import stat
from pathlib import Path


def write_whole(data: bytes, path: Path, mode: int = 0o600) -> None:
    """Write ``beside`` the old file and swap. Raises OSError: it can't be written, and the old file is untouched."""
    new = beside(path)
    try:
        new.unlink(missing_ok=True)  # of a kill in the midst of this
        new.touch(mode, exist_ok=False)
        with new.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def beside(path: Path) -> Path:
    """Where ``write_whole`` writes first; a kill in the midst of that leaves it behind."""
    return path.with_name(path.name + ".new")


def own_folder(folder: Path) -> None:
    """Make it if it is missing, this user's alone: nobody else may put something there, or take it away.

    Raises:
        OSError: it can't be; PermissionError where it is another's, or a link.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return  # the folders of a Windows user are theirs alone
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not a folder of yours alone")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def read_plain(path: Path, most: int) -> bytes:
    """What a plain file has, at most ``most`` bytes of it.

    Raises:
        OSError: there is none, it can't be read, or it is something else: a link, a folder, a device.
    """
    if path.is_symlink():  # for systems without O_NOFOLLOW
        raise OSError("it is a link")
    # Without O_NONBLOCK, opening a named pipe waits for whoever writes into it.
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is no plain file")
        return file.read(most)


def leave_no_core() -> None:
    """From now on a crash of this process, a library's too, writes no file of its memory, where the system heeds it."""
    with contextlib.suppress(ImportError):  # Windows has none
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
