"""One channel's core: labels and taps in, mood and reactions out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.audience import Member
from relay.core.channel import RECENT_S, Channel
from relay.core.snapshot import total
from relay.protocol import EXPRESSIONS, Crowd, Mood, Reaction


def joined(channel: Channel, count: int) -> list[Member]:
    """New viewers of the channel."""
    members = [Member() for _ in range(count)]
    for member in members:
        channel.join(member, 0.0, 0.0)
    return members


def run(channel: Channel, start: float, seconds: float) -> tuple[list[Mood], list[Reaction]]:
    """Ticks of 0.25 s with Unix time 1000 s ahead."""
    moods, reactions = [], []
    for tick in range(1, round(seconds * 4) + 1):
        now = start + tick / 4
        reactions += channel.tick(channel.snapshot(now), now, 1000 + now)
        moods.append(channel.mood)
    return moods, reactions


def test_a_hidden_mood_tells_nothing_of_those_who_share() -> None:
    """Not even how many: the first of them would be seen to come and go."""
    channel = Channel("demo", min_viewers=5, label_ttl=15)
    viewers = joined(channel, 10)
    alone, _ = run(channel, 0.0, 1)
    for viewer in viewers[:4]:
        channel.label(viewer, "happy", 1.0)
        channel.tap(viewer, "heart", 1.0)
    moods, reactions = run(channel, 1.0, 3)
    assert not any(mood.visible for mood in moods)
    assert {(mood.viewers, mood.sharing, mood.min_viewers) for mood in alone + moods} == {(10, 0, 5)}
    mood = moods[-1]
    assert set(mood.counts) == {0}
    assert set(mood.shares) == {0.0}
    assert (mood.valence, mood.resonance, mood.trend) == (0, 0, 0)
    assert reactions == []


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 6))
def test_networks_are_counted_not_connections(networks: list[int], least: int) -> None:
    """Whoever opens many connections is still one network."""
    channel = Channel("demo", min_viewers=least, label_ttl=15)
    for network in networks:
        member = Member(network=b"%d" % network)
        channel.join(member, 0.0, 0.0)
        channel.label(member, "neutral", 0.0)
    moods, _ = run(channel, 0.0, 2)
    assert moods[-1].visible == (len(set(networks)) >= least)
    assert moods[-1].sharing == (len(networks) if moods[-1].visible else 0)


def test_the_victim_of_four_connections_stays_hidden() -> None:
    """Four neutral connections of one address, and one viewer elsewhere: nothing is shown, ever."""
    channel = Channel("demo", min_viewers=5, label_ttl=15)
    for network in [b"spy"] * 4 + [b"victim"]:
        member = Member(network, network)
        channel.join(member, 0.0, 0.0)
        channel.label(member, "sad" if network == b"victim" else "neutral", 0.0)
    moods, _ = run(channel, 0.0, 5)
    assert not any(mood.visible or mood.sharing or any(mood.counts) for mood in moods)


def test_one_address_makes_no_burst_and_no_tap_burst_among_forty() -> None:
    channel = Channel("demo", min_viewers=5, label_ttl=60)
    honest = joined(channel, 40)
    spies = [Member("spy", b"spy") for _ in range(20)]
    for spy in spies:
        channel.join(spy, 0.0, 0.0)
    for viewer in honest + spies:
        channel.label(viewer, "neutral", 0.0)
    run(channel, 0.0, 3)
    found = []
    for second in range(3, 12):
        for spy in spies:
            channel.label(spy, "angry" if second % 2 else "neutral", float(second))
            channel.tap(spy, "cry", float(second))
        found += run(channel, float(second), 1)[1]
    assert {reaction.kind for reaction in found} == {"tap"}
    assert max(reaction.count for reaction in found) <= 4
    for viewer in honest[:15]:
        channel.label(viewer, "happy", 12.0)
    _, found = run(channel, 12.0, 3)
    assert [(reaction.name, reaction.count) for reaction in found] == [("happy", 15)]


def test_two_addresses_are_not_three() -> None:
    """Each with as many as count of it, and more changes than a burst needs."""
    channel = Channel("demo", min_viewers=2, label_ttl=60)
    viewers = [Member(house, house) for house in (b"one", b"two") for _ in range(8)]
    for viewer in viewers:
        channel.join(viewer, 0.0, 0.0)
        channel.label(viewer, "neutral", 0.0)
    run(channel, 0.0, 2)
    for viewer in viewers:
        channel.label(viewer, "happy", 2.0)
    assert run(channel, 2.0, 3)[1] == []


def test_it_shows_after_a_second_and_hides_at_once() -> None:
    channel = Channel("demo", min_viewers=5, label_ttl=15)
    viewers = joined(channel, 5)
    for viewer in viewers:
        channel.label(viewer, "happy", 0.0)
    moods, _ = run(channel, 0.0, 2)
    assert [mood.visible for mood in moods] == [False] * 4 + [True] * 4
    assert moods[-1].counts == [0, 0, 0, 5, 0, 0, 0]
    assert (moods[-1].valence, moods[-1].resonance) == (1, 1)
    channel.withdraw(viewers[0])
    moods, _ = run(channel, 2.0, 0.25)
    assert not moods[0].visible


def test_silent_viewers_stop_counting() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=5)
    [ada] = joined(channel, 1)
    channel.label(ada, "sad", 0.0)
    moods, _ = run(channel, 0.0, 6)
    assert (moods[15].visible, moods[15].sharing) == (True, 1)
    assert (moods[-1].visible, moods[-1].sharing) == (False, 0)


def test_seq_grows_by_one() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    moods, _ = run(channel, 0.0, 2)
    assert [mood.seq for mood in moods] == list(range(1, 9))


def test_a_burst_becomes_a_reaction_with_unix_time_and_floats_for_a_while() -> None:
    channel = Channel("demo", min_viewers=5, label_ttl=15)
    viewers = joined(channel, 10)
    for viewer in viewers:
        channel.label(viewer, "neutral", 0.0)
    run(channel, 0.0, 2)
    for viewer in viewers[:6]:
        channel.label(viewer, "surprise", 2.0)
    _, reactions = run(channel, 2.0, 2)
    assert [(found.kind, found.name, found.count, found.strength) for found in reactions] == [
        ("expression", "surprise", 6, 0.6)
    ]
    assert 1002 < reactions[0].time <= 1003
    assert list(channel.recent) == reactions
    run(channel, 4.0, RECENT_S)
    assert not channel.recent


def test_trend_starts_anew_after_hiding() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=100)
    [ada] = joined(channel, 1)
    channel.label(ada, "happy", 0.0)
    run(channel, 0.0, 10)
    channel.withdraw(ada)
    run(channel, 10.0, 1)
    channel.label(ada, "sad", 11.0)
    moods, _ = run(channel, 11.0, 2)
    assert moods[-1].valence == -1
    assert moods[-1].trend == 0


def test_first_labels_and_repeats_are_no_reaction() -> None:
    channel = Channel("demo", min_viewers=5, label_ttl=15)
    viewers = joined(channel, 20)
    for time in range(4):
        for viewer in viewers:
            channel.label(viewer, "happy", float(time))
        _, reactions = run(channel, float(time), 1)
        assert reactions == []


def test_halves_too_small_to_be_shown_are_shown_together() -> None:
    """As on two relays of a cluster: what one knows alone is less than the least, the sum is not."""
    halves = [Channel("demo", min_viewers=6, label_ttl=15) for _ in range(2)]
    viewers = [(half, viewer) for half in halves for viewer in joined(half, 4)]
    for half, viewer in viewers:
        half.label(viewer, "happy", 0.0)
    for tick in range(1, 9):
        if tick == 8:
            for half, viewer in viewers:
                half.tap(viewer, "clap", 1.9)
        whole = total(half.snapshot(tick / 4) for half in halves)
        found = [half.tick(whole, tick / 4, 1000 + tick / 4) for half in halves]
    for half, reactions in zip(halves, found, strict=True):
        assert half.mood.visible
        assert (half.mood.viewers, half.mood.sharing, half.mood.counts[3]) == (8, 8, 8)
        assert [(tap.name, tap.count, tap.strength) for tap in reactions] == [("clap", 8, 1.0)]


def test_a_delay_is_kept_within_its_range() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    for delay in (-3.0, 7.4, 900.0):
        channel.join(Member(), delay, 0.0)
    assert sorted(share.delay for share in channel.snapshot(0.0).shares) == [0, 7, 120]


def test_a_delay_that_is_measured_later_replaces_the_one_before() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    ada = Member()
    channel.join(ada, 0.0, 0.0)
    channel.delay(ada, 7.6)
    assert [share.delay for share in channel.snapshot(0.0).shares] == [8]


@pytest.mark.parametrize("crowd", ["networks", "viewers"])
def test_what_is_counted_is_told_hidden_or_not(crowd: Crowd) -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15, crowd=crowd)
    assert (channel.mood.seq, channel.mood.time, channel.mood.visible, channel.mood.crowd) == (0, 0.0, False, crowd)
    [ada] = joined(channel, 1)
    channel.label(ada, "happy", 0.0)
    moods, _ = run(channel, 0.0, 2)
    assert {(mood.visible, mood.crowd) for mood in moods} == {(False, crowd), (True, crowd)}


def test_networks_are_what_is_counted_if_nothing_else_is_said() -> None:
    assert Channel("demo", min_viewers=1, label_ttl=15).mood.crowd == "networks"


def test_no_more_networks_are_known_than_are_needed() -> None:
    channel = Channel("demo", min_viewers=3, label_ttl=15)
    for viewer in joined(channel, 9):
        channel.label(viewer, "happy", 0.0)
    assert [len(share.networks) for share in channel.snapshot(0.0).shares] == [3]


def test_who_leaves_has_not_tapped() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    ada, ben = joined(channel, 2)
    channel.tap(ada, "heart", 0.0)
    channel.tap(ben, "clap", 0.0)
    channel.leave(ada)
    assert channel.snapshot(0.0).taps == (0, 0, 1, 0, 0)


def test_a_reaction_floats_for_exactly_four_seconds() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    [ada] = joined(channel, 1)
    channel.label(ada, "happy", 0.0)
    run(channel, 0.0, 2)
    channel.tap(ada, "heart", 2.0)
    _, [tap] = run(channel, 2.0, 0.25)
    run(channel, 2.25, RECENT_S)
    assert list(channel.recent) == [tap]
    run(channel, 2.25 + RECENT_S, 0.25)
    assert list(channel.recent) == []


def test_figures_have_four_decimals() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15)
    viewers = joined(channel, 7)
    for viewer in viewers:
        channel.label(viewer, "neutral", 0.0)
    run(channel, 0.0, 2)
    for viewer in viewers[:4]:
        channel.label(viewer, "sad" if viewer is viewers[0] else "happy", 2.0)
    channel.tap(viewers[0], "heart", 2.0)
    [mood], [tap] = run(channel, 2.0, 0.25)
    shares = {name: share for name, share in zip(EXPRESSIONS, mood.shares, strict=True) if share}
    assert shares == {"happy": 0.4286, "sad": 0.1429, "neutral": 0.4286}
    # resonance: A = 3 * 2 / (4 * 3), C = 2/5, and 4 of 7 are expressive
    assert (mood.valence, mood.resonance, mood.trend, tap.strength) == (0.2857, 0.2286, 0.2857, 0.1429)


def test_each_mood_has_its_number_and_time_and_says_how_many_must_share() -> None:
    channel = Channel("demo", min_viewers=2, label_ttl=15)
    assert channel.name == "demo"
    for viewer in joined(channel, 2):
        channel.label(viewer, "happy", 0.0)
    moods, _ = run(channel, 0.0, 1.25)
    assert [(mood.seq, mood.time, mood.visible, mood.min_viewers) for mood in moods] == [
        (tick, 1000 + tick / 4, tick == 5, 2) for tick in range(1, 6)
    ]


def test_how_long_enough_must_share_and_how_many_of_a_house_count_can_be_set() -> None:
    channel = Channel("demo", min_viewers=1, label_ttl=15, house_weight=3, show_after=0.25)
    for _ in range(9):
        member = Member("house", b"network")
        channel.join(member, 0.0, 0.0)
        channel.label(member, "happy", 0.0)
    moods, _ = run(channel, 0.0, 0.5)
    assert [(mood.visible, mood.sharing) for mood in moods] == [(False, 0), (True, 3)]
