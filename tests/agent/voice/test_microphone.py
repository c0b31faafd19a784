"""The microphone: which way it is opened, and a sentence for each way that it can't be."""

import ctypes.util
import sys

import numpy as np
import pytest

from agent.errors import MicrophoneBusyError, MissingLibraryError, NoMicrophoneError
from agent.voice.microphone import Microphone
from models.inference.sound import RATE
from tests.agent.voice.sounds import Device, Error


@pytest.mark.parametrize(
    ("made", "rate", "channels"),
    [
        ((44100, (16000, 44100), (1, 2)), 16000, 1),
        ((48000, (16000, 48000), (2,)), 16000, 2),
        ((48000, (48000,), (1,)), 48000, 1),
        ((44100, (44100,), (2,)), 44100, 2),
        ((8000, (8000, 16000), (1,)), 16000, 1),
    ],
    ids=["as networks hear", "stereo", "its own rate", "its own rate, stereo", "its driver converts"],
)
def test_it_is_opened_as_the_device_can(
    made: tuple[float, tuple[float, ...], tuple[int, ...]], rate: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(*made).installed(monkeypatch)
    microphone = Microphone(2.0)
    (stream,) = device.streams
    assert (microphone.rate, stream.rate, stream.channels) == (rate, rate, channels)
    stream.hear(np.tile(np.float32([[0.25, 0.75]]), (rate, 1))[:, :channels])
    heard = 0.5 if channels == 2 else 0.25
    assert microphone.ring.newest(rate).tolist() == [heard] * rate
    assert not microphone.is_lost
    stream.active = False  # unplugged
    assert microphone.is_lost


def test_what_was_heard_is_gone_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device().installed(monkeypatch)
    microphone = Microphone(1.0)
    device.streams[0].hear(np.ones(3 * RATE, np.float32))
    assert microphone.ring.newest(RATE).all()
    microphone.close()
    assert device.streams[0].closed
    assert not microphone.ring.newest(RATE).any()


def test_what_is_heard_is_a_number_from_minus_one_to_one_whatever_the_driver_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Device().installed(monkeypatch)
    microphone = Microphone(1.0)
    device.streams[0].hear(np.array([np.nan, np.inf, -np.inf, 7, -7, 0.5], np.float32))
    assert microphone.ring.newest(6).tolist() == [0, 1, -1, 1, -1, 0.5]


def test_without_a_microphone_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    Device(own=None).installed(monkeypatch)
    with pytest.raises(NoMicrophoneError, match="there is no microphone: plug one in"):
        Microphone(1.0)


def test_one_that_is_gone_between_the_look_and_the_opening_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    Device().installed(monkeypatch).fails = Error("Invalid device", -9996)
    with pytest.raises(NoMicrophoneError):
        Microphone(1.0)


@pytest.mark.parametrize("at", ["fails", "fails_to_start"])
@pytest.mark.parametrize("code", [-9985, -9999])
def test_one_that_another_program_has_is_busy(at: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device().installed(monkeypatch)
    setattr(device, at, Error("Device unavailable", code))
    with pytest.raises(MicrophoneBusyError, match=r"Made Microphone can't be opened \(Device unavailable\)"):
        Microphone(1.0)
    assert all(stream.closed for stream in device.streams)


def test_one_of_a_telephones_rate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Device(8000, (8000,), (1,)).installed(monkeypatch)
    with pytest.raises(NoMicrophoneError, match="delivers 8000 samples a second, and voice networks hear 16000"):
        Microphone(1.0)


def test_one_that_takes_nothing_at_all_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    Device(48000, (), (1, 2)).installed(monkeypatch)
    with pytest.raises(MicrophoneBusyError, match="Invalid sample rate"):
        Microphone(1.0)


def test_without_portaudio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.delitem(sys.modules, "_sounddevice", raising=False)

    class NoLibrary:
        """In place of the package: fails as it does where the library is missing."""

        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("cannot load library 'libportaudio.so.2'")

    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    search = ctypes.util.find_library
    with pytest.raises(MissingLibraryError, match="sudo apt install libportaudio2"):
        Microphone(1.0)
    assert ctypes.util.find_library is search


def test_a_sound_system_that_portaudio_can_not_begin_with_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)

    class NoSystem:
        """In place of the package: fails as it does where ``Pa_Initialize`` fails."""

        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise Error("Error initializing PortAudio: Internal PortAudio error", -9986)

    monkeypatch.setattr(sys, "meta_path", [NoSystem(), *sys.meta_path])
    with pytest.raises(MicrophoneBusyError, match="the sound system does not answer"):
        Microphone(1.0)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingLibraryError, match=r"--voice needs the package sounddevice.*\[agent,voice\]"):
        Microphone(1.0)
