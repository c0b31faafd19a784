"""Half an hour of the agent in fast motion: what it holds in memory stays as much as it was."""

import asyncio
import gc
import sys
import tracemalloc
from pathlib import Path

import pytest

from agent.app.app import App
from agent.app.state import Place
from relay import app
from relay.common import ourselves
from tests.e2e.agent_program import running
from tests.support import wait_until

PATIENCE_S = 280.0
"""A minute of one core's time, on a machine that may be busy."""


@pytest.mark.usefixtures("agent_files")
@pytest.mark.parametrize("length", [10, pytest.param(30, marks=pytest.mark.nightly)])
async def test_minutes_of_looking_take_no_more_memory(length: int) -> None:
    async with running(sys.executable, "-m", "tests.e2e.soaked_eyes", str(length)) as process:
        out, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, errors.decode()
    *minutes, looks = out.decode().splitlines()
    assert len(minutes) == length - 1
    _, number, _, faces = looks.split()
    assert int(number) > int(faces) > 33 * length
    megabytes = [float(minute) for minute in minutes]
    assert max(megabytes[5:]) - megabytes[5] < 5


BUSY_EYES = """
import os, sys
import numpy as np
from agent.app import sight
from agent.app.sight import Glimpse, Opened, Sight

out = os.fdopen(1, "wb", 0)
out.write(sight.packed(Opened()))
picture = Glimpse(width=320, height=240, pixels=bytes(320 * 240 * 3), box=None)
for number in range(9000):
    emotion = ("happy", "sad", None)[number % 3]
    seen = Sight(emotion=emotion, confidence=0.5, has_face=emotion is not None, unread=None, box=None)
    out.write(sight.packed(seen))
    if number % 30 == 0:
        out.write(sight.packed(picture))
out.write(sight.packed(Sight(emotion="surprise", confidence=0.5, has_face=True, unread=None, box=None)))
os.read(0, 1 << 16)
while os.read(0, 1 << 16):
    pass
"""


async def test_half_an_hour_of_being_told_what_is_seen_takes_no_more_memory(
    relay: app.Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many looks as eyes at five frames a second tell in that time, as fast as they are taken."""
    monkeypatch.setattr(ourselves, "command", lambda *_: [sys.executable, "-c", BUSY_EYES])
    relay.create_channel("demo")
    agent = App(tmp_path)
    agent.change(camera=str(tmp_path))  # no webcam, which may be missing here
    agent.start()
    held = []
    tracemalloc.start()
    try:
        promise = await asyncio.wrap_future(agent.promises(Place(relay=relay.url, channel="demo")))
        agent.agree(promise)
        agent.join(promise)
        await wait_until(lambda: agent.state().link == "joined")
        for _ in range(3):
            agent.share("face")
            await wait_until(lambda: agent.state().label == "surprise", PATIENCE_S)
            agent.share("paused")
            await wait_until(lambda: agent.state().label is None)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        assert agent.close()
    assert max(held[1:]) - held[0] < 1_000_000
