"""Waiting for so long at most: results, errors, time and, above all, cancellations."""

import ast
import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.common import deadline
from relay.common.deadline import end, within
from tests.support import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
async def nothing_is_left_over() -> AsyncIterator[None]:
    """No task goes on, and the loop has nothing to complain of (such as an error that nobody asked for)."""
    complaints: list[object] = []
    gc.freeze()  # what other tests have loaded, such as torch, is not looked through for this one's garbage
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    await wait_until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    gc.collect()
    gc.unfreeze()
    assert complaints == []


async def answer() -> str:
    return "yes"


async def fail() -> str:
    raise ConnectionError("no")


async def test_the_result_or_the_error() -> None:
    assert await within(10, answer()) == "yes"
    assert await within(None, answer()) == "yes"
    with pytest.raises(ConnectionError):
        await within(10, fail())


async def test_what_takes_too_long_is_cancelled_and_has_ended() -> None:
    said = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("cleaned up")

    with pytest.raises(asyncio.TimeoutError):
        await within(0.01, forever())
    assert said == ["cleaned up"]


async def test_a_result_in_spite_of_the_cancellation_counts() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "opened"
        return ""

    assert await within(0.01, stubborn()) == "opened"


async def test_who_cancels_itself_is_no_timeout() -> None:
    async def given_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await within(10, given_up())


async def test_a_cancellation_in_the_tick_of_the_result_is_not_lost() -> None:
    """``asyncio.wait_for`` of Python 3.10 and 3.11 loses it."""
    event = asyncio.Event()
    task = asyncio.create_task(within(10, event.wait()))
    await asyncio.sleep(0)
    for _ in range(4):
        await asyncio.sleep(0)
    event.set()
    task.cancel()
    await asyncio.wait({task}, timeout=60)
    assert task.cancelled()


@pytest.mark.slow
@pytest.mark.parametrize("ticks", range(12))
async def test_a_cancellation_in_any_tick_is_not_lost(ticks: int) -> None:
    async def work() -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    async def go_on() -> None:
        await within(10, work())
        await asyncio.Event().wait()

    task = asyncio.create_task(go_on())
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=60)
    assert task.cancelled()


async def test_what_overhears_a_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "AGAIN_S", 0.01)
    deaf = asyncio.create_task(_deaf(3))
    await asyncio.sleep(0)
    assert await end(deaf, patience_s=10)
    assert deaf.cancelled()


async def test_what_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "PATIENCE_S", 0.05)
    monkeypatch.setattr(deadline, "AGAIN_S", 0.01)
    release = asyncio.Event()

    async def deaf() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        raise ConnectionError("nobody asks for this")

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    assert not await end(task, patience_s=0.05)
    release.set()
    await asyncio.wait({task})


async def test_the_end_of_many_some_of_which_are_over() -> None:
    over, failed, going = (asyncio.create_task(work) for work in (answer(), fail(), asyncio.Event().wait()))
    await asyncio.wait({over, failed})
    assert await end(over, failed, going)
    assert going.cancelled()


async def _deaf(times: int) -> None:
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


@pytest.mark.slow
def test_nothing_waits_with_what_loses_cancellations() -> None:
    """Tests may: nothing cancels them but their end."""
    folders = ("agent", "benchmarks", "demo", "models", "obs_plugin", "relay")
    programs = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    used = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in [ROOT / "moodcast.py", *programs]
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncio.wait_for")
        or (isinstance(node, ast.ImportFrom) and any(name.name == "wait_for" for name in node.names))
    ]
    assert used == [], "use relay.common.deadline.within"
