"""How many the workers of a relay have taken of each thing, counted without locks. Pure: on any memory they share.

Each worker has a table of its own in that memory, which it alone writes and all read, so a worker that is killed or
frozen at any instruction leaves nothing half done that another would wait for. Who takes something marks it in its own
table first and looks at the tables of the others then. So of two who take the last place at once at least one sees the
other: there are never more than allowed, and at worst both are refused.

A table has a bucket for each range of keys, and a key stands anywhere in its bucket. Keys are keyed hashes, so nobody
can fill a bucket of their choice.
"""

import mmap
import sys
import threading
from collections.abc import Sequence

KEY_BYTES = 8
_SLOTS = 32
"""Of a bucket. With tables a quarter full, fewer than one bucket in 10^10 has more keys than that."""
_BUCKET_BYTES = _SLOTS * KEY_BYTES
_COUNT_BYTES = 4
_EMPTY = bytes(KEY_BYTES)

Memory = mmap.mmap | bytearray


def table_bytes(buckets: int) -> int:
    """Bytes of a table with so many buckets (a power of two)."""
    return buckets * _SLOTS * (KEY_BYTES + _COUNT_BYTES)


class _Table:
    """A worker's table, for who reads it and for the one that writes it. ``at``: where a key's bucket begins in it."""

    __slots__ = ("_counts", "_find", "_keys", "_start")

    def __init__(self, memory: Memory, start: int, buckets: int) -> None:
        """``start``: its first byte in the memory, a multiple of 8."""
        view, split = memoryview(memory), start + buckets * _BUCKET_BYTES
        self._find, self._start = memory.find, start
        # Native words, which the processor stores whole.
        self._keys = view[start:split].cast("Q")
        self._counts = view[split : start + table_bytes(buckets)].cast("I")

    def slot(self, at: int, word: bytes) -> int | None:
        """The slot of the bucket in which the word stands."""
        first = self._start + at
        last = first + _BUCKET_BYTES
        found = self._find(word, first, last)
        while found >= 0:
            if not found % KEY_BYTES:
                return (found - self._start) // KEY_BYTES
            found = self._find(word, found + 1, last)  # it was the ends of two neighbours
        return None

    def count(self, at: int, key: bytes) -> int:
        """How many are taken of what the key stands for."""
        slot = self.slot(at, key)
        return 0 if slot is None else self._counts[slot]

    def change(self, slot: int, by: int) -> int:
        """Take one more or give one back; returns how many are taken."""
        self._counts[slot] = count = self._counts[slot] + by
        return count

    def begin(self, slot: int, key: bytes) -> None:
        """Take the first one: what can be read is whole at each moment."""
        self._counts[slot] = 1
        self._keys[slot] = int.from_bytes(key, sys.byteorder)

    def end(self, slot: int) -> None:
        """Give back the last one."""
        self._keys[slot] = 0


class SharedTally:
    """One worker's view of all that is taken."""

    __slots__ = ("_fence", "_mask", "_others", "_own", "_slots")

    def __init__(self, memory: Memory, starts: Sequence[int], own: int, buckets: int) -> None:
        """``starts``: first bytes of all workers' tables. ``own``: this worker's number among them.

        What an earlier worker of this number had taken is given back.
        """
        size = table_bytes(buckets)
        memory[starts[own] : starts[own] + size] = bytes(size)
        tables = [_Table(memory, start, buckets) for start in starts]
        self._own = tables.pop(own)
        self._others = tables
        self._mask = buckets - 1
        self._slots: dict[bytes, int] = {}
        """Of the keys that this worker has something of."""
        self._fence = threading.Lock()

    def add(self, key: bytes) -> int | None:
        """Take one; returns how many are taken now, this one included. None: there is no room to note it, and nothing
        is taken. ``key``: ``KEY_BYTES`` bytes, not all of them 0."""
        slot, at = self._slots.get(key), self._bucket(key)
        if slot is not None:
            return self._own.change(slot, 1) + self._elsewhere(at, key)
        slot = self._own.slot(at, _EMPTY)
        if slot is None:
            return None
        self._slots[key] = slot
        self._own.begin(slot, key)
        return 1 + self._elsewhere(at, key)

    def elsewhere(self, key: bytes) -> int:
        """How many other workers have taken."""
        return self._elsewhere(self._bucket(key), key)

    def count(self, key: bytes) -> int:
        """How many are taken."""
        at = self._bucket(key)
        return self._own.count(at, key) + self._elsewhere(at, key)

    def remove(self, key: bytes) -> None:
        """Give back one that was taken here.

        Raises:
            KeyError: none was.
        """
        slot = self._slots[key]
        if not self._own.change(slot, -1):
            del self._slots[key]
            self._own.end(slot)

    def _bucket(self, key: bytes) -> int:
        return (int.from_bytes(key, "little") & self._mask) * _BUCKET_BYTES

    def _elsewhere(self, at: int, key: bytes) -> int:
        with self._fence:  # its atomic instruction has the processor show others the mark before it looks at theirs
            pass
        taken = 0
        for table in self._others:
            taken += table.count(at, key)
        return taken
