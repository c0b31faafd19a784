"""One node writes a channel's history, and a killed one is followed by another."""

import asyncio
import contextlib
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relay import app
from relay.core.mood import Counts
from relay.core.timeline import Second
from relay.store import database
from relay.store.archive import Archive
from relay.store.database import Connection
from relay.store.history import History
from relay.store.leases import Leases
from tests.redis_server import RedisServer
from tests.support import audience, free_port, leave, stored, subscribe, wait_until

LENGTH = 0.5
"""Of leases in these tests, in seconds."""


class Holder:
    """A node's history and leases."""

    def __init__(self, place: database.Place, name: str) -> None:
        self.place = place
        self.history = History(place, name)
        self.taken: list[tuple[str, float]] = []

        def taken(connection: Connection, channel: str, alive: float) -> None:
            self.taken.append((channel, alive))
            self.history.learn(connection, channel, alive)

        self.leases = Leases(place, name, LENGTH, taken)

    async def stop(self) -> None:
        await asyncio.to_thread(self.history.close)
        await asyncio.to_thread(self.leases.stop)


@pytest.fixture
async def pair(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Holder, Holder]]:
    place = database.prepare(str(tmp_path), database_url)
    both = Holder(place, "a"), Holder(place, "b")
    yield both
    for one in both:
        await one.stop()


def lease(place: database.Place, channel: str) -> tuple[str, float]:
    """The node that has it, and the Unix time at which it ends if it is not renewed."""
    with contextlib.closing(database.connect(place)) as connection, connection.transaction():
        row = connection.execute("SELECT node, expires FROM leases WHERE channel = ?", (channel,)).fetchone()
    return row[0], float(row[1])


async def test_one_of_two_gets_it_and_the_other_when_it_is_given_back(pair: tuple[Holder, Holder]) -> None:
    for one in pair:
        one.leases.want(["demo", "other"])
    await wait_until(lambda: any(one.leases.held("demo") for one in pair))
    ends = lease(pair[0].place, "demo")[1]

    def renewed_by_one() -> bool:
        assert sum(one.leases.held("demo") for one in pair) <= 1
        return lease(pair[0].place, "demo")[1] > ends + LENGTH

    await wait_until(renewed_by_one)
    holder, other = sorted(pair, key=lambda one: not one.leases.held("demo"))
    holder.leases.want(["other"])
    assert not holder.leases.held("demo")
    holder.history.release("demo")
    await wait_until(lambda: other.leases.held("demo"))
    assert ("demo", 0.0) in other.taken


@pytest.mark.slow
async def test_a_holder_that_renews_keeps_it_and_one_that_does_not_loses_it(pair: tuple[Holder, Holder]) -> None:
    first, second = pair
    first.leases.want(["demo"])
    await wait_until(lambda: first.leases.held("demo"))
    second.leases.want(["demo"])
    node, ends = lease(first.place, "demo")
    await wait_until(lambda: lease(first.place, "demo")[1] > ends + 2 * LENGTH)
    assert lease(first.place, "demo")[0] == node
    assert first.leases.held("demo")
    assert not second.leases.held("demo")
    before = time.time()
    first.leases.want([])  # as a node that was killed: nothing is given back
    await wait_until(lambda: second.leases.held("demo"))
    [(_, alive)] = second.taken
    assert before - 1 < alive < time.time()


def moment(time: int) -> Second:
    return Second(time=time, viewers=9, counts=Counts((0, 0, 0, 9, 0, 0, 0)))


async def test_what_a_node_without_the_lease_has_queued_is_not_written(pair: tuple[Holder, Holder]) -> None:
    """As when a node was stopped for long, and another one goes on with the session meanwhile."""
    first, second = pair
    first.leases.want(["demo"])
    await wait_until(lambda: first.leases.held("demo"))
    now = time.time()
    session = first.history.begin("demo", now, 300, 250, 1)
    first.history.put_session(session)
    first.history.put_moment(session, moment(int(now)))
    await wait_until(lambda: len((stored(first.place, "demo", 1) or {"moments": []})["moments"]) == 1)
    first.leases.want([])
    second.leases.want(["demo"])
    await wait_until(lambda: second.leases.held("demo"))
    goes_on = second.history.begin("demo", time.time(), 300, 250, 1)
    assert (goes_on.number, goes_on.started, goes_on.ended) == (session.number, session.started, None)
    second.history.put_moment(goes_on, moment(int(now) + 1))
    first.history.put_moment(session, moment(int(now) + 2))
    await asyncio.wrap_future(first.history.rename("demo", 1, "any node may name it"))
    await asyncio.wrap_future(second.history.rename("demo", 1, "so may the other"))
    found = stored(second.place, "demo", 1)
    assert found
    assert [one["time"] - int(now) for one in found["moments"]] == [0, 1]
    assert (first.history.written, first.history.dropped) == (3, 1)  # session, moment, name; the moment that came late


async def test_a_node_that_starts_leaves_the_session_of_another_open(
    pair: tuple[Holder, Holder], tmp_path: Path
) -> None:
    first, _ = pair
    first.leases.want(["demo"])
    await wait_until(lambda: first.leases.held("demo"))
    session = first.history.begin("demo", time.time(), 300, 250, 1)
    first.history.put_session(session)
    await asyncio.wrap_future(first.history.rename("demo", 1, "name"))
    late = History(first.place, "c")
    assert [found.ended for found in Archive(first.place).sessions("demo")] == [None]
    late.close()


# --- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer.started() as server:
        yield server


@contextlib.asynccontextmanager
async def node(folder: Path, redis: RedisServer) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """``moodcast relay`` as a program: its process, its address and the display key of `demo`, if it made that."""
    port = free_port()
    options = [
        "--data",
        str(folder),
        "--cluster",
        redis.url,
        "--channel",
        "demo",
        "--tick-ms",
        "50",
        "--min-viewers",
        "1",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "relay", "--port", str(port), *options, stdout=asyncio.subprocess.PIPE,
        cwd=Path(app.__file__).parents[1],
    )  # fmt: skip
    assert process.stdout is not None
    try:
        text = ""
        while "Display key" not in text and "were shown when" not in text:
            line = await process.stdout.readline()
            assert line, "the relay did not start"
            text = line.decode()
        yield process, f"http://127.0.0.1:{port}", text.split()[-1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills as Linux has them")
async def test_a_killed_node_loses_its_viewers_and_another_goes_on_with_the_session(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with node(tmp_path, redis) as (killed, first, key), node(tmp_path, redis) as (_, second, _):
        theirs = await audience(first, "demo", ["happy"] * 2)
        with contextlib.closing(sqlite3.connect(tmp_path / database.FILE)) as file:

            def stored(viewers: int) -> bool:
                query = "SELECT count(*) FROM moments WHERE session = 1 AND viewers = ?"
                return bool(file.execute(query, (viewers,)).fetchone()[0])

            await wait_until(lambda: stored(2))
            ours = await audience(second, "demo", ["sad"])
            async with await subscribe(second, "demo", key) as client:
                await client.mood(lambda mood: mood.visible and mood.sharing == 3)
                killed.kill()
                # Theirs vanish with the next seconds, ours stay all the time; then we write.
                await client.mood(lambda mood: mood.visible and mood.sharing == 1)
                await wait_until(lambda: stored(1), timeout=60)
            sessions = file.execute("SELECT number, ended FROM sessions").fetchall()
            times = [row[0] for row in file.execute("SELECT time FROM moments ORDER BY time").fetchall()]
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert sessions == [(1, None)]
        assert len(times) == len(set(times))
        await leave(ours)
        for viewer in theirs:
            await viewer.close()
