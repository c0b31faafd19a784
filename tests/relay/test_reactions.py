"""Bursts and taps."""

from hypothesis import given
from hypothesis import strategies as st

from relay.protocol import EXPRESSIONS, NEUTRAL
from relay.reactions import REFRACTORY_S, WINDOW_S, Burst, Bursts, Taps

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
TICK = 0.25


class Show:
    """Bursts on a clock that runs in ticks."""

    def __init__(self, sharing: int) -> None:
        self.bursts = Bursts()
        self.sharing = sharing
        self.now = 0.0

    def turn(self, viewers: range, expression: int, before: int | None = NEUTRAL) -> None:
        for viewer in viewers:
            self.bursts.change(viewer, before, expression, self.now)

    def run(self, seconds: float) -> list[Burst]:
        found = []
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            found += self.bursts.update(self.sharing, self.now)
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


def test_neutral_and_first_labels_and_repeats_are_no_reaction() -> None:
    show = Show(sharing=20)
    show.turn(range(20), NEUTRAL, before=HAPPY)
    show.turn(range(20), HAPPY, before=None)
    show.turn(range(20), SAD, before=SAD)
    assert show.run(6) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), st.integers(0, 6), st.floats(0, 1)), max_size=100))
def test_strengths_and_counts_stay_in_their_ranges(changes: list[tuple[int, int, int, float]]) -> None:
    bursts, now = Bursts(), 0.0
    for viewer, before, after, pause in changes:
        now += pause
        bursts.change(viewer, before, after, now)
        for burst in bursts.update(10, now):
            assert burst.count >= 3
            assert 0 < burst.strength <= 1
            assert burst.name != "neutral"


def test_taps_of_a_tick_are_summed_up() -> None:
    taps = Taps()
    for viewer in range(4):
        taps.tap(viewer, "heart", 0.0)
    taps.tap(0, "clap", 0.1)
    assert taps.update(10, 0.25) == [Burst("heart", 0.4, 4), Burst("clap", 0.1, 1)]
    assert taps.update(10, 0.5) == []


def test_a_viewer_can_not_hammer() -> None:
    taps = Taps()
    counted = 0
    for tick in range(100):  # five seconds, a tap every 50 ms
        taps.tap("ada", "heart", tick / 20)
        counted += sum(tap.count for tap in taps.update(10, tick / 20))
    assert counted == 10


def test_more_taps_than_sharing_viewers_are_full_strength() -> None:
    taps = Taps()
    taps.tap(1, "wow", 0.0)
    taps.tap(2, "wow", 0.0)
    assert taps.update(1, 0.1) == [Burst("wow", 1.0, 2)]


def test_one_house_bursts_and_taps_with_its_weight_alone() -> None:
    bursts, taps, now = Bursts(house_weight=8), Taps(house_weight=8), 10.0
    bursts.update(100, now)
    for viewer in range(100):
        bursts.change(viewer, NEUTRAL, HAPPY, now, "house")
        taps.tap(viewer, "heart", now, "house")
    assert [tap.count for tap in taps.update(100, now)] == [8]
    found = [burst for step in range(1, 8) for burst in bursts.update(30, now + step / 4)]
    assert [burst.count for burst in found] == [8]
    for viewer in range(100):  # and no more in the next moment, with others of the house
        taps.tap(viewer, "heart", now + 0.3, "house")
    assert taps.update(100, now + 0.3) == []
    taps.tap(99, "heart", now + 0.6, "house")
    assert [tap.count for tap in taps.update(100, now + 0.6)] == [1]
