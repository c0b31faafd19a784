"""Face and voice as one answer: when the voice counts, and what goes on where it fails. A made microphone."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from agent.errors import NoMicrophoneError
from agent.voice import listening
from agent.voice.activity import HOP, SpeechActivity
from agent.voice.listening import Listener
from models.errors import ModelContractError
from models.inference.hearing import VoiceNetwork
from models.inference.late_fusion import with_voice
from models.inference.sound import RATE
from relay.protocol import EXPRESSIONS
from tests import voices
from tests.agent.voice.sounds import Device, Sound, Stream, noise, spoken
from tests.support import wait_until

FACE = [0.4 if name == "sad" else 0.1 for name in EXPRESSIONS]
HAPPY = [20.0 if label == "happy" else 0.0 for label in voices.CONTRACT.labels]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device().installed(monkeypatch)


class Told:
    """A listener's sentences, and whether it said that it could not begin."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.failed = threading.Event()


@contextlib.contextmanager
def listener(file: Path, told: Told | None = None) -> Iterator[Listener]:
    """One that listens, by a network that hears a happy voice whatever it hears."""
    told = told or Told()
    network = VoiceNetwork(voices.made(file, logits=HAPPY))
    one = Listener(network, told.sentences.append, told.failed.set)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        assert one.is_released(60)
        one.join(60)
        assert not one.is_alive()


async def heard(one: Listener, stream: Stream) -> None:
    """Speak until it has made something of it."""

    def is_heard() -> bool:
        stream.hear(spoken(1.0))
        one.fused(time.monotonic(), FACE)
        return one.fused(time.monotonic(), FACE) != FACE

    stream.hear(noise(3, 0.001))
    await wait_until(is_heard)


async def test_a_voice_counts_while_somebody_speaks_and_for_two_seconds(tmp_path: Path, device: Device) -> None:
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_open)
        (stream,) = device.streams
        await heard(one, stream)
        now = time.monotonic()
        both = one.fused(now, FACE)
        assert both is not None
        assert sum(both) == pytest.approx(1)
        assert EXPRESSIONS[int(np.argmax(both))] == "happy"
        assert one.is_speech
        said = one._network.probabilities(np.zeros(voices.CONTRACT.samples, np.float32))
        contract = one._network.contract
        assert both == pytest.approx(with_voice(np.array([FACE]), said[None], contract.weight)[0].tolist())
        assert one.fused(now + listening.COUNTS_S + 1, FACE) == FACE


async def test_without_a_face_that_is_read_nobody_is_listened_to(tmp_path: Path, device: Device) -> None:
    """Whoever speaks there did not sit down before the camera."""
    ran = []
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_open)
        one._network.probabilities = lambda _: ran.append(1)  # type: ignore[assignment,method-assign]
        (stream,) = device.streams
        stream.hear(noise(3, 0.001))

        def is_speech() -> bool:
            stream.hear(spoken(1.0))
            assert one.fused(time.monotonic(), None) is None
            return one.is_speech

        await wait_until(is_speech)
        assert one.fused(time.monotonic(), None) is None
    assert ran == []


async def test_silence_and_noise_say_nothing(tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    found, update = [], SpeechActivity.update

    def updated(activity: SpeechActivity, sound: Sound) -> bool:
        found.append(update(activity, sound))
        return found[-1]

    monkeypatch.setattr(SpeechActivity, "update", updated)
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_open)
        (stream,) = device.streams

        def is_over() -> bool:
            stream.hear(noise(2 * HOP / RATE, 0.01) if len(found) < 3 else np.zeros(2 * HOP, np.float32))
            assert one.fused(time.monotonic(), FACE) == FACE
            return len(found) > 5

        await wait_until(is_over)
    assert not any(found)


async def test_a_microphone_that_is_unplugged_is_told_of_and_the_face_goes_on(tmp_path: Path, device: Device) -> None:
    told = Told()
    with listener(tmp_path / "voice.onnx", told) as one:
        await wait_until(lambda: one.is_open)
        await heard(one, device.streams[0])
        device.closing.clear()
        device.streams[0].active = False
        await wait_until(lambda: one.fused(time.monotonic(), FACE) == FACE)
        assert told.sentences == [listening.OPEN]  # not yet closed
        assert one.is_held
        device.closing.set()
        await wait_until(lambda: len(told.sentences) > 1)
        assert not one.is_held
        assert told.sentences == [listening.OPEN, listening.LOST]
        assert device.streams[0].closed
        assert one.fused(time.monotonic(), FACE) == FACE
        assert not told.failed.is_set()
        assert one.error is None


async def test_one_that_goes_silent_without_a_word_is_unplugged(
    tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_LOST_S", 0.2)
    told = Told()
    with listener(tmp_path / "voice.onnx", told) as one:
        await wait_until(lambda: len(told.sentences) > 1)
        await wait_until(lambda: not one.is_open)
    assert told.sentences == [listening.OPEN, listening.LOST]


async def test_a_network_that_fails_is_told_of_and_the_face_goes_on(tmp_path: Path, device: Device) -> None:
    told = Told()
    with listener(tmp_path / "voice.onnx", told) as one:
        await wait_until(lambda: one.is_open)

        def fail(_: object) -> None:
            raise ModelContractError("it answers with what is no number")

        one._network.probabilities = fail  # type: ignore[assignment,method-assign]
        device.streams[0].hear(noise(3, 0.001))

        def is_told() -> bool:
            one.fused(time.monotonic(), FACE)
            device.streams[0].hear(spoken(1.0))
            return len(told.sentences) > 1

        await wait_until(is_told)
        await wait_until(lambda: not one.is_open)
        assert told.sentences == [listening.OPEN, f"{listening.FAILED}: it answers with what is no number."]
        assert one.fused(time.monotonic(), FACE) == FACE


async def test_where_there_is_no_microphone_it_says_that_it_could_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Device(own=None).installed(monkeypatch)
    told = Told()
    with listener(tmp_path / "voice.onnx", told) as one:
        await wait_until(told.failed.is_set)
        assert isinstance(one.error, NoMicrophoneError)
        assert not one.is_open


async def test_a_driver_that_does_not_let_go_holds_nobody_up(tmp_path: Path, device: Device) -> None:
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_open)
        device.closing.clear()
        one.stop()
        assert not one.is_released(0.1)
        device.closing.set()


async def test_a_driver_that_hangs_as_it_opens_may_have_the_microphone(tmp_path: Path, device: Device) -> None:
    device.opening.clear()
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_held)
        assert not one.is_open
        one.stop()
        assert not one.is_released(0.1)
        assert one.is_held
        device.opening.set()
    assert not one.is_held
    assert device.streams[0].closed


def test_what_is_stopped_before_it_began_opens_no_microphone(tmp_path: Path, device: Device) -> None:
    one = Listener(VoiceNetwork(voices.made(tmp_path / "voice.onnx")), print, print)
    one.stop()
    one.run()
    assert device.streams == []


def test_what_is_stopped_while_the_library_loads_opens_no_microphone(
    tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there is no camera, which is known sooner."""
    one = Listener(VoiceNetwork(voices.made(tmp_path / "voice.onnx")), print, print)
    monkeypatch.setattr(listening, "load_library", one.stop)
    one.run()
    assert device.streams == []


async def test_a_crash_leaves_no_file_of_what_was_heard(tmp_path: Path, device: Device) -> None:
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    with listener(tmp_path / "voice.onnx") as one:
        await wait_until(lambda: one.is_open)
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, hard)


def test_networks_that_learned_from_synthetic_voices_are_refused_with_what_to_do(tmp_path: Path) -> None:
    file = voices.made(tmp_path / "voice.onnx", msgspec.structs.replace(voices.CONTRACT, recorded=False))
    with pytest.raises(ModelContractError, match=r"synthetic voices .* moodcast models train moodnet-voice --data"):
        listening.load(file)
    assert listening.load(voices.made(tmp_path / "voice.onnx")).contract == voices.CONTRACT
