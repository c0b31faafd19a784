"""Join passwords are looked at one at a time, since a wrong one costs the relay more than the one who guesses."""

import asyncio
import math
from contextlib import AbstractContextManager

from relay.core.limits import ALONE, Ledger
from relay.core.turns import Turns, Waiter

MOST_WAITING = 100
"""Guesses that wait, on all workers: some five seconds of work."""


class CrowdedError(Exception):
    """Too many guesses wait, and most of them are of this channel and house."""


class Guesses:
    """The fair queue of those who gave a password that was not given rightly before."""

    def __init__(self, ledger: Ledger = ALONE) -> None:
        self._ledger = ledger
        self._turns = Turns(math.ceil(MOST_WAITING / ledger.workers))
        self._waiting: dict[Waiter, asyncio.Future[bool]] = {}
        self._busy = False

    async def take(self, channel: str, house: str | None, doubtful: bool) -> None:
        """Wait for the turn; after it comes ``pass_on``. Who is cancelled meanwhile waits no longer.

        Raises:
            CrowdedError: it can't wait (any longer).
        """
        if self._busy:
            await self._wait(Waiter(channel, house, doubtful))
        self._busy = True

    def alone(self) -> AbstractContextManager[None]:
        """What is done with the turn, while no other worker does the same. Blocks."""
        return self._ledger.alone("guess")

    def pass_on(self) -> None:
        """End the turn: the next has it."""
        waiter = self._turns.next()
        if waiter is None:
            self._busy = False
        else:
            self._waiting.pop(waiter).set_result(True)  # stays busy meanwhile

    async def _wait(self, waiter: Waiter) -> None:
        mine = self._waiting[waiter] = asyncio.get_running_loop().create_future()
        if last := self._turns.add(waiter):
            self._waiting.pop(last).set_result(False)
        try:
            if not await mine:
                raise CrowdedError
        except asyncio.CancelledError:
            if self._waiting.pop(waiter, None):
                self._turns.leave(waiter)
            elif mine.done() and not mine.cancelled() and mine.result():  # the turn came at the same moment
                self.pass_on()
            raise
