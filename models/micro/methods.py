"""Ways to spot micro-expressions in the aligned faces of a film: two plain ones, and a trained network.

Each looks at the faces first, which takes long, and decides afterwards, so that a study can keep what was seen.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.clips import flow
from models.clips.cache import MARGIN
from models.clips.source import Frames
from models.errors import EvaluationError
from models.micro import spotting
from models.micro.spotting import MICRO, Curve, Spotted

_PEAK_SHARE, _FLOW_SHARE = 0.55, 0.55
"""How high a peak must be, see ``spotting.peaks``; 0.55 is that of MEGC's baselines (Liong et al. 2021)."""
COST = 6.0
"""What an interval must be worth to be named, see ``spotting.intervals``."""
_FLOW_RATE = 30
"""Frames a second whose flow is computed; between them it is interpolated."""
_FLOW_S = 0.17
"""About the time from onset to apex."""
_NOSE = (0.42, 0.50, 0.58, 0.64)
_REGIONS = ((0.12, 0.16, 0.46, 0.32), (0.54, 0.16, 0.88, 0.32), (0.24, 0.68, 0.76, 0.90))
"""The nose, which moves with the head alone; the brows and the mouth: left, top, right and bottom in tiles
(``models.inference.align``). The eyes are in none of them."""
_DIRECTIONS = 8


class FilmAnswer(NamedTuple):
    """``curve`` (F,) of a film of F frames, what was spotted, and the one frame that counts as the apex if one must."""

    curve: Curve
    spotted: list[Spotted]
    apex: int


class Method(NamedTuple):
    """``see`` is given a film's faces (F, S, S, 3) and its frames a second; ``decide`` what that gave, rate and F.

    ``most`` is the end of the curve's scale, 0 where it has none. ``kept`` names what is seen for
    ``ClipSource.derived``; empty where it is not worth being kept. Faces have ``size`` px at least.
    """

    name: str
    size: int
    see: Callable[[Frames, float], NDArray[Any]]
    decide: Callable[[NDArray[Any], float, int], FilmAnswer]
    most: float = 0.0
    kept: str = ""

    def __call__(self, frames: Frames, rate: float) -> FilmAnswer:
        return self.decide(self.see(frames, rate), rate, len(frames))


def _peaked(share: float) -> Callable[[NDArray[Any], float, int], FilmAnswer]:
    def decide(curve: NDArray[Any], rate: float, _: int) -> FilmAnswer:
        return FilmAnswer(curve, spotting.peaks(curve, rate, share), int(curve.argmax()))

    return decide


def motion(frames: Frames, rate: float) -> Curve:
    """How far brows and mouth are from where they were 0.17 s before and will be 0.17 s later, in pixels: (F,).

    What moves and stays, or comes to rest again, is half as far as what moves to and fro. The nose's flow is the
    head's, and is taken off. Of each region counts the motion in its main direction, one of eight (as in MDMD, Wang et
    al. 2017): noise goes everywhere, a muscle one way. The curve is the mean of the regions.
    """
    faces, side, find = flow.grey(frames), frames.shape[1], flow.FlowFinder()
    at = np.unique(np.rint(np.arange(0, len(faces), max(1.0, rate / _FLOW_RATE))).astype(np.int64)).tolist()
    step = max(1, round(_FLOW_S * min(rate, _FLOW_RATE)))
    moved = [_regions(find(faces[at[max(0, i - step)]], faces[frame]), side) for i, frame in enumerate(at)]
    still = [np.zeros_like(region) for region in moved[0]]
    after = [*moved[step:], *[still] * step]
    found = [
        np.mean([_main((a - b) / 2) for a, b in zip(*pair, strict=True)]) for pair in zip(moved, after, strict=False)
    ]
    return np.asarray(np.interp(np.arange(len(faces)), at, found))


def _regions(moved: NDArray[np.float32], side: int) -> list[NDArray[np.float32]]:
    """The flow (P, 2) of each region, less the nose's."""
    head = np.median(_part(moved, _NOSE, side), axis=0)
    return [_part(moved, region, side) - head for region in _REGIONS]


def _part(moved: NDArray[np.float32], region: tuple[float, float, float, float], side: int) -> NDArray[np.float32]:
    """The flow (P, 2) in a region."""
    left, top, right, bottom = (round((0.5 + (edge - 0.5) / MARGIN) * side) for edge in region)
    return moved[top:bottom, left:right].reshape(-1, 2)


def _main(moved: NDArray[np.floating[Any]]) -> float:
    """The mean motion in the direction in which most of it goes, over all pixels (P, 2)."""
    direction = np.floor(np.arctan2(moved[:, 1], moved[:, 0]) / (2 * np.pi) * _DIRECTIONS + 0.5).astype(np.int64)
    together = np.bincount(direction % _DIRECTIONS, np.hypot(moved[:, 0], moved[:, 1]), _DIRECTIONS)
    return float(together.max() / len(moved))


def _difference(frames: Frames, _: float) -> Curve:
    return spotting.difference(frames)


PLAIN = {
    "peak": Method("peak", 64, _difference, _peaked(_PEAK_SHARE)),
    "flow": Method("flow", 64, motion, _peaked(_FLOW_SHARE), kept=f"main-flow-v2-of-v{flow.VERSION}"),
}
"""The frame that differs most from the first, and the moment at which brows and mouth move most."""


def of_network(run: Path) -> Method:
    """A trained ``spot-cnn``.

    Raises:
        EvaluationError: the run is another network's.
        TrainingError: it can't be read, or is not trained to its end.
    """
    from models.training import checkpoint, spot_films
    from models.training.trainer import pick_device
    from models.zoo.spot_cnn import RATE, SIDE, SpotCNN

    net, made_by, _ = checkpoint.load_network(run)
    if not isinstance(net, SpotCNN) or made_by.network.task != "spot":
        raise EvaluationError(f"expected a run of a spotter, got one of {made_by.network.name} in {run}")
    device = pick_device()
    net = net.to(device)

    def see(frames: Frames, rate: float) -> NDArray[Any]:
        return np.asarray(spot_films.probabilities(net, spot_films.grey_faces(frames, rate), device))

    def decide(found: NDArray[Any], rate: float, count: int) -> FilmAnswer:
        inside, apex, at = 1 - found[:, 0], found[:, 2], spot_films.moments(count, rate)
        spotted = spotting.in_film(spotting.intervals(inside, apex, RATE, MICRO, COST), at, count)
        curve = np.interp(np.arange(count) / rate * RATE, np.arange(len(at)), inside)
        surest = max(spotted, key=lambda one: one.score).apex if spotted else int(at[apex.argmax()])
        return FilmAnswer(curve, spotted, surest)

    return Method(made_by.network.name, SIDE, see, decide, most=1.0)
