"""``moodcast agent --explain``: what would be sent, and that it is not."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from relay import protocol
from tests.e2e.agent_program import on_terminal, outcome, weights
from tests.e2e.test_agent_privacy import CHANGES, TRACED, foreign_addresses, programs, written
from tests.packets import beyond
from tests.raw import TEXT, Frame
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("agent_files")

PATIENCE_S = 60.0


def command(source: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "moodcast", "agent", "--explain", "--source", str(source), *options]


def shown(out: str) -> list[tuple[float, str]]:
    """Seconds and text of all that would have been sent."""
    return [(float(at), text) for at, text in re.findall(r"^ *(\d+\.\d) s  (.*)$", out, re.MULTILINE)]


async def test_it_shows_the_messages_of_ten_seconds_and_contacts_nobody(film: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt package strace)")
    trace = tmp_path / "trace"
    traced = ",".join(f"?{call}" for call in (*TRACED, *CHANGES))
    tracer = [strace, "-f", "-qq", "-s", "512", "-e", f"trace={traced}", "-o", str(trace)]
    code, out, errors = await outcome(*tracer, *command(film, "--loop", "--yes", "--name", "Zoë", "--password", "pw"))
    if "ptrace" in errors:
        pytest.skip(f"strace may not trace here: {errors.strip()}")
    assert (code, errors) == (0, "")
    lines = trace.read_text(errors="replace")
    assert "execve" in lines  # it was traced
    assert foreign_addresses(lines, 0) == []
    assert not re.search(r"socket\(AF_INET6?\b", lines)
    assert programs(lines) == []
    assert written(lines) == []

    (ticket, join, *messages) = [text for _, text in shown(out)]
    assert ticket == 'POST /v1/channels/CHANNEL/tickets {"password": "…"}'
    assert join.startswith("GET /v1/channels/CHANNEL/viewer")
    texts = [text.partition("   (")[0] for text in messages]
    assert [wrong for text in texts if (wrong := beyond(Frame(TEXT, text.encode())))] == []
    kinds = [type(protocol.from_viewer.decode(text)) for text in texts]
    assert kinds[0] is protocol.Hello
    assert {protocol.Label, protocol.Away} == set(kinds[1:])  # three seconds of a face, three of nobody
    assert '{"type":"away"}   (no face)' in messages
    assert max(at for at, _ in shown(out)) <= 10
    assert f"{len(messages) + 2} requests and messages" in out
    assert "Nothing was sent" in out
    assert "pw" not in out


async def test_without_a_yes_nothing_is_captured() -> None:
    code, out, errors = await outcome(*command(weights("portrait")))
    assert (code, out) == (14, "")
    assert "--yes" in errors
    async with on_terminal(*command(weights("portrait"))) as terminal:
        await wait_until(lambda: terminal.shows("nobody is contacted") and terminal.shows("[y/N]"), PATIENCE_S)
        terminal.type(b"n\n")
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 14
        await wait_until(lambda: terminal.shows("nothing was captured"), PATIENCE_S)
    assert not terminal.shows("hello")


async def test_ctrl_c_ends_it_early_in_good_order() -> None:
    async with on_terminal(*command(weights("portrait"), "--channel", "demo")) as terminal:
        await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
        terminal.type(b"y\n")
        await wait_until(lambda: terminal.shows('"emotion":"happy"'), PATIENCE_S)
        terminal.type(b"\x03")
        assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0
        await wait_until(lambda: terminal.shows("nothing is captured any more"), PATIENCE_S)
    assert terminal.shows("POST /v1/channels/demo/tickets {}")
    assert terminal.shows("http://127.0.0.1:8765, channel demo")
    assert not terminal.shows("Traceback")


async def test_a_camera_that_is_missing_is_a_sentence() -> None:
    code, out, errors = await outcome(*command(Path("webcam:61"), "--yes"))
    assert (code, out) == (10, "")
    assert "no camera 61" in errors
