"""How many connections there are, and which of them goes where there is one too many. Pure.

Viewers and subscribers who were let in stay. All others make room for newcomers, the oldest of the larger group: those
without a whole request (none yet, the next one, half of one, a WebSocket's first frame), and those with one in work.
So whoever holds on to connections and does nothing, or as little as it can, takes the places of its own kind, and a
newcomer is not the first to go because it is the only one that has not asked yet.
"""

import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

One = TypeVar("One", bound=Hashable)


class Lobby(Generic[One]):
    """The connections that are open. Every step is O(1), and who stays costs nothing.

    Of several workers each has an equal share of what the relay's viewers and subscribers leave, so that newcomers take
    the places of those on the same worker, and whoever fills one worker shuts nobody out of the others.
    """

    def __init__(
        self, most: int, most_idle: int, here: int = sys.maxsize, workers: int = 1, elsewhere: Callable[[], int] = int
    ) -> None:
        """``most``: connections, whatever they do; ``most_idle``: those without a whole request. ``here``: the most
        that this process can have. ``workers``: so many have ``most`` and ``most_idle`` together, and on the others
        stay so many as ``elsewhere`` says.
        """
        self._most, self._most_idle, self._here = most, math.ceil(most_idle / workers), here
        self._workers, self._elsewhere = workers, elsewhere
        self._idle: OrderedDict[One, None] = OrderedDict()
        self._working: OrderedDict[One, None] = OrderedDict()
        self._open = 0

    def __len__(self) -> int:
        """How many are open, those who were told to go among them until they ``leave``."""
        return self._open

    def come(self, one: One) -> One | None:
        """Count a connection in, which asks nothing yet. Returns who must go for it: itself where all others stay."""
        self._open += 1
        self._idle[one] = None
        return self._one_too_many()

    def leave(self, one: One) -> None:
        """Count a connection out that came."""
        self._open -= 1
        self.stay(one)

    def replace(self, one: One, by: One) -> None:
        """Go on counting the connection under another name; it is idle."""
        self.stay(one)
        self._idle[by] = None

    def work(self, one: One) -> None:
        """Its request is here, to the last byte."""
        self._idle.pop(one, None)
        self._working[one] = None

    def rest(self, one: One) -> One | None:
        """It has its answer. Returns who else must go, where there are too many."""
        self._working.pop(one, None)
        self._idle[one] = None
        return self._one_too_many() if len(self._idle) + len(self._working) > 1 else None

    def stay(self, one: One) -> None:
        """It makes no room for others."""
        self._idle.pop(one, None)
        self._working.pop(one, None)

    def idle(self) -> Iterator[One]:
        """Those without a request, the oldest first; a copy."""
        return iter(list(self._idle))

    def _room(self) -> int:
        """How many may be open here."""
        staying = self._open - len(self._idle) - len(self._working)
        left = self._most - staying - self._elsewhere()
        return min(self._here, staying + left // self._workers)

    def _one_too_many(self) -> One | None:
        if self._open <= self._room() and len(self._idle) <= self._most_idle:
            return None
        too_many_idle = len(self._idle) > max(self._most_idle, 1)
        oldest = self._idle if too_many_idle or len(self._idle) > len(self._working) else self._working
        return oldest.popitem(last=False)[0]
