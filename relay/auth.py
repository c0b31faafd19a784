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
from typing import Literal, get_args

import msgspec

from relay import database
from relay.protocol import CHANNEL_PATTERN

log = logging.getLogger(__name__)

Right = Literal["admin", "display"]
"""What a key may do: ``admin`` everything with its channel, ``display`` read its mood and history."""
RIGHTS: tuple[Right, ...] = get_args(Right)


class ChannelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a new channel, in clear for the only time."""

    channel: str
    admin_key: str
    display_key: str


class Channels:
    """The channels of a relay. Looking up a channel or key touches memory only."""

    def __init__(self, path: database.Place) -> None:
        """``path``: the prepared database."""
        self._path = path
        self._rotating = threading.Lock()
        with database.opened(path) as file:
            rows = file.execute("SELECT name, admin_hash, display_hash FROM channels").fetchall()
            passwords = file.execute("SELECT channel, salt, hash FROM passwords").fetchall()
        self._hashes: dict[str, tuple[bytes, bytes]] = {name: (admin, display) for name, admin, display in rows}
        self._passwords: dict[str, tuple[bytes, bytes]] = {name: (salt, hashed) for name, salt, hashed in passwords}
        self._pepper = secrets.token_bytes(32)
        self._proven: dict[str, bytes] = {}
        """A fast hash, which only this run can make, of each password that was given rightly."""

    def __contains__(self, channel: str) -> bool:
        return channel in self._hashes

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
        try:
            with database.opened(self._path) as file:
                file.execute("INSERT INTO channels VALUES (?, ?, ?, ?)", (channel, *hashes, time.time()))
                file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))  # of an older one with this name
        except database.ConflictError:
            raise FileExistsError(
                f"There is a channel {channel!r} already; its keys were shown when it was made."
            ) from None
        self._hashes[channel] = hashes
        self._passwords.pop(channel, None)
        log.info("channel created", extra={"channel": channel})
        return keys

    def rotate(self, channel: str, right: Right) -> str:
        """Replace a key of an existing channel: the old one opens nothing from now on. Blocks for a database commit.

        Raises:
            DatabaseError: the database can't be written; the old key stays.
        """
        key = secrets.token_urlsafe(32)
        with self._rotating:  # requests run in threads, and one must not undo what another did
            hashes = dict(zip(RIGHTS, self._hashes[channel], strict=True)) | {right: _hash(key)}
            with database.opened(self._path) as file:
                file.execute(
                    "UPDATE channels SET admin_hash = ?, display_hash = ? WHERE name = ?", (*hashes.values(), channel)
                )
            self._hashes[channel] = hashes["admin"], hashes["display"]
        log.info("key rotated", extra={"channel": channel, "right": right})
        return key

    def delete(self, channel: str) -> None:
        """Forget the channel, its keys and its password. Blocks for the length of a database commit.

        Raises:
            DatabaseError: the database can't be written; the channel stays.
        """
        with self._rotating:
            with database.opened(self._path) as file:
                file.execute("DELETE FROM channels WHERE name = ?", (channel,))
                file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))
            for table in (self._hashes, self._passwords, self._proven):
                table.pop(channel, None)
        log.info("channel deleted", extra={"channel": channel})

    def right(self, channel: str, key: str) -> Right | None:
        """What the key may do with the channel; None if it does not open it."""
        admin, display = self._hashes[channel]
        given = _hash(key)
        # Both are always compared, in constant time: how long it takes tells nothing about either.
        is_admin, is_display = hmac.compare_digest(given, admin), hmac.compare_digest(given, display)
        return "admin" if is_admin else "display" if is_display else None

    def set_password(self, channel: str, password: str) -> None:
        """From now on viewers need this password to join; empty: none. Blocks for a hash and a database commit.

        Raises:
            DatabaseError: the database can't be written; all stays as it was.
        """
        salt = secrets.token_bytes(16)
        hashed = _slow_hash(password, salt) if password else b""
        with self._rotating:
            with database.opened(self._path) as file:
                file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))
                if password:
                    file.execute("INSERT INTO passwords VALUES (?, ?, ?)", (channel, salt, hashed))
            self._proven.pop(channel, None)
            if password:
                self._passwords[channel] = salt, hashed
            else:
                self._passwords.pop(channel, None)

    def has_password(self, channel: str) -> bool:
        """Whether viewers need a password to join."""
        return channel in self._passwords

    def check_password(self, channel: str, password: str) -> bool:
        """Whether this is the channel's join password. Blocks for some 50 ms until it was once given rightly.

        A crowd gives the same password thousands of times a minute: after the first time a fast hash is compared.
        """
        entry = self._passwords.get(channel)
        if entry is None:
            return True
        given = hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), "sha256")
        proven = self._proven.get(channel)
        if proven is not None:
            return hmac.compare_digest(given, proven)
        salt, hashed = entry
        if not hmac.compare_digest(_slow_hash(password, salt), hashed):
            return False
        with self._rotating:
            if self._passwords.get(channel) is entry:  # and was not changed meanwhile
                self._proven[channel] = given
        return True


def _slow_hash(password: str, salt: bytes) -> bytes:
    """scrypt with 16 MiB (RFC 7914; N and r as its section 2 recommends for interactive logins)."""
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
