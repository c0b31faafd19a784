"""A long row of small things to do, and other work in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

Each = TypeVar("Each")

TURN_S = 0.002
"""Work in a row before other work gets its turn."""
AT_ONCE = 16
"""Sends, of some 10 us each, between two looks at the time."""


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


async def few_at_a_time(items: Sequence[Each]) -> AsyncIterator[Sequence[Each]]:
    """As ``fairly``, in slices of ``AT_ONCE``: for sends, which an item at a time would make a tenth dearer."""
    async for first in fairly(range(0, len(items), AT_ONCE)):
        yield items[first : first + AT_ONCE]
