"""The streamer's agent that listens, as its user starts it, on a real sound stack and a relay."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from relay import app
from relay.protocol import Face
from tests import sound_stack, undecided, voices
from tests.agent.voice.sounds import spoken
from tests.e2e.agent_program import command, on_terminal, outcome, running, weights
from tests.support import subscribe, wait_until

pytestmark = pytest.mark.usefixtures("agent_files")

SAD = [20.0 if label == "sad" else 0.0 for label in voices.CONTRACT.labels]
PATIENCE_S = 60.0


def streamers(url: str, voice: Path, *options: str) -> list[str]:
    return command(url, weights("portrait"), "--role", "streamer", "--voice", str(voice), *options)


def has_loaded(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()


@pytest.fixture
def admin_key(relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> str:
    keys = relay.create_channel("demo")
    monkeypatch.setenv("MOODCAST_ADMIN_KEY", keys.admin_key)
    return keys.admin_key


async def told(relay: app.Relay, key: str, arguments: list[str], *wanted: str) -> str:
    """Wait until the audience is told of each expression, end it with Ctrl-C, and return what it said."""
    async with await subscribe(relay.url, "demo", key) as audience, running(*arguments) as agent:

        def is_told(message: Any, expression: str) -> bool:
            return isinstance(message, Face) and message.emotion == expression

        for expression in wanted:
            await asyncio.wait_for(
                audience.receive_until(lambda message, one=expression: is_told(message, one)), PATIENCE_S
            )
        agent.send_signal(signal.SIGINT)
        out, errors = await asyncio.wait_for(agent.communicate(), PATIENCE_S)
        assert agent.returncode == 0, errors.decode()
        return out.decode() + errors.decode()


async def test_a_face_that_is_undecided_and_a_voice_that_is_sad_are_one_label(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One network sees rather a happy face, the other hears a sad voice in whatever is spoken."""
    with sound_stack.with_microphone(monkeypatch, spoken(20)):
        file, model = voices.made(tmp_path / "voice.onnx", logits=SAD), undecided.network(tmp_path / "face.onnx")
        said = await told(relay, admin_key, streamers(relay.url, file, "--yes", "--model", str(model)), "sad")
        assert "The microphone is open" in said
        assert "Stopped: nothing is captured or sent any more." in said


async def test_in_silence_the_face_alone_counts(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sound_stack.with_microphone(monkeypatch, np.zeros(16000, np.float32)):
        file, model = voices.made(tmp_path / "voice.onnx", logits=SAD), undecided.network(tmp_path / "face.onnx")
        said = await told(relay, admin_key, streamers(relay.url, file, "--yes", "--model", str(model)), "happy")
        assert "sad" not in said.partition("Consent was given")[2]


async def test_it_is_asked_for_before_and_shown_while_it_is_open(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sound_stack.with_microphone(monkeypatch, spoken(20)):
        async with on_terminal(*streamers(relay.url, voices.made(tmp_path / "voice.onnx"))) as terminal:
            await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
            assert terminal.shows("turn on your microphone")
            assert terminal.shows("people who did not agree")
            assert not has_loaded(terminal.process.pid, "portaudio")
            terminal.type(b"y\n")
            await wait_until(lambda: terminal.shows("MICROPHONE OPEN, speech"), PATIENCE_S)
            assert has_loaded(terminal.process.pid, "portaudio")
            terminal.type(b"\x03")
            await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)
            assert terminal.process.returncode == 0
        assert not terminal.shows("Traceback")


async def test_a_microphone_that_goes_in_mid_session_is_told_of_and_the_face_goes_on(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, model = voices.made(tmp_path / "voice.onnx", logits=SAD), undecided.network(tmp_path / "face.onnx")
    with sound_stack.with_microphone(monkeypatch, spoken(20)) as server:
        async with on_terminal(*streamers(relay.url, file, "--yes", "--model", str(model))) as terminal:
            await wait_until(lambda: terminal.shows("sad 0."), PATIENCE_S)
            server.kill()
            await wait_until(lambda: terminal.shows("The microphone delivers nothing any more"), PATIENCE_S)
            await wait_until(lambda: terminal.shows("microphone closed"), PATIENCE_S)
            del terminal.screen[:]
            await wait_until(lambda: terminal.shows("happy 0."), PATIENCE_S)
            terminal.type(b"\x03")
            await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)
            assert terminal.process.returncode == 0
    assert not terminal.shows("Traceback")


async def test_who_does_not_agree_has_no_microphone_opened(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sound_stack.with_microphone(monkeypatch, spoken(20)):
        async with on_terminal(*streamers(relay.url, voices.made(tmp_path / "voice.onnx"))) as terminal:
            await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
            terminal.type(b"n\n")
            await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)
            assert terminal.process.returncode == 14
        assert not terminal.shows("MICROPHONE OPEN")


async def test_without_a_microphone_it_ends_with_a_sentence(
    relay: app.Relay, admin_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound_stack.without_microphone(monkeypatch, tmp_path)
    file = voices.made(tmp_path / "voice.onnx")
    code, _, errors = await outcome(*streamers(relay.url, file, "--yes"))
    assert code == 62, errors
    assert "there is no microphone: plug one in" in errors
    assert "Traceback" not in errors


async def test_synthetic_voices_and_no_voice_file_are_refused_before_anything_is_asked(
    relay: app.Relay, admin_key: str, tmp_path: Path
) -> None:
    synthetic = msgspec.structs.replace(voices.CONTRACT, recorded=False, learned_from="synthetic")
    for file, words in (
        (voices.made(tmp_path / "voice.onnx", synthetic), "learned from synthetic voices"),
        (voices.made(tmp_path / "other.onnx", author="somebody"), "is no voice file"),
        (tmp_path / "none.onnx", "there is no voice file"),
    ):
        code, out, errors = await outcome(*streamers(relay.url, file, "--yes"))
        assert code == 25
        assert words in errors
        assert "moodcast models train moodnet-voice --data RAVDESS" in errors
        assert "Moodcast will" not in out
