"""What the network made of the face in the last minute, so that the viewer can still say what it was.

In memory alone and bounded; gone after a minute, and at once when the looking ends or is to be forgotten. Pure: the
time is passed in.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

KEPT_S = 60.0
"""A look is kept for so long."""
MOST_KEPT = 1800
"""Looks at most, of 30 a second for a minute: 2 MB."""


@dataclass(frozen=True)
class KeptLook:
    """A face at ``at`` (s): the network's features (D,) of it and its seven probabilities, both float32."""

    at: float
    features: Array
    probabilities: Array


class LastMinute:
    """The looks of the last ``KEPT_S``, the oldest first."""

    def __init__(self) -> None:
        self._looks: deque[KeptLook] = deque(maxlen=MOST_KEPT)

    @property
    def oldest(self) -> float | None:
        """When the oldest look was; None where there is none."""
        return self._looks[0].at if self._looks else None

    def add(self, look: KeptLook) -> None:
        """Keep a look. One that is older than the last is of another clock: what was kept before it goes."""
        if self._looks and look.at < self._looks[-1].at:
            self.forget()
        self._looks.append(look)
        self.expire(look.at)

    def between(self, since: float, until: float) -> list[KeptLook]:
        """Those of ``since`` to ``until`` (s), both inclusive."""
        return [look for look in self._looks if since <= look.at <= until]

    def expire(self, now: float) -> None:
        """Forget what is older than ``KEPT_S``."""
        while self._looks and self._looks[0].at < now - KEPT_S:
            self._looks.popleft()

    def forget(self) -> None:
        """Forget all."""
        self._looks.clear()
