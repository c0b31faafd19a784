"""Bursts and taps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.audience import WINDOW_S, Changes, Member
from relay.core.reactions import REFRACTORY_S, Burst, Bursts, Taps, tapped
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
TICK = 0.25


class Show:
    """Bursts on a clock that runs in ticks."""

    def __init__(self, sharing: int) -> None:
        self.changes = Changes()
        self.bursts = Bursts()
        self.viewers = [Member() for _ in range(100)]
        self.sharing = sharing
        self.now = 0.0

    def turn(self, viewers: range, expression: int) -> None:
        for viewer in viewers:
            self.changes.add(self.viewers[viewer], expression, self.now)

    def run(self, seconds: float) -> list[Burst]:
        found = []
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            self.changes.expire(self.now)
            networks = [len(networks) for networks in self.changes.networks]
            found += self.bursts.update(self.changes.counts(self.sharing), networks, self.sharing, self.now)
        return found


def test_many_who_turn_happy_together_are_a_burst() -> None:
    show = Show(sharing=100)
    show.turn(range(20), HAPPY)
    assert show.run(6) == [Burst("happy", 0.2, 20)]


def test_too_few_are_no_burst() -> None:
    show = Show(sharing=100)
    show.turn(range(14), HAPPY)
    assert show.run(6) == []
    small = Show(sharing=5)
    small.turn(range(2), HAPPY)
    assert small.run(6) == []
    small.turn(range(3), HAPPY)
    assert small.run(6) == [Burst("happy", 0.6, 3)]


def test_a_burst_is_reported_near_its_peak() -> None:
    show = Show(sharing=100)
    found = []
    for viewer in range(0, 60, 20):
        show.turn(range(viewer, viewer + 20), HAPPY)
        found += show.run(TICK)
    found += show.run(6)
    assert [burst.count for burst in found] == [60]


def test_one_viewer_whose_label_flickers_counts_once() -> None:
    show = Show(sharing=10)
    found = []
    for _ in range(10):
        show.turn(range(1), HAPPY)
        found += show.run(TICK)
    assert found == []


def test_who_comes_again_and_again_is_no_crowd() -> None:
    """Each connection is another member; those who left count no more."""
    show, taps = Show(sharing=10), Taps(house_weight=2)
    for _ in range(10):
        member = Member("house", b"house")
        show.changes.add(member, HAPPY, show.now)
        taps.tap(member, "heart", show.now)
        assert show.changes.counts(10)[HAPPY] == 1
        show.changes.forget(member)
        taps.forget(member)
    assert set(show.changes.counts(10)) == set(taps.take(show.now)) == {0}
    assert show.run(6) == []


def test_changes_spread_over_a_long_time_are_no_burst() -> None:
    show = Show(sharing=100)
    found = []
    for viewer in range(50):
        show.turn(range(viewer, viewer + 1), HAPPY)
        found += show.run(WINDOW_S / 5)
    assert found == []


def test_a_burst_is_followed_by_silence() -> None:
    show = Show(sharing=10)
    found = []
    for _ in range(8):  # four seconds
        show.turn(range(10), HAPPY)
        found += show.run(0.5)
    assert len(found) == 1
    show.run(REFRACTORY_S)
    show.turn(range(10), HAPPY)
    assert len(show.run(2)) == 1


def test_what_goes_on_all_the_time_is_no_burst() -> None:
    show = Show(sharing=100)
    late = []
    for second in range(180):
        show.turn(range(second % 2 * 20, second % 2 * 20 + 20), HAPPY)
        found = show.run(1)
        late += found if second > 90 else []
    assert late == []


def test_two_expressions_burst_apart() -> None:
    show = Show(sharing=20)
    show.turn(range(5), HAPPY)
    show.turn(range(5, 15), SAD)
    assert sorted(burst.name for burst in show.run(3)) == ["happy", "sad"]


def test_neutral_is_no_reaction() -> None:
    show = Show(sharing=20)
    show.turn(range(20), NEUTRAL)
    assert show.run(6) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), st.floats(0, 1)), max_size=100))
def test_strengths_and_counts_stay_in_their_ranges(turns: list[tuple[int, int, float]]) -> None:
    changes, bursts, viewers, now = Changes(), Bursts(), [Member() for _ in range(21)], 0.0
    for viewer, expression, pause in turns:
        now += pause
        changes.add(viewers[viewer], expression, now)
        changes.expire(now)
        for burst in bursts.update(changes.counts(10), [len(networks) for networks in changes.networks], 10, now):
            assert burst.count >= 3
            assert 0 < burst.strength <= 1
            assert burst.name != "neutral"


# --- bursts, tick by tick --------------------------------------------------------------------------------------------


class Counted:
    """Bursts of happy, told how many changed to it lately; the clock stands at 100 s at the first tick."""

    def __init__(self, sharing: int) -> None:
        self.bursts, self.sharing, self.now = Bursts(), sharing, 100.0

    def tick(self, *counts: int, every: float = TICK) -> list[list[int]]:
        """The counts of the bursts at each tick."""
        found = []
        for count in counts:
            changes = [count if name == "happy" else 0 for name in EXPRESSIONS]
            bursts = self.bursts.update(changes, [3] * len(EXPRESSIONS), self.sharing, self.now)
            found.append([burst.count for burst in bursts])
            self.now += every
        return found


@pytest.mark.parametrize(("sharing", "least"), [(1_000, 150), (5, 3)])
def test_a_burst_is_just_that_share_or_three_viewers_from_the_first_tick_on(sharing: int, least: int) -> None:
    assert Counted(sharing).tick(least, least) == [[], [least]]
    assert Counted(sharing).tick(least - 1, least - 1) == [[], []]


def test_a_burst_is_reported_as_soon_as_it_grows_no_more() -> None:
    assert Counted(10).tick(5, 5) == [[], [5]]
    assert Counted(10).tick(5, 7, 6) == [[], [], [6]]


def test_a_burst_that_grows_on_is_reported_after_a_second() -> None:
    assert Counted(10).tick(5, 6, 7, 8, 9) == [[], [], [], [], [9]]


def test_what_is_usual_follows_the_last_half_minute() -> None:
    """Of ten that change all the time, after 30 s 63 % are usual: six whole ones."""
    for count, burst in ((20, []), (21, [21])):
        show = Counted(100)
        assert show.tick(*[10] * 120) == [[]] * 120
        assert show.tick(count, count) == [[], burst]


def test_the_silence_after_a_burst_ends_after_exactly_four_seconds() -> None:
    show = Counted(10)
    assert show.tick(5, 5) == [[], [5]]
    assert show.tick(*[0] * 14) == [[]] * 14
    assert show.tick(9, 9, 9, 9) == [[], [], [9], []]


def test_a_burst_after_a_long_pause_is_no_part_of_the_one_before() -> None:
    show = Counted(10)
    assert show.tick(5, 5, every=5.0) == [[], [5]]
    assert show.tick(5, 7, 7) == [[], [], [7]]


# --- taps ------------------------------------------------------------------------------------------------------------


def tap_counts(taps: Taps, now: float) -> dict[str, int]:
    return {name: count for name, count in zip(TAPS, taps.take(now), strict=True) if count}


def test_taps_are_summed_up_until_they_are_taken() -> None:
    taps, viewers = Taps(), [Member() for _ in range(4)]
    for viewer in viewers:
        taps.tap(viewer, "heart", 0.0)
    taps.tap(viewers[0], "clap", 0.1)
    assert tap_counts(taps, 0.25) == {"heart": 4, "clap": 1}
    assert tap_counts(taps, 0.5) == {}


def test_a_viewer_can_not_hammer() -> None:
    taps, ada = Taps(), Member()
    counted = 0
    for tick in range(100):  # five seconds, a tap every 50 ms
        taps.tap(ada, "heart", tick / 20)
        counted += sum(taps.take(tick / 20))
    assert counted == 10


def test_taps_are_as_strong_as_the_share_of_those_who_tapped() -> None:
    assert tapped((4, 0, 1, 0, 0), sharing=10) == [Burst("heart", 0.4, 4), Burst("clap", 0.1, 1)]
    assert tapped((1, 0, 0, 0, 0), sharing=1) == [Burst("heart", 1.0, 1)]
    assert tapped((1, 0, 0, 0, 0), sharing=0) == [Burst("heart", 1.0, 1)]  # nobody need share a face
    assert tapped((0, 0, 0, 2, 0), sharing=1) == [Burst("wow", 1.0, 2)]  # more than share a face


def test_one_network_taps_four_times_at_once_at_most() -> None:
    taps, now = Taps(house_weight=8), 10.0
    network = [Member("house", b"network") for _ in range(100)]
    for viewer in network:
        taps.tap(viewer, "heart", now)
        taps.tap(viewer, "clap", now)
    assert sum(tap_counts(taps, now).values()) == 4
    for viewer in network:  # and no more in the next moment, with others of the network
        taps.tap(viewer, "wow", now + 0.3)
    assert tap_counts(taps, now + 0.3) == {}
    taps.tap(network[99], "heart", now + 0.6)
    assert tap_counts(taps, now + 0.6) == {"heart": 1}


def test_of_a_house_with_a_small_weight_even_fewer_tap() -> None:
    taps = Taps(house_weight=1)
    for viewer in [Member("house", b"network") for _ in range(9)]:
        taps.tap(viewer, "heart", 0.0)
    assert tap_counts(taps, 0.0) == {"heart": 1}


def test_where_each_connection_is_a_network_a_house_taps_with_no_more_than_its_weight() -> None:
    """As with --crowd viewers."""
    taps = Taps(house_weight=8)
    crowd = [Member("house") for _ in range(100)]
    for viewer in [*crowd, *(Member("another") for _ in range(3)), *(Member() for _ in range(20))]:
        taps.tap(viewer, "heart", 0.0)
    assert tap_counts(taps, 0.0) == {"heart": 8 + 3 + 20}
    for viewer in reversed(crowd):  # a place of the network is free again where the house had none
        taps.tap(viewer, "heart", 1.0)
    assert tap_counts(taps, 1.0) == {"heart": 8}


def test_who_finds_no_place_in_the_house_takes_none_of_the_network() -> None:
    """A provider's network has several houses: one that taps a lot does not use up what the others have."""
    taps = Taps(house_weight=1)
    for viewer in [Member("busy", b"network") for _ in range(9)]:
        taps.tap(viewer, "heart", 0.0)
    taps.tap(Member("calm", b"network"), "heart", 0.0)
    assert tap_counts(taps, 0.0) == {"heart": 2}


def test_a_tap_counts_again_after_exactly_half_a_second() -> None:
    taps, ada = Taps(), Member()
    for now in (10.0, 10.4999, 10.5):
        taps.tap(ada, "heart", now)
        assert tap_counts(taps, now) == ({} if now == 10.4999 else {"heart": 1})
