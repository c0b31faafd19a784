"""Standard input, output and error as the commands get them: perhaps closed, full, or with nobody who reads."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from relay.errors import OutputError, ReaderGoneError


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """While a command runs: what can't be written to standard output ends it, what can't be said on standard error is
    lost, and a closed input is empty.

    Streams that something else has put in place, such as a test, stay as they are.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    closed, errors = _fill_closed(), None
    if 0 in closed:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (it stays open as long as the process)
    if sys.stdout is sys.__stdout__ and (sys.stdout is None or not _is_windows_console(sys.stdout)):
        sys.stdout = _text(_Output(1), sys.stdout)
    if sys.stderr is sys.__stderr__ and (sys.stderr is None or not _is_windows_console(sys.stderr)):
        errors = os.dup(2)  # who redirects 2, to keep a library quiet, does not mean what we say
        sys.stderr = _text(_Errors(errors), sys.stderr)
    try:
        yield
    finally:
        with contextlib.suppress(OutputError, ReaderGoneError):
            sys.stdout.flush()
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = before
        if errors is not None:
            os.close(errors)


def _fill_closed() -> list[int]:
    """Open the null device in place of each of the three that is closed, and tell which.

    Else the next file or socket that is opened would get the number, and what a library prints would go there. Output
    can't be written to it all the same: it was asked for, and nobody would get it.
    """
    filled = []
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_RDWR)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
            filled.append(number)
    return filled


def _is_windows_console(stream: TextIO) -> bool:
    """Which is written to in another way than a file, and is never full."""
    return sys.platform == "win32" and stream.isatty()


class _Output(io.FileIO):
    """Its first failure is raised as an error of our own, and nothing is written after it.

    An OSError may be taken for that of a file or a socket on its way up; and Python complains about what is still to be
    written when it ends.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self._failed = False

    def write(self, data: Any) -> int:
        if self._failed:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._failed = True
            return self._fail(error, len(data))

    def _fail(self, error: OSError, length: int) -> int:
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError("nobody reads the output any more") from error
        reason = "it is closed" if error.errno == errno.EBADF else error.strerror
        raise OutputError(
            f"the standard output can't be written to ({reason}): make room or send it elsewhere, for example to "
            f"{os.devnull}"
        ) from error


class _Errors(_Output):
    """There is nowhere to complain about it."""

    def _fail(self, error: OSError, length: int) -> int:
        return length


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    """A text stream like the one ``before``."""
    buffer = io.BufferedWriter(raw)
    if not isinstance(before, io.TextIOWrapper):  # it was closed
        return io.TextIOWrapper(buffer, errors="replace", line_buffering=True)
    lines = before.line_buffering or before.write_through
    return io.TextIOWrapper(buffer, before.encoding, before.errors, line_buffering=lines)
