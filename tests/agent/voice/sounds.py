"""Sounds that tests listen to, and a stand-in for the package ``sounddevice`` with microphones of every kind."""

import sys
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.voice.activity import HOP
from models.inference.sound import RATE

Sound = NDArray[np.float32]


def spoken(seconds: float, volume: float = 0.2) -> Sound:
    """A buzz with formants that comes and goes four times a second, as syllables do, with a breath after each second.

    (samples,) at ``RATE``; it is no voice, and has what voice activity looks for.
    """
    times = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(
        (np.sin(2 * np.pi * 120 * n * times) / (1 + abs(120 * n - 600) / 200) for n in range(1, 30)),
        np.zeros(len(times)),
    )
    syllables = np.clip(np.sin(2 * np.pi * 4 * times), 0, 1) * (times % 1.0 < 0.75)
    return (volume * buzz * syllables / np.abs(buzz).max()).astype(np.float32)


def noise(seconds: float, volume: float = 0.01, seed: int = 1) -> Sound:
    """White, (samples,) at ``RATE``, with the standard deviation ``volume``."""
    return (volume * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def hops(sound: Sound) -> Sound:
    """(n, HOP)."""
    return sound[: len(sound) // HOP * HOP].reshape(-1, HOP)


class Error(Exception):
    """``sounddevice.PortAudioError``: words and a number."""


class Stream:
    """One that is opened on a made microphone; the test hands over what it hears."""

    def __init__(self, device: "Device", callback: Any, samplerate: float, channels: int, **_: Any) -> None:
        device.opening.wait()
        if device.fails is not None:
            raise device.fails
        if samplerate not in device.rates:
            raise Error("Invalid sample rate", -9997)
        if channels not in device.channels:
            raise Error("Invalid number of channels", -9998)
        self.device, self.callback, self.active, self.closed = device, callback, False, False
        self.rate, self.channels = samplerate, channels
        device.streams.append(self)

    def start(self) -> None:
        if self.device.fails_to_start is not None:
            raise self.device.fails_to_start
        self.active = True

    def abort(self) -> None:
        self.device.closing.wait()
        self.active = False

    def close(self) -> None:
        self.closed = True

    def hear(self, sound: Sound) -> None:
        """``sound`` (n,) or (n, channels), in blocks as they come."""
        block = np.broadcast_to(sound.reshape(len(sound), -1), (len(sound), self.channels))
        for start in range(0, len(block), 1600):
            self.callback(block[start : start + 1600], 1600, None, None)


class Device:
    """A microphone. ``own``: its default rate, None where there is no microphone at all."""

    def __init__(
        self, own: float | None = 48000.0, rates: tuple[float, ...] = (16000, 48000), channels: tuple[int, ...] = (1, 2)
    ) -> None:
        self.own, self.rates, self.channels = own, rates, channels
        self.fails: Exception | None = None
        self.fails_to_start: Exception | None = None
        self.streams: list[Stream] = []
        self.opening, self.closing = threading.Event(), threading.Event()
        """Until one is set, the driver does not answer."""
        self.opening.set()
        self.closing.set()

    def installed(self, monkeypatch: pytest.MonkeyPatch) -> "Device":
        """It is what ``sounddevice`` finds from now on."""
        package: Any = ModuleType("sounddevice")
        package.PortAudioError, package.query_devices = Error, self._query
        package.InputStream = lambda **wanted: Stream(self, **wanted)
        monkeypatch.setitem(sys.modules, "sounddevice", package)
        return self

    def _query(self, kind: str) -> Any:
        assert kind == "input"
        if self.own is None:
            raise Error("Error querying device -1")
        most = max(self.channels)
        return {"name": "Made Microphone", "default_samplerate": self.own, "max_input_channels": most}
