"""The agent of the release before, as ``tests/fixtures`` keeps it, at today's relay (docs/versions.md)."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS, Expression
from tests.support import SOON, count_of, free_port, request, subscribe, wait_until

FIXTURES = Path(__file__).parents[1] / "fixtures"
KEPT = FIXTURES / "clients-0.1.0.zip"
AGENTS = 3


class KeptAgents:
    """Some agents of that release, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []

    async def read(self) -> None:
        """Keep what they tell, until they end."""
        assert self._process.stdout
        async for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def show(self, what: Expression | str) -> None:
        assert self._process.stdin
        self._process.stdin.write(what.encode() + b"\n")

    def heard(self, kind: str, number: int) -> list[dict[str, Any]]:
        """Messages of a type that one of them heard, oldest first."""
        return [line["heard"] for line in self.lines if line.get("agent") == number and line["heard"]["type"] == kind]

    async def all_heard(self, mood: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the last mood that each of them heard is one like this."""

        def have() -> bool:
            last = [self.heard("mood", number)[-1:] for number in range(AGENTS)]
            return all(moods and mood(moods[0]) for moods in last)

        await wait_until(have)


@contextlib.asynccontextmanager
async def kept_agents(url: str) -> AsyncIterator[KeptAgents]:
    """Agents that join ``demo``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FIXTURES / "kept_agents.py"), url, str(AGENTS),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(KEPT)},
    )  # fmt: skip
    agents = KeptAgents(process)
    reading = asyncio.create_task(agents.read())
    try:
        await wait_until(lambda: agents.lines)
        assert agents.lines[0]["code"].startswith(str(KEPT)), "these are agents of today"
        yield agents
    finally:
        process.kill()
        await process.wait()
        await reading


@pytest.mark.relay(min_viewers=AGENTS, tick_ms=250)
async def test_they_join_are_counted_and_told(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay, kept_agents(relay.url) as agents:
        agents.show("happy")
        await overlay.mood(lambda mood: count_of(mood, "happy") == AGENTS and mood.visible)
        await agents.all_heard(lambda mood: mood["counts"] == counts("happy") and mood["visible"])
        agents.show("surprise")
        await agents.all_heard(lambda mood: mood["counts"] == counts("surprise"))
        agents.show("nobody")
        await overlay.mood(lambda mood: mood.viewers == AGENTS and not mood.sharing)
        await agents.all_heard(lambda mood: not mood["visible"])
        for number in range(AGENTS):
            assert len(agents.heard("welcome", number)) == 1, "they were never lost meanwhile"


@pytest.mark.relay(min_viewers=AGENTS, tick_ms=250)
async def test_a_mood_that_rests_is_told_again_and_again(relay: app.Relay) -> None:
    """Else a window that has just been opened would show none, and its viewer would think that the relay is gone."""
    relay.create_channel("demo")
    async with kept_agents(relay.url) as agents:
        agents.show("sad")
        await agents.all_heard(lambda mood: mood["counts"] == counts("sad") and mood["visible"])
        told = [len(agents.heard("mood", number)) for number in range(AGENTS)]
        await wait_until(lambda: all(len(agents.heard("mood", number)) >= told[number] + 2 for number in range(AGENTS)))
        for number in range(AGENTS):
            assert len(agents.heard("welcome", number)) == 1
            assert {tuple(mood["counts"]) for mood in agents.heard("mood", number)[-2:]} == {tuple(counts("sad"))}


@pytest.mark.relay(min_viewers=AGENTS, tick_ms=250)
async def test_they_follow_a_pause_and_say_their_expression_anew_after_it(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")

    async def say(state: str) -> None:
        assert (await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": state}))[0] == 200

    async with await subscribe(relay.url, "demo", keys.display_key) as overlay, kept_agents(relay.url) as agents:
        agents.show("happy")
        await overlay.mood(lambda mood: count_of(mood, "happy") == AGENTS)
        await say("paused")
        await agents.all_heard(lambda mood: mood["paused"])
        await say("auto")
        await agents.all_heard(lambda mood: not mood["paused"])
        await overlay.mood(lambda mood: count_of(mood, "happy") == AGENTS)


async def test_they_come_back_to_a_relay_that_was_restarted(tmp_path: Path) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path), min_viewers=AGENTS)
    relay = await app.start(settings, SOON)
    keys = relay.create_channel("demo")
    async with kept_agents(relay.url) as agents:
        agents.show("happy")
        await agents.all_heard(lambda mood: mood["counts"] == counts("happy"))
        await relay.stop()
        relay = await app.start(settings, SOON)
        try:
            async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
                await overlay.mood(lambda mood: count_of(mood, "happy") == AGENTS)
            assert [len(agents.heard("welcome", number)) for number in range(AGENTS)] == [2] * AGENTS
        finally:
            await relay.stop()


def counts(expression: Expression) -> list[int]:
    """Those of a mood in which all agents show the same."""
    return [AGENTS if name == expression else 0 for name in EXPRESSIONS]
