"""When the viewer is told why nothing is sent. Pure: every call takes the time."""

import math

from agent.unread import Unread

HINT_S = 20.0
"""So long nothing was read before there is a hint."""
_AGAIN_S = 600.0
"""The same reason is told no sooner than this again."""
NO_FACE = (
    "No face for a while, so nothing is sent. Is there light on your face, rather than behind you? Does the camera "
    "point at you, at about eye level? Is its cover open? Are you within about two metres of it, your face at least a "
    "tenth as high as the picture? The agent keeps looking."
)


class Hints:
    """Feed it every frame's outcome."""

    def __init__(self, began: float) -> None:
        """``began``: the time (seconds) at which the first frame was looked for."""
        self._face_at = self._read_at = began
        self._told_no_face = False
        self._told: dict[Unread, float] = {}

    def update(self, time: float, has_face: bool, unread: Unread | None) -> str | None:
        """The sentence that is due at ``time`` (seconds, never decreasing), if one is."""
        if has_face:
            self._face_at, self._told_no_face = time, False
        if unread is not None:
            return self._unread(time, unread)
        if has_face:
            self._read_at = time
        elif not self._told_no_face and time - self._face_at >= HINT_S:
            self._told_no_face = True
            return NO_FACE
        return None

    def _unread(self, time: float, reason: Unread) -> str | None:
        if time - self._read_at < HINT_S or time - self._told.get(reason, -math.inf) < _AGAIN_S:
            return None
        self._told[reason] = time
        return reason.hint
