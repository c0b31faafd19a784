"""The files that a page reads faces with, as they were last found, and the work on those that are missing.

That is done by a process of its own, of the lowest priority, beside the relay.
"""

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

from relay.assets import Asset, AssetsMissingError, AssetStore
from relay.common.deadline import end

log = logging.getLogger(__name__)

_NO_STORE = "Start the relay with `moodcast relay`: the program that started it brought no such files along."
_LOOK_AGAIN_S = 5.0
"""Files that were missing may have come meanwhile: it is looked so often at most, and only where somebody asks."""
_RETRY_S, _LONGEST_RETRY_S = 60.0, 3600.0
_MOST_SAID = 4096
_NICE = 19
_IDLE = 0x08000040 if sys.platform == "win32" else 0
"""CREATE_NO_WINDOW and IDLE_PRIORITY_CLASS."""

Result = TypeVar("Result")


class Shelf:
    """The files, by their address, and the threads in which they are read."""

    def __init__(self, store: AssetStore | None, may_fetch: bool, elsewhere: bool = False) -> None:
        """``may_fetch``: what is missing is fetched and compressed for as long as the shelf is ``kept``; ``elsewhere``:
        by another process of the relay."""
        self._store, self._may_fetch, self._elsewhere = store, may_fetch and not elsewhere, may_fetch and elsewhere
        self._is_whole, self._works, self._said_ready = False, store is not None, False
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, "assets")
        self.files: Mapping[str, Asset] = MappingProxyType({})

    @property
    def state(self) -> Literal["ready", "loading", "missing"]:
        return "ready" if self.files else "loading" if self._works else "missing"

    @property
    def licences(self) -> Path | None:
        """The file with the licences of the others, where somebody has brought them along."""
        return self._store.licences if self._store else None

    @property
    def advice(self) -> str:
        """What the owner of a relay without the files can do."""
        return self._store.advice if self._store else _NO_STORE

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the relay runs."""
        task = asyncio.create_task(self._begin())
        try:
            yield
        finally:
            await end(task)
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what blocks in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def look_again(self) -> None:
        """Files that are missing may be here now, and those that were here may be gone; it is not looked often."""
        if time.monotonic() - self._looked > _LOOK_AGAIN_S and not self._looking.locked():
            await self._look()

    async def _look(self) -> None:
        async with self._looking:
            self._looked = time.monotonic()
            found: dict[str, Asset] = {}
            if self._store is not None:
                with contextlib.suppress(AssetsMissingError):
                    assets, self._is_whole = await self.run(self._store.look)
                    found = {asset.place: asset for asset in assets}
            self.files = MappingProxyType(found)

    async def _begin(self) -> None:
        try:
            await self._make_ready()
        except Exception:  # of the store; the relay goes on without
            log.exception("What browsers read faces with can't be made ready")
            self._works = False

    async def _make_ready(self) -> None:
        await self._look()
        if self._store is None or self._is_whole or not self._may_fetch:
            self._works = self._elsewhere and self._store is not None
            return
        cost = await self.run(self._store.cost)
        what = f"fetched ({cost}) and compressed" if cost else "compressed"
        log.info("What browsers read faces with is %s in the background; --no-fetch forbids it", what)
        wait_s = _RETRY_S
        while reason := await self._prepare(self._store):
            log.warning("What browsers read faces with is not ready: %s (next try in %.0f s)", reason, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(_LONGEST_RETRY_S, 2 * wait_s)
        self._say_ready()

    def _say_ready(self) -> None:
        """Once, though more of it may be compressed yet."""
        if not self._said_ready:
            self._said_ready = True
            log.info("What browsers read faces with is ready")

    async def _prepare(self, store: AssetStore) -> str:
        """Have the store's program do what is left to do; returns why it could not."""
        self._works = True
        try:
            code, said = await self._run_program(store)
        except OSError as error:
            return f"the program that fetches it can't be started ({error.strerror})"
        finally:
            self._works = False
        if code:
            return said or f"the program that fetches it ended with exit code {code}"
        await self._look()
        return "" if self._is_whole else "its files are damaged again"

    async def _run_program(self, store: AssetStore) -> tuple[int, str]:
        """Its exit code and the last that it said of itself."""
        process = await asyncio.create_subprocess_exec(
            *store.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            creationflags=_IDLE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = asyncio.create_task(_last_of(process.stderr))
        try:
            with contextlib.suppress(OSError, AttributeError):  # AttributeError: Windows, where it was started so
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            async for _ in process.stdout:
                await self._look()
                if self.files:
                    self._say_ready()
            return await process.wait(), _sentence(await said)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await asyncio.shield(process.wait())
            await end(said)


async def _last_of(stream: asyncio.StreamReader) -> bytes:
    """The end of what comes. (Progress bars are told there, too.)"""
    kept = b""
    while chunk := await stream.read(_MOST_SAID):
        kept = (kept + chunk)[-_MOST_SAID:]
    return kept


def _sentence(said: bytes) -> str:
    """Why a command failed: what it said behind its name, on one line."""
    text = said.decode(errors="replace").rpartition("moodcast: ")[2]
    return " ".join(text.split())
