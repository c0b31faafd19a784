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
    shares, seven, st.tuples(*[networks] * KINDS), *[st.tuples(*[st.integers(0, 50)] * 5)] * 2,
    st.tuples(*[networks] * 5),
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


def test_all_that_two_relays_tell_is_added_up() -> None:
    one = Snapshot(
        (Share(0, 5, 3, (1, 0, 0, 1, 0, 0, 0), (b"a", b"b")), Share(7, 0, 1, (0,) * KINDS)),
        (1, 0, 0, 2, 0, 0, 0), ((b"a",), (), (), (b"a", b"b"), (), (), ()), (3, 0, 1, 0, 0),
        (4, 0, 1, 0, 0), ((b"a",), (), (b"b",), (), ()),
    )  # fmt: skip
    other = Snapshot(
        (Share(0, 5, 2, (0, 0, 0, 2, 0, 0, 0), (b"b", b"c")),),
        (0, 0, 0, 5, 0, 0, 1), ((), (), (), (b"b", b"c"), (), (), (b"c",)), (1, 1, 0, 0, 0),
        (1, 2, 0, 0, 0), ((b"b",), (b"b",), (), (), ()),
    )  # fmt: skip
    shares = (Share(0, 5, 5, (1, 0, 0, 3, 0, 0, 0), (b"a", b"b", b"c")), Share(7, 0, 1, (0,) * KINDS))
    changes, changed = (1, 0, 0, 7, 0, 0, 1), ((b"a",), (), (), (b"a", b"b", b"c"), (), (), (b"c",))
    tappers, tapped = (5, 2, 1, 0, 0), ((b"a", b"b"), (b"b",), (b"b",), (), ())
    assert total((one, other)) == Snapshot(shares, changes, changed, (4, 1, 1, 0, 0), tappers, tapped)
    handed_out = (0, 0, 0, 0, 9)
    assert total((one, other), handed_out) == Snapshot(shares, changes, changed, handed_out, tappers, tapped)


def test_of_no_relay_nothing_is_known() -> None:
    assert total(()) == NOTHING == Snapshot((), (0,) * KINDS, ((),) * KINDS, (0,) * 5)
