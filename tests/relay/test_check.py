"""``moodcast relay --check``, options that don't stand together, and the system's limits."""

import itertools
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import moodcast
from relay import machine
from relay.config import RelaySettings
from relay.store.database import FILE, STEPS, VERSION
from tests.support import free_port

KEY = "0123456789abcdef-secret"
ROOT = Path(__file__).parents[2]


def check(*arguments: str) -> int:
    return moodcast.main(["relay", "--check", *arguments])


def test_a_good_start_is_told_with_the_settings_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODCAST_CREATE_KEY", KEY)
    port = free_port()
    assert check("--port", str(port), "--data", str(tmp_path / "new")) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith("--")}
    assert rows["--port"] == [str(port), "--port"]
    assert rows["--tick-ms"] == ["250", "default"]
    assert rows["--create-key"] == ["(set)", "MOODCAST_CREATE_KEY"]
    assert KEY not in out
    socket.create_server(("127.0.0.1", port)).close()  # free again


def test_every_problem_is_listed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        assert check("--port", port, "--data", str(tmp_path / "file"), "--max-connections", str(10**9)) == 2
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem: ")]
    assert len(problems) == 3
    for part in (port, str(tmp_path / "file"), "--max-connections"):
        assert any(part in problem for problem in problems)


def test_a_database_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with closing(sqlite3.connect(tmp_path / FILE)) as file:  # of an older version
        for statement in itertools.chain.from_iterable(STEPS[:-1]):
            file.execute(statement)
        file.execute(f"PRAGMA user_version = {VERSION - 1}")
        before = file.execute(tables).fetchall()
    assert check("--port", "0", "--data", str(tmp_path)) == 0
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        assert file.execute("PRAGMA user_version").fetchone()[0] == VERSION - 1
        assert file.execute(tables).fetchall() == before


def test_the_database_of_a_running_relay_can_be_tried(tmp_path: Path, database_url: str) -> None:
    database = ["--database", database_url] if database_url else []
    assert check("--port", "0", "--data", str(tmp_path), *database) == 0


def test_a_password_in_the_databases_url_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://moodcast:sesame-open@127.0.0.1:{free_port()}/moods"
    assert check("--port", "0", "--database", url) == 2
    out = capsys.readouterr().out
    assert "the PostgreSQL database moods at 127.0.0.1" in out
    assert "sesame-open" not in out


def test_a_redis_that_does_not_answer_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("redis", reason="no driver of Redis: install moodcast[cluster]")
    url = f"redis://:sesame@127.0.0.1:{free_port()}"
    assert check("--port", "0", "--data", str(tmp_path), "--cluster", url) == 0
    told = capsys.readouterr().out
    assert "warning: Redis does not answer" in told
    assert "sesame" not in told


def test_wrong_options_are_listed_before_anything_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--port", "99999", "--tick-ms", "soon") == 2
    error = capsys.readouterr().err
    assert "--port" in error
    assert "--tick-ms" in error


def test_one_key_for_two_rights_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["relay", "--create-key", KEY, "--metrics-key", KEY]) == 2
    error = capsys.readouterr().err
    assert "--metrics-key" in error
    assert KEY not in error


def test_names_are_names_alone() -> None:
    problems = RelaySettings(hosts="good.example, https://a.example, b.example:443").problems()
    assert len(problems) == 1
    assert "'https://a.example', 'b.example:443'" in problems[0]
    assert "good" not in problems[0]
    assert RelaySettings(hosts="good.example,[2001:db8::1],192.0.2.7").problems() == []


PROXY: dict[str, object] = {"proxies": 1, "hosts": "a.example"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, []),
        ({"require_tickets": "off", "origins": "*", "min_viewers": 1}, []),  # nobody else can connect
        ({"host": "0.0.0.0"}, ["TLS"]),
        ({"host": "0.0.0.0", "hosts": "mylaptop.local"}, ["TLS"]),
        ({"proxies": 1}, ["--hosts"]),
        ({"hosts": "a.example"}, ["--proxies 1"]),
        (PROXY, []),
        (PROXY | {"host": "0.0.0.0"}, []),
        (PROXY | {"require_tickets": "off", "origins": "*"}, ["any web page"]),
        (PROXY | {"require_tickets": "off"}, ["--require-tickets"]),
        (PROXY | {"min_viewers": 2}, ["--min-viewers 2"]),
        ({"max_connections": 10}, []),
        ({"max_connections": 10, "max_per_channel": 20}, ["--max-per-channel 20"]),
        ({"database": "postgresql://x/y", "data": "z"}, ["--data"]),
        (PROXY | {"public_url": "https://a.example/mood"}, []),
        (PROXY | {"public_url": "http://a.example"}, ["--public-url http://a.example: without TLS"]),
        (PROXY | {"public_url": "https://b.example"}, ["--public-url names b.example"]),
        (PROXY | {"public_url": "https://192.0.2.7"}, ["--public-url names 192.0.2.7"]),
        ({"host": "0.0.0.0", "public_url": "http://192.168.1.5:8765"}, ["TLS"]),
        ({"host": "0.0.0.0", "public_url": "http://192.0.2.7"}, ["TLS", "--public-url http://192.0.2.7: without TLS"]),
        ({"public_url": "http://localhost:8765"}, []),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_a_warning(options: dict[str, object], told: list[str]) -> None:
    warnings = RelaySettings(**options).warnings()  # type: ignore[arg-type]
    assert len(warnings) == len(told)
    assert all(part in warning for part, warning in zip(told, warnings, strict=True))


def test_the_name_of_the_public_url_is_one_of_the_relays_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "https://Mood.Example.org/a/"
    assert check("--port", "0", "--data", str(tmp_path), "--proxies", "1", "--public-url", url) == 0
    told = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines()}
    assert rows["--public-url"] == ["https://mood.example.org/a", "--public-url"]
    assert rows["--hosts"] == ["mood.example.org", "--public-url"]
    assert "--public-url names" not in told


LIMITED = """
import resource, sys
from relay import machine
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000))
print(machine.room_for(50), machine.room_for(300), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
print(machine.room_for(5000), machine.room_for(5000, 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file descriptors")
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be() -> None:
    run = subprocess.run([sys.executable, "-c", LIMITED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["50", "300", str(330 + machine.SPARE), "818", "1636"]


FULL = """
import asyncio, logging, resource, sys
from relay import app
from relay.config import RelaySettings
from relay.machine import SPARE
from tests.support import Viewer, wait_until

async def main():
    relay = await app.start(RelaySettings(port=0, data=sys.argv[1], max_connections=500))
    relay.create_channel("demo")
    viewers = [await Viewer.connect(relay.url) for _ in range(3)]
    late = await Viewer.open(relay.url, "/v1/channels/demo/viewer")
    print((await late.receive()).code)
    for client in [*viewers, late]:
        await client.close()
    await relay.stop()

resource.setrlimit(resource.RLIMIT_NOFILE, (SPARE + 4, SPARE + 4))
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file descriptors")
def test_more_than_the_system_allows_are_told_to_come_back(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["4502"]
    assert "LimitNOFILE" in run.stderr
