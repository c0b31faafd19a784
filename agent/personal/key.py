"""The key of a viewer's answers: in the system's keyring, else in a file beside them, which protects from nobody."""

import base64
import concurrent.futures
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agent.files import beside, own_folder, read_plain, write_whole
from agent.personal.sealed import KEY_BYTES
from agent.system_keyring import SERVICE, Errands, system_keyring

_NAME = "answers.key"
_TEXT_BYTES = len(base64.b64encode(bytes(KEY_BYTES)))
_PATIENCE_S = 60.0
"""For a keyring that asks its user for a password, and for one that hangs."""
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class KeyVaultError(Exception):
    """There may be a key, but it can't be had, kept or removed now; a sentence for the viewer."""


@dataclass(frozen=True)
class PersonalKey:
    """A key of answers."""

    secret: bytes = field(repr=False)
    """``KEY_BYTES``."""
    is_protected: bool
    """Whether a keyring has it, and no file that any program of the user's can read."""


class KeyVault(Protocol):
    """Where the key is kept. Each method may take as long as the viewer takes to answer a keyring's question."""

    def find(self) -> PersonalKey | None:
        """The key; None where there is none. Raises KeyVaultError: whether there is one can't be known."""

    def make(self) -> PersonalKey:
        """A new one, kept in place of an older. Raises KeyVaultError: it can be kept nowhere."""

    def remove(self) -> None:
        """No longer keep it. Raises KeyVaultError: something of it may be left."""


class DesktopVault:
    """The system's keyring, else a file with mode 0600 in the folder of the answers: a ``KeyVault``."""

    def __init__(self, folder: Path, patience_s: float = _PATIENCE_S) -> None:
        """``folder``: of the answers. ``patience_s``: how long a keyring may take, each time."""
        self._file = folder / _NAME
        self._name = f"answers in {folder.absolute()}"
        self._patience_s = patience_s
        self._errands = Errands("key of answers")
        self._newest: concurrent.futures.Future[Any] | None = None

    def find(self) -> PersonalKey | None:
        """The file's before the keyring's: a keyring that is open again does not take it back."""
        with contextlib.suppress(OSError):
            beside(self._file).unlink(missing_ok=True)  # of a kill in the midst of writing
        try:
            return PersonalKey(_parsed(read_plain(self._file, _TEXT_BYTES + 1)), is_protected=False)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise KeyVaultError(f"the file of their key, {self._file}, can't be read ({reason(error)})") from None
        try:
            found = self._asked(self._from_ring)
            return None if found is None else PersonalKey(_parsed(found.encode()), is_protected=True)
        except Exception as error:  # backends are other people's, and raise whatever they like
            raise KeyVaultError(f"the system's keyring does not give their key ({reason(error)})") from None

    def make(self) -> PersonalKey:
        """As ``KeyVault.make``."""
        secret = os.urandom(KEY_BYTES)
        text = base64.b64encode(secret)
        try:
            is_protected = self._asked(lambda: self._into_ring(text.decode()))
        except Exception as error:  # as above
            _log.debug("the keyring does not take the key: %s", type(error).__name__)
            is_protected = False
        try:
            if is_protected:
                self._remove_file()
            else:
                own_folder(self._file.parent)
                write_whole(text, self._file)
        except OSError as error:
            raise KeyVaultError(f"the file of their key, {self._file}, can't be written ({reason(error)})") from None
        return PersonalKey(secret, is_protected)

    def remove(self) -> None:
        """As ``KeyVault.remove``."""
        left = []
        try:
            self._remove_file()
        except OSError as error:
            left.append(f"the file {self._file} can't be removed ({reason(error)})")
        try:
            self._asked(self._out_of_ring)
        except Exception as error:  # as above
            left.append(
                f"the system's keyring does not let go of the entry {SERVICE}, {self._name!r} ({reason(error)})"
            )
        if left:
            raise KeyVaultError(" and ".join(left))

    def _asked(self, work: Callable[[], _Result]) -> _Result:
        """Raises TimeoutError: it takes too long. It is done later, if ever the keyring answers."""
        is_silent = self._newest is not None and not self._newest.done()  # and was waited for
        self._newest = asked = self._errands.do(work)
        return asked.result(0 if is_silent else self._patience_s)

    def _from_ring(self) -> str | None:
        ring = system_keyring()
        return None if ring is None else ring.get_password(SERVICE, self._name)

    def _into_ring(self, text: str) -> bool:
        ring = system_keyring()
        if ring is None:
            return False
        ring.set_password(SERVICE, self._name, text)
        return ring.get_password(SERVICE, self._name) == text

    def _out_of_ring(self) -> None:
        ring = system_keyring()
        if ring is not None and ring.get_password(SERVICE, self._name) is not None:
            ring.delete_password(SERVICE, self._name)

    def _remove_file(self) -> None:
        for file in (beside(self._file), self._file):
            file.unlink(missing_ok=True)


def _parsed(text: bytes) -> bytes:
    """Raises ValueError: it is no key."""
    secret = base64.b64decode(text, validate=True)
    if len(secret) != KEY_BYTES:
        raise ValueError(f"expected {KEY_BYTES} bytes")
    return secret


def reason(error: Exception) -> str:
    """Why something failed, in a few words for the viewer."""
    if isinstance(error, concurrent.futures.TimeoutError):
        return "it did not answer"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return type(error).__name__
