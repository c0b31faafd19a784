"""Which frames the capture thread looks at, with a camera and a recogniser of the test's own."""

import threading
import time
from typing import cast

import numpy as np
import pytest

from agent import capture
from agent.capture import Capture
from agent.config import AgentSettings
from agent.pace import AWAKE_S
from agent.recognition import Look, Recogniser
from agent.smoothing import Reading
from agent.sources import Frame
from models.inference.contract import ClipSpec, Contract, CropSpec

FPS = 30
LENGTH_S = AWAKE_S + 2


class Film:
    """Grey pictures for some seconds; ``after`` so many there is a bright square."""

    def __init__(self, after: float) -> None:
        self._began, self._after = time.monotonic(), after

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)

    def read(self) -> Frame | None:
        length = time.monotonic() - self._began
        frame = np.full((48, 64, 3), 90, np.uint8)
        if length > self._after:
            frame[8:40, 16:48] = 200
        return frame if length < LENGTH_S else None

    def close(self) -> None:
        pass


class Onlooker:
    """In place of the recogniser: sees nobody, and notes what it was shown."""

    def __init__(self, clip: ClipSpec | None) -> None:
        self.contract = Contract(CropSpec(8, 1.0), clip=clip)
        self.seconds, self.calls = {"face": 0.0}, {"face": 0}
        self.seen: list[int] = []

    def look(self, frame: Frame, time_ms: int) -> Look:
        self.seen.append(int(frame[24, 32, 0]))
        return Look(False, None)

    def shown(self, reading: Reading | None) -> None:
        pass


def captured(monkeypatch: pytest.MonkeyPatch, after: float, clip: ClipSpec | None = None) -> tuple[Capture, Onlooker]:
    """A capture that has ended."""
    onlooker = Onlooker(clip)
    monkeypatch.setattr(capture, "open_source", lambda *_: Film(after))
    running = Capture(AgentSettings(channel="demo", fps=FPS), cast(Recogniser, onlooker), lambda *_: None, lambda: None)
    running.run()
    assert running.error is None
    assert running.frames == len(onlooker.seen)
    return running, onlooker


def test_what_does_not_change_is_seldom_looked_at_and_a_change_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames and looks are told apart: the rate is that of the looks."""
    quiet, onlooker = captured(monkeypatch, after=LENGTH_S - 0.5)
    assert quiet.frames < quiet.frames_taken
    assert 0 < quiet.mean_rate() < (quiet.frames_taken - 1) / LENGTH_S
    assert onlooker.seen[-1] == 200


def test_a_network_that_looks_at_clips_gets_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    steady, _ = captured(monkeypatch, after=LENGTH_S, clip=ClipSpec(8, 0.2))
    assert steady.frames == steady.frames_taken
