"""One Moodcast for each user: a second start hands over what it was asked for to the first, and ends.

A lock says who is the first; the system takes it back from whoever ends, however that is. The first listens on a socket
in a folder that only this user can enter, and where there are no such sockets (Windows) on this machine's loopback, for
who can read a secret in a file there. What is handed over is short, strictly read, and never more than a wish to see
the window, to open a link (which asks), or to pause.
"""

import contextlib
import hmac
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.errors import SecondStartError
from agent.files import own_folder, write_whole
from relay.common import discreet

_LOCK, _SOCKET, _DOOR = "window.lock", "window.sock", "window.door"
_MOST = 16_384
"""Bytes of a message. A link has at most 4096 characters, and JSON at most four bytes, or six, for each of most."""
_PATIENCE_S = 2.0
"""For the other side to send, or take, what is at most so long."""
_STARTING_S = 10.0
"""So long a second start waits for a first that has the lock and does not listen yet."""
_AGAIN_S = 0.05
_log = logging.getLogger(__name__)


class SecondStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a second start was asked for."""

    do: Literal["show", "pause"] = "show"
    invitation: Annotated[str, Meta(max_length=4096)] = ""
    """With ``show``: a link to open."""
    secret: Annotated[str, Meta(max_length=64)] = ""
    """Of the file, where there are no sockets of a user's own."""

    __repr__ = discreet.shown


class _Door(msgspec.Struct, frozen=True):
    """Where the first listens, in a file that only this user can read."""

    __repr__ = discreet.shown

    port: Annotated[int, Meta(ge=1, le=65535)]
    secret: Annotated[str, Meta(min_length=43, max_length=64)]


def folder(settings: Path) -> Path:
    """Where the lock and the socket lie: the session's folder for such, where there is one, else that of the settings.

    Raises nothing; ``Instance`` looks whether it is the user's own.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not runtime and sys.platform == "linux":  # systemd's own, also for who was started without it, as by su or cron
        runtime = f"/run/user/{os.getuid()}"
    return Path(runtime) / "moodcast" if Path(runtime).is_absolute() and Path(runtime).is_dir() else settings


class Instance:
    """The place of the one that runs: ``with Instance(folder) as one: if one.is_first: one.listen(...)``."""

    def __init__(self, folder: Path, loopback: bool = os.name != "posix") -> None:
        """``folder``: made if it is missing, this user's alone.

        Raises:
            OSError: it can't be, is another's, or nothing can be written or locked there.
        """
        from filelock import FileLock

        own_folder(folder)
        self._folder, self._loopback = folder, loopback
        self._lock = FileLock(folder / _LOCK, thread_local=False)
        self._listener: socket.socket | None = None
        self._secret = secrets.token_urlsafe()
        self.is_first = self._takes_the_place()
        """Whether it is this one."""

    def __enter__(self) -> "Instance":
        return self

    def __exit__(self, *_: object) -> None:
        self.hear_no_more()
        self._lock.release()

    def listen(self, asked: Callable[[SecondStart], None]) -> None:
        """From now on call ``asked``, in a thread of its own, for each later start. Raises OSError."""
        self._listener = self._opened()
        threading.Thread(target=self._serve, args=(self._listener, asked), name="later starts", daemon=True).start()

    def hear_no_more(self) -> None:
        """At the beginning of the end: later starts wait for it, instead of asking one that shows nothing any more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there
            listener.close()
            for name in (_SOCKET, _DOOR):
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink(missing_ok=True)

    def hand_over(self, asked: SecondStart) -> bool:
        """Tell the first. False where it ended meanwhile: then this one is the first.

        Raises:
            SecondStartError: it does not answer, as while it hangs.
            OSError: see ``__init__``.
        """
        until = time.monotonic() + _STARTING_S
        while True:
            self.is_first = self._takes_the_place()
            if self.is_first:
                return False
            try:
                with self._connection() as connection:
                    connection.settimeout(_PATIENCE_S)
                    secret = self._door().secret if self._loopback else ""
                    connection.sendall(msgspec.json.encode(msgspec.structs.replace(asked, secret=secret)) + b"\n")
                    if connection.recv(1) == b"y":
                        return True
            except (OSError, ValueError) as error:
                _log.debug("the one that runs does not answer yet: %s", error)
            if time.monotonic() > until:
                raise SecondStartError(
                    "Moodcast runs already, but does not answer. End it (its icon's menu, or the list of programs), "
                    "then start it again"
                )
            time.sleep(_AGAIN_S)

    def _takes_the_place(self) -> bool:
        """Whether nobody else has it."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except NotImplementedError as error:  # a file system without locks
            raise OSError(str(error)) from error
        for name in (_SOCKET, _DOOR):  # of one that was killed
            (self._folder / name).unlink(missing_ok=True)
        return True

    def _opened(self) -> socket.socket:
        """The socket that the first listens on."""
        if not self._loopback:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(_short(self._folder / _SOCKET))
            (self._folder / _SOCKET).chmod(0o600)
            listener.listen()
            return listener
        listener = socket.create_server(("127.0.0.1", 0))
        door = _Door(listener.getsockname()[1], self._secret)
        write_whole(msgspec.json.encode(door), self._folder / _DOOR)
        return listener

    def _connection(self) -> socket.socket:
        if self._loopback:
            return socket.create_connection(("127.0.0.1", self._door().port), _PATIENCE_S)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_PATIENCE_S)
            connection.connect(_short(self._folder / _SOCKET))
        except BaseException:
            connection.close()
            raise
        return connection

    def _door(self) -> _Door:
        return msgspec.json.decode((self._folder / _DOOR).read_bytes()[:_MOST], type=_Door)

    def _serve(self, listener: socket.socket, asked: Callable[[SecondStart], None]) -> None:
        """One after the other: each is over within twice the patience."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the end
            with connection, contextlib.suppress(OSError, ValueError):  # ValueError: no JSON, no text, or another
                message = msgspec.json.decode(_line(connection), type=SecondStart)
                if not self._loopback or hmac.compare_digest(message.secret.encode(), self._secret.encode()):
                    connection.sendall(b"y")
                    asked(msgspec.structs.replace(message, secret=""))


def _line(connection: socket.socket) -> bytes:
    """What comes until the end of a line. Raises OSError where it is late or long."""
    until, data = time.monotonic() + _PATIENCE_S, b""
    while not data.endswith(b"\n"):
        connection.settimeout(max(0.001, until - time.monotonic()))
        part = connection.recv(_MOST)
        data += part
        if not part or len(data) > _MOST:
            raise ConnectionError("expected one short line")
    return data


def _short(path: Path) -> str:
    """A path that fits into the address of a socket, which takes some hundred bytes: from here, if that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
