"""The page in the browser sends what the agent would send, and when: overlay/viewer/sending.js and agent/sending.py."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.consent import promises_less
from agent.sending import Allowance, Backoff, Notes, Sender
from agent.smoothing import Reading
from relay.protocol import EXPRESSIONS, Away, Welcome

TWIN = Path(__file__).with_name("sending_twin.mjs")

# Halves of a hundredth are rounded to even by the one and up by the other.
readings = st.builds(Reading, st.sampled_from(EXPRESSIONS), st.floats(0, 1).filter(lambda value: value % 0.125 != 0))
gaps = st.sampled_from([0.0, 0.05, 0.2, 0.51, 1.0, 2.9, 3.0, 6.0]) | st.floats(0, 8)
scripts = st.lists(
    st.tuples(
        gaps,
        st.sampled_from(["observe", "observe", "observe", "observe", "opened", "closed", "forgotten"]),
        st.none() | readings,
        st.sampled_from([0.1, 5.0]) | st.floats(0, 20),
    ),
    max_size=60,
)


class Twin:
    """The page's functions, in one process of Node.js."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def play(self, what: str, script: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([what, script]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    with subprocess.Popen([node, str(TWIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Twin(process)
        process.terminate()


@given(scripts)
def test_the_same_messages_at_the_same_times(
    twin: Twin, script: list[tuple[float, str, Reading | None, float]]
) -> None:
    sender, now, sent = Sender(), 50.0, []

    def pass_time(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        while (step := sender.next(now)) and step.at <= until:
            now = max(now, step.at)
            message = sender.take(now)
            assert message is not None
            said = {"type": "away"}
            if not isinstance(message, Away):
                said = {"type": "label", "emotion": message.emotion, "confidence": message.confidence}
            sent.append([now, said])
        now = until

    told = []
    for gap, what, reading, heartbeat_s in script:
        pass_time(gap)
        if what == "observe":
            sender.observe(now, reading)
        elif what == "opened":
            sender.opened(heartbeat_s)
        else:
            getattr(sender, what)()
        seen = reading and {"expression": reading.emotion, "confidence": reading.confidence}
        told.append([gap, what, seen, heartbeat_s])
    pass_time(20.0)
    assert twin.play("sender", told) == sent


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.01, 0.3]) | st.floats(0, 40), st.sampled_from(["tap", "spend"])), max_size=400
    )
)
def test_the_same_taps(twin: Twin, script: list[tuple[float, str]]) -> None:
    allowance, times = Allowance(), itertools.accumulate((gap for gap, _ in script), initial=50.0)
    next(times)
    assert twin.play("allowance", script) == [
        getattr(allowance, what)(time) for (_, what), time in zip(script, times, strict=True)
    ]


@given(st.lists(st.sampled_from([0.0, 1.0, 9.0, 60.0]) | st.floats(0, 90), max_size=40))
def test_the_same_sentences_of_a_relay(twin: Twin, script: list[float]) -> None:
    notes, times = Notes(), itertools.accumulate(script, initial=50.0)
    next(times)
    assert twin.play("notes", script) == [notes.passes(time) for time in times]


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from([0.0, -1.0, 0.1, 1e9]) | st.floats(0, 400)), max_size=30),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=9),
)
def test_the_same_waits(twin: Twin, losses: list[tuple[float, float]], chances: list[float]) -> None:
    backoff = Backoff(itertools.cycle(chances).__next__)
    waits = [backoff.wait(lasted, asked) for lasted, asked in losses]
    assert twin.play("backoff", [losses, chances]) == pytest.approx(waits)


def test_the_same_is_less_than_was_promised(twin: Twin) -> None:
    told = [{"min_viewers": least, "crowd": crowd} for least in (1, 4, 5, 6) for crowd in ("networks", "viewers")]
    cases = list(itertools.product(told, repeat=2))
    welcomes = [[Welcome(channel="demo", viewer="v", tick_ms=500, **one) for one in both] for both in cases]
    assert twin.play("consent", cases) == [promises_less(*both) for both in welcomes]
