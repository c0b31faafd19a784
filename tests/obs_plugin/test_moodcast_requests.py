"""What the OBS script asks of the relay: its thread against the real relay, and against none."""

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_requests as requests
from obs_plugin import moodcast_wire as wire
from relay import app
from relay.config import RelaySettings
from tests.contract import fields_of
from tests.support import HANG_S, SOON, free_port, wait_until


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], requests.Requests]]:
    """Starts threads that try again soon; all of them must have ended when the test has."""
    monkeypatch.setattr(core, "backoff", lambda attempt, chance, asked: 0.05)
    made = []

    def start(relay: str, admin: str) -> requests.Requests:
        made.append(requests.Requests(core.Settings(relay, "demo", "display", 320, 180, admin)))
        return made[-1]

    yield start
    for one in made:
        one.stop()
        one.thread.join(HANG_S)
        assert not one.thread.is_alive(), "the thread did not stop"


async def answers(one: requests.Requests, number: int) -> list[requests.Answer]:
    taken: list[requests.Answer] = []
    await wait_until(lambda: taken.extend(one.take()) or len(taken) >= number)
    return taken


async def test_a_session_is_opened_marked_and_ended(
    relay: app.Relay, asking: Callable[[str, str], requests.Requests]
) -> None:
    one = asking(relay.url, relay.create_channel("demo").admin_key)
    one.put("session", {"state": "open"}, HANG_S)
    one.post("markers", {"text": "Scene: Game"}, HANG_S)
    opened, marked = await answers(one, 2)
    assert core.state_of(opened.fields) == "open"
    assert isinstance(opened.fields["session"], int)
    assert marked.fields["text"] == "Scene: Game"
    one.put("session", {"state": "ended"}, HANG_S)
    (ended,) = await answers(one, 1)
    assert (core.state_of(ended.fields), ended.refused) == ("ended", "")


async def test_a_wrong_key_is_not_tried_again(
    relay: app.Relay, asking: Callable[[str, str], requests.Requests]
) -> None:
    relay.create_channel("demo")
    one = asking(relay.url, "wrong-key")
    one.put("session", {"state": "open"}, HANG_S)
    (answer,) = await answers(one, 1)
    assert "Copy the admin key once more." in answer.refused
    assert time.monotonic() < answer.request.until


async def test_a_relay_that_comes_gets_the_last_state_and_no_marker_of_long_ago(
    tmp_path: Path, asking: Callable[[str, str], requests.Requests]
) -> None:
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    one = asking(relay.url, relay.create_channel("demo").admin_key)
    await relay.stop()
    one.post("markers", {"text": "long ago"}, 0.2)
    (late,) = await answers(one, 1)
    assert "unreachable" in late.refused
    for state in ("open", "paused", "ended", "open"):
        one.put("session", {"state": state}, HANG_S)
    relay = await app.start(table, SOON)
    try:
        (answer,) = await answers(one, 1)
        assert core.state_of(answer.fields) == "open"
        await asyncio.to_thread(one.stop)
        await asyncio.to_thread(one.thread.join, HANG_S)
        assert one.take() == []
    finally:
        await relay.stop()


async def test_more_than_can_wait_is_left_out(asking: Callable[[str, str], requests.Requests]) -> None:
    one = asking(f"http://127.0.0.1:{free_port()}", "key")
    for number in range(1000):
        one.post("markers", {"text": str(number)}, 1.0)
    found = await answers(one, 1)
    assert len(found) < 100


def test_it_stops_while_a_connect_hangs(
    asking: Callable[[str, str], requests.Requests], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_CONNECT_TIMEOUT_S", 10 * HANG_S)
    with socket.socket() as busy, contextlib.ExitStack() as queue:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        while True:
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(busy.getsockname())
            if not select.select([], [waiting], [], 0.2)[1]:
                break
        one = asking(f"http://127.0.0.1:{busy.getsockname()[1]}", "key")
        one.put("session", {"state": "open"}, HANG_S)
        one.stop()
        one.thread.join(HANG_S)
        assert not one.thread.is_alive()


def test_it_reads_a_field_of_a_status_that_there_is() -> None:
    assert "state" in fields_of("status")
    for state in ("open", "paused", "ended", "auto"):
        assert core.state_of({"state": state}) == state
    for nonsense in ({}, {"state": "closed"}, {"state": ["open"]}, {"state": {}}, {"state": 1}):
        assert core.state_of(nonsense) == "auto"


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    assert core.answer_of(body) is None
