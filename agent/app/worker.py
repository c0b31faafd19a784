"""The thread in which the running agent's event loop runs, and how others tell it what to do."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from agent.app.guard import Guard
from relay.common.deadline import end

Result = TypeVar("Result")


class Worker:
    """Every method may be called from any thread, and returns at once."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], cut: Callable[[], None]) -> None:
        """``work`` goes on for as long as the loop runs. ``cut`` shuts the camera where the loop hangs (``Guard``)."""
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._work = work
        self._working: asyncio.Task[None] | None = None
        """Kept here, since the event loop does not keep it."""
        self._endings: set[asyncio.Task[bool]] = set()
        """Kept as well."""
        self._guard = Guard(cut)
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()
        self._guard.start()

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def finish(self, patience_s: float) -> None:
        """Have all in the loop end, and then the loop; what takes longer than ``patience_s`` is left."""
        if self.is_running():
            asyncio.run_coroutine_threadsafe(self._finish(patience_s), self.loop)
        else:
            self.loop.close()

    def join(self, patience_s: float) -> None:
        """Wait for the end, and guard no more."""
        self._guard.end()
        self._thread.join(patience_s)

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        """Call it in the loop; nothing where that is over."""
        with contextlib.suppress(RuntimeError):  # it is closed
            self.loop.call_soon_threadsafe(call, *arguments)

    def shut(self, call: Callable[..., object], *arguments: object) -> None:
        """As ``post``, of what shuts the camera: also where the event loop hangs."""
        self._guard.ask()
        self.post(call, *arguments)
        self.post(self._guard.heed)

    def future(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Do it in the loop; cancelled where that is over."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:  # it is closed
            work.close()
            nothing: Future[Result] = Future()
            nothing.cancel()
            return nothing

    def end(self, task: "asyncio.Task[Any]") -> "asyncio.Task[bool]":
        """End a task, whatever becomes of who waits for that; call it in the loop."""
        task.cancel()  # now: what ends it may itself be ended before it has begun
        ending = self.loop.create_task(end(task))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return ending

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._working = self.loop.create_task(self._work())
        self.loop.run_forever()
        self.loop.close()

    async def _finish(self, patience_s: float) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await end(*others, patience_s=patience_s)
        self.loop.stop()
