"""Channels and their keys. A key is 32 random bytes, shown once; the database has its SHA-256 alone.

A fast hash is right here: what makes password hashes slow is needed for secrets that can be guessed, and 256 random
bits can't be (NIST SP 800-63B, look-up secrets of more than 112 bits). A join password can be guessed: it has scrypt.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import msgspec

from relay.protocol import CHANNEL_PATTERN
from relay.store import database

log = logging.getLogger(__name__)

Right = Literal["admin", "display"]
"""What a key may do: ``admin`` everything with its channel, ``display`` read its mood and history."""
RIGHTS: tuple[Right, ...] = get_args(Right)
_ROTATE: dict[Right, str] = {
    "admin": "UPDATE channels SET admin_hash = ? WHERE name = ?",
    "display": "UPDATE channels SET display_hash = ? WHERE name = ?",
}


class ChannelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a new channel, in clear for the only time."""

    channel: str
    admin_key: str
    display_key: str


class Replaced(NamedTuple):
    """A channel that another relay changed so that something opens it no more."""

    channel: str
    rights: tuple[Right, ...]
    """Of keys that were replaced; all where the channel is ``deleted``."""
    deleted: bool


class Channels:
    """The channels of a relay. Looking up a channel or key touches memory only."""

    def __init__(self, path: database.Place) -> None:
        """``path``: the prepared database."""
        self._path = path
        self._changing = threading.Lock()  # requests run in threads, and one must not undo what another did
        self._hashes: dict[str, tuple[bytes, bytes]] = {}
        self._created: dict[str, float] = {}
        self._passwords: dict[str, tuple[bytes, bytes]] = {}
        self._pepper = secrets.token_bytes(32)
        self._proven: dict[str, bytes] = {}
        """A fast hash, which only this run can make, of each password that was given rightly."""
        self.on_change: Callable[[str], None] = lambda channel: None
        """Called with the name of each channel that was made, changed or deleted here, in any thread."""
        self.reload()

    def __contains__(self, channel: str) -> bool:
        return channel in self._hashes

    def reload(self, channel: str | None = None) -> list[Replaced]:
        """Learn from the database what other relays changed, of one channel or of all; returns what was lost by it.

        Blocks for a read of the database.

        Raises:
            DatabaseError: the database can't be read; all stays as it was.
        """
        keys, passwords = "SELECT name, admin_hash, display_hash, created FROM channels", "SELECT * FROM passwords"
        values: tuple[str, ...] = ()
        if channel is not None:
            keys, passwords, values = f"{keys} WHERE name = ?", f"{passwords} WHERE channel = ?", (channel,)
        with self._changing:
            with database.opened(self._path) as file:
                rows = file.execute(keys, values).fetchall()
                found = {name: (bytes(admin), bytes(display), created) for name, admin, display, created in rows}
                rows = file.execute(passwords, values).fetchall()
                joining = {name: (bytes(salt), bytes(hashed)) for name, salt, hashed in rows}
            return [
                replaced
                for name in (list(self._hashes | found) if channel is None else [channel])
                if (replaced := self._take(name, found.get(name), joining.get(name)))
            ]

    def _take(
        self, name: str, entry: tuple[bytes, bytes, float] | None, password: tuple[bytes, bytes] | None
    ) -> Replaced | None:
        before, since = self._hashes.get(name), self._created.get(name)
        if self._passwords.get(name) != password:
            self._proven.pop(name, None)
            self._passwords.pop(name, None)
            if password:
                self._passwords[name] = password
        if entry is None:
            self._hashes.pop(name, None)
            self._created.pop(name, None)
        else:
            self._hashes[name], self._created[name] = entry[:2], entry[2]
        if before is None or entry is None or since != entry[2]:
            return Replaced(name, RIGHTS, deleted=True) if before else None
        rights = tuple(right for right, old, new in zip(RIGHTS, before, entry, strict=False) if old != new)
        return Replaced(name, rights, deleted=False) if rights else None

    def __len__(self) -> int:
        return len(self._hashes)

    def create(self, channel: str) -> ChannelKeys:
        """Make a channel with new keys. Blocks for the length of a database commit.

        Raises:
            ValueError: the name has other characters than letters, digits, _ and -, or is longer than 64.
            FileExistsError: there is a channel of this name.
            DatabaseError: the database can't be written.
        """
        if not re.fullmatch(CHANNEL_PATTERN, channel):
            raise ValueError(
                f"A channel's name is a letter or digit and up to 63 more letters, digits, _ or -, not {channel!r}."
            )
        keys = ChannelKeys(channel=channel, admin_key=secrets.token_urlsafe(32), display_key=secrets.token_urlsafe(32))
        hashes = _hash(keys.admin_key), _hash(keys.display_key)
        now = time.time()
        with self._changing:
            try:
                with database.opened(self._path) as file:
                    file.execute("INSERT INTO channels VALUES (?, ?, ?, ?)", (channel, *hashes, now))
                    file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))  # of an older one of this name
            except database.ConflictError:
                raise FileExistsError(
                    f"There is a channel {channel!r} already; its keys were shown when it was made."
                ) from None
            self._take(channel, (*hashes, now), None)
        self.on_change(channel)
        log.info("channel created", extra={"channel": channel})
        return keys

    def rotate(self, channel: str, right: Right) -> str:
        """Replace a key of an existing channel: the old one opens nothing from now on. Blocks for a database commit.

        Raises:
            DatabaseError: the database can't be written; the old key stays.
        """
        key = secrets.token_urlsafe(32)
        with self._changing:
            # This key's column alone: of the other one, another relay may know a newer.
            with database.opened(self._path) as file:
                file.execute(_ROTATE[right], (_hash(key), channel))
            hashes = dict(zip(RIGHTS, self._hashes[channel], strict=True)) | {right: _hash(key)}
            self._hashes[channel] = hashes["admin"], hashes["display"]
        self.on_change(channel)
        log.info("key rotated", extra={"channel": channel, "right": right})
        return key

    def delete(self, channel: str) -> None:
        """Forget the channel, its keys and its password. Blocks for the length of a database commit.

        Raises:
            DatabaseError: the database can't be written; the channel stays.
        """
        with self._changing:
            with database.opened(self._path) as file:
                file.execute("DELETE FROM channels WHERE name = ?", (channel,))
                file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))
            self._take(channel, None, None)
        self.on_change(channel)
        log.info("channel deleted", extra={"channel": channel})

    def right(self, channel: str, key: str) -> Right | None:
        """What the key may do with the channel; None if it does not open it."""
        admin, display = self._hashes[channel]
        given = _hash(key)
        # Both are always compared, in constant time: how long it takes tells nothing about either.
        is_admin, is_display = hmac.compare_digest(given, admin), hmac.compare_digest(given, display)
        return "admin" if is_admin else "display" if is_display else None

    def seal(self, channel: str) -> bytes:
        """Changes with the admin key of an existing channel, and opens nothing."""
        return self._hashes[channel][0]

    def set_password(self, channel: str, password: str) -> None:
        """From now on viewers need this password to join; empty: none. Blocks for a hash and a database commit.

        Raises:
            DatabaseError: the database can't be written; all stays as it was.
        """
        salt = secrets.token_bytes(16)
        hashed = _slow_hash(password, salt) if password else b""
        with self._changing:
            with database.opened(self._path) as file:
                file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))
                if password:
                    file.execute("INSERT INTO passwords VALUES (?, ?, ?)", (channel, salt, hashed))
            self._proven.pop(channel, None)
            if password:
                self._passwords[channel] = salt, hashed
            else:
                self._passwords.pop(channel, None)
        self.on_change(channel)

    def has_password(self, channel: str) -> bool:
        """Whether viewers need a password to join."""
        return channel in self._passwords

    def proven(self, channel: str, password: str) -> bool | None:
        """As ``check_password``, and at once: None where it was not given rightly yet.

        A crowd gives the same password thousands of times a minute: after the first time a fast hash is compared.
        """
        if channel not in self._passwords:
            return True
        proven = self._proven.get(channel)
        return None if proven is None else hmac.compare_digest(self._fast_hash(password), proven)

    def check_password(self, channel: str, password: str) -> bool:
        """Whether this is the channel's join password. Blocks for some 50 ms until it was once given rightly."""
        entry = self._passwords.get(channel)
        known = self.proven(channel, password)
        if known is not None or entry is None:
            return known is not False
        salt, hashed = entry
        if not hmac.compare_digest(_slow_hash(password, salt), hashed):
            return False
        with self._changing:
            if self._passwords.get(channel) is entry:  # and was not changed meanwhile
                self._proven[channel] = self._fast_hash(password)
        return True

    def _fast_hash(self, password: str) -> bytes:
        return hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), "sha256")


def _slow_hash(password: str, salt: bytes) -> bytes:
    """scrypt with 16 MiB (RFC 7914; N and r as its section 2 recommends for interactive logins)."""
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
