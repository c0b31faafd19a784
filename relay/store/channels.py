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
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, get_args

import msgspec

from relay.common import discreet
from relay.protocol import CHANNEL_PATTERN
from relay.store import database

log = logging.getLogger(__name__)

Right = Literal["admin", "display"]
"""What a key may do: ``admin`` everything with its channel, ``display`` read its mood and history."""
RIGHTS: tuple[Right, ...] = get_args(Right)
_CREATE = "INSERT INTO channels (name, admin_hash, display_hash, created) VALUES (?, ?, ?, ?)"
_LIST = "UPDATE channels SET listed = ? WHERE name = ? AND created = ?"
_ALLOW_GRID = "UPDATE channels SET grid = ? WHERE name = ? AND created = ? AND grid = 0"
_END_GRID = "UPDATE channels SET grid = 0 WHERE name = ? AND created = ?"
_ALLOW_CAMERAS = "UPDATE channels SET cameras = ? WHERE name = ? AND created = ?"
_NOTIFY = "UPDATE channels SET notice = ? WHERE name = ? AND created = ?"
_OPENED = "SELECT listed, grid, cameras, notice FROM channels WHERE name = ? AND created = ?"
_ROTATE: dict[Right, str] = {
    "admin": "UPDATE channels SET admin_hash = ? WHERE name = ? AND admin_hash = ?",
    "display": "UPDATE channels SET display_hash = ? WHERE name = ? AND admin_hash = ?",
}


class ChannelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a new channel, in clear for the only time."""

    __repr__ = discreet.shown

    channel: str
    admin_key: str
    display_key: str


class _Row(NamedTuple):
    """A channel as it is stored."""

    admin_hash: bytes
    display_hash: bytes
    created: float
    """Unix time."""
    listed: bool = False
    grid: float = 0.0
    """Unix time since which viewers may be shown to each other; 0: they may not."""
    cameras: bool = True
    notice: str = ""


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
        # scrypt's 16 MiB stay with the thread that took them (glibc's arenas): with one, and not with all of a pool.
        self._hashing = ThreadPoolExecutor(1, "scrypt")
        self._changing = threading.Lock()  # requests run in threads, and one must not undo what another did
        self._rows: dict[str, _Row] = {}
        self._listed: set[str] = set()
        self._passwords: dict[str, tuple[bytes, bytes]] = {}
        self._pepper = secrets.token_bytes(32)
        self._proven: dict[str, bytes] = {}
        """A fast hash, which only this run can make, of each password that was given rightly."""
        self.on_change: Callable[[str], None] = lambda channel: None
        """Called with the name of each channel that was made, changed or deleted here, in any thread."""
        self.reload()

    def __contains__(self, channel: str) -> bool:
        return channel in self._rows

    def reload(self, channel: str | None = None) -> list[Replaced]:
        """Learn from the database what other relays changed, of one channel or of all; returns what was lost by it.

        Blocks for a read of the database.

        Raises:
            DatabaseError: the database can't be read; all stays as it was.
        """
        keys = "SELECT name, admin_hash, display_hash, created, listed, grid, cameras, notice FROM channels"
        passwords = "SELECT * FROM passwords"
        values: tuple[str, ...] = ()
        if channel is not None:
            keys, passwords, values = f"{keys} WHERE name = ?", f"{passwords} WHERE channel = ?", (channel,)
        with self._changing:
            with database.opened(self._path) as file:
                rows = file.execute(keys, values).fetchall()
                found = {
                    name: _Row(bytes(admin), bytes(display), created, bool(listed), grid, bool(cameras), notice)
                    for name, admin, display, created, listed, grid, cameras, notice in rows
                }
                rows = file.execute(passwords, values).fetchall()
                joining = {name: (bytes(salt), bytes(hashed)) for name, salt, hashed in rows}
            return [
                replaced
                for name in (list(self._rows | found) if channel is None else [channel])
                if (replaced := self._take(name, found.get(name), joining.get(name)))
            ]

    def _take(self, name: str, row: _Row | None, password: tuple[bytes, bytes] | None) -> Replaced | None:
        before = self._rows.get(name)
        if self._passwords.get(name) != password:
            self._proven.pop(name, None)
            self._passwords.pop(name, None)
            if password:
                self._passwords[name] = password
        self._put(name, row)
        if before is None or row is None or before.created != row.created:
            return Replaced(name, RIGHTS, deleted=True) if before else None
        rights = tuple(right for right, old, new in zip(RIGHTS, before, row, strict=False) if old != new)
        return Replaced(name, rights, deleted=False) if rights else None

    def _put(self, name: str, row: _Row | None) -> None:
        """From now on the channel is this; None: there is none."""
        if row is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = row
        if row and row.listed:
            self._listed.add(name)
        else:
            self._listed.discard(name)

    def __len__(self) -> int:
        return len(self._rows)

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
                    file.execute(_CREATE, (channel, *hashes, now))
                    file.execute("DELETE FROM passwords WHERE channel = ?", (channel,))  # of an older one of this name
            except database.ConflictError:
                raise FileExistsError(
                    f"There is a channel {channel!r} already; its keys were shown when it was made."
                ) from None
            self._take(channel, _Row(*hashes, now), None)
        self.on_change(channel)
        log.info("channel created", extra={"channel": channel})
        return keys

    def rotate(self, channel: str, right: Right, seal: bytes) -> str:
        """Replace a key of a channel: the old one opens nothing from now on. Blocks for a database commit.

        ``seal``: the channel's when the admin key was looked at. Of two who come with the same one, the first one's new
        key counts: whoever it was stolen from must not lose the channel to a request that was on its way.

        Raises:
            PermissionError: the admin key was replaced since, here or by another relay; or the channel is gone.
            DatabaseError: the database can't be written; the old key stays.
        """
        key = secrets.token_urlsafe(32)
        hashed = _hash(key)
        with self._changing:
            # This key's column alone: of the other one, another relay may know a newer.
            with database.opened(self._path) as file:
                if not file.execute(_ROTATE[right], (hashed, channel, seal)).rowcount:
                    raise PermissionError(channel)
            row = self._rows[channel]
            self._put(
                channel, row._replace(admin_hash=hashed) if right == "admin" else row._replace(display_hash=hashed)
            )
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
        admin, display = self._rows[channel][:2]
        given = _hash(key)
        # Both are always compared, in constant time: how long it takes tells nothing about either.
        is_admin, is_display = hmac.compare_digest(given, admin), hmac.compare_digest(given, display)
        return "admin" if is_admin else "display" if is_display else None

    def seal(self, channel: str, right: Right = "admin") -> bytes:
        """Changes with this key of an existing channel, and opens nothing."""
        row = self._rows[channel]
        return row.admin_hash if right == "admin" else row.display_hash

    def created(self, channel: str) -> float:
        """When a channel was made (Unix time); 0 where there is none. One made anew under its name is another."""
        row = self._rows.get(channel)
        return row.created if row else 0.0

    def listed(self) -> tuple[str, ...]:
        """The channels that everybody is told of, in any order."""
        return tuple(self._listed)

    def is_listed(self, channel: str) -> bool:
        """Whether everybody is told of it."""
        return channel in self._listed

    def grid(self, channel: str) -> float:
        """Since when (Unix time) viewers may be shown to each other; 0 where they may not, or there is no channel.

        Who chose to be shown did so for one such time: once it is another, nobody is shown who did not choose anew.
        """
        row = self._rows.get(channel)
        return row.grid if row else 0.0

    def cameras(self, channel: str) -> bool:
        """Whether labels of its viewers are taken; False: taps alone."""
        row = self._rows.get(channel)
        return row is None or row.cameras

    def notice(self, channel: str) -> str:
        """What the streamer tells who thinks of joining; empty without it."""
        row = self._rows.get(channel)
        return row.notice if row else ""

    def open_up(
        self,
        channel: str,
        listed: bool | None = None,
        grid: bool | None = None,
        cameras: bool | None = None,
        notice: str | None = None,
    ) -> None:
        """From now on everybody is told of an existing channel, or not, its viewers may be shown to each other, or not,
        and show their faces, or not, and the streamer tells them this before; None: as before. Blocks for a database
        commit.

        Raises:
            KeyError: the channel is gone.
            DatabaseError: the database can't be written; all stays as it was.
        """
        with self._changing:
            row = self._rows[channel]
            key = channel, row.created
            with database.opened(self._path) as file:
                # What was not asked for stays as it is stored: another relay may have changed it just now.
                if listed is not None:
                    file.execute(_LIST, (int(listed), *key))
                if grid:
                    file.execute(_ALLOW_GRID, (time.time(), *key))
                elif grid is not None:
                    file.execute(_END_GRID, key)
                if cameras is not None:
                    file.execute(_ALLOW_CAMERAS, (int(cameras), *key))
                if notice is not None:
                    file.execute(_NOTIFY, (notice, *key))
                found = file.execute(_OPENED, key).fetchone()
            if found is None:
                raise KeyError(channel)
            row = row._replace(listed=bool(found[0]), grid=found[1], cameras=bool(found[2]), notice=found[3])
            self._put(channel, row)
        self.on_change(channel)
        told = {"listed": row.listed, "grid": bool(row.grid), "cameras": row.cameras, "notice": bool(row.notice)}
        log.info("channel opened up", extra={"channel": channel, **told})

    def set_password(self, channel: str, password: str) -> None:
        """From now on viewers need this password to join; empty: none. Blocks for a hash and a database commit.

        Raises:
            DatabaseError: the database can't be written; all stays as it was.
        """
        salt = secrets.token_bytes(16)
        hashed = self._slow_hash(password, salt) if password else b""
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
        if not hmac.compare_digest(self._slow_hash(password, salt), hashed):
            return False
        with self._changing:
            if self._passwords.get(channel) is entry:  # and was not changed meanwhile
                self._proven[channel] = self._fast_hash(password)
        return True

    def _fast_hash(self, password: str) -> bytes:
        return hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), "sha256")

    def _slow_hash(self, password: str, salt: bytes) -> bytes:
        """scrypt with 16 MiB (RFC 7914; N and r as its section 2 recommends for interactive logins)."""
        secret = password.encode("utf-8", "surrogatepass")
        return self._hashing.submit(hashlib.scrypt, secret, salt=salt, n=2**14, r=8, p=1).result()


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
