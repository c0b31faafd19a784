"""The agent always stops, and gives the camera back first: whenever it is told, and whatever hangs.

How fast is measured by ``python -m benchmarks.interrupts``. Here the device is closed and the process is gone at last,
with the exit code of docs/errors.md.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from agent import stopping
from benchmarks import interrupts
from relay import app
from tests import hanging, voices
from tests.e2e.agent_program import command, on_terminal, running, weights
from tests.support import free_port, subscribe, wait_until
from tests.terminals import open_terminal

pytestmark = [
    pytest.mark.usefixtures("agent_files"),
    pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals"),
]

PATIENCE_S = 60.0


class Agent:
    """An agent that a test starts, and what it says on standard error."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.errors = ""

    async def says(self, text: str) -> None:
        """Wait until it has said so."""
        assert self.process.stderr is not None
        while text not in self.errors:
            line = await asyncio.wait_for(self.process.stderr.readline(), PATIENCE_S)
            assert line, f"it ended and had only said {self.errors!r}"
            self.errors += line.decode()

    async def end(self) -> int:
        """Its exit code."""
        _, errors = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        self.errors += errors.decode()
        assert "Traceback" not in self.errors
        assert self.process.returncode is not None
        return self.process.returncode


@contextlib.asynccontextmanager
async def hanging_agent(case: str, url: str, *options: str) -> AsyncIterator[Agent]:
    """A real agent in which that hangs."""
    _, _, module, *arguments = command(url, weights("portrait"), "--yes", *options)
    assert module == "moodcast"
    async with running(sys.executable, "-m", "tests.hanging", case, *arguments) as process:
        yield Agent(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_other_signals_end_it_too(number: signal.Signals, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with hanging_agent("read", relay.url) as agent:
        await agent.says("read hangs")
        agent.process.send_signal(number)
        assert await agent.end() == 0


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case in ("read", "terminal", "network") else pytest.mark.nightly)
        for case in hanging.WHILE_SHARING
    ],
)
async def test_it_ends_whatever_hangs_while_it_shares(case: str, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with hanging_agent(case, relay.url) as agent:
        await agent.says(f"{case} hangs")
        agent.process.send_signal(signal.SIGINT)
        assert await agent.end() == 0


async def test_it_ends_though_the_microphone_is_not_given_back(
    relay: app.Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = relay.create_channel("demo")
    monkeypatch.setenv("MOODCAST_ADMIN_KEY", keys.admin_key)
    voice = str(voices.made(tmp_path / "voice.onnx"))
    async with hanging_agent("microphone", relay.url, "--role", "streamer", "--voice", voice) as agent:
        await agent.says("The microphone is open")
        agent.process.send_signal(signal.SIGINT)
        assert await agent.end() == 0
    assert "microphone hangs" in agent.errors
    assert "The driver of the microphone did not answer" in agent.errors


async def test_it_ends_though_a_keyring_does_not_answer_while_it_is_taught(relay: app.Relay) -> None:
    key = relay.create_channel("demo").display_key
    agent_that_hangs = hanging_agent("keyring", relay.url, "--personal")
    async with agent_that_hangs as agent, await subscribe(relay.url, "demo", key) as audience:
        await agent.says("keyring hangs")
        await audience.mood(lambda mood: mood.sharing == 1)  # nor does sharing wait for it
        agent.process.send_signal(signal.SIGINT)
        assert await agent.end() == 0


@pytest.mark.parametrize("case", hanging.BEFORE)
async def test_it_ends_whatever_hangs_before(case: str, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with hanging_agent(case, f"http://localhost:{relay.url.rpartition(':')[2]}") as agent:
        await agent.says(f"{case} hangs")
        agent.process.send_signal(signal.SIGINT)
        assert await agent.end() == 130
    assert agent.errors.splitlines()[1:] in ([], ["", "Stopped: nothing was captured."])


@pytest.mark.parametrize(
    ("case", "code"),
    [("failure", 11), *(pytest.param(*one, marks=pytest.mark.nightly) for one in (("refusal", 35), ("unknown", 30)))],
)
async def test_an_error_ends_it_whatever_hangs(case: str, code: int, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with hanging_agent(case, f"http://localhost:{relay.url.rpartition(':')[2]}") as agent:
        assert await agent.end() == code
    assert "moodcast: " in agent.errors


@pytest.mark.parametrize("first", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)])
async def test_a_second_ctrl_c_ends_it_whatever_the_first_is_at(first: signal.Signals, relay: app.Relay) -> None:
    key = relay.create_channel("demo").display_key
    async with hanging_agent("impatient", relay.url) as agent, await subscribe(relay.url, "demo", key) as audience:
        await audience.mood(lambda mood: mood.sharing == 1)  # so there is something to release
        agent.process.send_signal(first)
        await agent.says("release hangs")
        assert agent.process.returncode is None
        agent.process.send_signal(signal.SIGINT)
        assert await agent.end() == 130


async def test_it_ends_though_the_sentence_of_an_error_can_not_be_said() -> None:
    """Where standard error is full, and nobody reads it: as a terminal that is held with Ctrl-S."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(512))
    os.set_blocking(writing, True)
    nobody = f"http://127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(*command(nobody, weights("portrait"), "--yes"), stderr=writing)
    try:
        await wait_until(lambda: has_signal(process.pid, "SigCgt", signal.SIGTERM), PATIENCE_S)
        await wait_until(lambda: is_stuck(process.pid), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 30
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(reading)
        os.close(writing)


async def is_stuck(pid: int) -> bool:
    """Whether the main thread of an agent waits for something that does not come, and looks for signals no more."""
    agent, turns, states = psutil.Process(pid), set(), set()
    for _ in range(10):
        turns.add(agent.num_ctx_switches().voluntary)
        states.add(agent.status())
        await asyncio.sleep(stopping.POLL_S)
    return len(turns) == 1 and states == {psutil.STATUS_SLEEPING}  # and not at work, or waiting for a busy core


def has_signal(pid: int, kind: str, number: signal.Signals) -> bool:
    """Whether a process catches (``SigCgt``) or ignores (``SigIgn``) a signal."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status[kind], 16) & 1 << (number - 1))


async def test_ctrl_c_at_the_question_ends_it(relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with on_terminal(*command(relay.url, weights("portrait"))) as terminal:
        await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
        terminal.type(b"\x03")
        await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)
        assert terminal.process.returncode == 130
        await wait_until(lambda: terminal.shows("Stopped: nothing was captured."))
    assert not terminal.shows("Traceback")


async def test_a_closed_window_ends_it(relay: app.Relay) -> None:
    """The terminal is gone: the system sends SIGHUP, and nothing can be written any more."""
    relay.create_channel("demo")
    ours, theirs = open_terminal()
    process = await asyncio.create_subprocess_exec(
        *command(relay.url, weights("portrait"), "--yes"), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(theirs)
    try:
        await wait_until(lambda: relay.connections("demo")[0] and b"happy" in os.read(ours, 65536), PATIENCE_S)
        os.close(ours)
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await wait_until(lambda: relay.connections("demo") == (0, 0))


def own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def test_nohup_is_honoured(relay: app.Relay) -> None:
    relay.create_channel("demo")
    nohup = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    async with running(*nohup, *command(relay.url, weights("portrait"), "--yes")) as process:
        await wait_until(lambda: has_signal(process.pid, "SigCgt", signal.SIGTERM), PATIENCE_S)
        assert has_signal(process.pid, "SigIgn", signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        assert await Agent(process).end() in (0, 130)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.avi"
    interrupts.make_film(path)
    return path


@pytest.mark.parametrize("number", [4, pytest.param(40, marks=pytest.mark.nightly)])
async def test_seeded_moments(relay: app.Relay, film: Path, number: int) -> None:
    """No process survives, and so none has the film open: see the command, which does it three hundred times."""
    relay.create_channel("demo")
    agents = interrupts.Agents(relay.url, "demo", film)
    until_s = 2 * await agents.steady_s()
    outcomes = await agents.interrupt_all(interrupts.moments(number, 11, until_s), together=2)
    assert [outcome for outcome in outcomes if outcome.survived_s >= interrupts.HANG_S] == []
