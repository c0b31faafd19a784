"""Passwords and keys that the viewer wants kept: in the system's keyring, else in a file of the user's alone.

By relay, channel and kind. What can't go into a keyring (there is none, it is locked and nobody can be asked, or it
fails) goes into a file with mode 0600, which any program of the user's can read: who keeps something is told which.
"""

import contextlib
import logging
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

import msgspec

from agent.files import write_whole
from agent.system_keyring import SERVICE, Errands, system_keyring

Kind = Literal["password", "admin", "display"]
"""A channel's join password, and its two keys."""
Where = Literal["keyring", "file", "nowhere"]
"""Where something is kept; the window has a sentence for each (``keys.WHERE`` of its texts)."""
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
        self._errands = Errands("keys")

    def keep(self, relay: str, channel: str, kind: Kind, secret: str) -> "Future[Where]":
        """Remember it in place of an older one."""
        return self._errands.do(self._keep, _name(relay, channel, kind), secret)

    def find(self, relay: str, channel: str, kind: Kind) -> "Future[str]":
        """What was kept; empty where nothing was, or a locked keyring is not opened."""
        return self._errands.do(self._find, _name(relay, channel, kind))

    def forget(self, relay: str, channel: str, kind: Kind) -> "Future[bool]":
        """No longer keep it, wherever it lies; False where a locked keyring or a full disk does not let go of it."""
        return self._errands.do(self._forget, _name(relay, channel, kind))

    def _keep(self, name: str, secret: str) -> Where:
        ring = system_keyring()
        if ring is not None:
            try:
                ring.set_password(SERVICE, name, secret)
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
        ring = system_keyring()
        if ring is not None:
            with contextlib.suppress(Exception):  # as above
                return ring.get_password(SERVICE, name) or ""
        return ""

    def _forget(self, name: str) -> bool:
        gone = self._remove_from_file(name)
        ring = system_keyring()
        if ring is None:
            return gone
        try:
            if ring.get_password(SERVICE, name) is not None:
                ring.delete_password(SERVICE, name)
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
