"""What nodes know of each other, whatever happens to their messages."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.cluster import peers as messages
from relay.cluster.peers import (
    Activity,
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
from relay.core.grid import MOST_PEOPLE, Entry, GridPart, GridRule, Hidden
from relay.core.snapshot import AGES, Share, Snapshot, total

SILENCE = 3.0
NODES = ("a", "b", "c")
CHANNELS = ("demo", "other")

counts = st.tuples(*[st.integers(0, 50)] * 7)
networks = st.sets(st.sampled_from([b"1", b"2", b"3", b"4"])).map(lambda found: tuple(sorted(found)))
shares = st.builds(
    lambda delay, age, idle, seen, of: Share(delay, age, idle + sum(seen), seen, of),
    st.integers(0, 3), st.sampled_from(AGES), st.integers(0, 9), counts, networks,
)  # fmt: skip
snapshots = st.builds(
    Snapshot,
    st.lists(shares, max_size=3, unique_by=lambda share: (share.delay, share.age)).map(tuple),
    counts,
    st.tuples(*[networks] * 7),
    st.tuples(*[st.integers(0, 5)] * 5),
)


def activity(viewers: int, taps: tuple[int, ...] = (0,) * 5) -> Activity:
    return Activity(Snapshot((Share(0, 0, viewers, (0, 0, 0, viewers, 0, 0, 0)),), taps=taps))


def report(node: str, seq: int, viewers: int, epoch: int = 1, taps: tuple[int, ...] = (0,) * 5) -> bytes:
    return encode_report(node, epoch, seq, {"demo": activity(viewers, taps)})[0]


def peers(name: str = "me") -> Peers:
    return Peers(Identity(name, 1), SILENCE)


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
            told[node].append(data.draw(st.integers(1, 1000)) * 4 ** NODES.index(node) * 1000)
            under_way.append(report(node, step, told[node][-1]))
        here.tick(0.0)
        assert here.snapshot("demo").viewers in {x + y + z for x in told["a"] for y in told["b"] for z in told["c"]}
    for node in NODES:
        here.receive(report(node, 100, told[node][-1]), now=0.0)
    for late in under_way:
        here.receive(late, now=0.0)
    here.tick(0.0)
    assert here.snapshot("demo").viewers == sum(states[-1] for states in told.values())


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(CHANNELS), snapshots), min_size=len(NODES), max_size=len(NODES)),
    st.randoms(use_true_random=False),
)
def test_after_a_round_of_reports_all_nodes_agree(states: list[dict[str, Snapshot]], random: Any) -> None:
    nodes = {name: peers(name) for name in NODES}
    messages = [
        part
        for name, channels in zip(NODES, states, strict=True)
        for part in encode_report(name, 1, 0, {channel: Activity(state) for channel, state in channels.items()})
    ]
    for node in nodes.values():
        random.shuffle(messages)
        for message in messages:
            node.receive(message, 0.0)
        node.tick(0.0)
    for channel in CHANNELS:
        seen = {
            total((nodes[name].snapshot(channel), own.get(channel, Snapshot())))
            for name, own in zip(NODES, states, strict=True)
        }
        assert len(seen) == 1


@settings(deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 11)))
def test_taps_are_counted_once(order: list[int], again: list[int]) -> None:
    here = peers()
    messages = [report("a", seq, 1, taps=(1, 0, 0, 0, 0)) for seq in range(12)]
    counted = 0
    for number in order + again:
        here.receive(messages[number], 0.0)
        here.tick(0.0)
        counted += here.snapshot("demo").taps[0]
    newest_first = [number for place, number in enumerate(order) if number >= max(order[: place + 1])]
    assert counted == len(newest_first)  # one overtaken by a newer report counts no more


def test_taps_of_two_reports_between_two_ticks_add_up() -> None:
    here = peers()
    for seq in range(3):
        here.receive(report("a", seq, 1, taps=(0, 2, 0, 0, 0)), 0.0)
    here.tick(0.0)
    assert here.snapshot("demo").taps == (0, 6, 0, 0, 0)
    here.tick(0.0)
    assert here.snapshot("demo").taps == (0,) * 5


def test_a_channel_that_is_missing_from_the_newest_report_is_gone() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode_report("a", 1, 2, {})[0], 0.0)
    assert here.snapshot("demo") == Snapshot()


def test_silent_nodes_expire_and_come_back() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.tick(SILENCE)
    assert (here.snapshot("demo").viewers, here.present, here.missing) == (7, 1, 0)
    here.tick(SILENCE + 0.1)
    assert (here.snapshot("demo").viewers, here.present, here.missing) == (0, 0, 1)
    here.receive(report("a", 2, 8), 5.0)
    assert (here.snapshot("demo").viewers, here.present, here.missing) == (8, 1, 0)
    here.tick(5.0 + messages.REMEMBERED_S + 1)  # silent for good: nobody waits for it any longer
    assert (here.present, here.missing) == (0, 0)


def test_news_alone_keep_no_viewers_alive() -> None:
    """Only a report tells that the viewers are still there."""
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode(News(node="a", epoch=1, seq=1, items=[])), SILENCE)
    here.tick(SILENCE + 0.1)
    assert here.snapshot("demo").viewers == 0


def test_a_goodbye_ends_a_run_at_once_and_for_good() -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    here.receive(encode(Goodbye(node="a", epoch=1, seq=0)), 0.0)
    here.receive(report("a", 2, 7), 0.0)  # it was under way
    here.tick(100.0)
    assert (here.snapshot("demo").viewers, here.present, here.missing) == (0, 0, 0)


def test_a_restarted_node_replaces_its_earlier_run() -> None:
    here = peers()
    here.receive(report("a", 900, 7, epoch=1), 0.0)
    here.receive(report("a", 1, 2, epoch=2), 0.0)
    here.receive(report("a", 901, 7, epoch=1), 0.0)
    assert here.snapshot("demo").viewers == 2
    here.receive(encode(Goodbye(node="a", epoch=1, seq=0)), 0.0)
    assert here.snapshot("demo").viewers == 2


def test_of_two_nodes_with_one_name_the_older_takes_another() -> None:
    older, newer = Peers(Identity("same", 1), SILENCE), Peers(Identity("same", 2), SILENCE)
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
    assert here.snapshot("channel1").viewers == 0
    here.receive(parts[0], 0.0)
    assert [here.snapshot(name).viewers for name in channels] == [5] * 50
    for part in encode_report("a", 1, 2, {name: activity(6) for name in channels})[:-1]:
        here.receive(part, 0.0)
    assert here.snapshot("channel1").viewers == 5


def test_news_are_told_once() -> None:
    here = peers()
    joined, changed = Joined("demo", "ticket", 1.0), Changed("demo")
    message = encode(News(node="a", epoch=1, seq=4, items=[joined, changed]))
    assert here.receive(message, 0.0) == [joined, changed]
    assert here.receive(message, 0.0) == []
    assert peers("a").receive(message, 0.0) == []  # its own


def test_the_session_of_the_writing_node_is_known() -> None:
    here = peers()
    here.receive(encode_report("a", 1, 1, {"demo": Activity(Snapshot(), Running(3, 1000.0))})[0], 0.0)
    here.receive(report("b", 1, 7), 0.0)
    assert here.running("demo") == Running(3, 1000.0)
    assert here.running("other") is None


def wire(**fields: Any) -> bytes:
    """A report that says of `demo` what is given, and is right otherwise."""
    snapshot = {
        "shares": [[0, 0, 5, [0, 0, 0, 5, 0, 0, 0], [b"n"]]],
        "changes": [0] * 7,
        "changed": [[]] * 7,
        "taps": [0] * 5,
    } | fields
    return msgspec.msgpack.encode(["report", "evil", 1, 1, 0, 1, {"demo": [list(snapshot.values()), None]}])


def test_the_wire_helper_makes_a_report_that_counts() -> None:
    here = peers()
    here.receive(wire(), 0.0)
    assert here.snapshot("demo").viewers == 5


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"GET / HTTP/1.1",
        msgspec.msgpack.encode({"node": "a"}),
        b"\x91" * 5000,
        wire(shares=[[0, 0, 5, [1, 2], []]]),
        wire(shares=[[0, 0, -5, [0] * 7, []]]),
        wire(shares=[[500, 0, 5, [0] * 7, []]]),
        wire(shares=[[0, 500, 5, [0] * 7, []]]),
        wire(shares=[[0, 0, 2**60, [0] * 7, []]]),
        wire(shares=[[0, 0, 5, [0] * 7, [b"long" * 100]]]),
        wire(changes=[0]),
        wire(changed=[[b"n"]]),
        wire(taps=["many"] * 5),
    ],
)
def test_what_is_no_message_changes_nothing(message: bytes) -> None:
    here = peers()
    here.receive(report("a", 1, 7), 0.0)
    assert here.receive(message, 0.0) == []
    assert (here.snapshot("demo").viewers, here.rejected) == (7, 1)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    here = peers()
    here.receive(data, 0.0)
    here.tick(0.0)
    here.snapshot("demo")


def test_a_flood_of_names_takes_no_memory_without_end() -> None:
    here = peers()
    for number in range(messages.MOST_NODES + 50):
        here.receive(report(f"node{number}", 1, 1), 0.0)
    assert here.present == messages.MOST_NODES


# --- the grid --------------------------------------------------------------------------------------------------------


def on_grid(count: int, name: str = "ann", network: bytes = b"1", expression: int = 3) -> GridPart:
    return GridPart(1.0, tuple(Entry(1.0, name, network, expression) for _ in range(count)), 0, 0, ())


def told(node: str, grid: GridPart | None, hidden: Hidden | None = None, seq: int = 0) -> bytes:
    known = msgspec.structs.replace(activity(1), grid=grid, hidden=hidden)
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
    """As of one of before there was a grid: its activities are shorter."""
    here = peers()
    old = msgspec.msgpack.decode(told("old", None))
    for known in old[-1].values():
        del known[-2:]
    here.receive(told("new", on_grid(1)), 0.0)
    here.receive(msgspec.msgpack.encode(old), 0.0)
    assert here.rejected == 0
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
