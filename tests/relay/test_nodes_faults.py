"""Several relays as one, while Redis fails, or is not theirs alone."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.core.mood import HAPPY
from relay.errors import SettingsError
from relay.protocol import Status
from relay.store import database
from tests.redis_server import RedisServer
from tests.relay.nodes import SHORT, Cluster, channel_arrives, is_state, moments, quiet, running, said, status
from tests.support import Client, audience, count_of, leave, request, subscribe, wait_until


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with RedisServer.started() as server:
        yield server


async def test_redis_killed_and_restarted(tmp_path: Path, own_redis: RedisServer) -> None:
    async with running(tmp_path, own_redis.url) as cluster:
        first, second = await cluster.add(), await cluster.add()
        key = first.create_channel("demo").display_key
        viewers = await audience(first.url, "demo", ["happy"] * 2) + await audience(second.url, "demo", ["sad"])
        clients = [await subscribe(node.url, "demo", key) for node in (first, second)]
        for client in clients:
            await client.mood(lambda mood: mood.sharing == 3)
        own_redis.kill()
        for client, alone in zip(clients, (2, 1), strict=True):
            said = await status(client, partial=True)
            assert "Redis does not answer" in said.warnings[0]
            await client.mood(lambda mood, alone=alone: mood.visible and mood.sharing == alone)
        await viewers[0].label("fear")  # live goes on
        await clients[0].mood(lambda mood: count_of(mood, "fear") == 1)
        own_redis.start()
        for client in clients:
            await status(client, partial=False)
            await client.mood(lambda mood: mood.sharing == 3)
            await client.close()
        await leave(viewers)


async def _cluster_figures(url: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if line.startswith("moodcast_clus"))}


async def test_metrics_tell_of_the_nodes_and_of_redis(tmp_path: Path, own_redis: RedisServer) -> None:
    async with running(tmp_path, own_redis.url) as cluster:
        nodes = [await cluster.add() for _ in range(3)]

        async def figures(**expected: float) -> bool:
            found = [await _cluster_figures(node.url) for node in nodes[:2]]
            return all(one[f"moodcast_cluster_{name}"] == value for one in found for name, value in expected.items())

        await wait_until(lambda: figures(nodes=3, nodes_missing=0, partial=0, connected=1, rejected_total=0))
        found = await _cluster_figures(nodes[0].url)
        assert 0 < found["moodcast_cluster_report_age_seconds"] < SHORT.node_silence
        assert found["moodcast_cluster_merge_seconds_count"] > 0
        await nodes[2].stop()  # with a goodbye
        await wait_until(lambda: figures(nodes=2, nodes_missing=0, partial=0, connected=1))
        own_redis.kill()
        await wait_until(lambda: figures(nodes=1, nodes_missing=1, partial=1, connected=0, report_age_seconds=0))
        own_redis.start()
        await wait_until(lambda: figures(nodes=2, nodes_missing=0, partial=0, connected=1))


async def test_a_pause_holds_on_all_nodes_while_redis_is_away(
    tmp_path: Path, own_redis: RedisServer, database_url: str
) -> None:
    """They store and show nothing, though they can't hear who was told of it: it is in their database."""
    async with running(tmp_path, own_redis.url, database=database_url) as cluster:
        first, second = await cluster.add(), await cluster.add()
        keys = first.create_channel("demo")
        await channel_arrives(second)
        viewers = await audience(first.url, "demo", ["happy"]) + await audience(second.url, "demo", ["sad"])
        nodes = (first, second)
        clients = [await subscribe(node.url, "demo", keys.display_key) for node in nodes]
        await said(first, keys, "open")
        for client in clients:
            await client.receive_until(is_state("open", 1))
        await wait_until(lambda: moments(first, keys.display_key, 1))
        own_redis.kill()
        for client in clients:
            await client.receive_until(lambda m: isinstance(m, Status) and bool(m.warnings))
        for node in nodes:  # whichever of them writes
            await said(node, keys, "paused")
            for client in clients:
                await client.mood(lambda mood: mood.paused)
            await quiet(*nodes)
            before = await moments(first, keys.display_key, 1)
            for client in clients:
                begun = await client.mood()
                while (last := await client.mood()).time < begun.time + 1.5:
                    for viewer in viewers:
                        await viewer.label("angry")
                    assert (last.paused, last.visible) == (True, False)
            await quiet(*nodes)
            assert await moments(first, keys.display_key, 1) == before
            await said(node, keys, "open")
            for client in clients:
                await client.mood(lambda mood: not mood.paused)
        own_redis.start()
        for client in clients:
            await status(client, partial=False)
            assert not (await client.mood()).paused
            await client.close()
        await leave(viewers)


def _rows(place: database.Place, what: str) -> list[tuple[Any, ...]]:
    with database.opened(place) as file:
        return [tuple(row) for row in file.execute(what).fetchall()]


async def _without_redis(cluster: Cluster, own_redis: RedisServer) -> tuple[app.Relay, app.Relay, Any, list[Client]]:
    """The node that writes the history of a session that runs, another one that can't tell it anything, the channel's
    keys, and a viewer on each."""
    both = await cluster.add(), await cluster.add()
    keys = both[0].create_channel("demo")
    await channel_arrives(both[1])
    viewers = [viewer for node in both for viewer in await audience(node.url, "demo", ["happy"])]
    await wait_until(lambda: moments(both[0], keys.display_key))
    own_redis.kill()
    await wait_until(lambda: all(node._node.cut_off for node in both))
    writer, other = sorted(both, key=lambda node: not node._node.writes("demo"))
    return writer, other, keys, viewers


async def test_a_session_deleted_elsewhere_while_redis_is_away_is_not_written_on(
    tmp_path: Path, own_redis: RedisServer, database_url: str
) -> None:
    place = database.prepare(str(tmp_path), database_url)
    async with running(tmp_path, own_redis.url, database=database_url) as cluster:
        writer, other, keys, viewers = await _without_redis(cluster, own_redis)
        assert (await request(other.url, "DELETE", "demo/sessions/1", keys.admin_key))[0] == 204
        await wait_until(lambda: moments(writer, keys.display_key, 2))  # what runs now is another session
        assert _rows(place, "SELECT number FROM sessions") == [(2,)]
        own_redis.start()
        async with await subscribe(writer.url, "demo", keys.display_key) as client:
            await status(client, partial=False)
            await other.stop()  # so that all that it had to tell is told
            known = len(await moments(writer, keys.display_key, 2))
            await wait_until(lambda: _more(writer, keys.display_key, known))
        await writer.stop()  # with the end of what runs
        for table in ("moments", "reactions"):
            assert {session for (session,) in _rows(place, f"SELECT session FROM {table}")} <= {2}
        [(number, ended)] = _rows(place, "SELECT number, ended FROM sessions")
        assert number == 2
        assert ended is not None
        await leave(viewers)


async def _more(node: app.Relay, key: str, known: int) -> bool:
    return len(await moments(node, key, 2)) > known


async def test_a_channel_made_anew_elsewhere_while_redis_is_away_has_nothing_of_the_old_one(
    tmp_path: Path, own_redis: RedisServer, database_url: str
) -> None:
    place = database.prepare(str(tmp_path), database_url)
    async with running(tmp_path, own_redis.url, database=database_url) as cluster:
        writer, other, keys, viewers = await _without_redis(cluster, own_redis)
        await said(writer, keys, "paused")
        assert _rows(place, "SELECT state FROM commands") == [("paused",)]
        assert (await request(other.url, "DELETE", "demo", keys.admin_key))[0] == 204
        anew = other.create_channel("demo")
        made = other._channels.created("demo")
        await said(writer, keys, "open")  # by the old key, which it still knows

        async def sent_away() -> bool:  # noticed as it wrote
            for viewer in viewers:
                with contextlib.suppress(ConnectionError):
                    await viewer.label("happy")
            return not writer._hub.members.channels

        await wait_until(sent_away)
        own_redis.start()
        newcomers = await audience(writer.url, "demo", ["sad"]) + await audience(other.url, "demo", ["fear"])
        async with await subscribe(other.url, "demo", anew.display_key) as client:
            mood = await client.mood(lambda mood: mood.sharing == 2)
            assert (count_of(mood, "happy"), mood.paused) == (0, False)
        await wait_until(lambda: moments(other, anew.display_key))
        told = await moments(other, anew.display_key)
        assert all(moment["time"] >= int(made) and not moment["counts"][HAPPY] for moment in told)
        assert _rows(place, "SELECT state FROM commands") == []
        [(number, started)] = _rows(place, "SELECT number, started FROM sessions")
        assert number == 1
        assert started >= made
        await leave(viewers + newcomers)


async def test_a_frozen_redis_holds_no_tick_up(tmp_path: Path, own_redis: RedisServer) -> None:
    async with running(tmp_path, own_redis.url) as cluster:
        node = await cluster.add()
        key = node.create_channel("demo").display_key
        viewers = await audience(node.url, "demo", ["happy"])
        async with await subscribe(node.url, "demo", key) as client:
            before = await client.mood(lambda mood: mood.visible)
            own_redis.freeze()
            try:
                await status(client, partial=True)
                after = await client.mood()
                # Each tick had its mood: half of them at least, since the machine may have other work.
                assert after.seq - before.seq > (after.time - before.time) / 0.05 / 2
            finally:
                own_redis.thaw()
            await status(client, partial=False)
        await leave(viewers)


async def test_redis_down_at_the_start(tmp_path: Path, own_redis: RedisServer) -> None:
    own_redis.kill()
    async with running(tmp_path, own_redis.url) as cluster:
        first, second = await cluster.add(), await cluster.add()
        key = first.create_channel("demo").display_key
        viewers = await audience(first.url, "demo", ["happy"])
        async with await subscribe(first.url, "demo", key) as client:
            await status(client, partial=True)
            await client.mood(lambda mood: mood.visible)
            own_redis.start()
            await status(client, partial=False)
        async with await subscribe(second.url, "demo", key) as client:
            await client.mood(lambda mood: mood.sharing == 1)
        await leave(viewers)


async def test_a_wrong_password_of_redis_is_told_and_the_relay_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer.started(password="sesame") as server:
        async with running(tmp_path, f"redis://:guess@127.0.0.1:{server.port}") as cluster:
            node = await cluster.add()
            key = node.create_channel("demo").display_key
            viewers = await audience(node.url, "demo", ["happy"])
            async with await subscribe(node.url, "demo", key) as client:
                said = await status(client, partial=True)
                assert "refuses" in said.warnings[0]
                await client.mood(lambda mood: mood.visible)
            await leave(viewers)
    assert "guess" not in caplog.text
    assert "refuses its user or password" in caplog.text


async def test_garbage_on_the_topic_changes_nothing(tmp_path: Path, own_redis: RedisServer) -> None:
    from redis.asyncio import Redis

    async with running(tmp_path, own_redis.url) as cluster, Redis.from_url(own_redis.url) as stranger:
        first, second = await cluster.add(), await cluster.add()
        key = first.create_channel("demo").display_key
        viewers = await audience(first.url, "demo", ["happy"] * 2)
        async with await subscribe(second.url, "demo", key) as client:
            await client.mood(lambda mood: mood.sharing == 2)
            [topic] = await stranger.pubsub_channels("moodcast:*")
            for garbage in (b"", b"{}", b"\xc1" * 100, b"\x96\xa6report" + b"\x00" * 9, b"x" * 1_000_000):
                await stranger.publish(topic, garbage)
            seen = await client.mood()
            mood = await client.mood(lambda mood: mood.seq > seen.seq + 5)
            assert mood.sharing == 2
        await leave(viewers)


async def test_two_installations_on_one_redis_do_not_mix(tmp_path: Path, own_redis: RedisServer) -> None:
    async with running(tmp_path / "a", own_redis.url) as ours, running(tmp_path / "b", own_redis.url) as theirs:
        here, there = await ours.add(), await theirs.add()
        keys = [relay.create_channel("demo") for relay in (here, there)]
        viewers = await audience(here.url, "demo", ["happy"] * 2) + await audience(there.url, "demo", ["sad"])
        for relay, key, sharing in zip((here, there), keys, (2, 1), strict=True):
            async with await subscribe(relay.url, "demo", key.display_key) as client:
                seen = await client.mood(lambda mood, sharing=sharing: mood.sharing == sharing)
                mood = await client.mood(lambda mood, seq=seen.seq: mood.seq > seq + 10)
                assert mood.sharing == sharing
        await leave(viewers)


async def test_an_address_that_is_none_ends_the_start(tmp_path: Path) -> None:
    """And nothing of it goes on: not the thread that writes the history, nor the hold on the database."""
    before = set(threading.enumerate())
    with pytest.raises(SettingsError, match="--cluster"):
        await Cluster(tmp_path, "redis://host:port").add()
    assert [thread.name for thread in set(threading.enumerate()) - before if thread.name in ("history", "leases")] == []
    async with running(tmp_path, "") as alone:
        await alone.add()
