"""Sessions and their moments: what is stored, what survives, what happens when the disk refuses."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.mood import Counts
from relay.core.timeline import Second
from relay.errors import DatabaseServerError
from relay.protocol import Hello, Reaction, Status
from relay.store import database
from relay.store.archive import Archive
from relay.store.history import History
from tests import support
from tests.postgres import PostgresServer
from tests.support import SOON, Viewer, audience, free_port, leave, subscribe, wait_until

GAP = 300.0
ONE_DATABASE = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.nightly)], indirect=True
)
"""Of a test that takes long and is about when something is stored, not where."""


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> database.Place:
    return database.prepare(str(tmp_path), database_url)


def moment(time: int, happy: int = 6) -> Second:
    return Second(time, 9, Counts((0, 0, 0, happy, 0, 0, 2)))


async def get(relay: Relay, key: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{relay.url}/v1/channels/demo/sessions{path}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return await response.json()


def test_what_is_put_is_found_again(place: database.Place) -> None:
    history = History(place)
    session = history.begin("demo", 100.0, GAP, 250, 5)
    history.put_session(session)
    history.put_moment(session, moment(101))
    history.put_moment(session, moment(102))
    reaction = Reaction(time=101.5, kind="tap", name="heart", strength=0.5, count=4)
    history.put_reaction(session, reaction)
    history.close()
    stored = support.stored(place, "demo", 1)
    assert stored is not None
    assert stored["moments"] == [
        {"time": time, "viewers": 9, "sharing": 8, "counts": (0, 0, 0, 6, 0, 0, 2), "valence": 0.75, "resonance": 0.75}
        for time in (101, 102)
    ]
    assert stored["reactions"] == [reaction]
    assert support.stored(place, "demo", 2) is None
    assert support.stored(place, "other", 1) is None


def test_what_is_told_of_a_second_never_changes(place: database.Place) -> None:
    """Also where another run of the relay, or another node, would tell it differently."""
    history = History(place)
    session = history.begin("demo", 100.0, GAP, 250, 5)
    history.put_session(session)
    for happy in (4, 6, 3):
        history.put_moment(session, moment(101, happy))
    history.close()
    stored = support.stored(place, "demo", 1)
    assert stored is not None
    assert [(found["sharing"], found["counts"][3]) for found in stored["moments"]] == [(6, 4)]


@pytest.mark.parametrize(("started", "last"), [(100.0, 5000), (100.0, 1004), (1500.0, None)])
def test_a_session_of_the_future_does_not_go_on(place: database.Place, started: float, last: int | None) -> None:
    """As after a clock that was ahead, whether the relay stopped in order or not: it would tell its seconds again."""
    history = History(place)
    session = history.begin("demo", started, GAP, 250, 5)
    history.put_session(session)
    if last:
        history.put_moment(session, moment(last))
    history.close()
    found = History(place)
    assert found.begin("demo", 1000.0, GAP, 250, 5).number == 2
    found.close()


def test_a_crash_ends_the_session_at_its_last_moment(place: database.Place) -> None:
    history = History(place)
    session = history.begin("demo", 100.0, GAP, 250, 5)
    history.put_session(session)
    history.put_moment(session, moment(160))
    history.close()  # without an end
    found = History(place)
    assert [(session.started, session.ended) for session in Archive(place).sessions("demo")] == [(100.0, 160.0)]
    assert found.begin("demo", 160.0 + GAP, GAP, 250, 5).number == 1
    assert found.begin("demo", 161.0 + GAP, GAP, 250, 5).number == 2
    found.close()


def test_sessions_count_per_channel_and_come_newest_first(place: database.Place) -> None:
    history = History(place)
    for channel, start in (("a", 0.0), ("b", 0.0), ("a", 1000.0), ("a", 2000.0)):
        session = history.begin(channel, start, GAP, 250, 5)
        history.put_session(session)
        history.put_session(type(session)(
            number=session.number, channel=channel, started=start, ended=start + 60, tick_ms=250, min_viewers=5
        ))  # fmt: skip
    history.close()
    assert [session.number for session in Archive(place).sessions("a")] == [3, 2, 1]
    assert [session.number for session in Archive(place).sessions("b")] == [1]


@contextlib.asynccontextmanager
async def running(folder: Path, url: str, **options: Any) -> AsyncIterator[Relay]:
    limits = options.pop("limits", SOON)
    options = {"port": 0, "data": str(folder), "database": url, "tick_ms": 50, "min_viewers": 2} | options
    relay = await app.start(RelaySettings(**options), limits)
    try:
        yield relay
    finally:
        await relay.stop()


@pytest.mark.slow
async def test_a_broadcast_is_stored_and_goes_on_after_a_restart(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url) as relay:
        key = relay.create_channel("demo").display_key
        assert await get(relay, key, "") == {"sessions": []}
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        await wait_until(lambda: stored_moments(relay, key, 2))
        await viewers[0].tap("clap")
        await wait_until(lambda: stored_reactions(relay, key))
        current = await get(relay, key, "/current")
        assert current["session"]["number"] == 1
        assert current["session"]["ended"] is None
        assert (current["session"]["tick_ms"], current["session"]["min_viewers"]) == (50, 2)
        assert current["moments"][0]["counts"] == [0, 0, 0, 1, 1, 0, 0]
        times = [moment["time"] for moment in current["moments"]]
        assert times == sorted(set(times))
        await leave(viewers)
    async with running(tmp_path, database_url) as relay:
        (row,) = (await get(relay, key, ""))["sessions"]
        assert row["ended"] - row["started"] == pytest.approx(row["seconds"], abs=0.1)
        assert (await get(relay, key, "/1"))["moments"][: len(times)] == current["moments"]
        assert (await get(relay, key, "/current"))["error"]["code"] == 4405
        viewers = await audience(relay.url, "demo", ["happy", "happy"])
        await wait_until(lambda: stored_moments(relay, key, len(times) + 1))
        assert (await get(relay, key, "/current"))["session"]["number"] == 1
        await leave(viewers)


async def delayed(url: str, delay: float) -> Viewer:
    """A viewer who sees the stream this many seconds late."""
    viewer = await Viewer.open(url, "/v1/channels/demo/viewer")
    assert isinstance(viewer, Viewer)
    await viewer.send(Hello(delay=delay))
    return viewer


@pytest.mark.slow
@ONE_DATABASE
async def test_what_delayed_viewers_show_is_stored_where_they_saw_it(tmp_path: Path, database_url: str) -> None:
    """Two see the stream at once and three see it 3 s later: the surprise of each is put to what they saw."""
    async with running(tmp_path, database_url) as relay:
        key = relay.create_channel("demo").display_key
        viewers = [await delayed(relay.url, delay) for delay in (0, 0, 3, 3, 3)]
        for viewer in viewers:
            await viewer.label("neutral")
        async with await subscribe(relay.url, "demo", key) as client:
            first = await client.mood(lambda mood: mood.sharing == 5)
            await client.mood(lambda mood: mood.time > first.time + 8)  # those with a delay have been here for longer
            for viewer in viewers[:2]:
                await viewer.label("surprise")
            at_once = await client.mood(lambda mood: mood.counts[5] == 2)
            for viewer in viewers[2:]:
                await viewer.label("surprise")
            later = await client.mood(lambda mood: mood.counts[5] == 5)

        async def surprised() -> list[Any] | None:
            moments: list[Any] = (await get(relay, key, "/current"))["moments"]
            return moments if moments[-1]["time"] > at_once.time + 1 else None

        moments = await wait_until(surprised, timeout=60)
        assert {moment["sharing"] for moment in moments} == {5}
        three = next(moment["time"] for moment in moments if moment["counts"][5] >= 3)
        five = next(moment["time"] for moment in moments if moment["counts"][5] == 5)
        assert three == pytest.approx(later.time - 3, abs=1.1)
        assert five == pytest.approx(at_once.time, abs=1.1)

        tapped = await tap_heart(relay, key, viewers[4])
        assert tapped["stored"] == pytest.approx(tapped["seen"] - 3, abs=0.1)  # most of those who share see it 3 s late
        await leave(viewers)


async def tap_heart(relay: Relay, key: str, viewer: Viewer) -> dict[str, float]:
    """When subscribers saw the tap, and the time at which the history has it."""
    async with await subscribe(relay.url, "demo", key) as client:
        await viewer.tap("heart")
        seen = await client.receive_until(lambda found: isinstance(found, Reaction) and found.name == "heart")

    async def stored() -> list[Any]:
        reactions = (await get(relay, key, "/current"))["reactions"]
        return [reaction["time"] for reaction in reactions if reaction["name"] == "heart"]

    return {"seen": seen.time, "stored": (await wait_until(stored))[0]}


@pytest.mark.slow
@ONE_DATABASE
async def test_who_polls_the_running_session_sees_no_second_grow(tmp_path: Path, database_url: str) -> None:
    """Six see the stream at once and one sees it 7 s later: by how much a second grew would be that one's label."""
    async with running(tmp_path, database_url, min_viewers=5) as relay:
        key = relay.create_channel("demo").display_key
        viewers = [await delayed(relay.url, 7 if number == 6 else 0) for number in range(7)]
        for viewer in viewers:
            await viewer.label("happy")
        told: dict[int, Any] = {}

        async def watched() -> bool:
            for moment in (await get(relay, key, "/current"))["moments"]:
                if moment["time"] not in told:
                    await viewers[6].label(("sad", "happy")[len(told) % 2])
                assert told.setdefault(moment["time"], moment) == moment
            return max(told, default=0) - min(told, default=0) >= 10

        await wait_until(watched, timeout=60)
        assert {moment["sharing"] for moment in told.values()} <= {5, 6, 7}  # not all joined in the first second
        assert [moment["sharing"] for _, moment in sorted(told.items())][1:] == [7] * (len(told) - 1)
        await leave(viewers)


@pytest.mark.slow
async def test_who_comes_again_with_a_longer_delay_is_no_crowd(tmp_path: Path, database_url: str) -> None:
    """Four honest viewers and one who reconnects each second: the history never has more than were there."""
    async with running(tmp_path, database_url) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy"] * 4)
        async with await subscribe(relay.url, "demo", key) as client:
            for delay in range(8):
                again = await delayed(relay.url, delay)
                await again.label("sad")
                there = await client.mood(lambda mood: mood.sharing == 5)
                await client.mood(lambda mood: mood.time > there.time + 1)  # noqa: B023
                await again.close()
                await client.mood(lambda mood: mood.sharing == 4)
        moments = (await get(relay, key, "/current"))["moments"]
        assert len(moments) >= 8
        assert max(moment["sharing"] for moment in moments) == 5
        await leave(viewers)


@pytest.mark.slow
async def test_a_pause_is_not_filled_with_what_came_after_it(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        await wait_until(lambda: stored_moments(relay, key, 1))
        async with await subscribe(relay.url, "demo", key) as client:
            await viewers[1].away()
            hidden = await client.mood(lambda mood: not mood.visible)
            await client.mood(lambda mood: mood.time > hidden.time + 3)
            await viewers[1].label("angry")
            shown = await client.mood(lambda mood: mood.visible)

        async def after() -> list[int] | None:
            times = [moment["time"] for moment in (await get(relay, key, "/current"))["moments"]]
            return times if times[-1] >= shown.time else None

        times = await wait_until(after)
        assert times[0] <= hidden.time
        assert not [time for time in times if hidden.time < time < int(shown.time)]
        await leave(viewers)


async def stored_moments(relay: Relay, key: str, least: int) -> bool:
    return len((await get(relay, key, "/current")).get("moments", [])) >= least


async def stored_reactions(relay: Relay, key: str) -> bool:
    found = (await get(relay, key, "/current"))["reactions"]
    return [(reaction["kind"], reaction["name"], reaction["count"]) for reaction in found] == [("tap", "clap", 1)]


@pytest.mark.slow
async def test_below_min_viewers_nothing_is_stored(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url, min_viewers=3) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        async with await subscribe(relay.url, "demo", key) as client:
            first = await client.mood(lambda mood: mood.viewers == 2)
            await client.mood(lambda mood: mood.time > first.time + 2)
        current = await get(relay, key, "/current")
        assert current["session"]["number"] == 1
        assert (current["moments"], current["reactions"]) == ([], [])
        await leave(viewers)
    with database.opened(database_url or tmp_path / database.FILE) as file:
        for table in ("sessions", "moments", "reactions"):
            assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.slow
async def test_a_session_ends_after_a_while_without_viewers(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url, limits=SOON._replace(session_gap=0.3)) as relay:
        key = relay.create_channel("demo").display_key
        async with await subscribe(relay.url, "demo", key) as client:
            for number in (1, 2):
                viewers = await audience(relay.url, "demo", ["happy", "sad"])
                await client.receive_until(lambda found: isinstance(found, Status) and found.session == number)  # noqa: B023
                await client.mood(lambda found: found.visible)
                await leave(viewers)
                await client.receive_until(lambda found: isinstance(found, Status) and found.session is None)
        await wait_until(lambda: sessions_ended(relay, key, 2))


async def sessions_ended(relay: Relay, key: str, number: int) -> bool:
    rows = (await get(relay, key, ""))["sessions"]
    return len(rows) == number and all(row["ended"] is not None for row in rows)


async def test_a_session_that_goes_on_has_no_end_also_before_anything_more_is_stored(
    tmp_path: Path, database_url: str
) -> None:
    async with running(tmp_path, database_url) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        await wait_until(lambda: stored_moments(relay, key, 1))
        await leave(viewers)
    async with running(tmp_path, database_url) as relay:
        assert (await get(relay, key, ""))["sessions"][0]["ended"]
        viewers = await audience(relay.url, "demo", ["happy"])  # too few to be shown, and so for anything to be stored
        await wait_until(lambda: relay.connections("demo") == (1, 0))
        assert (await get(relay, key, "/current"))["session"]["ended"] is None
        assert (await get(relay, key, "/1"))["session"]["ended"] is None
        [listed] = (await get(relay, key, ""))["sessions"]
        assert listed["ended"] is None
        await leave(viewers)


@pytest.mark.slow
async def test_when_the_file_is_locked_the_mood_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    async with running(tmp_path, "") as relay:
        key = relay.create_channel("demo").display_key
        blocker = sqlite3.connect(tmp_path / database.FILE, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        async with await subscribe(relay.url, "demo", key) as client:
            await client.mood(lambda found: found.visible)
            warned = await client.receive_until(lambda found: isinstance(found, Status) and bool(found.warnings))
            assert "not being stored" in warned.warnings[0]
            assert (await client.mood()).visible
            blocker.execute("ROLLBACK")
            blocker.close()
            await client.receive_until(lambda found: isinstance(found, Status) and not found.warnings)
        times = [moment["time"] for moment in (await get(relay, key, "/current"))["moments"]]
        assert len(times) >= 2
        assert times == list(range(times[0], times[0] + len(times)))
        await leave(viewers)


@pytest.mark.slow
async def test_when_the_server_is_away_the_mood_goes_on_and_nothing_is_lost(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async with running(tmp_path, postgres.new_database()) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        async with await subscribe(relay.url, "demo", key) as client:
            await client.mood(lambda found: found.visible)
            await asyncio.to_thread(postgres.stop)
            warned = await client.receive_until(lambda found: isinstance(found, Status) and bool(found.warnings))
            assert "not being stored" in warned.warnings[0]
            assert "127.0.0.1" not in warned.warnings[0]
            assert (await client.mood()).visible
            await asyncio.to_thread(postgres.start)
            await client.receive_until(lambda found: isinstance(found, Status) and not found.warnings)
        times = [moment["time"] for moment in (await get(relay, key, "/current"))["moments"]]
        assert len(times) >= 2
        assert times == list(range(times[0], times[0] + len(times)))
        await leave(viewers)


async def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://me:s3cret@127.0.0.1:{free_port()}/moodcast"
    with pytest.raises(DatabaseServerError, match="--database") as error:
        await app.start(RelaySettings(port=0, data=str(tmp_path), database=url))
    assert error.value.exit_code == 38
    assert "the PostgreSQL database moodcast at 127.0.0.1" in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@h:port/x", "postgresql://me:s3cret%zz@h/x", "postgres://[s3cret"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseServerError, match="--database") as error:
        database.prepare("", url)
    assert "s3cret" not in str(error.value)


def test_tables_of_a_newer_relay_on_a_server_are_left_alone(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    database.prepare("", url)
    with database.opened(url) as server:
        server.execute("UPDATE moodcast SET version = 99")
    with pytest.raises(DatabaseServerError, match="newer Moodcast"):
        database.prepare("", url)
