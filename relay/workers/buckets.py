"""Token buckets that the workers of a relay share, in memory of a fixed size. Pure: time is passed in.

A count-min sketch (Cormode and Muthukrishnan 2005, "An improved data stream summary") whose cells are token buckets
(``core.limits.Meter`` has the algorithm) in place of sums. What a key has spent is written to one cell in each row, and
the least of them tells. Keys that meet in a cell share it, so none is ever found to have spent less than it did: the
sketch lets through no more than a bucket for each key would. Cells drain by themselves, so nothing is ever full, and a
key that has spent little is refused only where other spenders sit in its cell of every row.
"""

from collections.abc import Sequence

ROWS = 3
WIDTH = 1 << 16
"""Cells of a row. Where 1000 others have spent all they may, one newcomer in 280,000 meets them in all rows."""
CELLS = ROWS * WIDTH
KEY_BYTES = 2 * ROWS


class Buckets:
    """The cells, as one worker sees them. Who calls sees to it that no other worker writes meanwhile."""

    __slots__ = ("_full_at",)

    def __init__(self, full_at: "memoryview[float]") -> None:
        """``full_at``: ``CELLS`` doubles, seconds of a steady clock at which the bucket will be full again."""
        self._full_at = full_at

    def debt_s(self, key: bytes, now: float) -> float:
        """In how many seconds the key's bucket will be full. ``key``: ``KEY_BYTES`` bytes, evenly spread."""
        return max(0.0, min(self._full_at[cell] for cell in _cells(key)) - now)

    def spend(self, key: bytes, now: float, seconds: float) -> None:
        """Have it be full so much later; below 0: earlier, as for what was not spent after all."""
        for cell in _cells(key):
            self._full_at[cell] = max(self._full_at[cell], now) + seconds


def _cells(key: bytes) -> Sequence[int]:
    return [row * WIDTH + int.from_bytes(key[2 * row : 2 * row + 2], "little") for row in range(ROWS)]
