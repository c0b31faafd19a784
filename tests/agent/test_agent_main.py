"""A run of the agent, in the test's own event loop."""

import asyncio
import contextlib
import io
import json
import random
import threading
import time
from pathlib import Path
from typing import NoReturn, cast

import numpy as np
import pytest
from PIL import Image

from agent import capture, hints
from agent.client import Client
from agent.config import AgentSettings
from agent.errors import CameraBusyError, NoCamerasError
from agent.main import Sharing
from agent.personal.lesson import LessonMoment
from agent.personal.teacher import Teacher
from agent.recognition import Look, Recogniser
from agent.sending import Sender
from agent.smoothing import Reading
from agent.sources import Frame
from agent.terminal import Display
from agent.typed_teaching import TypedTeaching
from models.errors import ModelError, ModelMissingError
from models.inference import registry
from models.inference.contract import ClipSpec, Contract, CropSpec
from models.inference.hearing import VoiceNetwork
from relay import app
from tests import slow, voices
from tests.agent.voice.sounds import Device
from tests.support import request, subscribe, wait_until


async def test_where_the_streamer_takes_no_cameras_any_more_it_ends_at_once_and_says_why(
    relay: app.Relay, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    Image.new("RGB", (320, 240), (90, 90, 90)).save(tmp_path / "wall.png")
    settings = AgentSettings(relay=relay.url, channel="demo", source=str(tmp_path / "wall.png"), fps=30)
    try:
        recogniser = Recogniser(settings.model)
    except ModelMissingError as error:
        pytest.skip(str(error))
    display, sender = Display(io.StringIO(), io.StringIO()), Sender()
    client = Client(settings, sender, display.note)
    with contextlib.closing(recogniser):
        sharing = Sharing(settings, recogniser, sender, client, display)
        running = asyncio.create_task(sharing.run())
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            await audience.mood(lambda mood: mood.viewers == 1)
            await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": False})
            with pytest.raises(NoCamerasError, match=r"takes no cameras.*your camera is off, and nothing is captured"):
                await running
            assert not sharing.is_capturing()
            await audience.mood(lambda mood: mood.viewers == 0)


async def test_after_a_while_without_a_face_it_gives_hints_once_and_keeps_looking(
    relay: app.Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "HINT_S", 0.3)
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
            await wait_until(lambda: sharing.report()["frames"] > seen + 2)  # once a second: nothing moves
            sharing.interrupt()
            await running
    assert errors.getvalue().count("No face for a while") == 1
    assert "light" in errors.getvalue()
    summary = json.loads(report.read_text())
    assert summary["stopped"] == "interrupted"
    assert summary["labels"] == 0
    assert summary["frames"] == summary["frames_without_face"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "clip", [None, pytest.param(ClipSpec(2, 0.2), marks=pytest.mark.nightly)], ids=["faces", "clips"]
)
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


class Camera:
    """Grey pictures, and whether it was given back."""

    closed = False

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)

    def read(self) -> Frame | None:
        assert not self.closed
        return np.full((48, 64, 3), 90, np.uint8)

    def close(self) -> None:
        self.closed = True


class Onlooker:
    """In place of the recogniser: takes as long as a test wants over each frame."""

    contract = Contract(CropSpec(8, 1.0))
    device = "cpu"
    stretch = 1.0

    def __init__(self) -> None:
        self.goes_on, self.looks = threading.Event(), 0
        self.seconds, self.calls = {"face": 0.0, "classify": 0.0}, {"face": 0, "classify": 0}

    def look(self, frame: Frame, time_ms: int) -> Look:
        self.looks += 1
        self.goes_on.wait()
        return Look(False, None)

    def shown(self, reading: Reading | None) -> None:
        pass

    def stop(self) -> None:
        pass


def sharing_with(
    onlooker: Onlooker,
    client: type[Client] = Client,
    url: str = "http://127.0.0.1:9",
    errors: io.StringIO | None = None,
) -> Sharing:
    settings = AgentSettings(channel="demo", relay=url)
    display, sender = Display(io.StringIO(), errors or io.StringIO()), Sender()
    return Sharing(settings, cast(Recogniser, onlooker), sender, client(settings, sender, display.note), display)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_the_sign_that_the_microphone_is_open_stands_in_a_guided_minute_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Idle(Client):
        async def run(self) -> NoReturn:
            while True:
                await asyncio.Event().wait()

    asked = LessonMoment(expression="sad", phase="hold", left_s=2.0, number=1)
    Device().installed(monkeypatch)
    monkeypatch.setattr(capture, "open_source", lambda *_: Camera())
    monkeypatch.setattr(TypedTeaching, "go_on", lambda _: asked)
    settings, sender, out = AgentSettings(channel="demo"), Sender(), Terminal()
    onlooker, teacher = Onlooker(), cast(Teacher, io.StringIO())  # of which no more than ``close`` is called
    voice = VoiceNetwork(voices.made(tmp_path / "voice.onnx"))
    client, display = Idle(settings, sender, print), Display(out, io.StringIO())
    sharing = Sharing(settings, cast(Recogniser, onlooker), sender, client, display, teacher, voice)
    running = asyncio.create_task(sharing.run())
    await wait_until(lambda: "show sad: 2 · MICROPHONE OPEN · 1 of 7" in out.getvalue())
    onlooker.goes_on.set()
    sharing.interrupt()
    await running
    assert not sharing.microphone_is_held


async def test_the_camera_is_given_back_first_even_while_a_frame_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    camera, onlooker, was_closed = Camera(), Onlooker(), []
    monkeypatch.setattr(capture, "open_source", lambda *_: camera)

    class Witness(Client):
        async def run(self) -> NoReturn:
            try:
                await asyncio.Event().wait()
            finally:
                was_closed.append(camera.closed)
            raise AssertionError("nobody told it to stop")

    sharing = sharing_with(onlooker, Witness)
    running = asyncio.create_task(sharing.run())
    await wait_until(lambda: onlooker.looks)
    assert await asyncio.to_thread(sharing.stop)
    assert camera.closed
    assert sharing.is_capturing()  # the frame is still looked at
    await running
    assert was_closed == [True]
    onlooker.goes_on.set()
    await wait_until(lambda: not sharing.is_capturing())


async def test_what_is_stopped_before_it_began_opens_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "open_source", lambda *_: pytest.fail("it was opened"))
    sharing = sharing_with(Onlooker())
    assert await asyncio.to_thread(sharing.stop)
    await sharing.run()
    assert sharing.report()["stopped"] == "interrupted"


@pytest.mark.slow
async def test_a_camera_that_fails_to_open_always_ends_the_run(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was lost in 2 of 141 runs: at any moment of the client's first connection."""
    chance = random.Random(1)

    def fail(*_: object) -> NoReturn:
        time.sleep(0.02 * chance.random())
        raise CameraBusyError("taken")

    monkeypatch.setattr(capture, "open_source", fail)
    relay.create_channel("demo")
    for _ in range(100):
        running = asyncio.create_task(sharing_with(Onlooker(), url=relay.url).run())
        await asyncio.wait({running}, timeout=60)
        assert isinstance(running.exception(), CameraBusyError)


def test_a_model_that_is_no_classifier() -> None:
    with pytest.raises(ModelError, match="'portrait' is no expression classifier"):
        Recogniser("portrait")


async def test_a_viewer_is_told_once_that_a_squeezed_picture_is_undone(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.create_channel("demo")
    onlooker, errors = Onlooker(), io.StringIO()
    onlooker.goes_on.set()
    monkeypatch.setattr(capture, "open_source", lambda *_: Camera())
    sharing = sharing_with(onlooker, url=relay.url, errors=errors)
    running = asyncio.create_task(sharing.run())
    await wait_until(lambda: onlooker.looks > 2)
    assert sharing.report()["stretch"] == 1
    onlooker.stretch = 0.75
    await wait_until(lambda: "squeezed" in errors.getvalue())
    onlooker.stretch = 1.0
    await wait_until(lambda: "nothing is undone" in errors.getvalue())
    sharing.interrupt()
    await running
    assert errors.getvalue().count("squeezed") == 1
    assert sharing.report()["stretch"] == 1
