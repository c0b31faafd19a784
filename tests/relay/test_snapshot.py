"""Snapshots of several relays add up."""

from hypothesis import given
from hypothesis import strategies as st

from relay.core.mood import KINDS
from relay.core.snapshot import AGES, NOTHING, Share, Snapshot, total

seven = st.tuples(*[st.integers(0, 50)] * KINDS)
networks = st.sets(st.binary(min_size=1, max_size=1)).map(lambda found: tuple(sorted(found)))
shares = st.dictionaries(
    st.tuples(st.integers(0, 120), st.sampled_from(AGES)), st.tuples(st.integers(0, 500), seven, networks), max_size=5
)
snapshots = st.builds(
    lambda groups, *rest: Snapshot(tuple(Share(*key, *of) for key, of in groups.items()), *rest),
    shares, seven, st.tuples(*[networks] * KINDS), st.tuples(*[st.integers(0, 50)] * 5),
)  # fmt: skip


@given(snapshots, snapshots, snapshots)
def test_the_order_of_adding_does_not_matter(a: Snapshot, b: Snapshot, c: Snapshot) -> None:
    assert total((a, b)) == total((b, a))
    assert total((total((a, b)), c)) == total((a, total((b, c)))) == total((a, b, c))
    assert total((a, NOTHING)) == total((a,))


@given(snapshots, snapshots)
def test_nobody_is_lost_or_counted_twice(a: Snapshot, b: Snapshot) -> None:
    whole = total((a, b))
    assert whole.viewers == a.viewers + b.viewers
    assert whole.counts == a.counts + b.counts
    assert len({(share.delay, share.age) for share in whole.shares}) == len(whole.shares)


@given(snapshots, snapshots)
def test_a_network_on_two_relays_is_one(a: Snapshot, b: Snapshot) -> None:
    names = {network for part in (a, b) for share in part.shares for network in share.networks}
    assert total((a, b)).networks == len(names)
