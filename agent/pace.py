"""When to look at a frame: at each while the face changes, once a second while nothing does.

Pure, with the time passed in. All that is kept of a frame is 16 x 16 grey values, until the next look.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.smoothing import Reading, Rules
from relay.protocol import EXPRESSIONS

QUIET_S = 1.0
"""Between two looks at what does not change."""
AWAKE_S = 2.0
"""After a look that told something new, every frame is looked at for so long."""
NEWS = 0.1
"""A probability that changed by so much from one look to the next is something new."""
CHANGED = 0.03
"""Share of a picture's contrast: from this difference to the picture last looked at on, see ``difference``. Measured by
``python -m benchmarks.smile_latency``."""
_IN_VAIN_S, _RESTLESS_S = 1.0, 30.0
"""A picture that differs for so long while looks tell nothing new is taken for a restless one, for so long: bands of a
lamp's flicker run through it, or nobody is there and a television is on."""
_SIDE, _ENOUGH = 16, 240
"""Pixels of a thumbnail's side, and rows of a picture that are enough to make it of."""
_FAINTEST = 2.0
"""Grey values of contrast below which a picture shows nothing but noise."""
_BELOW_EYES, _EYES, _WITHOUT_EDGES = (0.45, 1.0), (0.25, 0.45), 0.1
"""Of a face's box is compared what lies below the eyes, which blink, and within the edges, which are background. The
eyes are compared where a blink is all that tells a face from a picture of one."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture's width and height."""
Thumbnail = NDArray[np.float32]


class LookRate:
    """Decides which of the frames that come by are looked at. Ask ``due`` of each; tell ``looked`` of those that were.

    A frame is due once a second, and at once where its picture differs from the one last looked at: around the face, or
    anywhere while there is none. What the look tells decides how it goes on: while an answer is new, or about to
    replace the one that is shown, all frames are due. Where differences go on to bring nothing new, bands of light are
    none any more, and without a face nothing is.
    """

    def __init__(self, fps: float, steady: bool = False) -> None:
        """``fps`` frames a second come by. ``steady``: all are due, as a network needs that looks at clips."""
        self._quiet_s = 0.0 if steady else QUIET_S - 0.5 / fps  # frames tremble: half a frame early is in time
        self._looked_at = self._awake_until = -np.inf
        self._box: Box | None = None
        self._thumbnail: Thumbnail | None = None
        self._eyes: Thumbnail | None = None
        self._probabilities: Sequence[float] | None = None
        self._is_woken = False
        """Whether the newest frame was due for its difference alone."""
        self._in_vain_since: float | None = None
        self._restless_until = -np.inf

    def due(self, time: float, frame: NDArray[np.uint8]) -> bool:
        """Whether to look at this frame (H, W, 3), seen at ``time`` (seconds, never decreasing)."""
        self._is_woken = False
        if self._thumbnail is None or time < self._awake_until or time - self._looked_at >= self._quiet_s:
            return True
        is_restless = time < self._restless_until
        if is_restless and self._box is None:
            return False
        self._is_woken = difference(self._thumbnail, thumbnail(frame, self._box), is_restless) >= CHANGED
        if not self._is_woken and self._eyes is not None:
            self._is_woken = difference(self._eyes, thumbnail(frame, self._box, _EYES), is_restless) >= CHANGED
        return self._is_woken

    def looked(
        self,
        time: float,
        frame: NDArray[np.uint8],
        box: Box | None,
        probabilities: Sequence[float] | None,
        reading: Reading | None,
        still: bool = False,
    ) -> None:
        """What a look at a frame told: where the face is, its probabilities (with the voice), and the reading of them.

        ``still``: nothing of the face moved for a while, so a blink is worth a look.
        """
        is_news = _is_news(self._probabilities, probabilities) or not _is_shown(probabilities, reading)
        if is_news:
            self._awake_until = time + AWAKE_S
        if is_news or not self._is_woken:
            self._in_vain_since = None
        elif self._in_vain_since is None:
            self._in_vain_since = time
        elif time - self._in_vain_since >= _IN_VAIN_S:
            self._in_vain_since, self._restless_until = None, time + _RESTLESS_S
        self._looked_at, self._box, self._probabilities = time, box, probabilities
        self._thumbnail = thumbnail(frame, box)
        self._eyes = thumbnail(frame, box, _EYES) if still else None


def _is_news(before: Sequence[float] | None, now: Sequence[float] | None) -> bool:
    if before is None or now is None:
        return before is not now
    return max(abs(a - b) for a, b in zip(before, now, strict=True)) >= NEWS


def _is_shown(probabilities: Sequence[float] | None, reading: Reading | None) -> bool:
    """Whether the reading stays as it is if all looks to come tell what the last one does."""
    if probabilities is None or reading is None:
        return probabilities is reading
    return max(probabilities) < Rules.lead * probabilities[EXPRESSIONS.index(reading.emotion)]


def thumbnail(frame: NDArray[np.uint8], box: Box | None, rows_of: tuple[float, float] = _BELOW_EYES) -> Thumbnail:
    """Grey values (16, 16), 0..255, of an RGB frame (H, W, 3): of the face in ``box``, or of all without one.

    ``rows_of``: from which share of the box's height to which.
    """
    part = frame
    if box is not None:
        height, width = frame.shape[:2]
        left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
        top, bottom = (top + share * (bottom - top) for share in rows_of)
        edge = _WITHOUT_EDGES * (right - left)
        rows = slice(max(0, round(top)), max(0, round(bottom)))
        columns = slice(max(0, round(left + edge)), max(0, round(right - edge)))
        part = frame[rows, columns]
        if not part.size:  # outside the frame
            part = frame
    # Of a large picture some rows will do: all of a screen's cost as much as half a look.
    step = max(1, min(part.shape[:2]) // _ENOUGH)
    small = cv2.resize(part[::step], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _places() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of a thumbnail's pixels, -0.5..0.5."""
    y, x = (np.mgrid[:_SIDE, :_SIDE].astype(np.float32) - (_SIDE - 1) / 2) / _SIDE
    return x, y


_X, _Y = _places()


def difference(before: Thumbnail, now: Thumbnail, without_bands: bool = False) -> float:
    """How much changed between two thumbnails, as a share of the contrast: 0 and more.

    What another light explains (brighter, more contrast, from another side) is no change, nor is what a small motion of
    the head does (a shift, a roll, nearer): both are fitted to the difference, by least squares, and taken out. Of the
    rest counts what neighbouring pixels agree on, less the share of it that the camera's noise leaves in their mean.
    ``without_bands``: nor is what makes whole rows brighter or darker, as a lamp's flicker does while a sensor is read
    row by row. A faint smile is then missed more often.
    """
    down, across = np.gradient(before)
    light = (np.ones_like(before), before, _X, _Y)
    bands = (_Y * before, _Y**2 * before, _Y**3 * before) if without_bands else ()
    motion = (across, down, _X * across + _Y * down, _Y * across - _X * down)
    explained = np.stack([*light, *bands, *motion], -1).reshape(before.size, -1)
    changed = (now - before).reshape(-1)
    ridge = 1e-3 * np.eye(explained.shape[1], dtype=np.float32)  # a blank wall explains nothing
    by = np.linalg.solve(explained.T @ explained + ridge, explained.T @ changed)
    rest = (changed - explained @ by).reshape(before.shape).astype(np.float32)
    agreed = cv2.blur(rest, (3, 3))
    # Noise that each pixel has by itself leaves a ninth of its variance in a mean of nine, and eight ninths beside it;
    # among so few pixels, half as much again at times.
    power = max(0.0, float(agreed.var()) - 1.5 * float((rest - agreed).var()) / 8)
    return float(np.sqrt(power) / (before.std() + _FAINTEST))
