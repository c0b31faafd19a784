"""What clients may do is counted by all workers of a relay together, in a file that each of them maps into its memory.

It has numbers in it and hashes, no name and no address. Of what a killed worker had taken nothing is left once another
process sits in its seat; nothing here waits for a worker that does not go on.
"""

import contextlib
import copy
import fcntl
import hashlib
import mmap
import os
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

from relay.core.limits import Ledger, Places, Ranks, Rates
from relay.core.uplink import Uplink
from relay.errors import DataFolderError
from relay.workers import buckets, tally
from relay.workers.seat import Seat

_FILE = "ledger"
_HEAD_BYTES = mmap.PAGESIZE
"""First in the file stands the uplink's number, alone."""
_CELLS_BYTES = buckets.CELLS * 8
_CONNECTIONS_A_BUCKET = 2
"""A viewer takes three or four things that are counted by address (a TCP connection, a place, a vote, one on the grid),
and some more for two seconds when its expression changes or it taps: so a bucket has eight, and room for 32."""
_LEAST_BUCKETS, _MOST_BUCKETS = 1 << 8, 1 << 16
_PATIENCE_S, _PAUSE_S = 0.002, 0.00005
"""Who finds the lock taken tries again for so long. Workers hold it for microseconds, but for one that is frozen."""
_WORK_S, _WORK_PAUSE_S = 1.0, 0.005
"""The same for work of which there is one at a time."""
_LATER_S = 1.0
_ROUNDING_S = 1e-6
_ONE = (1).to_bytes(tally.KEY_BYTES, "little")


class SharedLedger(Ledger):
    """The ledger as one worker has it."""

    def __init__(self, seat: Seat, key: bytes, connections: int) -> None:
        """``key``: hashes addresses, at most 64 bytes, the same for all workers. ``connections``: so many may one of
        them hold, the same for all.

        Raises:
            DataFolderError: there is no room for the file.
        """
        self.workers = seat.of
        self._of = ""
        self._key, self._folder = key, seat.folder
        count = _buckets(connections)
        starts = [_HEAD_BYTES + _CELLS_BYTES + number * tally.table_bytes(count) for number in range(seat.of)]
        self._file = _opened(seat.folder / _FILE, starts[-1] + tally.table_bytes(count))
        self._memory = mmap.mmap(self._file, 0)
        self._tally = tally.SharedTally(self._memory, starts, seat.number, count)
        self._numbers = memoryview(self._memory)[: _HEAD_BYTES + _CELLS_BYTES].cast("d")
        self._buckets = buckets.Buckets(self._numbers[_HEAD_BYTES // 8 :])

    def of(self, channel: str) -> Ledger:
        part = copy.copy(self)
        part._of = f"{channel}/"  # which no other name has in it
        return part

    def places(self, name: str, most: int) -> Places:
        return _SharedPlaces(self._tally, self._named(name), most)

    def ranks(self, name: str) -> Ranks:
        return _SharedRanks(self._tally, self._named(name))

    def rates(self, name: str, per_second: float, burst: float) -> Rates:
        return _SharedRates(self, self._buckets, self._named(name, buckets.KEY_BYTES), per_second, burst)

    def uplink(self, rate: float) -> Uplink:
        return _SharedUplink(self, self._numbers, rate)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        with (self._folder / f"{name}.lock").open("ab") as file:
            with contextlib.suppress(TimeoutError):
                _wait_for(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB), _WORK_S, _WORK_PAUSE_S)
            yield

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Write numbers that other workers write, too. The lock ends with the process at the latest.

        Raises:
            TimeoutError: a worker that has it does not go on.
        """
        _wait_for(lambda: fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB), _PATIENCE_S, _PAUSE_S)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _named(self, name: str, size: int = tally.KEY_BYTES) -> "_Keys":
        return _Keys(f"{self._of}{name}", self._key, size)


class _Keys:
    """The keys of the groups in which one thing is counted."""

    __slots__ = ("_hash", "_mix")

    def __init__(self, name: str, key: bytes, size: int) -> None:
        """``size``: bytes of a key."""
        self._hash = hashlib.blake2b(f"{name} ".encode(), key=key, digest_size=size)
        self._mix = int.from_bytes(self._hash.digest(), "little")

    def of(self, group: Hashable) -> bytes:
        """The group's key. Bytes are a keyed hash already."""
        if isinstance(group, bytes):
            mixed = int.from_bytes(group, "little") ^ self._mix
            return mixed.to_bytes(tally.KEY_BYTES, "little") if mixed else _ONE
        found = self._hash.copy()
        found.update(str(group).encode())
        return found.digest()


class _SharedRanks(Ranks):
    __slots__ = ("_keys", "_tally")

    def __init__(self, counted: tally.SharedTally, keys: _Keys) -> None:
        self._tally, self._keys = counted, keys

    def take(self, group: Hashable) -> int | None:
        return self._tally.add(self._keys.of(group))

    def free(self, group: Hashable) -> None:
        self._tally.remove(self._keys.of(group))


class _SharedPlaces(Places):
    __slots__ = ("_keys", "_tally")

    def __init__(self, counted: tally.SharedTally, keys: _Keys, most: int) -> None:
        super().__init__(most)
        self._tally, self._keys = counted, keys

    def take(self, group: Hashable | None) -> bool:
        if group is None:
            return True
        key = self._keys.of(group)
        taken = self._tally.add(key)
        if taken is None:
            return False
        if taken > self._most:
            self._tally.remove(key)
            return False
        return True

    def free(self, group: Hashable | None) -> None:
        if group is not None:
            self._tally.remove(self._keys.of(group))

    def has_room(self, group: Hashable) -> bool:
        return self._tally.count(self._keys.of(group)) < self._most

    def elsewhere(self, group: Hashable) -> int:
        return self._tally.elsewhere(self._keys.of(group))


class _SharedRates(Rates):
    def __init__(
        self, ledger: SharedLedger, shared: buckets.Buckets, keys: _Keys, per_second: float, burst: float
    ) -> None:
        super().__init__(per_second, burst)
        self._ledger, self._buckets, self._keys = ledger, shared, keys

    def spent(self, house: Hashable | None, now: float) -> float:
        if house is None:
            return 0.0
        return min(self._burst, self._buckets.debt_s(self._keys.of(house), now) * self._rate)

    def spend(self, house: Hashable | None, now: float, cost: float = 1.0) -> float:
        if house is None:
            return 0.0
        key = self._keys.of(house)
        try:
            with self._ledger.locked():
                wait = self._buckets.debt_s(key, now) - (self._burst - cost) / self._rate
                if wait > _ROUNDING_S:
                    return wait
                self._buckets.spend(key, now, cost / self._rate)
        except TimeoutError:
            return _LATER_S
        return 0.0


class _SharedUplink(Uplink):
    __slots__ = ("_ledger", "_numbers")

    def __init__(self, ledger: SharedLedger, numbers: "memoryview[float]", rate: float) -> None:
        super().__init__(rate)
        self._ledger, self._numbers, self._free_at = ledger, numbers, 0.0

    def wait_s(self, now: float) -> float:
        self._free_at = self._numbers[0]
        return super().wait_s(now)

    def take(self, size: int, now: float) -> None:
        with contextlib.suppress(TimeoutError), self._ledger.locked():
            self._free_at = self._numbers[0]
            super().take(size, now)
            self._numbers[0] = self._free_at


def _buckets(connections: int) -> int:
    wanted = 1 << (max(1, connections // _CONNECTIONS_A_BUCKET) - 1).bit_length()
    return min(_MOST_BUCKETS, max(_LEAST_BUCKETS, wanted))


def _opened(path: Path, size: int) -> int:
    """The file, which the first worker makes: zeros. It is never closed, since that would end the process's locks."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if hasattr(os, "posix_fallocate"):  # a page for which there is no room would end the process, later
            os.posix_fallocate(file, 0, size)
        else:
            os.ftruncate(file, size)
    except OSError as error:
        raise DataFolderError(
            f"The workers can't make the file {path} of {size // 1_000_000 + 1} MB, in which they count together "
            f"({error}): make room there, or start fewer of them with --processes."
        ) from error
    return file


def _wait_for(lock: Callable[[], None], patience_s: float, pause_s: float) -> None:
    """Take a lock.

    Raises:
        TimeoutError: another has it for too long.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return lock()
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError from None
            time.sleep(pause_s)
