"""The log of a real relay process: what it tells, and what it never tells."""

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import logs
from relay.app import Relay
from relay.http import admission
from tests.support import SOON, request, subscribe, wait_until

ROOT = Path(__file__).parents[2]
ADDRESS = "203.0.113.77"
FORWARDED = {"X-Forwarded-For": ADDRESS}
NAME, PASSWORD = "Ada Lovelace", "open-sesame-please"
METRICS_KEY = "metrics-key-0123456789"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_a_process_logs_events_as_json_and_nothing_about_people(tmp_path: Path) -> None:
    secrets = [ADDRESS, NAME, PASSWORD, METRICS_KEY]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "moodcast.py", "relay", "--port", "0", "--data", str(tmp_path), "--channel", "demo",
        "--min-viewers", "1", "--tick-ms", "50", "--log-format", "json", "--drain-seconds", "0.2",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        env={"MOODCAST_METRICS_KEY": METRICS_KEY, "MOODCAST_NO_FETCH": "true"},
    )  # fmt: skip
    try:
        assert process.stdout
        said = [(await asyncio.wait_for(process.stdout.readline(), 60)).decode() for _ in range(4)]
        url = said[0].split(" at ")[1].split()[0]
        admin, display = said[2].split()[-1], said[3].split()[-1]
        status, rotated = await request(url, "POST", "demo/keys", admin, {"rotate": "display"})
        assert status == 200
        await request(url, "PUT", "demo/password", admin, {"password": PASSWORD})
        status, ticket = await request(url, "POST", "demo/tickets", "", {"password": PASSWORD})
        assert status == 201
        secrets += [admin, display, rotated["display_key"], ticket["ticket"]]
        await _visit(url, ticket["ticket"], rotated["display_key"], display)
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0
    log = err.decode()
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "event"} <= set(line) for line in lines)
    events = {line["event"]: line for line in lines}
    assert events["relay starts"]["database"] == "sqlite"
    assert events["key rotated"]["right"] == "display"
    assert events["session begins"] | {"channel": "demo", "session": 1} == events["session begins"]
    assert {"channel created", "session ends", "drain begins", "drain ends", "relay ends"} <= set(events)
    assert sum("X-Forwarded-For" in line["event"] for line in lines) == 1  # the undeclared proxy, once
    assert [secret for secret in secrets if secret in log] == []
    assert len(lines) < 20


async def _visit(url: str, ticket: str, key: str, old_key: str) -> None:
    """What clients do, good and bad, so that there would be something to log."""
    async with (
        aiohttp.ClientSession(headers=FORWARDED) as session,
        session.ws_connect(f"{url}/v1/channels/demo/viewer") as socket,
    ):
        await socket.send_json({"type": "hello", "ticket": ticket, "name": NAME})
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.send_json({"type": "label", "emotion": "happy"})
        await socket.send_str("this is no JSON")
        async with await subscribe(url, "demo", key) as client:
            await client.mood(lambda mood: mood.visible)
        for wrong in (old_key, "nonsense"):
            assert (await request(url, "GET", "demo/sessions", wrong))[0] == 401
        for _ in range(30):
            async with session.get(f"{url}/metrics", headers={"Authorization": "Bearer no"}) as response:
                assert response.status == 401
    host, port = url.removeprefix("http://").split(":")
    for _ in range(10):  # what is no HTTP at all
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: " + ADDRESS.encode() + b"\r\nno header\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()


@pytest.mark.relay(limits=SOON._replace(refusals=0.05))
async def test_those_turned_away_are_counted_in_one_line(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.create_channel("demo")
    caplog.set_level(logging.INFO)
    for _ in range(20):
        assert (await request(relay.url, "GET", "demo/sessions", "wrong"))[0] == 401

    def counted() -> list[dict[str, Any]]:
        return [logs.extras(record) for record in caplog.records if record.getMessage() == "refused"]

    await wait_until(lambda: sum(line["wrong_key"] for line in counted()) == 20)
    assert len(counted()) < 20


async def test_an_undeclared_proxy_is_told_once(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.create_channel("demo")
    async with aiohttp.ClientSession(headers=FORWARDED) as session:
        for _ in range(3):
            async with session.post(f"{relay.url}/v1/channels/demo/tickets", json={}) as response:
                assert response.status == 201
    assert [record.getMessage() for record in caplog.records].count(admission.UNDECLARED_PROXY % "X-Forwarded-For") == 1
    assert ADDRESS not in caplog.text


def _record(message: str, *arguments: object, error: Exception | None = None, **extra: object) -> logging.LogRecord:
    found = (type(error), error, None) if error else None
    record = logging.LogRecord("relay.x", logging.ERROR, "x.py", 1, message, arguments, found)
    record.__dict__.update(extra)
    return record


def test_json_keeps_an_exception_in_its_line() -> None:
    record = _record("It broke: %s", "here", error=ValueError("two\nlines"), channel="demo", number=3)
    text = logs.JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["event"], line["channel"], line["number"], line["level"]) == ("It broke: here", "demo", 3, "error")
    assert "two\nlines" in line["exception"]
    assert line["time"].endswith("Z")


def test_text_shows_the_values_too() -> None:
    assert (
        logs.TextFormatter()
        .format(_record("session begins", channel="demo", session=4))
        .endswith("relay.x: session begins channel=demo session=4")
    )


def _complaint(message: str, second: float, level: int = logging.ERROR, name: str = "asyncio") -> logging.LogRecord:
    record = logging.LogRecord(name, level, "x.py", 1, message, (), None)
    record.created = second
    return record


def test_the_same_complaint_is_written_ten_times_a_minute_and_then_counted() -> None:
    seldom = logs.Seldom()
    flood = [_complaint(f"It broke\nsocket: {number}", 60.0 + number / 1000) for number in range(4000)]
    assert sum(map(seldom.filter, flood)) == logs.AT_ONCE
    other = _complaint("It broke", 70.0, name="relay.app")
    assert seldom.filter(other)
    later = _complaint("It broke\nsocket: 7", 130.0)
    assert seldom.filter(later)
    assert logs.TextFormatter().format(later).splitlines()[0].endswith("It broke")
    assert logs.extras(later) == {"unsaid": 4000 - logs.AT_ONCE}
    assert json.loads(logs.JsonFormatter().format(later))["unsaid"] == 4000 - logs.AT_ONCE
    assert seldom.filter(again := _complaint("It broke", 131.0))
    assert logs.extras(again) == logs.extras(other) == {}
    assert all(seldom.filter(_complaint("session begins", 132.0, logging.INFO)) for _ in range(1000))
