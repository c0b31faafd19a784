"""How many frames a second a clip has: what a data set's table says of it, and what its file does. Pure.

And from one rate to another: which recorded frames, how much of each, and what is invented. Frames between recorded
ones are blends of both, and flow between them is the part of the recorded flow that falls into their time. Nothing is
known that was not recorded: ``Conversion.invented`` says how much of a result is made up.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError

PLAUSIBLE = (5.0, 500.0)
"""Frames a second of cameras that films of faces come from; the fastest of the published sets has 200."""
_AGREE = 0.02
"""Rates this close, in relation to each other, are the same: 29.97 and 30."""
_SMALL, _CLOSE = 24, 2e-3
"""Two rates as close as that to a ratio of small numbers are taken for it: 59.94 is meant as 60."""


def plausible(rate: float) -> bool:
    """Whether a camera may have filmed at ``rate`` frames a second; NaN is no rate."""
    return PLAUSIBLE[0] <= rate <= PLAUSIBLE[1]


def settled(table: float, header: float | None, name: object) -> tuple[float, str]:
    """The rate that counts, NaN where none is known; and a sentence where the two don't go together, else ``""``.

    ``table`` is what is known of the data set, NaN where nothing is; ``header`` what the clip's file says, None for a
    folder of pictures, which says nothing. The table goes before the header: high-speed films are often saved under
    the rate at which they are to be played. ``name`` is the clip's, for the sentence.
    """
    if header is None:
        return table, ""
    known = not math.isnan(table)
    if not plausible(header):
        low, high = PLAUSIBLE
        counts = f"the table's {table:g} count" if known else "its rate counts as not known"
        return table, f"expected {low:g} to {high:g} frames a second in the header of {name}, got {header:g}: {counts}"
    if not known:
        return header, ""
    if abs(header - table) <= _AGREE * table:
        return table, ""
    return table, f"the header of {name} says {header:g} frames a second, and the table {table:g}: the table counts"


def checked(fps: float, name: object) -> float:
    """``fps``, which the network or the method needs to know.

    Raises:
        DatasetError: it is not known (NaN), or can't be true.
    """
    if plausible(fps):
        return fps
    low, high = PLAUSIBLE
    got = "is not known" if math.isnan(fps) else f"is {fps:g}"
    raise DatasetError(
        f"expected {low:g} to {high:g} frames a second of {name}, but the rate {got}: say it in the table"
    )


@dataclass(frozen=True)
class Conversion:
    """T frames of another rate, of F recorded ones.

    Each lies at ``before`` (T,), a recorded frame's index, and ``share`` (T,), 0 to below 1, of the way to the next.
    """

    before: NDArray[np.int64]
    share: NDArray[np.float64]

    @property
    def invented(self) -> float:
        """Share of the frames that are no recorded ones, 0 to 1."""
        return float((self.share > 0).mean())


def convert(frames: int, fps: float, to: float) -> Conversion:
    """``frames`` (at least 1) recorded at ``fps`` a second as a camera of ``to`` would have, from the first one on.

    The last one is at or before the last recorded frame.
    """
    step = Fraction(fps / to).limit_denominator(_SMALL)
    if abs(float(step) * to / fps - 1) > _CLOSE:
        step = Fraction(fps / to)
    number = math.floor((frames - 1) / step) + 1
    places = [divmod(i * step.numerator, step.denominator) for i in range(number)]
    return Conversion(
        np.array([whole for whole, _ in places], np.int64),
        np.array([rest / step.denominator for _, rest in places], np.float64),
    )


def spread(frames: int, count: int) -> Conversion:
    """``frames`` (at least 1) recorded ones as ``count``, at even steps from the first to the last.

    Micro-expression studies call that the temporal interpolation model, TIM (Zhou et al. 2011, "Towards a practical
    lipreading system using visual cues"). There, a curve through the frames is found by graph embedding; here it is
    the straight line from frame to frame.
    """
    places = [divmod(i * (frames - 1), max(count - 1, 1)) for i in range(count)]
    return Conversion(
        np.array([whole for whole, _ in places], np.int64),
        np.array([rest / max(count - 1, 1) for _, rest in places], np.float64),
    )


def blended(frames: NDArray[np.uint8], conversion: Conversion) -> NDArray[np.uint8]:
    """The frames (T, ...) of a conversion, from the recorded ones (F, ...)."""
    after = np.minimum(conversion.before + 1, len(frames) - 1)
    share = conversion.share.reshape(-1, *[1] * (frames.ndim - 1))
    mixed = frames[conversion.before] * (1 - share) + frames[after] * share
    return np.asarray(np.rint(mixed), np.uint8)


def converted_flow(flow: NDArray[np.float32], conversion: Conversion) -> NDArray[np.float32]:
    """Flow (T - 1, ...) between the neighbours of a conversion, from that between recorded ones (F - 1, ...).

    Each recorded flow counts by the share of its time: twice as many frames have half the flow each, half as many the
    sum of two. That a point is elsewhere in the second of those is not followed: for motion of a pixel or two.
    """
    times = conversion.before + conversion.share
    step = np.arange(len(flow))
    shared = np.minimum(times[1:, None], step + 1) - np.maximum(times[:-1, None], step)
    return np.tensordot(np.clip(shared, 0, None).astype(np.float32), flow, 1)
