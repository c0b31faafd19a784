"""Where to look for faces, and when: decisions on pixels and seconds alone; ``agent.face`` does the looking.

The detector sees all of what it gets on 128 pixels, so of a wide picture it misses small faces. They are searched in
windows: of a still picture in all of them, of a video in a few a frame, in turn.
"""

import itertools
import math

import numpy as np

from models.inference.boxes import Points, area

LARGEST_SIDE = 640
"""Wider or taller pictures are shrunk before the landmarks are read; their smallest windows are half of that."""
_LEAST_SIDE = 160
"""Of a window of a smaller picture, in pixels: in one of less than twice that, what is far away has no features."""
OTHERS_S = 5.0
"""While a face is followed, the others are looked for this often."""
_IN_TIME_S = 0.01
"""By so much the look for others may be late: frames tremble."""
ROOMY, TIGHT = 3.0, 1.8
"""Sides of a window, in those of the face that it is around: to follow it, and to tell it from a neighbour."""
_NEAR = 0.3
"""A face that is nearer to an edge of its window than this share of its side gets a new one: the landmarker reads a
quarter more on each side."""
_SMALL = 6.0
"""A window this many times as wide as the face gets smaller, if it would be shrunk otherwise."""
_ROUND_S = 2.4
"""All windows have had their turn in this time, unless that takes more than ``_AT_ONCE`` a look."""
_AT_ONCE = 8
"""At one look a second (``agent.pace``), as while nobody is there, a screen's 34 take five."""
_LARGER = 1.2
"""By this much another face's area has to be larger: of two alike, the one that is followed stays."""

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels, the latter two not included."""


def others_s(source: str) -> float:
    """How often others are looked for while a face of this ``--source`` is followed, in seconds.

    On a screen, where what is shown changes from one frame to the next, in every frame.
    """
    return 0.0 if source == "screen" else OTHERS_S


class Lookout:
    """Decides in which windows of a frame to look for all faces. Times are in seconds and never run backwards.

    While no face is followed that is the whole frame and the next few windows, so that a face far away is found within
    ``_ROUND_S``. While one is followed it is nothing, and every ``every_s`` the whole and one window: a larger face
    counts more.
    """

    def __init__(self, every_s: float = OTHERS_S) -> None:
        self._every_s = every_s
        self._due_s = -math.inf
        self._looked_s: float | None = None
        self._turn = 0

    def where(self, now_s: float, width: int, height: int, followed: bool) -> list[Window]:
        """The windows of a frame of this size, the largest first; call it once a frame."""
        since = now_s - self._looked_s if self._looked_s is not None else 0.0
        self._looked_s = now_s
        if followed and now_s + since <= self._due_s + _IN_TIME_S:  # the next look, after as long, is early enough
            return []
        self._due_s = now_s + self._every_s
        whole, *parts = windows(width, height)
        count = 1 if followed else min(_AT_ONCE, max(1, math.ceil(len(parts) * since / _ROUND_S)))
        count = min(count, len(parts))
        turns = [parts[(self._turn + i) % len(parts)] for i in range(count)]
        self._turn += count
        return [whole, *turns]

    def in_vain(self, now_s: float) -> None:
        """A face that looked larger was none, or was not: leave the one that is followed in peace for a while."""
        self._due_s = now_s + max(self._every_s, OTHERS_S)


def windows(width: int, height: int) -> list[Window]:
    """Where to search a picture: all of it, then overlapping squares of half its longer side, of half of that.

    The smallest are not smaller than half of ``LARGEST_SIDE``; of a smaller picture there are those of half its longer
    side, if that is ``_LEAST_SIDE``. A face of half a square's side or less lies wholly in one of them.
    """
    found = [(0, 0, width, height)]
    side = max(width, height) // 2
    least = max(_LEAST_SIDE, min(side, LARGEST_SIDE // 2))
    while side >= least:
        corners = itertools.product(_starts(height, side), _starts(width, side))
        found += [(left, top, min(left + side, width), min(top + side, height)) for top, left in corners]
        side //= 2
    return found


def _starts(length: int, side: int) -> list[int]:
    """Evenly spread from 0 to where a window ends with the picture, at most half a window apart."""
    room = max(0, length - side)
    steps = -(-2 * room // side)
    return [round(i * room / steps) for i in range(steps + 1)] if steps else [0]


def around(face: Points, sides: float, width: int, height: int) -> Window:
    """A square with a face in its middle, ``sides`` times as wide as the face is high, as far as it is in the picture.

    At least a pixel is, wherever the face is.
    """
    half = max(1.0, sides * float(np.ptp(face, axis=0).max()) / 2)
    (left, top), (right, bottom) = (face.min(0) + face.max(0)) / 2 - half, (face.min(0) + face.max(0)) / 2 + half
    left, top = min(max(0, math.floor(left)), width - 1), min(max(0, math.floor(top)), height - 1)
    return left, top, min(max(left + 1, math.ceil(right)), width), min(max(top + 1, math.ceil(bottom)), height)


def holds(window: Window, face: Points, width: int, height: int) -> bool:
    """Whether a window of a picture of this size still has room around a face, and is not much too large for it."""
    left, top, right, bottom = window
    side = float(np.ptp(face, axis=0).max())
    return (
        right <= width
        and bottom <= height
        and is_whole(face, window, width, height, _NEAR * side)
        and max(right - left, bottom - top) <= max(LARGEST_SIDE, _SMALL * side)
    )


def is_whole(face: Points, window: Window, width: int, height: int, room: float = 0.0) -> bool:
    """Whether no edge of the window cuts the face or is nearer than ``room`` pixels.

    A face that the picture's own edge cuts is all there is.
    """
    (left, top), (right, bottom) = face.min(0), face.max(0)
    return bool(
        (left > window[0] + room or window[0] == 0)
        and (top > window[1] + room or window[1] == 0)
        and (right < window[2] - room or window[2] == width)
        and (bottom < window[3] - room or window[3] == height)
    )


def outweighs(other: Points, followed: Points) -> bool:
    """Whether another face is so much larger than the one that is followed that it counts in its place."""
    return area(other) > _LARGER * area(followed)
