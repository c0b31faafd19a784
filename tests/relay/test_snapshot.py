"""Snapshots of several relays add up."""

from hypothesis import given
from hypothesis import strategies as st

from relay.mood import KINDS
from relay.snapshot import Share, Snapshot

seven = st.tuples(*[st.integers(0, 50)] * KINDS)
shares = st.dictionaries(st.integers(0, 120), st.tuples(st.integers(0, 500), seven), max_size=5)
snapshots = st.builds(
    lambda groups, changes, taps: Snapshot(tuple(Share(d, *rest) for d, rest in groups.items()), changes, taps),
    shares, seven, st.tuples(*[st.integers(0, 50)] * 5),
)  # fmt: skip


def normal(snapshot: Snapshot) -> tuple[object, ...]:
    return sorted(snapshot.shares, key=lambda share: share.delay), snapshot.changes, snapshot.taps


@given(snapshots, snapshots, snapshots)
def test_the_order_of_adding_does_not_matter(a: Snapshot, b: Snapshot, c: Snapshot) -> None:
    assert normal(a + b) == normal(b + a)
    assert normal((a + b) + c) == normal(a + (b + c))
    assert normal(a + Snapshot()) == normal(a)


@given(snapshots, snapshots)
def test_nobody_is_lost_or_counted_twice(a: Snapshot, b: Snapshot) -> None:
    whole = a + b
    assert whole.viewers == a.viewers + b.viewers
    assert whole.counts == a.counts + b.counts
    assert len({share.delay for share in whole.shares}) == len(whole.shares)


@given(snapshots)
def test_the_delay_is_the_median_of_those_who_share(snapshot: Snapshot) -> None:
    each = sorted(share.delay for share in snapshot.shares for _ in range(sum(share.counts)))
    assert snapshot.delay == (each[(len(each) - 1) // 2] if each else 0)
