"""The servers beside which the relay is measured are told the same bytes, and what is counted is what came."""

import json
import select
import shutil

import pytest

from benchmarks import anchors, centrifugo
from benchmarks.anchors import Anchor, FanOut

EVENTS = [f'{{"type":"mood","seq":{seq},"valence":-0.10,"counts":[{",".join("1234567" * 20)}]}}' for seq in (1, 2)]
SECOND, SIXTH = "Centrifugo v2.8.2 (Go version: go1.15.6)\n", "Centrifugo v6.9.1 (Go version: go1.26.0)\n"

needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="the load generator is for Linux")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "EVENTS", 2)
    monkeypatch.setattr(anchors, "GAP_S", 0.05)
    monkeypatch.setattr(anchors, "_FIRST", 5)


def measured(anchor: Anchor) -> list[FanOut]:
    return list(anchors.fan_out(anchor, [10, 20]))


def test_centrifugo_2_is_spoken_to_by_the_number_of_a_method() -> None:
    words = centrifugo.dialect("program", SECOND)
    assert words.version == "2.8.2"
    assert [json.loads(line) for line in words.subscribe().split("\n")] == [
        {"id": 1, "method": 0, "params": {}},
        {"id": 2, "method": 1, "params": {"channel": "mood"}},
    ]
    assert json.loads(words.publish('{"a":1}')) == {
        "id": 3,
        "method": 3,
        "params": {"channel": "labels", "data": {"a": 1}},
    }
    assert json.loads(words.body('{"a":1}')) == {"method": "publish", "params": {"channel": "mood", "data": {"a": 1}}}


def test_centrifugo_6_is_spoken_to_by_the_name_of_a_command() -> None:
    words = centrifugo.dialect("program", SIXTH)
    assert words.version == "6.9.1"
    assert [json.loads(line) for line in words.subscribe().split("\n")] == [
        {"id": 1, "connect": {}},
        {"id": 2, "subscribe": {"channel": "mood"}},
    ]
    assert json.loads(words.publish('{"a":1}')) == {"id": 3, "publish": {"channel": "labels", "data": {"a": 1}}}
    assert json.loads(words.body('{"a":1}')) == {"channel": "mood", "data": {"a": 1}}


@pytest.mark.parametrize("said", [SECOND, SIXTH])
def test_an_event_is_passed_on_byte_for_byte(said: str) -> None:
    assert '"valence":-0.10,' in centrifugo.dialect("program", said).body(EVENTS[0])


@pytest.mark.parametrize("said", ["", "Centrifugo v4.1.2 (Go version: go1.20)", "Centrifugo v22.0.0", "caddy v2.8.2"])
def test_another_program_is_refused_with_what_it_said(said: str) -> None:
    with pytest.raises(ValueError, match="version 2 or 6") as refused:
        centrifugo.dialect("program", said)
    assert said in str(refused.value)


def test_a_program_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'version'"):
        centrifugo.asked("echo")
    with pytest.raises(OSError, match="no-such-program"):
        centrifugo.asked("no-such-program")


@needs_epoll
@pytest.mark.parametrize("number", [0, 1], ids=["bare", "websockets"])
def test_plain_servers_send_the_events_and_the_frame_alone(number: int) -> None:
    results = measured(list(anchors.plain(EVENTS))[number])
    assert [result.connections for result in results] == [10, 20]
    for result in results:
        assert result.event_bytes == len(EVENTS[0]) + 4
        assert 0 < result.p50 <= result.p99 < 10


@needs_epoll
def test_with_its_default_websockets_compresses() -> None:
    results = measured(list(anchors.plain(EVENTS))[2])
    assert results[0].event_bytes < len(EVENTS[0]) / 2


@needs_epoll
def test_the_relays_own_moods_are_what_the_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "GAP_S", 0.3)  # the relay has a tick of its own
    events: list[str] = []
    results = measured(anchors.ours(events))
    assert len(events) >= 2
    assert {json.loads(event)["type"] for event in events} == {"mood"}
    assert results[1].connections == 20
    assert 0 < results[1].p50 < 10


@needs_epoll
@pytest.mark.skipif(shutil.which("centrifugo") is None, reason="needs Centrifugo")
def test_centrifugo_sends_the_events_in_its_envelope() -> None:
    results = measured(anchors.from_program(centrifugo.asked("centrifugo"), EVENTS))
    assert len(EVENTS[0]) + 4 < results[1].event_bytes < len(EVENTS[0]) + 100
