"""Which frames the capture thread looks at, with a camera and a recogniser of the test's own."""

import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
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
from relay.protocol import EXPRESSIONS

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


class Portrait(Film):
    """The same picture five times a second, by a clock of its own, which no machine's speed changes."""

    def __init__(self) -> None:
        self.now = 0.0

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.now += 0.2

    def read(self) -> Frame | None:
        return np.full((48, 64, 3), 90, np.uint8) if self.now < 20 else None


def surely(expression: str) -> list[float]:
    return [0.88 if name == expression else 0.02 for name in EXPRESSIONS]


def test_what_a_voice_changes_is_followed_though_the_face_keeps_still(monkeypatch: pytest.MonkeyPatch) -> None:
    film, onlooker, heard, shown = Portrait(), Onlooker(None), [], []
    onlooker.look = lambda *_: Look(True, tuple(surely("happy")))  # type: ignore[method-assign]

    def fused(now: float, face: Sequence[float] | None) -> Sequence[float] | None:
        if now < 10:
            return face
        heard.append(now)
        return surely("sad")

    def publish(reading: Reading | None, look: Look) -> None:
        if reading is not None and reading.emotion == "sad":
            shown.append(film.now)

    monkeypatch.setattr(capture, "open_source", lambda *_: film)
    clock = SimpleNamespace(monotonic=lambda: film.now, process_time=time.process_time, perf_counter=time.perf_counter)
    monkeypatch.setattr(capture, "time", clock)
    running = Capture(
        AgentSettings(channel="demo", fps=5), cast(Recogniser, onlooker), publish, lambda: None, fused=fused
    )
    running.run()
    assert running.error is None
    assert running.frames < running.frames_taken  # it is looked at seldom before
    assert shown[0] - heard[0] < 0.9
