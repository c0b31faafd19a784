"""Several relays as one: in one event loop, on a real Redis, with SQLite and with PostgreSQL."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.protocol import Countdown, Delay, Marker, Moment, Mood, Reaction, Status
from tests.redis_server import RedisServer
from tests.relay.nodes import SHORT, Cluster, channel_arrives, is_state, moments, quiet, running, said
from tests.support import Client, Viewer, audience, count_of, free_port, leave, request, subscribe, wait_until


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer.started() as server:
        yield server


@pytest.fixture
async def cluster(tmp_path: Path, redis: RedisServer) -> AsyncIterator[Cluster]:
    async with running(tmp_path, redis.url) as cluster:
        yield cluster


@pytest.fixture
async def pair(
    tmp_path: Path, redis: RedisServer, database_url: str
) -> AsyncIterator[tuple[app.Relay, app.Relay, Any]]:
    """Two relays on each kind of database, and the keys of the channel `demo`, made on the first."""
    async with running(tmp_path, redis.url, database=database_url) as cluster:
        first, second = await cluster.add(), await cluster.add()
        yield first, second, first.create_channel("demo")


# --- counts ----------------------------------------------------------------------------------------------------------


async def test_viewers_of_one_node_are_seen_on_the_other(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    here = await audience(first.url, "demo", ["happy", "happy", "sad"])
    async with await subscribe(second.url, "demo", keys.display_key) as client:
        mood = await client.mood(lambda mood: mood.visible and mood.sharing == 3)
        assert (mood.viewers, count_of(mood, "happy"), count_of(mood, "sad")) == (3, 2, 1)
        there = await audience(second.url, "demo", ["fear"])
        for url in (first.url, second.url):
            async with await subscribe(url, "demo", keys.display_key) as other:
                await other.mood(lambda mood: mood.sharing == mood.viewers == 4)
        await leave(here)
        await client.mood(lambda mood: mood.viewers == mood.sharing == 1)
    await leave(there)


async def test_enough_together_are_shown_though_too_few_on_each(cluster: Cluster) -> None:
    first, second = await cluster.add(min_viewers=4), await cluster.add(min_viewers=4)
    key = first.create_channel("demo").display_key
    viewers = await audience(first.url, "demo", ["happy"] * 2) + await audience(second.url, "demo", ["happy"] * 2)
    for node in (first, second):
        async with await subscribe(node.url, "demo", key) as client:
            mood = await client.mood(lambda mood: mood.visible)
            assert mood.sharing == 4
    await viewers.pop().close()
    async with await subscribe(first.url, "demo", key) as client:
        await client.mood(lambda mood: not mood.visible and mood.viewers == 3)
    await leave(viewers)


async def test_one_address_on_three_nodes_is_one_network(cluster: Cluster) -> None:
    options: dict[str, Any] = {"min_viewers": 3, "proxies": 1, "require_tickets": "off"}
    nodes = [await cluster.add(**options) for _ in range(3)]
    key = nodes[0].create_channel("demo").display_key
    await wait_until(lambda: all(node.has_channel("demo") for node in nodes))
    viewers = [await Viewer.connect(node.url, "demo", address="192.0.2.1") for node in nodes for _ in range(2)]
    viewers.append(await Viewer.connect(nodes[0].url, "demo", address="192.0.2.2"))
    for viewer in viewers:
        await viewer.label("sad")
    for node in nodes:
        async with await subscribe(node.url, "demo", key) as client:
            first = await client.mood(lambda mood: mood.viewers == 7)
            last = await client.mood(lambda mood: mood.visible or mood.time > first.time + 1.5)  # noqa: B023
            assert not last.visible
            assert (last.sharing, set(last.counts)) == (0, {0})
    viewers.append(await Viewer.connect(nodes[2].url, "demo", address="192.0.2.3"))
    await viewers[-1].label("happy")
    for node in nodes:
        async with await subscribe(node.url, "demo", key) as client:
            shown = await client.mood(lambda mood: mood.visible)
            assert (shown.viewers, shown.sharing) == (8, 8)
    await leave(viewers)


async def test_three_nodes_agree(cluster: Cluster) -> None:
    nodes = [await cluster.add() for _ in range(3)]
    key = nodes[0].create_channel("demo").display_key
    viewers = [viewer for node in nodes for viewer in await audience(node.url, "demo", ["happy", "neutral"])]
    for node in nodes:
        async with await subscribe(node.url, "demo", key) as client:
            mood = await client.mood(lambda mood: mood.visible and mood.sharing == 6)
            assert (count_of(mood, "happy"), count_of(mood, "neutral")) == (3, 3)
    await leave(viewers)


async def taps_in(client: Client, ticks: int) -> int:
    """How many taps come until the first is so many ticks old."""
    taps = (await client.receive_until(lambda message: isinstance(message, Reaction))).count
    last = (await client.mood()).seq + ticks
    while not isinstance(message := await client.receive(), Mood) or message.seq < last:
        taps += message.count if isinstance(message, Reaction) else 0
    return int(taps)


async def test_taps_are_counted_once_on_each_node(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    key = first.create_channel("demo").display_key
    viewers = await audience(first.url, "demo", ["happy"] * 3) + await audience(second.url, "demo", ["happy"] * 2)
    clients = [await subscribe(node.url, "demo", key) for node in (first, second)]
    for client in clients:
        await client.mood(lambda mood: mood.visible and mood.sharing == 5)
    for viewer in viewers:
        await viewer.tap("heart")
    for client in clients:
        assert await taps_in(client, ticks=20) == 5
        await client.close()
    await leave(viewers)


async def test_a_burst_across_nodes_is_one(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    key = first.create_channel("demo").display_key
    viewers = await audience(first.url, "demo", ["neutral"] * 2) + await audience(second.url, "demo", ["neutral"] * 2)
    clients = [await subscribe(node.url, "demo", key) for node in (first, second)]
    for client in clients:
        await client.mood(lambda mood: mood.visible and mood.sharing == 4)
    for viewer in viewers:
        await viewer.label("surprise")
    for client in clients:  # two on each are too few, four together are a burst
        burst = await client.receive_until(lambda message: isinstance(message, Reaction))
        assert (burst.kind, burst.name, burst.count) == ("expression", "surprise", 4)
        await client.close()
    await leave(viewers)


async def test_a_moment_is_told_on_all_nodes_with_the_same_delay(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    keys = first.create_channel("demo")
    await channel_arrives(second)
    viewers = [await Viewer.connect(node.url, delay=20) for node in (first, second) for _ in range(3)]
    for viewer in viewers:
        await viewer.label("neutral")
    clients = [await subscribe(relay.url, "demo", keys.display_key) for relay in (first, second)]
    begun = (await clients[0].mood(lambda mood: mood.sharing == 6)).time
    for client in clients:
        await client.mood(lambda mood: mood.time > begun + 11)  # what is usual takes ten seconds to know
    for viewer in viewers:
        await viewer.label("surprise")
    told = [await client.receive_until(lambda message: isinstance(message, Moment)) for client in clients]
    for moment in told:
        assert (moment.kind, moment.name) == ("expression", "surprise")
        assert 20 <= moment.ago <= 30
    assert told[0].time == pytest.approx(told[1].time, abs=5)
    await leave(viewers)
    for client in clients:
        await client.close()


# --- tickets, keys, channels -----------------------------------------------------------------------------------------


async def ticket_of(relay: app.Relay) -> str:
    async with aiohttp.ClientSession() as http, http.post(f"{relay.url}/v1/channels/demo/tickets", json={}) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["ticket"])


async def test_a_ticket_of_one_node_opens_the_other_for_one_connection(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    await channel_arrives(second)
    ticket = await ticket_of(first)
    one = await Viewer.connect(second.url, "demo", ticket)
    await one.label("happy")
    async with await subscribe(first.url, "demo", keys.display_key) as client:
        await client.mood(lambda mood: mood.viewers == 1)
        other = await Viewer.connect(first.url, "demo", ticket)
        while await one.receive() is not None:
            pass
        assert one.close_code == protocol.REPLACED.number
        await other.label("sad")
        mood = await client.mood(lambda mood: count_of(mood, "sad") == 1)
        await client.mood(lambda mood: mood.viewers == 1)
        assert mood.sharing <= 2
    await leave([one, other])


async def test_a_rotated_key_closes_its_subscribers_on_all_nodes(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    await channel_arrives(second)
    async with await subscribe(second.url, "demo", keys.display_key) as client:
        await client.mood()
        code, answer = await request(first.url, "POST", "demo/keys", keys.admin_key, {"rotate": "display"})
        assert code == 200
        while await client.receive() is not None:
            pass
        assert client.close_code == protocol.WRONG_KEY.number
    async with await subscribe(second.url, "demo", answer["display_key"]) as client:
        await client.mood()


async def test_a_new_key_opens_every_node_before_the_news_of_it(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    """A load balancer sends the dashboard to any node, and a page that is told of a wrong key comes back no more."""
    first, second, keys = pair
    await channel_arrives(second)
    for key in (keys.display_key, "wrong"):
        async with await subscribe(second.url, "demo", key) as client:
            await client.receive()
    async with await subscribe(second.url, "demo", keys.admin_key) as streamer:
        _, answer = await request(first.url, "POST", "demo/keys", keys.admin_key, {"rotate": "display"})
        async with await subscribe(second.url, "demo", answer["display_key"]) as client:
            moods = [await client.mood() for _ in range(10)]  # nor is it put out when the news come
            assert len(moods) == 10
        _, answer = await request(first.url, "POST", "demo/keys", keys.admin_key, {"rotate": "admin"})
        assert (await request(second.url, "GET", "demo/people", answer["admin_key"]))[0] == 200
        while await streamer.receive() is not None:
            pass
        assert streamer.close_code == protocol.WRONG_KEY.number


async def test_a_password_set_on_one_node_guards_the_other(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    await channel_arrives(second)
    await request(first.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})

    async def guarded() -> bool:
        return (await request(second.url, "POST", "demo/tickets", "none", {}))[0] == 403

    await wait_until(guarded)
    assert (await request(second.url, "POST", "demo/tickets", "none", {"password": "sesame"}))[0] == 201


async def test_a_deleted_channel_closes_everyone_everywhere(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    viewers = await audience(first.url, "demo", ["happy"]) + await audience(second.url, "demo", ["sad"])
    clients = [await subscribe(node.url, "demo", keys.display_key) for node in (first, second)]
    for client in clients:
        await client.mood(lambda mood: mood.visible and mood.sharing == 2)
    assert (await request(second.url, "DELETE", "demo", keys.admin_key))[0] == 204
    for one in [*viewers, *clients]:
        while await one.receive() is not None:
            pass
        assert one.close_code == protocol.UNKNOWN_CHANNEL.number
        await one.close()
    # A new channel of the name has nothing of the old one.
    await wait_until(lambda: not first.has_channel("demo"))
    keys = first.create_channel("demo")
    assert await request(second.url, "GET", "demo/sessions", keys.admin_key) == (200, {"sessions": []})


async def test_a_new_channel_works_on_a_node_that_heard_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, f"redis://127.0.0.1:{free_port()}") as cluster:
        first, second = await cluster.add(), await cluster.add()
        key = first.create_channel("demo").display_key
        async with await subscribe(second.url, "demo", key) as client:
            await client.mood()


# --- the session -----------------------------------------------------------------------------------------------------


async def test_one_session_for_all_nodes_with_markers_and_names_from_each(
    pair: tuple[app.Relay, app.Relay, Any],
) -> None:
    first, second, keys = pair
    viewers = await audience(first.url, "demo", ["happy"]) + await audience(second.url, "demo", ["sad"])
    clients = [await subscribe(node.url, "demo", keys.display_key) for node in (first, second)]
    for client in clients:
        await client.receive_until(lambda message: isinstance(message, Status) and message.session == 1)

    async def both_counted() -> bool:
        return any(moment["sharing"] == 2 for moment in await moments(second, keys.display_key))

    await wait_until(both_counted)
    for number, node in enumerate((first, second)):
        assert (await request(node.url, "POST", "demo/markers", keys.admin_key, {"text": f"mark {number}"}))[0] == 201
        for client in clients:
            marker = await client.receive_until(lambda message: isinstance(message, Marker))
            assert marker.text == f"mark {number}"
        code, _ = await request(node.url, "PATCH", "demo/sessions/current", keys.admin_key, {"name": f"name {number}"})
        assert code == 200
    _, found = await request(first.url, "GET", "demo/sessions/1", keys.display_key)
    assert [marker["text"] for marker in found["markers"]] == ["mark 0", "mark 1"]
    assert found["session"]["name"] == "name 1"
    _, listed = await request(second.url, "GET", "demo/sessions", keys.display_key)
    assert [session["number"] for session in listed["sessions"]] == [1]
    for client in clients:
        await client.close()
    await leave(viewers)


async def test_the_running_session_can_be_deleted_on_any_node(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    viewers = await audience(first.url, "demo", ["happy"])
    for number, node in enumerate((first, second), 1):

        async def stored(number: int = number) -> bool:
            return bool(await moments(first, keys.display_key, number))

        await wait_until(stored)
        async with await subscribe(second.url, "demo", keys.display_key) as client:
            await client.receive_until(lambda m, n=number: isinstance(m, Status) and m.session == n)
            assert (await request(node.url, "DELETE", f"demo/sessions/{number}", keys.admin_key))[0] == 204
            await client.receive_until(lambda m, n=number: isinstance(m, Status) and m.session == n + 1)
    _, listed = await request(second.url, "GET", "demo/sessions", keys.display_key)
    assert {session["number"] for session in listed["sessions"]} <= {3}
    await leave(viewers)


async def test_when_the_writing_node_stops_another_goes_on_with_the_session(
    tmp_path: Path, redis: RedisServer, database_url: str
) -> None:
    patient = SHORT._replace(node_silence=3600.0)
    async with running(tmp_path, redis.url, patient, database=database_url) as cluster:
        first, second = await cluster.add(), await cluster.add()
        keys = first.create_channel("demo")
        viewers = await audience(first.url, "demo", ["happy"])
        await wait_until(lambda: moments(first, keys.display_key))
        viewers += await audience(second.url, "demo", ["sad", "fear"])
        async with await subscribe(second.url, "demo", keys.display_key) as client:
            await client.mood(lambda mood: mood.viewers == 3)
            await wait_until(lambda: moments(second, keys.display_key))
            await first.stop()
            # Its goodbye takes its viewers along: nobody waits for its silence, which would be noticed in an hour.
            await client.mood(lambda mood: mood.viewers == 2)

            async def second_writes() -> bool:
                return (await moments(second, keys.display_key))[-1]["viewers"] == 2

            await wait_until(second_writes)
        _, listed = await request(second.url, "GET", "demo/sessions", keys.display_key)
        assert [(session["number"], session["ended"]) for session in listed["sessions"]] == [(1, None)]
        await leave(viewers)


async def test_a_countdown_measures_the_viewers_of_all_nodes(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    keys = first.create_channel("demo")
    [viewer] = await audience(second.url, "demo", ["happy"])
    async with await subscribe(second.url, "demo", keys.display_key) as client:
        await client.mood()
        code, begun = await request(first.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3})
        assert code == 201
        seen = await client.receive_until(lambda message: isinstance(message, Countdown))
        assert seen.zero == begun["zero"]
        await viewer.receive_until(lambda message: isinstance(message, Countdown))
        await wait_until(lambda: time.time() >= seen.zero)
        await viewer.send(protocol.Zero())
        await viewer.receive_until(lambda message: isinstance(message, Delay))
    await viewer.close()


async def test_what_the_streamer_says_of_the_session_holds_on_all_nodes(pair: tuple[app.Relay, app.Relay, Any]) -> None:
    first, second, keys = pair
    await channel_arrives(second)
    viewers: list[Viewer] = []
    clients = [await subscribe(node.url, "demo", keys.display_key) for node in (first, second)]
    for number, (node, other) in enumerate([(first, second), (second, first)], 1):
        await said(node, keys, "open")
        for client in clients:
            await client.receive_until(is_state("open", number))
        if not viewers:  # not before: theirs would be a session of its own, of which something may be stored
            viewers = await audience(first.url, "demo", ["happy"]) + await audience(second.url, "demo", ["sad"])
        for viewer in viewers:
            await viewer.label("happy")
        await wait_until(lambda number=number: moments(first, keys.display_key, number))
        await said(other, keys, "paused")
        for client in clients:
            await client.receive_until(is_state("paused", number))
            mood = await client.mood(lambda mood: mood.paused)
            assert (mood.visible, mood.sharing, mood.viewers) == (False, 0, 2)
        # Whatever viewers of either node do now, no node stores or shows it.
        await quiet(first, second)
        before = await moments(first, keys.display_key, number)
        for client in clients:
            begun = await client.mood()
            while (last := await client.mood()).time < begun.time + 1.5:
                for viewer in viewers:
                    await viewer.label("angry")
                assert (last.paused, last.visible) == (True, False)
        await quiet(first, second)
        assert await moments(first, keys.display_key, number) == before
        await said(node, keys, "open")
        for client in clients:
            await client.receive_until(is_state("open", number))
        for viewer in viewers:
            await viewer.label("happy")
        for client in clients:
            await client.mood(lambda mood: mood.visible and count_of(mood, "happy") == 2)
        await said(other, keys, "ended")
        for client in clients:
            await client.receive_until(is_state("ended", None))
    for client in clients:
        await client.close()
    await leave(viewers)


async def test_a_node_that_comes_later_and_one_that_is_left_know_of_the_pause(
    tmp_path: Path, redis: RedisServer, database_url: str
) -> None:
    async with running(tmp_path, redis.url, database=database_url) as cluster:
        first = await cluster.add()
        keys = first.create_channel("demo")
        assert (await said(first, keys, "paused"))["state"] == "paused"
        second = await cluster.add()
        async with await subscribe(second.url, "demo", keys.display_key) as client:
            await client.mood(lambda mood: mood.paused)
            await first.stop()
            begun = await client.mood()
            last = await client.mood(lambda mood: mood.time > begun.time + 1.5)
            assert last.paused
            # Newest wins, whichever node heard it.
            third = await cluster.add()
            await said(third, keys, "auto")
            await client.receive_until(is_state("auto", None))
            await client.mood(lambda mood: not mood.paused)


# --- the streamer's own face -----------------------------------------------------------------------------------------


async def streamer(node: app.Relay, key: str, store: bool = False) -> Viewer:
    _, answer = await request(node.url, "POST", "demo/tickets", key, {"role": "streamer"})
    client = await Viewer.open(node.url, "/v1/channels/demo/viewer")
    assert isinstance(client, Viewer)
    await client.send(protocol.Hello(ticket=answer["ticket"], store=store))
    assert isinstance(await client.receive(), protocol.Welcome)
    return client


async def face(client: Client, emotion: protocol.Expression | None) -> None:
    await client.receive_until(lambda message: isinstance(message, protocol.Face) and message.emotion == emotion)


async def test_the_streamer_is_seen_on_all_nodes_and_the_newer_on_any_replaces_the_older(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    keys = first.create_channel("demo")
    await channel_arrives(second)
    async with (
        await subscribe(first.url, "demo", keys.display_key) as here,
        await subscribe(second.url, "demo", keys.display_key) as there,
    ):
        older = await streamer(first, keys.admin_key)
        await older.label("happy")
        await face(here, "happy")
        await face(there, "happy")
        newer = await streamer(second, keys.admin_key)
        await newer.label("sad")
        await face(here, "sad")
        await face(there, "sad")
        bye = await older.receive_until(lambda message: isinstance(message, protocol.Bye))
        assert bye.code == protocol.REPLACED.number
        mood = await here.mood()
        assert (mood.viewers, mood.sharing) == (0, 0)
        await newer.close()
        await face(here, None)
        await face(there, None)
        await older.close()


async def test_a_streamers_face_is_stored_by_the_node_that_writes(cluster: Cluster) -> None:
    first, second = await cluster.add(), await cluster.add()
    keys = first.create_channel("demo")
    await channel_arrives(second)
    viewers = await audience(first.url, "demo", ["sad"])
    shown = await streamer(second, keys.admin_key, store=True)

    async def is_stored() -> bool:
        await shown.label("happy")
        status, answer = await request(second.url, "GET", "demo/sessions/1", keys.display_key)
        return status == 200 and {row["emotion"] for row in answer.get("streamer", ())} == {"happy"}

    await wait_until(is_stored)
    await shown.close()
    await leave(viewers)
