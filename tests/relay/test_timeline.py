"""The audience by the stream's clock: what is told of each second, and what nobody can learn from it."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.limits import HOUSE_WEIGHT
from relay.core.snapshot import Share, Snapshot
from relay.core.timeline import LONGEST_GAP_S, Second, Slice, StoredMoment, Timeline
from relay.protocol import EXPRESSIONS, MAX_DELAY_S, Expression, Marker, Reaction

START = 1000
STEADY = 50.0
"""The steady clock at ``START``."""
OLD = MAX_DELAY_S
"""Age of viewers who have been here all the time."""


def happy(delay: int, count: int, age: int = OLD, networks: int | None = None) -> Share:
    """So many viewers, each in a network of its own, or in so many."""
    names = tuple(f"{delay} {age} {number}".encode() for number in range(count if networks is None else networks))
    return Share(delay, age, count, (0, 0, 0, count, 0, 0, 0), names)


def told(timeline: Timeline, second: int, *shares: Share) -> dict[int, tuple[int, int]]:
    """By second of the stream: viewers and those happy."""
    moments = timeline.add(second, STEADY + second - START, Snapshot(shares))
    return {moment.time: (moment.viewers, moment.counts.values[3]) for moment in moments}


def hide(timeline: Timeline, second: int) -> None:
    assert timeline.add(second, STEADY + second - START, None) == []


# --- which second ----------------------------------------------------------------------------------------------------


def test_without_delay_each_second_is_told_at_once_and_once() -> None:
    timeline = Timeline(START, min_viewers=1)
    assert told(timeline, START, happy(0, 5)) == {START: (5, 5)}
    assert told(timeline, START, happy(0, 6)) == {}
    assert told(timeline, START + 1, happy(0, 6)) == {START + 1: (6, 6)}


def test_what_a_delayed_viewer_shows_belongs_to_what_it_sees() -> None:
    """A second is told when those who see it last have shown what they think of it."""
    timeline = Timeline(START, min_viewers=3)
    for second in range(START, START + 10):
        assert told(timeline, second, happy(0, second - START + 3), happy(10, 4)) == {}
    for second in range(START, START + 5):
        assert told(timeline, second + 10, happy(0, 3), happy(10, 5)) == {second: (second - START + 8,) * 2}


def test_few_with_a_delay_of_their_own_are_moved_with_their_neighbours() -> None:
    timeline = Timeline(START, min_viewers=5)
    for second in range(START, START + 20):
        assert told(timeline, second, happy(0, 6), happy(7, 1)) == {second: (7, 7)}


def test_a_small_audience_is_moved_by_its_median() -> None:
    timeline = Timeline(START, min_viewers=5)
    for second in range(START, START + 4):
        assert told(timeline, second, happy(0, 2), happy(4, 2), happy(90, 2)) == {}
    for second in range(START, START + 9):
        assert told(timeline, second + 4, happy(0, 2), happy(4, 2), happy(90, 2)) == {second: (6, 6)}


@given(st.lists(st.integers(0, MAX_DELAY_S), min_size=1, max_size=12), st.integers(1, 12))
def test_the_delay_of_the_whole_is_the_median_of_those_who_share(delays: list[int], min_viewers: int) -> None:
    timeline = Timeline(START, min_viewers)
    told(timeline, START, *(happy(delay, delays.count(delay)) for delay in set(delays)))
    assert timeline.delay == sorted(delays)[(len(delays) - 1) // 2]


def test_a_network_with_many_viewers_moves_nobody() -> None:
    timeline = Timeline(START, min_viewers=5)
    for second in range(START, START + 20):
        assert told(timeline, second, happy(0, 5), happy(120, 8, networks=1)) == {second: (13, 13)}
    assert timeline.delay == 0


def test_before_anything_is_known_the_audience_sees_the_stream_as_it_is() -> None:
    assert Timeline(START, min_viewers=1).delay == 0


def test_where_a_delay_has_enough_networks_all_its_viewers_weigh() -> None:
    timeline = Timeline(START, min_viewers=3)
    told(timeline, START, happy(0, 12, networks=3), happy(30, 5))
    assert timeline.delay == 0


def test_a_network_with_several_delays_weighs_once() -> None:
    """With the shortest of them."""
    timeline = Timeline(START, min_viewers=5)
    shares = [(0, b"one"), (5, b"other"), (9, b"one"), (12, b"one")]
    told(timeline, START, *(Share(delay, OLD, 1, (0, 0, 0, 1, 0, 0, 0), (name,)) for delay, name in shares))
    assert timeline.delay == 0


@pytest.mark.parametrize("delay", [1, 10])
def test_each_group_is_moved_by_its_own_delay_and_counts_once(delay: int) -> None:
    """The last has too few for a group of its own, and is moved with the one before it."""
    timeline, moments = Timeline(START, min_viewers=3), dict[int, tuple[int, int]]()
    for second in range(30):
        moments |= told(timeline, START + second, happy(0, 3 + second), happy(delay, 100 + second), happy(50, 1))
    assert moments == {START + second: (104 + 2 * second + delay,) * 2 for second in range(30 - delay)}


# --- what is not told ------------------------------------------------------------------------------------------------


def test_nothing_is_told_of_a_pause_however_short() -> None:
    """Nor is it filled with what was shown later."""
    timeline = Timeline(START, min_viewers=3)
    assert told(timeline, START, happy(0, 3)) == {START: (3, 3)}
    hide(timeline, START + 1)
    hide(timeline, START + 2)
    assert told(timeline, START + 3, happy(0, 4)) == {START + 3: (4, 4)}


def test_a_second_is_as_it_was_first_shown() -> None:
    timeline = Timeline(START, min_viewers=3)
    hide(timeline, START)
    assert told(timeline, START, happy(0, 3)) == {START: (3, 3)}
    hide(timeline, START)
    assert told(timeline, START, happy(0, 4)) == {}


def test_a_pause_for_some_is_a_pause_of_the_seconds_that_all_saw() -> None:
    timeline, moments = Timeline(START, min_viewers=3), dict[int, tuple[int, int]]()
    for second in range(START, START + 40):
        if second in (START + 20, START + 21):
            hide(timeline, second)
        else:
            moments |= told(timeline, second, happy(0, 3), happy(10, 3))
    assert sorted(moments) == [START + second for second in range(30) if second not in (10, 11, 20, 21)]


def test_a_second_without_a_tick_is_as_the_last_one_showed_it_and_a_long_silence_is_not_told() -> None:
    timeline = Timeline(START, min_viewers=1)
    told(timeline, START, happy(0, 5))
    assert told(timeline, START + 3, happy(0, 6)) == {START + 1: (5, 5), START + 2: (5, 5), START + 3: (6, 6)}
    hide(timeline, START + 3)  # a later tick of the same second
    assert told(timeline, START + 5, happy(0, 6)) == {START + 5: (6, 6)}
    assert sorted(told(timeline, START + 6 + LONGEST_GAP_S, happy(0, 6))) == [START + 6 + LONGEST_GAP_S]


@pytest.mark.parametrize(("gap", "seconds"), [(1, 1), (2, 2), (LONGEST_GAP_S, LONGEST_GAP_S), (LONGEST_GAP_S + 1, 1)])
def test_up_to_ten_seconds_without_a_tick_are_filled(gap: int, seconds: int) -> None:
    timeline = Timeline(START, min_viewers=1)
    told(timeline, START, happy(0, 5))
    assert list(told(timeline, START + gap, happy(0, 6))) == list(range(START + gap - seconds + 1, START + gap + 1))


def test_what_fills_a_gap_changes_nothing_before_it() -> None:
    timeline, moments = Timeline(START, min_viewers=3), dict[int, tuple[int, int]]()
    for second in (0, 1, 2, 3, *range(6, 16)):
        moments |= told(timeline, START + second, happy(0, 3 + second), happy(10, 3))
    counts = [6, 7, 8, 9, 9, 9]
    assert moments == {START + second: (count, count) for second, count in enumerate(counts)}


def test_a_second_that_is_told_later_is_as_it_was_first_shown() -> None:
    timeline = Timeline(START, min_viewers=3)
    for count in (3, 9):
        assert told(timeline, START, happy(0, count), happy(10, 3)) == {}
    for second in range(START + 1, START + 10):
        assert told(timeline, second, happy(0, 5), happy(10, 3)) == {}
    assert told(timeline, START + 10, happy(0, 5), happy(10, 3)) == {START: (6, 6)}


def test_a_second_that_too_few_showed_is_not_told() -> None:
    assert told(Timeline(START, min_viewers=3), START, happy(0, 2)) == {}


def test_nothing_goes_before_the_begin() -> None:
    timeline = Timeline(START + 0.7, min_viewers=1)
    for second in range(START, START + 5):
        assert told(timeline, second, happy(5, 1)) == {}
    assert told(timeline, START + 5, happy(5, 1)) == {START: (1, 1)}


def test_a_group_that_shrinks_below_the_least_is_moved_with_its_neighbours() -> None:
    timeline = Timeline(START, min_viewers=3)
    for second in range(START, START + 10):
        told(timeline, second, happy(0, 3), happy(10, 3))
    assert told(timeline, START + 10, happy(0, 3), happy(10, 2)) == {
        **dict.fromkeys(range(START, START + 10), (6, 6)),
        START + 10: (5, 5),
    }


def test_who_had_a_longer_delay_than_anyone_has_now_counts_as_well() -> None:
    timeline = Timeline(START, min_viewers=3)
    for second in range(START, START + 6):
        assert told(timeline, second, happy(0, 3), happy(20, 3)) == {}
    assert told(timeline, START + 6, happy(0, 3), happy(5, 3)) == {START: (6, 6), START + 1: (6, 6)}


@pytest.mark.parametrize(
    ("report_age", "age", "viewers"), [((), 10, 7), ((), 9, 6), ((2.0,), 12, 7), ((2.0,), 11, 6), ((2.0,), 0, 6)]
)
def test_of_a_group_that_sees_it_later_those_count_who_were_there_when_the_first_saw_it(
    report_age: tuple[float, ...], age: int, viewers: int
) -> None:
    """And by what other nodes tell, that may be so old. Of the first group all count, however new."""
    timeline = Timeline(START, 3, *report_age)
    shares = happy(0, 3, age=0), happy(10, 3), happy(10, 1, age=age)
    for second in range(START, START + 10):
        assert told(timeline, second, *shares) == {}
    assert told(timeline, START + 10, *shares) == {START: (viewers, viewers)}


def test_a_group_of_newcomers_is_moved_with_its_neighbours() -> None:
    timeline = Timeline(START, min_viewers=3)
    for second in range(START, START + 10):
        assert told(timeline, second, happy(0, 3), happy(10, 3, age=0)) == {}
    assert told(timeline, START + 10, happy(0, 4), happy(10, 4, age=0)) == {START: (6, 6)}


@pytest.mark.parametrize("name", ["x", "shown"])
def test_with_the_grid_the_one_of_a_group_who_is_not_on_it_is_not_read_by_when_the_history_has_it(name: str) -> None:
    """Five with no delay and five with three seconds of it, of whom four are on the grid: whether x or one without a
    delay smiles and is sad again, all that is public is the same."""

    def watch(smiles: str) -> list[object]:
        play = Play()
        play.channel.grid = 1.0
        members = {}
        for number in range(5):
            members[f"no delay {number}"] = Member(network=b"a%d" % number)
            members[f"shown {number}" if number else "x"] = Member(network=b"b%d" % number)
        for who, member in members.items():
            play.channel.join(member, 0 if who.startswith("no") else 3, play.now)
            play.channel.label(member, "neutral", play.now)
        for second in range(20):
            if second == 8:
                play.channel.label(members[smiles], "happy", play.now)
            elif second == 12:
                play.channel.label(members[smiles], "sad", play.now)
            play.tick()
        assert len(play.moments) > 12
        return play.seen

    assert watch("x" if name == "x" else "shown 1") == watch("no delay 0")


def test_all_are_moved_together_for_as_long_as_labels_of_then_may_be_told() -> None:
    timeline = Timeline(START, min_viewers=3)
    last = START + 10
    moments = dict[int, tuple[int, int]]()
    for second in range(START, last + 2 * MAX_DELAY_S):
        shares = happy(0, second - START + 3), happy(5, 3)
        found = timeline.add(second, STEADY + second - START, Snapshot(shares), together=second <= last)
        moments |= {moment.time: (second, moment.counts.values[3] - (moment.time - START)) for moment in found}
    assert [*moments] == [*range(START, last + 2 * MAX_DELAY_S - 5)]
    apart = [second for second, (seen, _) in moments.items() if seen - second == 5]
    assert min(apart) >= last + MAX_DELAY_S
    assert {extra for _, extra in moments.values()} == {6}


# --- who counts ------------------------------------------------------------------------------------------------------


class Network:
    """Viewers of one address, who come and go with what delay they like."""

    def __init__(self, channel: Channel, name: str) -> None:
        self.channel, self.name = channel, name
        self.members: list[Member] = []

    def join(self, delay: float, now: float) -> None:
        member = Member(self.name, self.name.encode())
        self.channel.join(member, delay, now)
        self.channel.label(member, "happy", now)
        self.members.append(member)

    def leave(self) -> None:
        self.channel.leave(self.members.pop(0))


class Play:
    """A channel and its history, second by second."""

    def __init__(self, min_viewers: int = 5) -> None:
        self.channel = Channel("demo", min_viewers, label_ttl=1e9)
        self.min_viewers = min_viewers
        self.timeline = Timeline(START, min_viewers)
        self.second = START
        self.moments: list[Second] = []
        self.seen: list[object] = []
        """All that is public: the moods, the reactions, and what the history tells in each second."""

    @property
    def now(self) -> float:
        return STEADY + self.second - START

    def measured(self, delays: dict[Member, int]) -> None:
        """A countdown is over: as in ``LiveChannel.use_delays`` and ``Recorder.use_delays``."""
        for member, delay in delays.items():
            self.channel.delay(member, delay)
        self.timeline = Timeline(self.second + 1, self.min_viewers)

    def tick(self) -> None:
        snapshot = self.channel.snapshot(self.now)
        reactions = self.channel.tick(snapshot, self.now, self.second)
        mood = self.channel.mood
        moments = self.timeline.add(self.second, self.now, snapshot if mood.visible else None, bool(self.channel.grid))
        self.moments += moments
        self.seen.append((mood, reactions, moments))
        self.second += 1


def test_who_comes_again_each_second_with_a_longer_delay_counts_once() -> None:
    play = Play()
    for number in range(20):
        Network(play.channel, f"honest {number}").join(0, play.now)
    one = Network(play.channel, "one")
    for second in range(MAX_DELAY_S + 5):
        one.join(min(second, MAX_DELAY_S), play.now)
        play.tick()
        one.leave()
    assert len(play.moments) > MAX_DELAY_S
    assert {moment.counts.sharing for moment in play.moments} == {21}


@pytest.mark.slow
@given(st.data())
def test_never_more_are_told_than_were_there(data: st.DataObject) -> None:
    """However viewers come, go and answer countdowns: of a network at most its weight, and of all at most the most who
    were there at once."""
    play = Play(min_viewers=data.draw(st.integers(1, 4)))
    delays = st.sampled_from([0, 1, 3, 7, 20])
    networks = [Network(play.channel, f"network {number}") for number in range(6)]
    for network in networks:
        network.join(data.draw(delays), play.now)
    most = 0
    for _ in range(60):
        measured = dict[Member, int]()
        for network in networks:
            what = data.draw(st.sampled_from(["stay", "stay", "join", "leave", "answer"]))
            if what == "join" and len(network.members) < 2 * HOUSE_WEIGHT:
                network.join(data.draw(delays), play.now)
            elif what == "leave" and network.members:
                network.leave()
            elif what == "answer" and network.members:
                measured[network.members[-1]] = data.draw(delays)
        if measured and data.draw(st.integers(0, 9)) == 0:
            play.measured(measured)
        most = max(most, sum(min(HOUSE_WEIGHT, len(network.members)) for network in networks))
        play.tick()
    assert all(moment.counts.sharing <= min(moment.viewers, most) for moment in play.moments)
    assert len({moment.time for moment in play.moments}) == len(play.moments)


def test_members_of_a_network_who_take_turns_are_no_more_than_its_weight() -> None:
    """At each moment the weight is there, those who leave with one delay, those who come with another."""
    play = Play()
    for number in range(20):
        Network(play.channel, f"honest {number}").join(9 * (number % 2), play.now)
    one = Network(play.channel, "one")
    for second in range(80):
        for _ in range(HOUSE_WEIGHT):
            if second:
                one.leave()
            one.join(9 * (second % 2), play.now)
        play.tick()
    assert len(play.moments) > 50
    assert max(moment.counts.sharing for moment in play.moments) <= 20 + HOUSE_WEIGHT


# --- what nobody learns ----------------------------------------------------------------------------------------------


class Person(NamedTuple):
    delay: int
    labels: list[Expression]
    """One for each ten seconds, from the begin on."""


SECONDS, A_LABEL_S = 60, 10
labels = st.lists(st.sampled_from(EXPRESSIONS), min_size=SECONDS // A_LABEL_S, max_size=SECONDS // A_LABEL_S)
people = st.lists(st.builds(Person, st.integers(0, 30), labels), min_size=3, max_size=14)


def watch(people: list[Person], min_viewers: int) -> Play:
    """All that an observer sees who reads each mood and asks for the history each second."""
    play = Play(min_viewers)
    members = [Member(None, f"network {number}".encode()) for number in range(len(people))]
    for member, person in zip(members, people, strict=True):
        play.channel.join(member, person.delay, play.now)
    for second in range(SECONDS):
        if second % A_LABEL_S == 0:
            for member, person in zip(members, people, strict=True):
                play.channel.label(member, person.labels[second // A_LABEL_S], play.now)
        play.tick()
    return play


def groups(people: list[Person], min_viewers: int) -> list[list[int]]:
    """The people who are moved together, as the rule says it: by delay, the fewest that are enough."""
    groups: list[list[int]] = [[]]
    order = sorted(range(len(people)), key=lambda number: people[number].delay)
    for place, number in enumerate(order):
        groups[-1].append(number)
        following = people[order[place + 1]].delay if place + 1 < len(order) else None
        if len(groups[-1]) >= min_viewers and following not in (None, people[number].delay):
            groups.append([])
    if len(groups) > 1 and len(groups[-1]) < min_viewers:
        rest = groups.pop()
        groups[-1] += rest
    return groups


@pytest.mark.slow
@given(people, st.integers(2, 6), st.data())
def test_what_two_of_a_group_show_can_be_exchanged_and_nobody_sees_it(
    people: list[Person], min_viewers: int, data: st.DataObject
) -> None:
    """So whoever sees all moods and all of the history can't tell of any label which of ``min_viewers`` showed it."""
    group = data.draw(st.sampled_from(groups(people, min_viewers)))
    one, other = data.draw(st.sampled_from(group)), data.draw(st.sampled_from(group))
    exchanged = list(people)
    exchanged[one] = people[one]._replace(labels=people[other].labels)
    exchanged[other] = people[other]._replace(labels=people[one].labels)
    assert watch(exchanged, min_viewers).seen == watch(people, min_viewers).seen


@pytest.mark.slow
@given(people, st.integers(2, 6), st.data())
def test_another_label_of_one_is_seen_only_in_numbers_of_enough(
    people: list[Person], min_viewers: int, data: st.DataObject
) -> None:
    """Two runs that differ in the labels of one viewer: the same seconds are told at the same times, of the same many,
    and where fewer than ``min_viewers`` stand behind a number, it is the same number."""
    one = data.draw(st.integers(0, len(people) - 1))
    other = list(people)
    other[one] = people[one]._replace(labels=data.draw(labels))
    first, second = watch(people, min_viewers), watch(other, min_viewers)
    assert [(moment.time, moment.viewers, moment.counts.sharing) for moment in first.moments] == [
        (moment.time, moment.viewers, moment.counts.sharing) for moment in second.moments
    ]
    if len(people) < min_viewers:
        assert first.seen == second.seen
        assert not first.moments
    assert all(moment.counts.sharing >= min_viewers for moment in first.moments)
    assert len({moment.time for moment in first.moments}) == len(first.moments)  # what was told is never told anew


@pytest.mark.slow
@given(people, st.integers(2, 6), st.data())
def test_who_answers_a_countdown_does_not_stand_out(
    people: list[Person], min_viewers: int, data: st.DataObject
) -> None:
    """All faces stay as they are: what the live mood and the history tell is the same, before and after, so that the
    difference is nobody's label."""
    play = Play(min_viewers)
    members = {Member(None, f"network {number}".encode()): person for number, person in enumerate(people)}
    for member, person in members.items():
        play.channel.join(member, person.delay, play.now)
        play.channel.label(member, person.labels[0], play.now)
    while play.second < START + 200:  # by then nobody is new
        play.tick()
    play.moments.clear()
    play.measured(data.draw(st.dictionaries(st.sampled_from(list(members)), st.integers(0, 30), min_size=1)))
    while play.second < START + 260:
        play.tick()
    assert {moment.counts.values for moment in play.moments} <= {tuple(play.channel.mood.counts)}
    assert play.channel.mood.visible == bool(play.moments)


def test_a_change_is_put_to_the_same_second_whoever_of_the_group_makes_it() -> None:
    """Nobody can tell by how far the history moves a change which delay its maker has."""
    found = set()
    for maker in range(7):
        people = [Person(0 if number < 6 else 7, ["neutral"] * 6) for number in range(7)]
        people[maker] = people[maker]._replace(labels=["neutral", "neutral", "happy", *["neutral"] * 3])
        moments = watch(people, min_viewers=5).moments
        found.add(tuple(moment.time - START for moment in moments if moment.counts.values[3]))
    assert found == {tuple(range(20, 30))}


def test_each_part_of_a_stored_session_is_found_by_its_name() -> None:
    moments = [StoredMoment(time=1, viewers=0, sharing=0, counts=(0,) * 7, valence=0.0, resonance=0.0)]
    reactions = [Reaction(time=1.5, kind="tap", name="heart", strength=1.0, count=1)]
    markers = [Marker(time=1.5, text="goal")]
    found = Slice(moments=moments, reactions=reactions, markers=markers)
    assert [found.part("moments"), found.part("reactions"), found.part("markers")] == [moments, reactions, markers]
