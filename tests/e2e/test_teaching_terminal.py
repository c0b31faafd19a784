"""Teaching the real agent on a terminal: what it asks and says, what it keeps, and what the audience sees meanwhile."""

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.personal.answers import Answer, Answers
from agent.personal.key import DesktopVault
from agent.personal.lesson import LASTS_S
from agent.personal.store import Store, usual_folder
from models.inference import registry
from relay import app
from relay.protocol import EXPRESSIONS
from tests.e2e.agent_program import command, on_terminal, outcome, weights
from tests.support import count_of, subscribe, wait_until

pytestmark = [
    pytest.mark.usefixtures("agent_files"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
]

PATIENCE_S = 60.0
HAPPY, SURPRISE, NEUTRAL = (EXPRESSIONS.index(name) for name in ("happy", "surprise", "neutral"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the answers of a viewer who has no keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return usual_folder()


def known(folder: Path) -> list[str]:
    """The names of the files there."""
    return [file.name for file in folder.iterdir()] if folder.exists() else []


def kept(folder: Path) -> dict[str, int]:
    """How many answers the file has of each expression that it has some of."""
    answers = Store(folder, DesktopVault(folder)).load(registry.get("moodnet").sha256).answers
    assert answers is not None
    return {name: count for name, count in zip(EXPRESSIONS, answers.counts, strict=True) if count}


async def test_a_viewer_confirms_corrects_and_deletes(relay: app.Relay, folder: Path) -> None:
    relay.create_channel("demo")
    async with on_terminal(*command(relay.url, weights("portrait"), "--personal")) as terminal:
        await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
        assert terminal.shows("(an embedding)")
        assert terminal.shows("obfuscation")
        assert known(folder) == []
        terminal.type(b"y\n")
        await wait_until(lambda: terminal.shows("\rhappy "), PATIENCE_S)
        assert terminal.shows("y if what was shown last is right, else what it is: 1 angry, 2 disgust")
        terminal.type(b"y\n")
        await wait_until(lambda: known(folder) and kept(folder) == {"happy": 1}, PATIENCE_S)
        await wait_until(lambda: terminal.shows("So far every answer says happy."))
        terminal.type(b"6\n")
        await wait_until(lambda: kept(folder) == {"happy": 1, "surprise": 1}, PATIENCE_S)
        terminal.type(b"d\n")
        await wait_until(lambda: terminal.shows("once more within ten seconds"))
        terminal.type(b"d\n")
        await wait_until(lambda: terminal.shows("Your answers are deleted"))
        assert known(folder) == ["answers.lock"]
        terminal.type(b"\x03")
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0
    assert not terminal.shows("Traceback")
    assert kept(folder) == {}


def answers_of(people: int, count: int = 20) -> Answers:
    """Minutes apart, of a viewer whose surprised and neutral faces the network takes for happy.

    Or of two who answer in turn: one confirms what is shown, the other says the opposite of the same faces.
    """
    given, random = [], np.random.default_rng(1)
    for number in range(count):
        face = number // people % 2
        features = random.normal(0, 0.1, 256) + np.eye(256)[face] * 3
        shown, other = (SURPRISE, NEUTRAL) if face else (NEUTRAL, SURPRISE)
        label = other if number % people else shown
        universal = np.full(7, 0.05, np.float32)
        universal[HAPPY if people == 1 else shown] = 0.7
        given.append(Answer(1e9 + 200 * number, label, features.astype(np.float32), universal, corrected=True))
    return Answers(registry.get("moodnet").sha256, tuple(given))


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (1, "What was learned from you is used: of 20 answers that were left out, it gets 20 right"),
        (2, "Answers of two people, and answers that contradict each other, keep it from that."),
    ],
)
async def test_what_was_learned_is_said_and_whether_it_is_used(
    people: int, said: str, relay: app.Relay, folder: Path
) -> None:
    relay.create_channel("demo")
    Store(folder, DesktopVault(folder)).save(answers_of(people))
    async with on_terminal(*command(relay.url, weights("portrait"), "--personal", "--yes")) as terminal:
        await wait_until(lambda: terminal.shows(said), PATIENCE_S)
        assert terminal.shows("20 answers are kept.")
        assert terminal.shows("obfuscation, not protection")  # there is no keyring
        terminal.type(b"\x03")
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0


async def test_the_audience_sees_nobody_during_the_guided_minute(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        on_terminal(*command(relay.url, weights("portrait"), "--personal", "--yes")) as terminal,
    ):
        await audience.mood(lambda mood: count_of(mood, "happy") == 1, timeout=PATIENCE_S)
        terminal.type(b"t\n")
        await audience.mood(lambda mood: (mood.viewers, mood.sharing) == (1, 0))
        await wait_until(lambda: terminal.shows("next is angry: ") and terminal.shows("nothing is shared meanwhile"))
        await wait_until(lambda: terminal.shows("show angry: "))
        terminal.type(b"t\n")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert terminal.shows("broken off")
        terminal.type(b"t\n")
        await audience.mood(lambda mood: mood.sharing == 0)
        terminal.type(b"\x03")  # in the midst of it
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0
    assert not terminal.shows("Traceback")


@pytest.mark.nightly
async def test_a_whole_guided_minute(relay: app.Relay, folder: Path) -> None:
    keys = relay.create_channel("demo")
    async with on_terminal(*command(relay.url, weights("portrait"), "--personal", "--yes")) as terminal:
        await wait_until(lambda: terminal.shows("\rhappy "), PATIENCE_S)
        terminal.type(b"t\n")
        await wait_until(lambda: terminal.shows("The guided minute is over"), LASTS_S + PATIENCE_S)
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await wait_until(lambda: set(kept(folder)) == set(EXPRESSIONS), PATIENCE_S)
        terminal.type(b"\x03")
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0
    assert not terminal.shows("Traceback")


async def test_a_network_without_features_is_a_sentence_before_anything_is_captured(relay: app.Relay) -> None:
    relay.create_channel("demo")
    options = "--personal", "--yes", "--model", "moodnet-clip"
    code, out, errors = await outcome(*command(relay.url, weights("portrait"), *options))
    assert code == 60
    assert "'moodnet-clip' can't be taught a face" in errors
    assert "agree" not in out
