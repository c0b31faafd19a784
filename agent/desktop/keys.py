"""Passwords and keys that the viewer wants kept: in the system's keyring, else in a file of the user's alone.

By relay, channel and kind. What can't go into a keyring (there is none, it is locked and nobody can be asked, or it
fails) goes into a file with mode 0600, which any program of the user's can read: who keeps something is told which.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.files import write_whole

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

Kind = Literal["password", "admin", "display"]
"""A channel's join password, and its two keys."""
Where = Literal["keyring", "file", "nowhere"]
"""Where something is kept; the window has a sentence for each (``keys.WHERE`` of its texts)."""
_SERVICE = "Moodcast"
_NAME = "keys.json"
_LARGEST = 1 << 20
"""Bytes of the file."""
_log = logging.getLogger(__name__)


class Keys:
    """Every method may be called from any thread and returns at once: a keyring may ask its user for a password."""

    def __init__(self, folder: Path) -> None:
        """``folder``: of the settings; nothing is read or written yet."""
        self.file = folder / _NAME
        """Where they are that no keyring takes."""
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # Not Python's own executor: the end of the program would wait for a keyring that asks its user.
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
        self._thread.start()

    def keep(self, relay: str, channel: str, kind: Kind, secret: str) -> "Future[Where]":
        """Remember it in place of an older one."""
        return self._in_turn(self._keep, _name(relay, channel, kind), secret)

    def find(self, relay: str, channel: str, kind: Kind) -> "Future[str]":
        """What was kept; empty where nothing was, or a locked keyring is not opened."""
        return self._in_turn(self._find, _name(relay, channel, kind))

    def forget(self, relay: str, channel: str, kind: Kind) -> "Future[bool]":
        """No longer keep it, wherever it lies; False where a locked keyring or a full disk does not let go of it."""
        return self._in_turn(self._forget, _name(relay, channel, kind))

    def _in_turn(self, work: Callable[..., Any], *arguments: str) -> "Future[Any]":
        future: Future[Any] = Future()

        def do() -> None:
            try:
                future.set_result(work(*arguments))
            except BaseException as error:  # whoever asked gets it
                future.set_exception(error)

        self._work.put(do)
        return future

    def _run(self) -> None:
        while True:
            self._work.get()()

    def _keep(self, name: str, secret: str) -> Where:
        ring = _keyring()
        if ring is not None:
            try:
                ring.set_password(_SERVICE, name, secret)
            except Exception as error:  # backends are other people's, and raise whatever they like
                _log.debug("the keyring does not take it: %s", type(error).__name__)
            else:
                self._remove_from_file(name)
                return "keyring"
        try:
            kept = self._read() | {name: secret}
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(msgspec.json.encode(kept), self.file)
        except OSError as error:
            _log.debug("%s can't be written: %s", self.file, error)
            return "nowhere"
        return "file"

    def _find(self, name: str) -> str:
        """The newer one is in the file, where both have one: a keyring that is open again does not take it back."""
        with contextlib.suppress(OSError):
            if found := self._read().get(name):
                return found
        ring = _keyring()
        if ring is not None:
            with contextlib.suppress(Exception):  # as above
                return ring.get_password(_SERVICE, name) or ""
        return ""

    def _forget(self, name: str) -> bool:
        gone = self._remove_from_file(name)
        ring = _keyring()
        if ring is None:
            return gone
        try:
            if ring.get_password(_SERVICE, name) is not None:
                ring.delete_password(_SERVICE, name)
        except Exception:  # as above
            return False
        return gone

    def _remove_from_file(self, name: str) -> bool:
        """Whether it is not there any more."""
        try:
            kept = self._read()
            if kept.pop(name, None) is not None:
                write_whole(msgspec.json.encode(kept), self.file)
        except OSError as error:
            _log.debug("%s can't be written: %s", self.file, error)
            return False
        return True

    def _read(self) -> dict[str, str]:
        """What the file has. One that is damaged is kept aside. Raises OSError."""
        try:
            with self.file.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.file.replace(self.file.with_name("keys.damaged.json"))
            return {}


def _name(relay: str, channel: str, kind: Kind) -> str:
    return f"{kind} of {channel} at {relay}"


def _keyring() -> "KeyringBackend | None":
    """The system's keyring, if there is one; not one that is a file itself, or takes nothing."""
    try:
        import keyring

        ring = keyring.get_keyring()
        return ring if float(ring.priority) >= 1 else None
    except Exception as error:  # as above
        _log.debug("no keyring: %s", type(error).__name__)
        return None
