"""Channels and their keys. A key is 32 random bytes, shown once; the database has its SHA-256 alone.

A fast hash is right here: what makes password hashes slow is needed for secrets that can be guessed, and 256 random
bits can't be (NIST SP 800-63B, look-up secrets of more than 112 bits).
"""

import hashlib
import hmac
import re
import secrets
import time

import msgspec

from relay import database
from relay.protocol import CHANNEL_PATTERN


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
        with database.opened(path) as file:
            rows = file.execute("SELECT name, admin_hash, display_hash FROM channels").fetchall()
        self._hashes: dict[str, tuple[bytes, bytes]] = {name: (admin, display) for name, admin, display in rows}

    def __contains__(self, channel: str) -> bool:
        return channel in self._hashes

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
        except database.ConflictError:
            raise FileExistsError(
                f"There is a channel {channel!r} already; its keys were shown when it was made."
            ) from None
        self._hashes[channel] = hashes
        return keys

    def may_read(self, channel: str, key: str) -> bool:
        """Whether the key opens the channel's mood and history: its display key or its admin key."""
        admin, display = self._hashes[channel]
        given = _hash(key)
        # Both are always compared, in constant time: how long it takes tells nothing about either.
        return hmac.compare_digest(given, display) | hmac.compare_digest(given, admin)

    def delete(self, channel: str) -> None:
        """Forget the channel and its keys. Blocks for the length of a database commit.

        Raises:
            DatabaseError: the database can't be written; the channel stays.
        """
        with database.opened(self._path) as file:
            file.execute("DELETE FROM channels WHERE name = ?", (channel,))
        del self._hashes[channel]

    def may_change(self, channel: str, key: str) -> bool:
        """Whether the key is the channel's admin key."""
        return hmac.compare_digest(_hash(key), self._hashes[channel][0])


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
