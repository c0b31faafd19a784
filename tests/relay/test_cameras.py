"""A channel that takes taps alone: no label counts, and taps are told as ever."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import app, protocol
from relay.core.audience import Member
from relay.core.channel import RECENT_S, Channel
from relay.core.mood import Counts
from relay.core.snapshot import NOTHING, Snapshot, total
from relay.core.timeline import Second
from relay.protocol import Error, Label, Moment, Mood, Reaction, Welcome
from relay.store import database
from relay.store.history import History
from tests import support
from tests.redis_server import RedisServer
from tests.relay.nodes import channel_arrives, quiet, running
from tests.support import Viewer, audience, leave, request, subscribe

# --- the core --------------------------------------------------------------------------------------------------------


def without_cameras(min_viewers: int = 2, show_after: float = 1.0) -> Channel:
    channel = Channel("demo", min_viewers=min_viewers, label_ttl=15, show_after=show_after)
    channel.take_cameras(False, ())
    return channel


def joined(channel: Channel, *networks: bytes, delay: float = 0.0, now: float = 0.0) -> list[Member]:
    members = [Member(network=network) for network in networks]
    for member in members:
        channel.join(member, delay, now)
    return members


def ticked(channel: Channel, now: float, others: Snapshot = NOTHING) -> list[Reaction]:
    return channel.tick(total((channel.snapshot(now), others)), now, 1000 + now)


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 6))
def test_taps_are_told_once_people_of_enough_networks_are_connected(networks: list[int], least: int) -> None:
    channel = without_cameras(least)
    members = joined(channel, *(b"%d" % network for network in networks))
    ticked(channel, 0.0)
    for member in members:
        channel.tap(member, "clap", 1.5)
    found = ticked(channel, 2.0)
    assert bool(found) == bool(members and len(set(networks)) >= least)
    for reaction in found:
        assert (reaction.kind, reaction.name) == ("tap", "clap")
        assert reaction.strength == round(reaction.count / len(members), 4)
    for member in members[:1]:
        channel.leave(member)
        channel.tap(members[-1], "heart", 2.1)
        told = ticked(channel, 2.2)
        assert bool(told) == (members[-1] is not member and len(set(networks[1:])) >= least)


def test_there_is_no_mood_and_nobody_shares() -> None:
    channel = without_cameras()
    joined(channel, b"a", b"b", b"c")
    for now in (0.0, 1.5, 3.0):
        ticked(channel, now)
        mood = channel.mood
        assert (mood.visible, mood.cameras, mood.viewers, mood.sharing, sum(mood.counts)) == (False, False, 3, 0, 0)
    assert [share.networks for share in channel.snapshot(4.0).shares] == [()]


def test_those_who_are_connected_are_told_of_where_cameras_are_not_taken_alone() -> None:
    """A node that has not heard of it yet must not take them for people who share."""
    channel = Channel("demo", min_viewers=2, label_ttl=15)
    members = joined(channel, b"a", b"b", b"c")
    assert {share.present for share in channel.snapshot(0.0).shares} == {()}
    channel.take_cameras(False, members)
    told = channel.snapshot(0.1)
    assert {frozenset(share.present) for share in told.shares} == {frozenset((b"a", b"b"))}  # no more than matter
    unaware = Channel("demo", min_viewers=2, label_ttl=15)
    (member,) = joined(unaware, b"d")
    unaware.label(member, "sad", 0.0)
    for now in (0.0, 2.0):
        ticked(unaware, now, told)
    assert not unaware.mood.visible


def test_labels_that_another_node_still_takes_are_not_told() -> None:
    channel = without_cameras()
    joined(channel, b"a", b"b")
    other = Channel("demo", min_viewers=2, label_ttl=15)
    for member in joined(other, b"c", b"d", b"e"):
        other.label(member, "sad", 0.0)
    for now in (0.0, 2.0):
        assert ticked(channel, now, other.snapshot(now)) == []
        assert (channel.mood.visible, channel.mood.sharing, channel.mood.viewers) == (False, 0, 5)


def test_once_cameras_come_back_the_mood_waits_as_ever() -> None:
    channel = without_cameras()
    members = joined(channel, b"a", b"b")
    ticked(channel, 0.0)
    ticked(channel, 2.0)
    channel.take_cameras(True, members)
    for member in members:
        channel.label(member, "happy", 2.1)
    ticked(channel, 2.2)
    assert not channel.mood.visible
    ticked(channel, 3.3)
    assert (channel.mood.visible, channel.mood.cameras, channel.mood.sharing) == (True, True, 2)


def test_reactions_float_as_long_as_ever() -> None:
    channel = without_cameras()
    (first, _) = joined(channel, b"a", b"b")
    ticked(channel, 0.0)
    channel.tap(first, "heart", 1.0)
    assert len(ticked(channel, 1.5)) == len(channel.recent) == 1
    ticked(channel, 1.5 + RECENT_S + 0.5)
    assert not channel.recent


def test_many_who_tap_together_are_a_moment_at_the_streamers_time() -> None:
    channel = without_cameras()
    late, early = [*joined(channel, b"a", b"b", b"c", delay=7)], joined(channel, b"d", delay=1)
    found: list[Moment] = []
    for tick in range(4 * 30):
        now = tick / 4
        if now == 20:
            for member in late + early:
                channel.tap(member, "laugh", now)
        ticked(channel, now)
        found += [channel.moment] if channel.moment else []
    (moment,) = found
    assert (moment.kind, moment.name, moment.share) == ("tap", "laugh", 1.0)
    assert moment.time == pytest.approx(1000 + 20 - 7, abs=1)


# --- the relay -------------------------------------------------------------------------------------------------------


async def forbidden(relay: app.Relay, cameras: bool = False) -> Any:
    """The keys of a channel in which cameras are forbidden."""
    keys = relay.create_channel("demo")
    await allow(relay, keys, cameras)
    return keys


async def allow(relay: app.Relay, keys: Any, cameras: bool) -> None:
    code, answer = await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": cameras})
    assert (code, answer["cameras"]) == (200, cameras)


async def shown(relay: app.Relay) -> None:
    """Wait until taps are told."""
    await support.wait_until(lambda: relay._hub.members.channels["demo"].core._visibility.visible)


def is_tap(message: Any) -> bool:
    return isinstance(message, Reaction) and message.kind == "tap"


async def test_a_label_is_refused_once_and_taps_go_on(relay: app.Relay) -> None:
    keys = await forbidden(relay)
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as reader,
    ):
        assert viewer.welcome.cameras is False
        for _ in range(5):
            await viewer.label("happy")
        error = await viewer.receive_until(lambda message: isinstance(message, Error))
        assert error.code == protocol.NO_CAMERAS.number
        assert not protocol.retries(error.code)  # there is nothing to try again
        await shown(relay)
        await viewer.tap("clap")
        tap = await reader.receive_until(is_tap)
        assert (tap.name, tap.count, tap.strength) == ("clap", 1, 1.0)
        seen: list[Any] = []
        await viewer.receive_until(lambda message: seen.append(message) or isinstance(message, Mood))
        assert [message for message in seen if isinstance(message, Error)] == []
        assert viewer.close_code is None
    assert relay._hub.counts.labels == 0


async def test_labels_of_now_are_gone_with_the_next_mood(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    async with await subscribe(relay.url, "demo", keys.display_key) as reader:
        await reader.mood(lambda mood: mood.visible and mood.sharing == 3)
        await allow(relay, keys, False)
        live = relay._hub.members.channels["demo"]
        assert {viewer.member.expression for viewer in live.viewers} == {None}  # when the admin is answered
        mood = await reader.mood(lambda mood: not mood.cameras)
        assert (mood.visible, mood.sharing, mood.viewers) == (False, 0, 3)
        assert (await viewers[0].mood(lambda mood: not mood.cameras)).sharing == 0
        await allow(relay, keys, True)
        await reader.mood(lambda mood: mood.cameras and not mood.visible)  # nobody's label comes back by itself
        await viewers[0].label("sad")
        await reader.mood(lambda mood: mood.visible and mood.sharing == 1)
    await leave(viewers)


async def test_an_agent_of_before_goes_on_sending_without_harm(relay: app.Relay) -> None:
    """It knows nothing of it, and repeats its label as a heartbeat."""
    limits = protocol.MAX_LABELS_PER_S
    keys = await forbidden(relay)
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as reader,
    ):
        await shown(relay)
        for _ in range(int(20 * limits)):
            await viewer.label("happy")
        await viewer.tap("wow")
        await reader.receive_until(is_tap)
        assert viewer.close_code is None
        assert relay._hub.counts.frames_refused[protocol.NO_CAMERAS.number] == 1


async def test_the_streamers_own_face_is_no_camera_of_the_audience(relay: app.Relay) -> None:
    keys = await forbidden(relay)
    body = {"role": "streamer"}
    _, answer = await request(relay.url, "POST", "demo/tickets", keys.admin_key, body)
    async with (
        await Viewer.connect(relay.url, ticket=answer["ticket"]) as streamer,
        await subscribe(relay.url, "demo", keys.display_key) as reader,
    ):
        await streamer.label("happy")
        await reader.receive_until(lambda message: isinstance(message, protocol.Face) and message.emotion == "happy")


async def test_in_a_pause_taps_are_not_taken_and_after_it_they_are(relay: app.Relay) -> None:
    keys = await forbidden(relay)
    async with (
        await Viewer.connect(relay.url) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as reader,
    ):
        await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "paused"})
        await reader.mood(lambda mood: mood.paused)
        await viewer.tap("heart")
        await viewer.label("happy")  # whose refusal shows that the tap was heard
        await viewer.receive_until(lambda message: isinstance(message, Error))
        await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "auto"})
        await reader.mood(lambda mood: not mood.paused)
        await shown(relay)
        await viewer.tap("clap")
        assert (await reader.receive_until(is_tap)).name == "clap"
        await viewer.label("happy")
        mood = await reader.mood()
        assert not mood.visible


@pytest.mark.relay(min_viewers=3, crowd="viewers")
async def test_below_min_viewers_no_tap_is_told(relay: app.Relay) -> None:
    keys = await forbidden(relay)
    async with await subscribe(relay.url, "demo", keys.display_key) as reader, contextlib.AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(await Viewer.connect(relay.url)) for _ in range(2)]
        await reader.mood(lambda mood: mood.viewers == 2)
        await first.tap("heart")
        await second.tap("heart")
        seen: list[Any] = []
        for _ in range(5):
            await reader.receive_until(lambda message: seen.append(message) or isinstance(message, Mood))
        assert not any(map(is_tap, seen))
        third = await stack.enter_async_context(await Viewer.connect(relay.url))
        await shown(relay)
        await third.tap("clap")
        tap = await reader.receive_until(is_tap)
        assert (tap.name, tap.count, tap.strength) == ("clap", 1, round(1 / 3, 4))


async def test_the_history_has_the_taps_and_no_mood(relay: app.Relay) -> None:
    keys = await forbidden(relay)
    async with (
        await Viewer.connect(relay.url, delay=3.0) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as reader,
    ):
        await viewer.label("happy")
        await reader.mood(lambda mood: mood.viewers == 1)
        await shown(relay)
        await viewer.tap("clap")
        told = await reader.receive_until(is_tap)
    await quiet(relay)
    code, session = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
    assert code == 200
    assert session["moments"] == []
    (reaction,) = session["reactions"]
    assert (reaction["kind"], reaction["name"]) == ("tap", "clap")
    assert session["session"]["started"] <= reaction["time"] <= told.time  # by 3 s, but never before the session


def test_a_session_of_taps_that_a_crash_left_open_ends_with_the_last_one(tmp_path: Path, database_url: str) -> None:
    place = database.prepare(str(tmp_path), database_url)
    history = History(place)
    for channel in ("taps", "both", "nothing"):
        session = history.begin(channel, 100.0, 300.0, 250, 5)
        history.put_session(session)
        if channel != "nothing":
            history.put_reaction(session, Reaction(time=117.5, kind="tap", name="clap", strength=0.5, count=3))
            history.put_moment(session, Second(130, 5, Counts((5, 0, 0, 0, 0, 0, 0)))) if channel == "both" else None
    history.close()
    History(place).close()
    ends = {name: support.stored(place, name, 1) for name in ("taps", "both", "nothing")}
    assert {name: found and found["session"].ended for name, found in ends.items()} == {
        "taps": 117.5, "both": 130.0, "nothing": 100.0
    }  # fmt: skip


async def test_it_holds_on_all_nodes(tmp_path: Path) -> None:
    with RedisServer.started() as redis:
        async with running(tmp_path, redis.url, min_viewers=2, crowd="viewers") as cluster:
            a, b = await cluster.add(), await cluster.add()
            keys = a.create_channel("demo")
            await channel_arrives(b)
            viewers = await audience(a.url, "demo", ["happy"]) + await audience(b.url, "demo", ["happy"])
            async with await subscribe(b.url, "demo", keys.display_key) as reader:
                await reader.mood(lambda mood: mood.visible and mood.sharing == 2)
                await allow(a, keys, False)
                await reader.mood(lambda mood: not mood.cameras and not mood.visible)
                await viewers[1].mood(lambda mood: not mood.cameras)
                await viewers[1].label("sad")
                await viewers[1].receive_until(lambda message: isinstance(message, Error))
                await viewers[0].tap("clap")
                tap = await reader.receive_until(is_tap)
                assert (tap.name, tap.strength) == ("clap", 0.5)
            await leave(viewers)


def test_messages_of_relays_of_before_say_that_cameras_are_taken() -> None:
    welcome = protocol.from_relay.decode(
        b'{"type":"welcome","channel":"demo","viewer":"a","tick_ms":250,"min_viewers":5}'
    )
    assert isinstance(welcome, Welcome)
    assert (welcome.cameras, welcome.notice) == (True, "")
    assert Label(emotion="happy") == protocol.from_viewer.decode(b'{"type":"label","emotion":"happy"}')
