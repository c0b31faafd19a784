"""A long row of small things to do, and other work in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Each = TypeVar("Each")

TURN_S = 0.002
"""Work in a row before other work gets its turn."""


async def fairly(items: Iterable[Each]) -> AsyncIterator[Each]:
    """The items. Whatever waits in the event loop has its turn once ``TURN_S`` has gone by with them, and again.

    So anything may have changed from one to the next: ``items`` is a list of the caller's own.
    """
    until = time.monotonic() + TURN_S
    for item in items:
        if time.monotonic() >= until:
            await asyncio.sleep(0)
            until = time.monotonic() + TURN_S
        yield item
