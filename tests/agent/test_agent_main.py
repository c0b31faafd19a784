"""A run of the agent, in the test's own event loop."""

import asyncio
import contextlib
import io
import json
import threading
from pathlib import Path

import pytest
from PIL import Image

from agent import main
from agent.client import Client
from agent.config import AgentSettings
from agent.main import Sharing
from agent.recognition import Recogniser
from agent.sending import Sender
from agent.terminal import Display
from models import registry
from models.contract import ClipSpec
from models.errors import ModelError, ModelMissingError
from relay import app
from tests import slow
from tests.support import subscribe, wait_until


async def test_after_a_while_without_a_face_it_gives_hints_once_and_keeps_looking(
    relay: app.Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "NO_FACE_HINT_S", 0.3)
    keys, report = relay.create_channel("demo"), tmp_path / "report.json"
    Image.new("RGB", (320, 240), (90, 90, 90)).save(tmp_path / "wall.png")
    settings = AgentSettings(
        relay=relay.url, channel="demo", source=str(tmp_path / "wall.png"), fps=30, report=str(report)
    )
    try:
        recogniser = Recogniser(settings.model)
    except ModelMissingError as error:
        pytest.skip(str(error))
    out, errors = io.StringIO(), io.StringIO()
    display, sender = Display(out, errors), Sender()
    client = Client(settings, sender, display.note)
    with contextlib.closing(recogniser):
        sharing = Sharing(settings, recogniser, sender, client, display)
        running = asyncio.create_task(sharing.run())
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
            await wait_until(errors.getvalue)
            seen = sharing.report()["frames"]
            await wait_until(lambda: sharing.report()["frames"] > seen + 20)
            sharing.interrupt()
            await running
    assert errors.getvalue().count("No face for a while") == 1
    assert "light" in errors.getvalue()
    summary = json.loads(report.read_text())
    assert summary["stopped"] == "interrupted"
    assert summary["labels"] == 0
    assert summary["frames"] == summary["frames_without_face"]


@pytest.mark.parametrize("clip", [None, ClipSpec(2, 0.2)], ids=["faces", "clips"])
async def test_stopping_ends_what_the_network_is_at(relay: app.Relay, tmp_path: Path, clip: ClipSpec | None) -> None:
    """Whatever kind of network: a program can't end in good order while a thread is in ONNX Runtime."""
    relay.create_channel("demo")
    network = slow.network(tmp_path / "slow.onnx", clip)
    try:
        settings = AgentSettings(
            relay=relay.url, channel="demo", source=str(registry.path("portrait")), model=str(network)
        )
        recogniser = Recogniser(settings.model)
    except ModelMissingError as error:
        pytest.skip(str(error))
    display, sender = Display(io.StringIO(), io.StringIO()), Sender()
    with contextlib.closing(recogniser):
        sharing = Sharing(settings, recogniser, sender, Client(settings, sender, display.note), display)
        running = asyncio.create_task(sharing.run())
        await wait_until(lambda: recogniser.calls["face"])
        sharing.interrupt()
        await running
    await wait_until(lambda: all(thread.name not in ("capture", "clip") for thread in threading.enumerate()))
    assert recogniser.calls["classify"] == 0


def test_a_model_that_is_no_classifier() -> None:
    with pytest.raises(ModelError, match="'portrait' is no expression classifier"):
        Recogniser("portrait")
