"""A machine's clock that is set while the relay runs, or was wrong before: what is stored, and where."""

import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.clock import READ_S, STEP_S, TOLD_S, Clock
from relay.core.limits import Limits
from relay.protocol import Status
from relay.store import database
from tests.support import SOON, audience, leave, request, subscribe, wait_until

HOUR, YEAR = 3600.0, 365 * 86_400.0


class Machine:
    """A machine's two clocks."""

    def __init__(self) -> None:
        self.wall, self.steady = 1e9, 50.0
        self.stops: float = 0.0
        """Seconds for which the process stands still when it has read the wall clock the next time."""

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def read(self) -> float:
        wall = self.wall
        self.run(self.stops)
        self.stops = 0.0
        return wall

    def clock(self) -> Clock:
        return Clock(self.read, lambda: self.steady)


def test_it_runs_as_the_steady_clock_does_and_small_differences_are_left_alone() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(10):
        machine.run(10.0)
        machine.wall += STEP_S / 11
        assert clock.follow() == 0.0
    assert clock.now() == clock.at(150.0) == pytest.approx(1e9 + 100, abs=0.1)
    assert (clock.even_s, clock.warning) == (100.0, "")


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (3600.0, "The relay's clock was set forward by 3600 s, or it slept: the history has a gap there."),
        (-3600.0, "The relay's clock was set back by 3600 s: the history goes on in a new session."),
    ],
)
def test_it_follows_a_step_once_and_tells_of_it_for_a_while(step: float, sentence: str) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.run(5.0)
    machine.wall += step
    assert clock.now() == pytest.approx(1e9 + 5, abs=0.1)  # until the next tick
    assert clock.follow() == pytest.approx(step, abs=0.1)
    assert clock.now() == pytest.approx(1e9 + 5 + step, abs=0.1)
    assert clock.follow() == 0.0
    assert (clock.even_s, clock.warning) == (0.0, sentence)
    machine.run(TOLD_S)
    assert clock.warning == ""


def test_a_process_that_stands_still_between_two_looks_is_no_step() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.stops = 60.0
    assert clock.follow() == 0.0
    assert clock.follow() == 0.0
    assert clock.now() == pytest.approx(1e9 + 60, abs=0.1)


def test_two_seconds_are_left_alone_and_more_is_a_step() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += STEP_S
    assert clock.follow() == 0.0
    machine.wall += 0.25
    assert clock.follow() == STEP_S + 0.25


def test_a_step_is_seen_though_reading_both_clocks_took_half_a_second() -> None:
    for stops, step in ((READ_S, 100.0), (READ_S + 0.25, 0.0)):
        machine = Machine()
        clock = machine.clock()
        machine.wall += 100.0 + stops
        machine.stops = stops
        assert clock.follow() == step


# --- a relay ---------------------------------------------------------------------------------------------------------


class Settable:
    """This machine's clock, ``ahead`` seconds ahead."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self.clock = Clock(lambda: time.time() + self.ahead)


@contextlib.asynccontextmanager
async def running(folder: Path, machine: Settable, limits: Limits = SOON, **options: Any) -> AsyncIterator[Relay]:
    options = {"port": 0, "data": str(folder), "tick_ms": 50, "min_viewers": 2} | options
    relay = await app.start(RelaySettings(**options), limits, clock=machine.clock)
    try:
        yield relay
    finally:
        await relay.stop()


async def ready(relay: Relay) -> bool:
    async with aiohttp.ClientSession() as session, session.get(relay.url + "/readyz") as response:
        return response.status == 200


async def session(relay: Relay, key: str, number: int | str) -> Any:
    return (await request(relay.url, "GET", f"demo/sessions/{number}", key))[1]


async def times(relay: Relay, key: str, number: int, least: int = 3) -> list[int]:
    """The seconds that are stored of a session, once there are so many."""

    async def enough() -> list[int] | None:
        moments = (await session(relay, key, number)).get("moments", [])
        return [moment["time"] for moment in moments] if len(moments) >= least else None

    return await wait_until(enough, timeout=60)


@pytest.mark.slow
async def test_a_clock_that_is_set_back_begins_a_new_session_at_once(tmp_path: Path) -> None:
    machine = Settable()
    async with running(tmp_path, machine) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        before = await times(relay, key, 1)
        async with await subscribe(relay.url, "demo", key) as client:
            machine.ahead = -HOUR
            status = await client.receive_until(lambda found: isinstance(found, Status) and found.session == 2)
            assert ["set back by 3600 s" in warning for warning in status.warnings] == [True]
            mood = await client.mood()
            assert mood.visible
            assert mood.time == pytest.approx(time.time() - HOUR, abs=10)
        after = await times(relay, key, 2)
        assert await ready(relay)
        ended = (await session(relay, key, 1))["session"]["ended"]
        assert before[-1] <= ended
        assert max(after) <= time.time() - HOUR
        assert after == list(range(after[0], after[0] + len(after)))
        await leave(viewers)


@pytest.mark.slow
async def test_a_clock_that_is_set_forward_is_a_pause(tmp_path: Path) -> None:
    """As after a machine slept. A longer one ends the session, as any long pause does."""
    machine = Settable()
    async with running(tmp_path, machine) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        before = await times(relay, key, 1)

        async def sleep(seconds: float) -> None:
            """What was shown before it is too old: nothing is shown or stored before the viewers say it anew."""
            async with await subscribe(relay.url, "demo", key) as client:
                machine.ahead += seconds
                woken = await client.mood(lambda mood: mood.time > time.time() + machine.ahead - 100)
                assert (woken.visible, woken.viewers) == (False, 2)
            for viewer in viewers:
                await viewer.label("happy")

        await sleep(200)
        both = await times(relay, key, 1, len(before) + 5)
        assert both == sorted(set(both))
        (gap,) = [later - earlier for earlier, later in itertools.pairwise(both) if later - earlier > 1]
        assert gap == pytest.approx(200, abs=3)
        await sleep(HOUR)
        assert min(await times(relay, key, 2)) > max(both) + HOUR - 10
        assert (await session(relay, key, 1))["session"]["ended"] < max(both) + HOUR / 2
        assert await ready(relay)
        await leave(viewers)


@pytest.mark.slow
async def test_a_session_begun_by_a_clock_that_was_ahead_is_not_taken_up(tmp_path: Path) -> None:
    async with running(tmp_path, Settable(YEAR)) as relay:
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        assert min(await times(relay, key, 1)) > time.time() + YEAR / 2
        await leave(viewers)
    async with running(tmp_path, Settable()) as relay:
        viewers = await audience(relay.url, "demo", ["happy", "sad"])
        assert max(await times(relay, key, 2)) <= time.time()
        async with await subscribe(relay.url, "demo", key) as client:
            status = await client.receive_until(lambda found: isinstance(found, Status))
            assert ["in the future" in warning for warning in status.warnings] == [True]
        await leave(viewers)


@pytest.mark.slow
async def test_nothing_is_deleted_by_a_clock_that_was_wrong_at_the_start(tmp_path: Path) -> None:
    with database.opened(database.prepare(str(tmp_path))) as file:
        for number, days in ((1, 30), (2, 6)):
            ended = time.time() - days * 86_400
            file.execute(
                "INSERT INTO sessions (channel, number, started, ended, tick_ms, min_viewers) "
                "VALUES ('demo', ?, ?, ?, 250, 5)",
                (number, ended - 60, ended),
            )
    machine = Settable(YEAR)
    async with running(tmp_path, machine, SOON._replace(clock_even=5.0), retention_days=7) as relay:
        machine.ahead = 0.0  # as when a time server is found
        key = relay.create_channel("demo").display_key

        async def numbers() -> list[int]:
            sessions = (await request(relay.url, "GET", "demo/sessions", key))[1]["sessions"]
            return [found["number"] for found in sessions]

        assert await numbers() == [2, 1]

        async def deleted() -> bool:
            return await numbers() == [2]

        await wait_until(deleted, timeout=60)
