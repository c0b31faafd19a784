"""Windows of a fixed number of frames at a fixed rate out of clips of any: what DTSCNN and LBP-TOP look at.

What has to be invented for that, and what is missing, is told: a rate that was not recorded is made as
``models.clips.rates`` says, and a clip that is shorter than a window is held still before its begin and after its end.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clips import flow, rates
from models.clips.source import Frames

VERSION = 1
"""Of how flow and frames come to a rate: another number makes all that is stored anew."""


class RateWindow(NamedTuple):
    """``steps`` from frame to frame at ``rate`` frames a second; ``through``: of clips brought to that rate first."""

    rate: int
    steps: int
    through: int = 0


WINDOW_60, WINDOW_120 = RateWindow(60, 64), RateWindow(120, 128)
"""DTSCNN's: the same 1.07 s."""
ONE_RATE = RateWindow(120, 128, through=60)
"""That of 120 without anything that a camera of 60 frames a second has not seen."""


def flow_at(frames: Frames, fps: float, rate: int) -> NDArray[np.float16]:
    """Flow (T, S, S, 2) of a whole clip from each frame of a rate to the next, in pixels.

    Between recorded frames it is found, between invented ones it is the recorded flow's part.
    """
    conversion = rates.convert(len(frames), fps, rate)
    if conversion.invented:
        return rates.converted_flow(flow.flows(frames), conversion).astype(np.float16)
    return flow.flows(frames[conversion.before]).astype(np.float16)


def averaged(found: NDArray[np.float16], factor: int) -> NDArray[np.float16]:
    """Flow (T, S, S, 2) at a side that is smaller by ``factor``, still in pixels of S."""
    steps, side = len(found), found.shape[1] // factor
    blocks = found.astype(np.float32).reshape(steps, side, factor, side, factor, 2)
    return np.asarray(blocks.mean((2, 4)), np.float16)


def again(found: NDArray[np.float16], window: RateWindow) -> NDArray[np.float16]:
    """Flow at the rate that a window's clips are brought to first, as flow at the window's own."""
    steps = rates.convert(len(found) + 1, window.through, window.rate)
    return rates.converted_flow(found.astype(np.float32), steps).astype(np.float16)


def grey_at(frames: Frames, fps: float, rate: int) -> NDArray[np.uint8]:
    """A whole clip's grey frames (T, S, S) at a rate."""
    return rates.blended(flow.grey(frames), rates.convert(len(frames), fps, rate))


def invented(frames: int, fps: float, window: RateWindow) -> float:
    """Share of a clip's frames at the window's rate that no camera has recorded, 0 to 1."""
    first = rates.convert(frames, fps, window.through or window.rate)
    if not window.through:
        return first.invented
    second, made = rates.convert(len(first.before), window.through, window.rate), first.share > 0
    return float(((second.share > 0) | made[second.before]).mean())


def held_still(frames: int, fps: float, window: RateWindow) -> float:
    """Share of the window before a clip's begin and after its end, 0 to 1."""
    steps = round((frames - 1) * window.rate / fps)
    return max(0.0, 1 - steps / window.steps)


def cut(found: NDArray[np.float16], window: RateWindow, place: float) -> NDArray[np.float32]:
    """The window's steps (steps, ...) of a clip's (T, ...), at a ``place`` from 0, the first, to 1, the last possible.

    Nothing moves, all is 0, where the clip has none: it lies in a window longer than itself at that place.
    """
    at = _first(len(found), window.steps, place)
    steps = np.zeros((window.steps, *found.shape[1:]), np.float32)
    own = found[max(at, 0) : at + window.steps]
    steps[max(-at, 0) : max(-at, 0) + len(own)] = own
    return steps


def cut_frames(found: NDArray[np.uint8], window: RateWindow, place: float) -> NDArray[np.uint8]:
    """The frames (steps + 1, ...) of the same window; what lies outside of the clip repeats its first or last frame."""
    at = _first(len(found) - 1, window.steps, place)
    return found[np.clip(np.arange(at, at + window.steps + 1), 0, len(found) - 1)]


def _first(there: int, wanted: int, place: float) -> int:
    """Where a window begins, negative before the clip's begin."""
    room = there - wanted
    return round(place * room) if room >= 0 else -round(place * -room)


def scaled(frames: Frames, size: int) -> Frames:
    """Faces at another side."""
    if frames.shape[1] == size:
        return frames
    how = cv2.INTER_AREA if frames.shape[1] > size else cv2.INTER_LINEAR
    return np.stack([np.asarray(cv2.resize(frame, (size, size), interpolation=how), np.uint8) for frame in frames])
