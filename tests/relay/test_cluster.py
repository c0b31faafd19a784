"""What nodes know of each other, whatever happens to their messages."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.cluster import peers as messages
from relay.cluster.peers import (
    Activity,
    Besides,
    Changed,
    Goodbye,
    Identity,
    Joined,
    News,
    Peers,
    Running,
    encode,
    encode_report,
)
from relay.cluster.states import MOST_NODES, encode_state
from relay.core.channel import Channel
from relay.core.grid import MOST_PEOPLE, Entry, GridPart, GridRule, Hidden
from relay.core.snapshot import AGES, LEAST_NETWORKS, NOTHING, Share, Snapshot, Whole, total

SILENCE = 3.0
LEAST = 3
NODES = ("a", "b", "c")
CHANNELS = ("demo", "other")

counts = st.tuples(*[st.integers(0, 50)] * 7)
networks = st.sets(st.sampled_from([b"1", b"2", b"3", b"4"])).map(lambda found: tuple(sorted(found)))
shares = st.builds(
    lambda delay, age, idle, seen, of: Share(delay, age, idle + sum(seen), seen, of),
    st.integers(0, 3), st.sampled_from(AGES), st.integers(0, 9), counts, networks,
)  # fmt: skip
kinds = st.lists(networks, min_size=7, max_size=7).map(tuple)


def _snapshot(
    shares: list[Share], changed: tuple[Any, ...], taps: tuple[int, ...], tapped: tuple[Any, ...], more: int
) -> Snapshot:
    """Who changed or tapped is of some network, and of some networks are no less."""
    changes, tappers = (tuple(len(of) and len(of) + more for of in kinds) for kinds in (changed, tapped))
    few = [tuple(of[:LEAST_NETWORKS] for of in kinds) for kinds in (changed, tapped)]
    return Snapshot(tuple(shares), changes, few[0], taps, tappers, few[1])


snapshots = st.builds(
    _snapshot,
    st.lists(shares, max_size=3, unique_by=lambda share: (share.delay, share.age)),
    kinds,
    st.tuples(*[st.integers(0, 5)] * 5),
    kinds.map(lambda found: found[:5]),
    st.integers(0, 20),
)


def activity(viewers: int, taps: tuple[int, ...] = (0,) * 5) -> Activity:
    return Activity(Snapshot((Share(0, 0, viewers, (0, 0, 0, viewers, 0, 0, 0)),), taps=taps))


def report(node: str, seq: int, viewers: int, epoch: int = 1, taps: tuple[int, ...] = (0,) * 5) -> bytes:
    return encode_report(node, epoch, seq, {"demo": activity(viewers, taps)})[0]


def peers(name: str = "me") -> Peers:
    return Peers(Identity(name, 1), SILENCE, LEAST)


def seen(node: Peers, channel: str = "demo", own: Snapshot = NOTHING) -> Whole:
    return node.whole(channel, own)


@settings(deadline=None)
@given(snapshots, snapshots, snapshots)
def test_snapshots_add_up_in_any_order(a: Snapshot, b: Snapshot, c: Snapshot) -> None:
    assert total([total([a, b]), c]) == total([c, total([b, a])]) == total([a, b, c])
    assert total([a, b]).viewers == a.viewers + b.viewers
    assert total([a, b]).networks == len({of for share in a.shares + b.shares for of in share.networks})
    assert total([a, b, c], taps=(1,) * 5) == msgspec.structs.replace(total([a, b, c]), taps=(1,) * 5)


@settings(deadline=None)
@given(st.data())
def test_no_viewer_counts_twice_whatever_happens_to_reports(data: st.DataObject) -> None:
    """Each node is counted as one of the states that it told, and after a round of reports as its last."""
    here = peers()
    told: dict[str, list[int]] = {node: [0] for node in NODES}
    under_way: list[bytes] = []
    for step in range(data.draw(st.integers(1, 30))):
        if under_way and data.draw(st.booleans()):
            message = data.draw(st.sampled_from(under_way))
            if data.draw(st.booleans()):  # else it comes a second time
                under_way.remove(message)
            here.receive(message, now=0.0)
        else:
            node = data.draw(st.sampled_from(NODES))
            told[node].append(data.draw(st.integers(1, 1000)) * 4 ** NODES.index(node) * 100)
            under_way.append(report(node, step, told[node][-1]))
        here.tick(0.0)
        assert seen(here).viewers in {x + y + z for x in told["a"] for y in told["b"] for z in told["c"]}
    for node in NODES:
        here.receive(report(node, 100, told[node][-1]), now=0.0)
    for late in under_way:
        here.receive(late, now=0.0)
    here.tick(0.0)
    assert seen(here).viewers == sum(states[-1] for states in told.values())


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(CHANNELS), snapshots), min_size=len(NODES), max_size=len(NODES)),
    st.randoms(use_true_random=False),
)
def test_after_a_round_of_reports_all_nodes_agree(states: list[dict[str, Snapshot]], random: Any) -> None:
    """Each sees the plain sum, but for networks beyond those that decide, and taps, which are told at the tick."""
    nodes = {name: peers(name) for name in NODES}
    messages = [
        part
        for name, channels in zip(NODES, states, strict=True)
        for part in encode_report(name, 1, 0, {channel: Activity(state) for channel, state in channels.items()}, LEAST)
    ]
    for node in nodes.values():
        for channel in CHANNELS:
            seen(node, channel)  # it lives there
        random.shuffle(messages)
        for message in messages:
            node.receive(message, 0.0)
        node.tick(0.0)
    for channel in CHANNELS:
        plain = total(own.get(channel, Snapshot()) for own in states)
        for name, own in zip(NODES, states, strict=True):
            assert_same(seen(nodes[name], channel, own.get(channel, Snapshot())), plain)


def assert_same(whole: Whole, plain: Snapshot) -> None:
    """As far as anything can tell that is made from it."""
    assert (whole.viewers, whole.counts, whole.changes) == (plain.viewers, plain.counts, plain.changes)
    assert (whole.taps, whole.tappers, whole.shares) == (plain.taps, plain.tappers, plain.shares)
    assert min(whole.networks, LEAST) == min(plain.networks, LEAST)
    assert min(whole.present, LEAST) == min(plain.present, LEAST)
    kinds = [*zip(whole.changed, plain.changed, plain.changes, strict=True)]
    kinds += [*zip(whole.tapped, plain.tapped, plain.tappers, strict=True)]
    for found, all_of_them, count in kinds:
        assert set(found) <= set(all_of_them)
        assert not count or len(set(found)) >= min(LEAST_NETWORKS, len(all_of_them))


@settings(deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 11)))
def test_taps_are_counted_once(order: list[int], again: list[int]) -> None:
    here = peers()
    seen(here)
    messages = [report("a", seq, 1, taps=(1, 0, 0, 0, 0)) for seq in range(12)]
    counted = 0
    for number in order + again:
        here.receive(messages[number], 0.0)
        here.tick(0.0)
        counted += seen(here).taps[0]
    newest_first = [number for place, number in enumerate(order) if number >= max(order[: place + 1])]
    assert counted == len(newest_first)  # one overtaken by a newer report counts no more


def test_taps_of_two_reports_between_two_ticks_add_up() -> None:
    here = peers()
    seen(here)
    for seq in range(3):
        here.receive(report("a", seq, 1, taps=(0, 2, 0, 0, 0)), 0.0)
    here.tick(0.0)
    assert seen(here).taps == (0, 6, 0, 0, 0)
    here.tick(0.0)
    assert seen(here).taps == (0,) * 5


def test_a_channel_that_is_missing_from_the_newest_report_is_gone() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode_report("a", 1, 2, {})[0], 0.0)
    assert_same(seen(here), Snapshot())


def test_silent_nodes_expire_and_come_back() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.tick(SILENCE)
    assert (seen(here).viewers, here.present, here.missing) == (7, 1, 0)
    here.tick(SILENCE + 0.1)
    assert (seen(here).viewers, here.present, here.missing) == (0, 0, 1)
    here.receive(report("a", 2, 8), 5.0)
    assert (seen(here).viewers, here.present, here.missing) == (8, 1, 0)
    here.tick(5.0 + messages.REMEMBERED_S + 1)  # silent for good: nobody waits for it any longer
    assert (here.present, here.missing) == (0, 0)


def test_news_alone_keep_no_viewers_alive() -> None:
    """Only a report tells that the viewers are still there."""
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode(News(node="a", epoch=1, seq=1, items=[])), SILENCE)
    here.tick(SILENCE + 0.1)
    assert seen(here).viewers == 0


def test_a_goodbye_ends_a_run_at_once_and_for_good() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode(Goodbye(node="a", epoch=1, seq=0)), 0.0)
    here.receive(report("a", 2, 7), 0.0)  # it was under way
    here.tick(100.0)
    assert (seen(here).viewers, here.present, here.missing) == (0, 0, 0)


def test_a_restarted_node_replaces_its_earlier_run() -> None:
    here = peers()
    here.receive(report("a", 900, 7, epoch=1), 0.0)
    here.receive(report("a", 1, 2, epoch=2), 0.0)
    here.receive(report("a", 901, 7, epoch=1), 0.0)
    assert seen(here).viewers == 2
    here.receive(encode(Goodbye(node="a", epoch=1, seq=0)), 0.0)
    assert seen(here).viewers == 2


def test_of_two_nodes_with_one_name_the_older_takes_another() -> None:
    older, newer = Peers(Identity("same", 1), SILENCE, LEAST), Peers(Identity("same", 2), SILENCE, LEAST)
    newer.receive(report("same", 1, 3, epoch=1), 0.0)
    older.receive(report("same", 1, 4, epoch=2), 0.0)
    assert older.node != newer.node == "same"


def test_a_long_report_travels_in_parts_that_count_together_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "PART_BYTES", 200)
    channels = {f"channel{number}": activity(5) for number in range(50)}
    parts = encode_report("a", 1, 1, channels)
    assert 2 < len(parts) < 50
    assert max(map(len, parts)) < 2 * 200
    here = peers()
    for part in parts[1:]:
        here.receive(part, 0.0)
    assert seen(here, "channel1").viewers == 0
    here.receive(parts[0], 0.0)
    assert [seen(here, name).viewers for name in channels] == [5] * 50
    for part in encode_report("a", 1, 2, {name: activity(6) for name in channels})[:-1]:
        here.receive(part, 0.0)
    assert seen(here, "channel1").viewers == 5


def test_news_are_told_once() -> None:
    here = peers()
    joined, changed = Joined("demo", "ticket", 1.0), Changed("demo")
    message = encode(News(node="a", epoch=1, seq=4, items=[joined, changed]))
    assert here.receive(message, 0.0) == [joined, changed]
    assert here.receive(message, 0.0) == []
    assert peers("a").receive(message, 0.0) == []  # its own


def test_the_session_of_the_writing_node_is_known() -> None:
    here = peers()
    here.receive(encode_report("a", 1, 1, {"demo": Activity(Snapshot(), Besides(Running(3, 1000.0)))})[0], 0.0)
    here.receive(report("b", 1, 7), 0.0)
    assert here.running("demo") == Running(3, 1000.0)
    assert here.running("other") is None


def wire(state: bytes) -> bytes:
    """A report that says this of `demo`, and is right otherwise."""
    return msgspec.msgpack.encode(["report", "evil", 1, 1, 0, 1, {"demo": state}, {}])


FINE = encode_state(activity(5).snapshot, LEAST)
COUNTS = len(FINE) - len(
    msgspec.msgpack.encode([[], [], [[]] * 7, [[]] * 5, [[0, 0, 5, [0, 0, 0, 5, 0, 0, 0], [], []]]])
)
"""Bytes of the counts, before what else a state has."""


def test_the_wire_helper_makes_a_report_that_counts() -> None:
    here = peers()
    here.receive(wire(FINE), 0.0)
    assert (seen(here).viewers, seen(here).shares) == (5, activity(5).snapshot.shares)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"GET / HTTP/1.1",
        msgspec.msgpack.encode({"node": "a"}),
        b"\x91" * 5000,
        wire(b""),
        wire(FINE[: COUNTS - 1]),
        wire(b"\xff" * COUNTS + FINE[COUNTS:]),
        wire(b"\x00\x00\x80\x00" + FINE[4:]),
        wire(FINE[: COUNTS - 4] + b"\x00\x00\x80\x00" + FINE[COUNTS:]),
        msgspec.msgpack.encode(["report", "evil", 1, 1, 0, 1, {"demo": "state"}, {}]),
    ],
)
def test_what_is_no_message_changes_nothing(message: bytes) -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    assert here.receive(message, 0.0) == []
    assert (seen(here).viewers, here.rejected) == (7, 1)


def details(**fields: Any) -> bytes:
    """A state whose counts are right, with this behind them."""
    known: dict[str, Any] = {
        "networks": [b"n"], "present": [], "changed": [[]] * 7, "tapped": [[]] * 5,
        "shares": [[0, 0, 5, [0, 0, 0, 5, 0, 0, 0], [b"n"]]],
    } | fields  # fmt: skip
    return FINE[:COUNTS] + msgspec.msgpack.encode(list(known.values()))


def test_the_details_helper_makes_a_state_that_is_read() -> None:
    here = peers()
    here.receive(wire(details()), 0.0)
    assert (seen(here).networks, seen(here).shares[0].networks, here.rejected) == (1, (b"n",), 0)


@pytest.mark.parametrize(
    "state",
    [
        FINE[:COUNTS],
        FINE[:-1],
        FINE[:COUNTS] + b"\x91" * 5000,
        details(networks=[b"long" * 100]),
        details(changed=[[b"n"]]),
        details(shares=[[0, 0, 5, [1, 2], []]]),
        details(shares=[[0, 0, -5, [0] * 7, []]]),
        details(shares=[[500, 0, 5, [0] * 7, []]]),
        details(shares=[[0, 500, 5, [0] * 7, []]]),
        details(shares=[[0, 0, 2**60, [0] * 7, []]]),
        details(shares=[[0, 0, 5, [0] * 7, [b"long" * 100]]]),
    ],
)
def test_what_can_not_be_read_behind_the_counts_is_nothing(state: bytes) -> None:
    """It is told, and no tick fails by it."""
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(wire(state), 0.0)
    whole = seen(here)
    assert (whole.viewers, whole.shares) == (12, activity(7).snapshot.shares)
    assert (whole.networks, whole.changed) == (whole.networks, ((),) * 7)
    assert here.rejected > 0
    Channel("demo", 1, 6.0).tick(whole, 0.0, 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(CHANNELS), st.binary(max_size=150)), max_size=5))
def test_any_state_is_survived(told: list[tuple[str, str, bytes]]) -> None:
    here = peers()
    for seq, (node, channel, state) in enumerate(told):
        here.receive(msgspec.msgpack.encode(["report", node, 1, seq, 0, 1, {channel: state}, {}]), 0.0)
        here.tick(0.0)
        whole = seen(here)
        assert min(whole.viewers, whole.networks, here.viewers("other")) >= 0
        assert (len(whole.changed), len(whole.tapped)) == (7, 5)
        assert len(here.parts("demo")) <= len(NODES)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NODES), st.dictionaries(st.sampled_from(CHANNELS), snapshots)), max_size=12))
def test_what_is_kept_up_is_what_is_added_up_anew(rounds: list[tuple[str, dict[str, Snapshot]]]) -> None:
    """A channel that lived here all the time is as one that is asked for at the end, whatever was told between."""
    here = peers()
    for seq, (node, channels) in enumerate(rounds):
        seen(here)
        known = {name: Activity(state) for name, state in channels.items()}
        for part in encode_report(node, 1, seq, known, LEAST):
            here.receive(part, 0.0)
    newest = dict(rounds)
    without_taps = [
        msgspec.structs.replace(channels["demo"], taps=NOTHING.taps)
        for channels in newest.values() if "demo" in channels
    ]  # fmt: skip
    assert_same(seen(here), total(without_taps))


@settings(deadline=None)
@given(st.lists(st.lists(snapshots, min_size=3, max_size=3), min_size=8, max_size=40), st.integers(1, 4), st.booleans())
def test_mood_reactions_and_moments_are_those_of_the_plain_sum(
    ticks: list[list[Snapshot]], min_viewers: int, cameras: bool
) -> None:
    here = Peers(Identity("me", 1), SILENCE, min_viewers)
    merged, plain = Channel("demo", min_viewers, 6.0), Channel("demo", min_viewers, 6.0)
    for channel in (merged, plain):
        channel.take_cameras(cameras, ())
    seen(here)
    for seq, (own, *others) in enumerate(ticks):
        now = seq * 0.5
        for node, state in zip(NODES, others, strict=False):
            here.receive(encode_report(node, 1, seq, {"demo": Activity(state)}, min_viewers)[0], now)
        here.tick(now)
        reactions = [
            channel.tick(whole, now, now)
            for channel, whole in ((merged, seen(here, own=own)), (plain, total((own, *others))))
        ]
        assert reactions[0] == reactions[1]
        assert (merged.mood, merged.moment) == (plain.mood, plain.moment)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    here = peers()
    here.receive(data, 0.0)
    here.tick(0.0)
    seen(here)


def test_a_flood_of_names_takes_no_memory_without_end() -> None:
    here = peers()
    for number in range(MOST_NODES + 50):
        here.receive(report(f"node{number}", 1, 1), 0.0)
    assert here.present == MOST_NODES


# --- the grid --------------------------------------------------------------------------------------------------------


def on_grid(count: int, name: str = "ann", network: bytes = b"1", expression: int = 3) -> GridPart:
    return GridPart(1.0, tuple(Entry(1.0, name, network, expression) for _ in range(count)), 0, 0, ())


def told(node: str, grid: GridPart | None, hidden: Hidden | None = None, seq: int = 0) -> bytes:
    known = activity(1)._replace(besides=Besides(grid=grid, hidden=hidden))
    return encode_report(node, 1, seq, {"demo": known})[0]


def test_what_nodes_tell_of_the_grid_goes_with_their_viewers() -> None:
    here = peers()
    part = on_grid(1)
    here.receive(told("a", part), 0.0)
    here.receive(told("b", None), 0.0)
    assert [found for _, found in here.parts("demo")] == [part, None]
    assert here.parts("other") == []
    here.tick(SILENCE + 1)
    assert here.parts("demo") == []


def test_viewers_of_a_node_that_tells_nothing_of_the_grid_are_not_on_it() -> None:
    here = peers()
    here.receive(told("new", on_grid(1)), 0.0)
    here.receive(report("old", 1, 1), 0.0)
    rule = GridRule(1, 8, show_after=0.0)
    assert not rule.update(here.parts("demo"), 1.0, Hidden(), True, 1.0).tells
    here.receive(encode(Goodbye(node="old", epoch=1, seq=1)), 0.0)
    assert rule.update(here.parts("demo"), 1.0, Hidden(), True, 2.0).tells


@pytest.mark.parametrize(
    "part",
    [
        on_grid(MOST_PEOPLE + 1), on_grid(1, name=""), on_grid(1, name="x" * 41), on_grid(1, network=b""),
        on_grid(1, network=b"x" * 33), on_grid(1, expression=7), on_grid(1, expression=-1),
    ],
)  # fmt: skip
def test_no_node_makes_another_take_more_than_there_can_be(part: GridPart) -> None:
    here = peers()
    here.receive(told("a", part), 0.0)
    assert (here.rejected, here.parts("demo")) == (1, [])


def test_the_newest_word_on_hidden_names_holds() -> None:
    here = peers()
    assert here.hidden("demo") is None
    here.receive(told("a", None), 0.0)
    assert here.hidden("demo") is None
    for node, names, stamp in (("b", ("ben",), 2.0), ("c", ("ann", "cat"), 1.0)):
        here.receive(told(node, None, Hidden(stamp, names)), 0.0)
    assert here.hidden("demo") == Hidden(2.0, ("ben",))
    here.receive(told("c", None, Hidden(3.0, ()), seq=1), 0.0)
    assert here.hidden("demo") == Hidden(3.0, ())
