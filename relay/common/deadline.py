"""Waiting for so long at most, without ever losing a cancellation.

``asyncio.wait_for`` loses one in Python 3.10 and 3.11: a ``cancel()`` that lands in the tick of the result is dropped
(https://github.com/python/cpython/issues/86296), and who was told to stop goes on. ``asyncio.wait`` does not.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

AGAIN_S = 0.2
PATIENCE_S = 1.0

Result = TypeVar("Result")


async def within(seconds: float | None, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``, which is cancelled after ``seconds`` (None: never).

    A result that comes in the last moment counts. When the caller is cancelled, so is ``work``, and its result is
    dropped: what it opens must have another owner, too.

    Raises:
        asyncio.TimeoutError: it did not come; ``work`` is over, or was given up after ``PATIENCE_S`` more.
    """
    task, in_time = asyncio.create_task(work), False
    try:
        await asyncio.wait({task}, timeout=seconds)
        in_time = task.done()
    finally:
        await end(task)
    if in_time or (task.done() and not task.cancelled()):
        return task.result()
    raise asyncio.TimeoutError


async def end(*tasks: "asyncio.Task[Any]", patience_s: float = PATIENCE_S) -> bool:
    """Cancel the tasks and wait for their end; False where one goes on after ``patience_s``.

    They are told again every ``AGAIN_S``: a library may have lost the first time. What they raise is theirs to look up.
    """
    until = time.monotonic() + patience_s
    going = {task for task in tasks if not task.done()}
    for task in tasks:
        task.add_done_callback(_heard)
    while going and (left := until - time.monotonic()) > 0:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=min(AGAIN_S, left))
    return not going


def _heard(task: "asyncio.Task[Any]") -> None:
    """Nobody has to ask for the error of a task that was told to end."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
