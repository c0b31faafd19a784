"""The audience by the stream's clock."""

from hypothesis import given
from hypothesis import strategies as st

from relay.mood import KINDS
from relay.snapshot import Share
from relay.timeline import LONGEST_GAP_S, Moment, Timeline

START = 1000


def happy(delay: int, count: int) -> Share:
    return Share(delay, 0, count, (0, 0, 0, count, 0, 0, 0))


def told(timeline: Timeline, now: int, *shares: Share) -> dict[int, tuple[int, int]]:
    """By second of the stream: viewers and those happy."""
    return {moment.time: (moment.viewers, moment.counts.values[3]) for moment in timeline.add(now, shares)}


def test_without_delay_each_second_is_told_once() -> None:
    timeline = Timeline(START, min_viewers=1)
    assert told(timeline, START, happy(0, 5)) == {START: (5, 5)}
    assert told(timeline, START, happy(0, 6)) == {}
    assert told(timeline, START + 1, happy(0, 6)) == {START + 1: (6, 6)}


def test_what_a_delayed_viewer_shows_belongs_to_what_it_sees() -> None:
    timeline = Timeline(START, min_viewers=1)
    for second in range(10):
        assert told(timeline, START + second, happy(0, 3), happy(10, 4)) == {START + second: (3, 3)}
    assert told(timeline, START + 10, happy(0, 3), happy(10, 4)) == {START: (7, 7), START + 10: (3, 3)}


def test_too_few_are_not_told_until_they_are_enough() -> None:
    timeline = Timeline(START, min_viewers=5)
    assert told(timeline, START, happy(0, 3), happy(2, 4)) == {}
    assert told(timeline, START + 1, happy(0, 3), happy(2, 4)) == {}
    assert told(timeline, START + 2, happy(0, 3), happy(2, 4)) == {START: (7, 7)}


def test_slow_ticks_leave_no_holes_and_a_long_silence_does() -> None:
    timeline = Timeline(START, min_viewers=1)
    told(timeline, START, happy(0, 5))
    assert sorted(told(timeline, START + 4, happy(0, 6))) == [START + 1, START + 2, START + 3, START + 4]
    assert sorted(told(timeline, START + 5 + LONGEST_GAP_S, happy(0, 6))) == [START + 5 + LONGEST_GAP_S]


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 3)), max_size=6, unique_by=lambda group: group[0]))
def test_after_the_longest_delay_every_second_has_everyone(groups: list[tuple[int, int]]) -> None:
    timeline, last = Timeline(START, min_viewers=1), dict[int, Moment]()
    for second in range(START, START + 260):
        for moment in timeline.add(second, [happy(delay, count) for delay, count in groups]):
            before = last.get(moment.time)
            assert before is None or moment.counts.sharing > before.counts.sharing  # a moment only grows
            last[moment.time] = moment
    everyone = sum(count for _, count in groups)
    for second in range(START, START + 139):
        assert not groups or last[second].counts.values == (0, 0, 0, everyone, *[0] * (KINDS - 4))
