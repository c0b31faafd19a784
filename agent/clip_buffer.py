"""From faces, one at a time, to clips: pure, with the time passed in.

What is kept of a face is up to the caller: its pixels, or what a network made of them. All of it stays in memory, and
goes when the face does.
"""

from collections import deque
from typing import Generic, TypeVar

from models.inference.contract import ClipSpec

GAP_S, HANG_S = 0.75, 3.0
"""Faces that are further apart were not seen in one go: with two or more frames without a face between them (for a clip
whose frames are wide apart, three of these count), or whatever was between them."""
_EARLY = 0.25
"""A frame may come by this share of the interval too early: cameras tremble."""

Kept = TypeVar("Kept")


class ClipBuffer(Generic[Kept]):
    """The newest faces of an uninterrupted sight, as far apart as the network wants them.

    * A face that comes too soon after the last is left out; where frames come too slowly, all are taken.
    * After the face was lost (``GAP_S``), or the camera hung (``HANG_S``), the buffer begins anew.
    * A young buffer is filled up with its first face, so that there is an answer from the first face on.
    """

    def __init__(self, clip: ClipSpec) -> None:
        self._clip = clip
        self._gap_s = max(GAP_S, 3 * clip.interval_s)
        self._faces: deque[Kept] = deque(maxlen=clip.frames)
        self._seen = self._due = 0.0
        self._until_next = 0
        self._missed = 0

    @property
    def empty(self) -> bool:
        """Whether no face was seen since the beginning or the last gap."""
        return not self._faces

    def newest(self, number: int) -> list[Kept]:
        """The newest faces, at most so many, oldest first."""
        return list(self._faces)[-number:]

    def miss(self) -> None:
        """A frame had no face."""
        self._missed += 1

    def wants(self, time: float) -> bool:
        """Whether a face seen at ``time`` (seconds, never decreasing) is due; notices gaps."""
        if time - self._seen > (self._gap_s if self._missed > 1 else max(HANG_S, self._gap_s)):
            self._faces.clear()
        self._seen, self._missed = time, 0
        return not self._faces or time >= self._due - _EARLY * self._clip.interval_s

    def add(self, time: float, face: Kept) -> list[Kept] | None:
        """Take a face that is due; the clip, oldest face first, if it is time for one."""
        interval = self._clip.interval_s
        if not self._faces:
            self._faces.extend([face] * (self._clip.frames - 1))
            self._due, self._until_next = time, 0
        self._faces.append(face)
        # By the schedule, so that early frames don't add up to a faster clip; but a slow camera is not hurried.
        self._due = max(self._due + interval, time + interval / 2)
        if self._until_next > 0:
            self._until_next -= 1
            return None
        self._until_next = self._clip.every - 1
        return list(self._faces)
