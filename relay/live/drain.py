"""How a relay that stops or restarts sends its crowd away, so that it does not come back in one moment."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from relay.live.fairly import fairly

COME_BACK_PER_S = 1000
"""Clients that a relay takes in a second while it serves those it has: well below what one core can."""
RESTART_S = 2.0
"""From the last goodbye until a relay that is restarted at once listens again."""
NEXT_NODE_S = 1.0
"""A proxy in front of several nodes has learnt by then that this one takes nobody new."""
STEP_S = 0.02
"""Goodbyes that are due within this time go out together."""

Farewell = Callable[[float], None]
"""Says goodbye to a client, which should come back after so many seconds."""


def leaving_s(count: int, seconds: float) -> float:
    """How long it takes until ``count`` clients have left: at most ``seconds``, and less where they are few."""
    return min(seconds, count / COME_BACK_PER_S)


def goodbyes(count: int, seconds: float, alone: bool) -> Iterator[tuple[float, float]]:
    """For each of ``count`` clients: when to say goodbye, and after how long it should come back, in seconds.

    They leave evenly over ``leaving_s`` and come back evenly, ``COME_BACK_PER_S`` of them a second: to other nodes at
    once, to a relay that is ``alone`` when it can be there again. Clients blur that further by a random 0.5 to 1.5.
    """
    leaving, back = leaving_s(count, seconds), count / COME_BACK_PER_S
    for number in range(count):
        share = number / count
        when = share * leaving
        at = leaving + RESTART_S + share * back if alone else NEXT_NODE_S + share * back
        yield when, at - when


async def send_away(farewells: Sequence[Farewell], seconds: float, alone: bool) -> None:
    """Say goodbye to all clients as ``goodbyes`` plans it."""
    begun = time.monotonic()
    plan = goodbyes(len(farewells), seconds, alone)
    async for farewell, (when, retry_after) in fairly(zip(farewells, plan, strict=True)):
        if (wait := begun + when - time.monotonic()) > 0:
            await asyncio.sleep(max(wait, STEP_S))
        farewell(round(retry_after, 1))
