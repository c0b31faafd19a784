"""The audience: one current label per viewer."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.audience import NETWORK_BYTES, WINDOW_S, Audience, Changes, Member
from relay.core.mood import KINDS, Counts
from relay.core.snapshot import AGES, Snapshot
from relay.protocol import EXPRESSIONS, NEUTRAL

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
votes = st.dictionaries(st.integers(0, 30), st.integers(0, KINDS - 1))


class Crowd:
    """An audience whose viewers have numbers; whoever is named first joins."""

    def __init__(self, ttl: float = 15.0, house_weight: int = 8, houses: dict[int, str] | None = None) -> None:
        self.audience = Audience(ttl, house_weight)
        self.members: dict[int, Member] = {}
        self._houses = houses or {}

    def label(self, viewer: int, expression: int, now: float) -> None:
        self.audience.label(self.member(viewer), EXPRESSIONS[expression], now)

    def member(self, viewer: int) -> Member:
        if viewer not in self.members:
            self.members[viewer] = Member(self._houses.get(viewer))
            self.audience.join(self.members[viewer], 0, 0.0)
        return self.members[viewer]

    @property
    def counts(self) -> Counts:
        return Snapshot(self.audience.shares).counts


def of(**by_name: int) -> Counts:
    return Counts(tuple(by_name.get(name, 0) for name in EXPRESSIONS))


def crowd(labels: dict[int, int]) -> Crowd:
    found = Crowd()
    for viewer, expression in labels.items():
        found.label(viewer, expression, 0.0)
    return found


@given(votes, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(labels: dict[int, int], random: object) -> None:
    shuffled = list(labels.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert crowd(dict(shuffled)).counts == crowd(labels).counts


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, KINDS - 1))))
def test_replacing_never_adds(labels: list[tuple[int, int]]) -> None:
    found, last = Crowd(), dict[int, int]()
    for time, (viewer, expression) in enumerate(labels):
        found.label(viewer, expression, time / 10)
        last[viewer] = expression
    assert found.counts == crowd(last).counts
    assert found.counts.sharing == len(last)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, KINDS - 1), st.floats(0, 10)), max_size=30))
def test_exactly_the_labels_older_than_the_time_to_live_expire(labels: list[tuple[int, int, float]]) -> None:
    found, last, now = Crowd(ttl=5.0), dict[int, float](), 0.0
    for viewer, expression, pause in labels:
        now += pause
        found.label(viewer, expression, now)
        last[viewer] = now
        found.audience.expire(now)
        assert found.counts.sharing == sum(now - time <= 5.0 for time in last.values())


def test_repeating_a_label_keeps_it() -> None:
    found = Crowd(ttl=5.0)
    found.label(1, HAPPY, 0.0)
    found.label(2, SAD, 0.0)
    found.label(1, HAPPY, 4.0)
    found.audience.expire(6.0)
    assert found.counts == of(happy=1)


def test_a_label_counts_until_exactly_its_time_to_live_is_over() -> None:
    found = Crowd(ttl=5.0)
    found.label(1, HAPPY, 100.0)
    found.audience.expire(105.0)
    assert found.counts == of(happy=1)
    found.audience.expire(105.25)
    assert found.counts == of()


def test_labels_expire_also_after_the_relay_slept() -> None:
    found = Crowd(ttl=5.0)
    found.label(1, HAPPY, 100.0)
    found.audience.expire(4000.0)
    assert found.counts == of()
    found.label(1, HAPPY, 4000.0)
    assert found.counts == of(happy=1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-2, KINDS - 1), st.floats(0, 3)), max_size=60))
def test_of_a_house_only_the_first_few_count(steps: list[tuple[int, int, float]]) -> None:
    """Against a slow model: viewers 0 to 6 live in one house, the others alone; -1 withdraws, -2 leaves."""
    found = Crowd(ttl=5, house_weight=2, houses=dict.fromkeys(range(7), "house"))
    now, counting, placed = 0.0, dict[int, tuple[int, float]](), set[int]()
    for viewer, kind, gap in steps:
        now += gap
        found.audience.expire(now)
        counting = {other: entry for other, entry in counting.items() if now - entry[1] <= 5}
        if kind < 0:
            found.audience.withdraw(found.member(viewer))
            counting.pop(viewer, None)
            if kind == -2:
                found.audience.leave(found.members.pop(viewer))
                placed.discard(viewer)
            continue
        found.label(viewer, kind, now)
        if viewer in placed or viewer >= 7 or len([other for other in placed if other < 7]) < 2:
            placed.add(viewer)
            counting[viewer] = kind, now
        kinds = [entry[0] for entry in counting.values()]
        assert found.counts.values == tuple(kinds.count(kind) for kind in range(KINDS))


JOIN, LEAVE, DELAY, LABEL, WITHDRAW = range(5)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(JOIN, WITHDRAW), st.integers(0, KINDS - 1), st.floats(0, 40))))
def test_the_shares_are_what_each_delays_viewers_show(steps: list[tuple[int, int, int, float]]) -> None:
    """Against a slow model of who is there since when, with which delay and of which network, showing what."""
    audience, now = Audience(ttl=30.0, least=2), 0.0
    members = [Member(network=b"%d" % (viewer // 2)) for viewer in range(7)]
    delays, since, labels, placed = dict[int, int](), dict[int, float](), dict[int, tuple[int, float]](), set[int]()
    for viewer, action, value, pause in steps:
        now += pause
        audience.expire(now)
        labels = {other: entry for other, entry in labels.items() if now - entry[1] <= 30}
        if viewer not in delays:
            audience.join(members[viewer], value, now)
            delays[viewer], since[viewer] = value, now
        elif action == LEAVE:
            audience.leave(members[viewer])
            del delays[viewer]
            labels.pop(viewer, None)
            placed.discard(viewer)
        elif action == DELAY:
            audience.delay(members[viewer], value)
            delays[viewer] = value
        elif action == LABEL:
            audience.label(members[viewer], EXPRESSIONS[value], now)
            labels[viewer] = value, now
            since[viewer] = since[viewer] if viewer in placed else now
            placed.add(viewer)
        elif action == WITHDRAW:
            audience.withdraw(members[viewer])
            labels.pop(viewer, None)
        ages = {other: max(age for age in AGES if since[other] <= now - age) for other in delays}
        shares = {(share.delay, share.age): share for share in audience.shares}
        groups = Counter((delays[other], ages[other]) for other in delays)
        assert {key: share.viewers for key, share in shares.items()} == groups
        for key, share in shares.items():
            shown = {other: kind for other, (kind, _) in labels.items() if (delays[other], ages[other]) == key}
            assert share.counts == tuple(list(shown.values()).count(kind) for kind in range(KINDS))
            networks = {members[other].network for other in shown}
            assert set(share.networks) <= networks
            assert len(share.networks) == min(2, len(networks))


def test_a_house_whose_viewers_take_turns_counts_with_no_more_than_its_places() -> None:
    """A viewer who is away keeps its place, or the places would count once for each who had one."""
    found = Crowd(house_weight=2, houses=dict.fromkeys(range(9), "house"))
    for viewer in range(8):
        found.label(viewer, HAPPY, 0.0)
        found.audience.withdraw(found.member(viewer))
    found.label(8, HAPPY, 1.0)
    assert found.counts == of()
    found.label(0, HAPPY, 1.0)
    assert found.counts == of(happy=1)
    found.audience.leave(found.members.pop(0))
    found.label(8, SAD, 2.0)
    assert found.counts == of(sad=1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.floats(0, 1)), max_size=60))
def test_changes_count_each_viewer_of_the_window_once(turns: list[tuple[int, int, float]]) -> None:
    """Against a slow model."""
    changes, viewers, now, last = Changes(), [Member() for _ in range(10)], 0.0, dict[tuple[int, int], float]()
    for viewer, expression, pause in turns:
        now += pause
        changes.add(viewers[viewer], expression, now)
        last[viewer, expression] = now
        recent = [kind for (_, kind), time in last.items() if kind != NEUTRAL and time >= now - WINDOW_S]
        changes.expire(now)
        assert changes.counts(10) == tuple(recent.count(kind) for kind in range(7))


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 200), st.integers(1, 20))
def test_of_one_network_only_so_many_changes_count(networks: list[int], sharing: int, weight: int) -> None:
    changes = Changes(weight)
    for network in networks:
        changes.add(Member(network=b"%d" % network), HAPPY, 0.0)
    most = min(weight, max(2, sharing // 10))
    assert changes.counts(sharing)[HAPPY] == sum(min(most, count) for count in Counter(networks).values())
    assert len(changes.networks[HAPPY]) == min(3, len(set(networks)))


def test_a_change_is_forgotten_after_two_seconds_and_when_its_viewer_leaves() -> None:
    found = Crowd()
    for viewer in (1, 2):
        found.label(viewer, NEUTRAL, 100.0)
        found.label(viewer, HAPPY, 100.0)
    changes = found.audience.changes
    found.audience.leave(found.member(2))
    found.audience.expire(100.0 + WINDOW_S)
    assert (changes.counts(10)[HAPPY], changes.networks[HAPPY]) == (1, (found.member(1).network,))
    found.audience.expire(100.25 + WINDOW_S)
    assert (changes.counts(10)[HAPPY], changes.networks[HAPPY]) == (0, ())


@pytest.mark.parametrize(("options", "networks"), [({}, 1), ({"least": 2}, 2), ({"least": 9}, 3)])
def test_of_each_group_as_many_networks_are_named_as_are_needed(options: dict[str, int], networks: int) -> None:
    audience = Audience(**options)
    for _ in range(3):
        member = Member()
        audience.join(member, 0, 0.0)
        audience.label(member, "happy", 0.0)
    assert [len(share.networks) for share in audience.shares] == [networks]


def test_who_left_and_comes_again_has_no_place_left() -> None:
    audience, first, second = Audience(house_weight=1), Member("house"), Member("house")
    for member in (first, second):
        audience.join(member, 0, 0.0)
    audience.label(first, "happy", 0.0)
    audience.leave(first)
    audience.label(second, "sad", 1.0)
    audience.join(first, 0, 2.0)
    audience.label(first, "happy", 2.0)
    assert Snapshot(audience.shares).counts == of(sad=1)


def test_a_viewer_of_no_network_is_one_of_its_own_and_as_long_as_others() -> None:
    one, other = Member().network, Member().network
    assert one != other
    assert len(one) == len(other) == NETWORK_BYTES


def test_a_network_counts_until_the_last_of_its_viewers_has_no_label() -> None:
    audience, members = Audience(), [Member(network=b"network") for _ in range(3)]
    for member in members:
        audience.join(member, 0, 0.0)
        audience.label(member, "happy", 0.0)
    for left in (2, 1, 0):
        audience.withdraw(members[left])
        assert [(share.counts[HAPPY], len(share.networks)) for share in audience.shares] == [(left, min(1, left))]


def test_a_viewer_who_goes_away_and_comes_back_all_the_time_costs_no_memory() -> None:
    audience, member = Audience(), Member()
    audience.join(member, 0, 0.0)
    tracemalloc.start()
    for _ in range(20_000):
        audience.label(member, "happy", 0.0)
        audience.withdraw(member)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000
