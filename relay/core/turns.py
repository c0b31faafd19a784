"""Whose turn it is where many wait and each takes long: fair to channels, and in a channel to houses. Pure.

It is for join passwords, whose slow hash the relay pays for. There are never more than about a hundred who wait, so
plain searches through all of them are cheap beside the hash of the one who is next.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

FOR_DOUBTFUL = 8
"""Each so manieth turn is for those who guessed wrong lately, so that newcomers without end don't shut them out."""


class Waiter:
    """Who waits for a turn. ``doubtful``: its house guessed wrong lately, or has other guesses that wait."""

    __slots__ = ("arrival", "channel", "doubtful", "house")

    def __init__(self, channel: str, house: str | None, doubtful: bool) -> None:
        self.channel, self.house, self.doubtful = channel, house, doubtful
        self.arrival = 0


class Turns:
    """Who waits, and who is next: the channel that was served the longest ago, in it the house likewise."""

    def __init__(self, most: int) -> None:
        """``most``: so many wait at the same time."""
        self._most = most
        self._waiting: list[Waiter] = []  # by arrival
        self._served: dict[Hashable, int] = {}
        self._clock = 0
        self._turn = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def add(self, waiter: Waiter) -> Waiter | None:
        """Let someone wait. Where it is one too many, returns who must go, which may be the new one.

        That is one of the channel with the most who wait, and there of the house with the most.
        """
        self._clock += 1
        waiter.arrival = self._clock
        self._waiting.append(waiter)
        if len(self._waiting) <= self._most:
            return None
        channels = Counter(one.channel for one in self._waiting)
        houses = Counter(one.house for one in self._waiting)
        last = max(self._waiting, key=lambda one: (channels[one.channel], houses[one.house], one.doubtful, one.arrival))
        self._waiting.remove(last)
        return last

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer; no error for one who does not wait."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def next(self) -> Waiter | None:
        """Whose turn it is, who waits no longer; None where nobody does."""
        if not self._waiting:
            return None
        self._clock += 1
        self._turn += 1
        doubtful = self._turn % FOR_DOUBTFUL == 0
        row = [one for one in self._waiting if one.doubtful == doubtful] or self._waiting
        channel = self._longest_unserved((one.channel, one) for one in row)
        row = [one for one in row if one.channel == channel]
        _, house = place = self._longest_unserved(((channel, one.house), one) for one in row)
        chosen = next(one for one in row if one.house == house)
        self._waiting.remove(chosen)
        self._served[channel] = self._served[place] = self._clock
        # Who comes when nobody of its own waits counts from its arrival, which is later than what is forgotten here.
        here = {key for one in self._waiting for key in (one.channel, (one.channel, one.house))}
        self._served = {key: when for key, when in self._served.items() if key in here}
        return chosen

    def _longest_unserved(self, waiters: Iterable[tuple[Key, Waiter]]) -> Key:
        """Of the keys of waiters by arrival, the one that was served, or came, the longest ago."""
        since: dict[Key, int] = {}
        for key, waiter in waiters:
            since.setdefault(key, max(waiter.arrival, self._served.get(key, 0)))
        return min(since, key=since.__getitem__)
