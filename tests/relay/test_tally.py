"""Counting together, worker by worker: against one counter for all, whatever happens to a worker in between."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from relay.workers import buckets as cells
from relay.workers.buckets import CELLS, Buckets
from relay.workers.tally import KEY_BYTES, SharedTally, table_bytes

WORKERS = 3
BUCKETS = 2
PER_S, BURST = 1.0, 8.0


def key(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "little")


KEYS = [key(number) for number in (1, 2, 3, 1 << 8, 1 << 56, (1 << 64) - 1, 0x0100000000000000 + 3)]
"""Some in one bucket, and some with so many zeros in them that their neighbours must not be taken for empty."""


class Workers:
    """Workers in one memory."""

    def __init__(self, buckets: int = BUCKETS) -> None:
        size = table_bytes(buckets)
        self._memory, self._buckets = bytearray(b"\xff" * WORKERS * size), buckets  # zeros are no worker's to expect
        self._starts = [number * size for number in range(WORKERS)]
        self.all = [self.begin(number) for number in range(WORKERS)]

    def begin(self, number: int) -> SharedTally:
        """As when the worker was killed, and another process has its number."""
        return SharedTally(self._memory, self._starts, number, self._buckets)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "remove", "die"]), st.integers(0, WORKERS - 1), st.sampled_from(KEYS)
    )
)


@given(STEPS)
def test_all_workers_count_as_one_counter(steps: list[tuple[str, int, bytes]]) -> None:
    workers, taken = Workers(), [Counter[bytes]() for _ in range(WORKERS)]
    for what, number, one in steps:
        if what == "add":
            taken[number][one] += 1
            assert workers.all[number].add(one) == sum(of[one] for of in taken)
        elif what == "remove" and taken[number][one]:
            taken[number][one] -= 1
            workers.all[number].remove(one)
        elif what == "die":
            taken[number].clear()
            workers.all[number] = workers.begin(number)
        for tally, own in zip(workers.all, taken, strict=True):
            for other in KEYS:
                whole = sum(of[other] for of in taken)
                assert (tally.count(other), tally.elsewhere(other)) == (whole, whole - own[other])


def test_a_bucket_that_is_full_takes_no_more_and_loses_nothing() -> None:
    workers = Workers(buckets=1)
    first, second, _ = workers.all
    keys = [key(number) for number in range(1, 100)]
    kept = [one for one in keys if first.add(one) is not None]
    assert kept == keys[:32]
    assert [first.add(one) for one in kept] == [2] * 32
    assert second.add(keys[50]) == 1, "of another worker's table"
    assert [second.count(one) for one in keys] == [2] * 32 + [0] * 18 + [1] + [0] * 48
    first.remove(kept[0])
    assert first.add(keys[60]) is None
    first.remove(kept[0])
    assert first.add(keys[60]) == 1


# --- token buckets ---------------------------------------------------------------------------------------------------


def colliding(number: int) -> bytes:
    """A key whose cells are among two of each row."""
    return b"".join(bytes([number >> row & 1, 0]) for row in range(cells.ROWS))


@given(st.lists(st.tuples(st.integers(0, 7), st.floats(0, 5), st.floats(0.1, 8))))
def test_keys_that_meet_are_never_found_to_have_spent_less(steps: list[tuple[int, float, float]]) -> None:
    shared, full_at, now = Buckets(memoryview(bytearray(8 * CELLS)).cast("d")), [0.0] * 8, 1000.0
    for number, gap, seconds in steps:
        now += gap
        shared.spend(colliding(number), now, seconds)
        full_at[number] = max(full_at[number], now) + seconds
        for other in range(8):
            assert shared.debt_s(colliding(other), now) >= full_at[other] - now - 1e-6


def test_those_who_meet_a_spender_in_some_rows_alone_are_not_held_up() -> None:
    shared = Buckets(memoryview(bytearray(8 * CELLS)).cast("d"))
    shared.spend(colliding(0), 0.0, 100.0)
    shared.spend(colliding(6), 0.0, 100.0)
    held = [number for number in range(8) if shared.debt_s(colliding(number), 0.0)]
    assert held == [0, 2, 4, 6], "which meet one or the other in each row"
    assert not any(shared.debt_s(colliding(number), 100.0) for number in range(8))


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1.0, 2.0, 8.0, -1.0, -7.0]))))
def test_one_key_alone_is_a_token_bucket(steps: list[tuple[int, float]]) -> None:
    shared, spent, now = Buckets(memoryview(bytearray(8 * CELLS)).cast("d")), 0.0, 0.0
    one = b"\x01\x02\x03\x04\x05\x06"
    for gap, cost in itertools.chain(steps, [(0, 1.0)]):
        now, spent = now + gap, max(0.0, spent - gap)
        assert shared.debt_s(one, now) == spent
        shared.spend(one, now, cost)
        spent = max(0.0, spent + cost)
