"""Whose face is seen: that of who was enrolled, or another's. Pure: times (s) and embeddings are passed in.

A face is embedded when it comes and every few seconds from then on (``models.inference.identity``), in the frame in
which that is due. Embeddings of who is there now are in memory for a minute; the enrolled ones are kept with the
answers.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from agent.pace import Box
from agent.personal.answers import MOST_ENROLLED, Enrolled
from agent.personal.recent import KEPT_S
from agent.personal.status import WhoseFace
from models.inference.identity import SAME_BELOW, distances

EVERY_S = 3.0
"""A face that is known is looked at anew after so long."""
AGAIN_S = 1.0
"""One that is not: who turns back to the camera need not wait."""
GONE_S = 2.0
"""After so long without a look, a face is another one that has come; while nothing moves there is one a second."""
_LEAP = 0.5
"""A face that is elsewhere by so much of its width or height in the next look is another one until it was compared."""


class Whose:
    """Use it in one thread at a time."""

    def __init__(self, network: str = "") -> None:
        """``network``: the sha256 of the one that embeds; empty where nobody is to be told apart."""
        self._network = network
        self._kept: Enrolled | None = None
        self.new: Enrolled | None = None
        """What is to be stored besides what is."""
        self._is_open = self._is_other = False
        self._faces: deque[tuple[float, NDArray[np.float32]]] = deque()
        """Of who is there now, the oldest first."""
        self._seen_at = self._compared_at = -math.inf
        self._place: Box | None = None
        self._is_theirs: bool | None = None

    @property
    def face(self) -> WhoseFace:
        """Whose the face is that was seen last."""
        if not self._network:
            return "anyone"
        if not self._is_open:
            return "unknown"
        if self.enrolled is None:
            return "unenrolled"
        return "unknown" if self._is_theirs is None else "theirs" if self._is_theirs else "stranger"

    @property
    def enrolled(self) -> Enrolled | None:
        """Stored or about to be; None where nobody is."""
        if self._kept is None or self.new is None:
            return self._kept or self.new
        return self._kept.joined(self.new)

    @property
    def oldest(self) -> float | None:
        """When the oldest face in memory was seen; None where there is none."""
        return self._faces[0][0] if self._faces else None

    @property
    def newest(self) -> float:
        """When the face that is there was last compared; never, where it was not."""
        return self._faces[-1][0] if self._faces else math.inf

    @property
    def sentence(self) -> str:
        """What is the matter with what was stored; else empty."""
        if not (self._is_other and self.enrolled is None):
            return ""
        return "Who taught it was enrolled by another network. That is set aside: your next answer enrols you anew."

    def hold(self, stored: Enrolled | None, is_open: bool) -> None:
        """What is stored now; not ``is_open``: it can't be read, so that nobody is known."""
        self._is_other = stored is not None and stored.network != self._network
        self._kept, self._is_open = None if self._is_other else stored, is_open
        self._compare()

    def comes(self, now: float, box: Box) -> bool:
        """A face is seen at ``box``. Whether it is to be embedded now, and ``compared`` told."""
        if not self._network:
            return False
        if not 0 <= now - self._seen_at <= GONE_S or self._place is None or _leaps(self._place, box):
            self.leaves()
        self._seen_at, self._place = now, box
        return now - self._compared_at >= (EVERY_S if self._is_theirs else AGAIN_S)

    def leaves(self) -> None:
        """There is no face."""
        self._faces.clear()
        self._compared_at, self._place, self._is_theirs = -math.inf, None, None

    def compared(self, now: float, embedding: NDArray[np.float32]) -> None:
        """The face that was said to be due has this embedding (D,)."""
        self._compared_at = now
        self._faces.append((now, embedding))
        self.expire(now)
        self._compare()

    def expire(self, now: float) -> None:
        """Forget faces of more than a minute ago, but for who is enrolled."""
        while self._faces and self._faces[0][0] < now - KEPT_S:
            self._faces.popleft()

    def enrol(self, since: float, until: float, anyhow: bool = False) -> bool:
        """Enrol who was seen between these times and is there still; False where nobody was.

        Of faces that are not like one enrolled, or, where there is none, like the last of these, none is taken;
        ``anyhow``: the last of these is, whosever it seems.
        """
        found = [embedding for at, embedding in self._faces if since <= at <= until][-MOST_ENROLLED:]
        if not found:
            return False
        alike = found[-1:] if anyhow else [one for one in found if self._is_like(one, found[-1])]
        if alike:
            new = Enrolled(self._network, np.stack(alike))
            self.new = self.new.joined(new) if self.new else new
            self._compare()
        return True

    def forget(self) -> None:
        """Nobody is enrolled any more."""
        self._kept = self.new = None
        self._is_open, self._is_other, self._is_theirs = True, False, None

    def _compare(self) -> None:
        enrolled = self.enrolled
        if enrolled is None or not self._faces:
            self._is_theirs = None
        else:
            self._is_theirs = _is_same(self._faces[-1][1], enrolled.embeddings)

    def _is_like(self, embedding: NDArray[np.float32], last: NDArray[np.float32]) -> bool:
        enrolled = self.enrolled
        return _is_same(embedding, last[None] if enrolled is None else enrolled.embeddings)


def _is_same(embedding: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    return bool(distances(embedding[None], others).min() < SAME_BELOW)


def _leaps(before: Box, now: Box) -> bool:
    middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in (before, now)]
    (x, y), (x_now, y_now) = middles
    return abs(x - x_now) > _LEAP * (before[2] - before[0]) or abs(y - y_now) > _LEAP * (before[3] - before[1])
