"""How a face moves: actions of single muscles, which of them make an expression, and when. Pure.

Actions follow the Facial Action Coding System (Ekman, Friesen & Hager 2002), their combinations the prototypes in its
emotion tables. How far each pulls is set by eye, and so that ``moodnet``, which was trained on photos, raises its
probability of the right expression most. Positions are in tiles: x to the right and y down, in units of the square of
``models.inference.align`` (eyes 0.372 apart, their line at 0.398, mouth at 0.778).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""The lips' inner edges, corner to corner, point above point; numbers of the landmarker's mesh, here and below."""
_UPPER_LIP = frozenset[int]().union(
    (185, 40, 39, 37, 0, 267, 269, 270, 409),
    (184, 74, 73, 72, 11, 302, 303, 304, 408),
    (183, 42, 41, 38, 12, 268, 271, 272, 407),
    INNER_UPPER[1:-1],
)
_LOWER_LIP = frozenset[int]().union(
    (146, 91, 181, 84, 17, 314, 405, 321, 375),
    (77, 90, 180, 85, 16, 315, 404, 320, 307),
    (96, 89, 179, 86, 15, 316, 403, 319, 325),
    INNER_LOWER[1:-1],
)
_EYES = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)
"""Of each eye the upper lid's edge and the lower lid's, point above point; the subject's right eye first."""
BROWS_INNER = (107, 55, 66, 65, 336, 285, 296, 295)
_BROWS_OUTER = (70, 46, 63, 53, 300, 276, 293, 283)
_BROWS = (*BROWS_INNER, *_BROWS_OUTER, 105, 52, 334, 282)
_LIDS_UPPER = (159, 160, 158, 161, 157, 386, 385, 387, 388, 384)
_LIDS_LOWER = (145, 144, 153, 163, 154, 374, 373, 380, 390, 381)
_CHEEKS = (50, 205, 101, 280, 425, 330)
_CORNERS = (61, 78, 62, 76, 291, 308, 292, 306)
_LIP_UPPER_MIDDLE = (0, 11, 12, 13, 37, 267, 38, 268, 82, 312)
_LIP_LOWER_MIDDLE = (14, 15, 16, 17, 87, 317, 86, 316, 84, 314)
_CHIN = (152, 148, 377, 176, 400, 175, 199, 171, 396)
_NOSE_WINGS = (129, 358, 98, 327, 64, 294, 48, 278)
_NOSE_ROOT = (6, 197, 196, 419, 122, 351)

_ABOVE, _BELOW, _ANYWHERE = "above", "below", "anywhere"


@dataclass(frozen=True)
class Pull:
    """``points`` move by ``outward`` (away from the middle of the face) and ``down``, the skin around them less.

    ``reach`` is the distance at which skin moves 0.6 times as far. ``side`` of the mouth's opening that is pulled.
    """

    points: tuple[int, ...]
    outward: float
    down: float
    reach: float
    side: str = _ANYWHERE


ACTIONS: Mapping[str, tuple[Pull, ...]] = MappingProxyType(
    {
        "inner brow raiser": (Pull(BROWS_INNER, 0, -0.06, 0.05, _ABOVE),),  # AU 1
        "outer brow raiser": (Pull(_BROWS_OUTER, 0, -0.06, 0.05, _ABOVE),),  # AU 2
        "brow lowerer": (  # AU 4
            Pull(_BROWS, 0, 0.03, 0.05, _ABOVE),
            Pull(BROWS_INNER, -0.025, 0.02, 0.04, _ABOVE),
        ),
        "upper lid raiser": (Pull(_LIDS_UPPER, 0, -0.022, 0.015, _ABOVE),),  # AU 5
        "cheek raiser": (  # AU 6
            Pull(_CHEEKS, 0, -0.03, 0.07, _ABOVE),
            Pull(_LIDS_LOWER, 0, -0.012, 0.02, _ABOVE),
        ),
        "lid tightener": (  # AU 7
            Pull(_LIDS_LOWER, 0, -0.013, 0.02, _ABOVE),
            Pull(_LIDS_UPPER, 0, 0.010, 0.012, _ABOVE),
        ),
        "nose wrinkler": (  # AU 9
            Pull(_NOSE_WINGS, 0.01, -0.035, 0.05, _ABOVE),
            Pull(_NOSE_ROOT, 0, 0.012, 0.03, _ABOVE),
            Pull(BROWS_INNER, -0.012, 0.02, 0.04, _ABOVE),
        ),
        "upper lip raiser": (Pull(_LIP_UPPER_MIDDLE, 0, -0.04, 0.06, _ABOVE),),  # AU 10
        "lip corner puller": (Pull(_CORNERS, 0.065, -0.045, 0.06),),  # AU 12
        "lip corner depressor": (Pull(_CORNERS, 0.01, 0.05, 0.05),),  # AU 15
        "chin raiser": (Pull((*_CHIN, *_LIP_LOWER_MIDDLE), 0, -0.025, 0.05, _BELOW),),  # AU 17
        "lip stretcher": (Pull(_CORNERS, 0.06, 0.018, 0.06),),  # AU 20
        "lip presser": (  # AU 24
            Pull(_LIP_UPPER_MIDDLE, 0, 0.016, 0.05, _ABOVE),
            Pull(_LIP_LOWER_MIDDLE, 0, -0.016, 0.05, _BELOW),
            Pull(_CORNERS, -0.02, 0, 0.04),
        ),
        "lips part": (  # AU 25
            Pull(_LIP_LOWER_MIDDLE, 0, 0.03, 0.06, _BELOW),
            Pull(_LIP_UPPER_MIDDLE, 0, -0.008, 0.06, _ABOVE),
        ),
        "jaw drop": (  # AU 26 and 27
            Pull((*_LIP_LOWER_MIDDLE, *_CHIN), 0, 0.13, 0.09, _BELOW),
            Pull(_CORNERS, -0.02, 0.03, 0.05),
        ),
        "lids droop": (Pull(_LIDS_UPPER, 0, 0.02, 0.015, _ABOVE),),  # AU 43, half of it
    }
)

PROTOTYPES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "angry": {
            "brow lowerer": 1.6,
            "upper lid raiser": 0.6,
            "lid tightener": 0.6,
            "lip presser": 1,
            "lip corner depressor": 0.4,
            "chin raiser": 0.5,
        },
        "disgust": {
            "nose wrinkler": 1.3,
            "upper lip raiser": 1,
            "brow lowerer": 0.5,
            "lid tightener": 1,
            "lip corner depressor": 0.4,
        },
        "fear": {
            "inner brow raiser": 1.1,
            "outer brow raiser": 0.5,
            "brow lowerer": 0.6,
            "upper lid raiser": 1.2,
            "lip stretcher": 0.7,
            "jaw drop": 0.3,
            "lip corner depressor": 0.4,
        },
        "happy": {"lip corner puller": 1, "cheek raiser": 1, "lips part": 0.5},
        "sad": {
            "inner brow raiser": 1.1,
            "brow lowerer": 0.5,
            "lip corner depressor": 1.4,
            "chin raiser": 0.6,
            "lids droop": 0.6,
        },
        "surprise": {"inner brow raiser": 1, "outer brow raiser": 1, "upper lid raiser": 1, "jaw drop": 1},
        "neutral": {},
    }
)
"""How strongly each action takes part in an expression at its full intensity."""


def displacement(rest: Points, action: str) -> Points:
    """How far each point of a mesh (P, 2) at rest is moved by an action at full strength: (P, 2)."""
    return pulled(rest, ACTIONS[action])


def pulled(rest: Points, pulls: Sequence[Pull]) -> Points:
    """How far each point of a mesh (P, 2) at rest is moved by some pulls together: (P, 2)."""
    moved = np.zeros_like(rest)
    middle = rest[[*_CORNERS, *BROWS_INNER], 0].mean()
    above = _above_the_mouth(rest)
    for pull in pulls:
        handles = rest[list(pull.points)]
        distance = np.sqrt(((rest[:, None] - handles[None]) ** 2).sum(2).min(1))
        weight = np.exp(-0.5 * (distance / pull.reach) ** 2)
        if pull.side != _ANYWHERE:
            weight[above if pull.side == _BELOW else ~above] = 0
        outward = np.clip((rest[:, 0] - middle) / 0.05, -1, 1)
        moved[:, 0] += weight * pull.outward * outward
        moved[:, 1] += weight * pull.down
    return moved


def _above_the_mouth(rest: Points) -> NDArray[np.bool_]:
    """Which points are on the upper side of the mouth's opening; the lips by what they are, not by where."""
    opening = (rest[list(INNER_UPPER)] + rest[list(INNER_LOWER)]) / 2
    order = np.argsort(opening[:, 0])
    line = np.interp(rest[:, 0], opening[order, 0], opening[order, 1])
    above = np.asarray(rest[:, 1] < line, np.bool_)
    above[list(_UPPER_LIP)], above[list(_LOWER_LIP)] = True, False
    return above


def close_eyes(mesh: Points, shut: float) -> Points:
    """The mesh with the upper lids moved down onto the lower ones, by this share of the way."""
    result = np.array(mesh)
    for upper, lower in _EYES:
        result[list(upper)] += min(shut, 0.92) * (mesh[list(lower)] - mesh[list(upper)])
    return result


def course(frames: int, onset: int, apex: int, release: int, offset: int) -> NDArray[np.float64]:
    """How much of an expression shows in each frame (frames,), 0 to 1.

    It begins after frame ``onset``, is full from ``apex`` to ``release`` and gone at ``offset``, which may lie beyond
    the last frame; it rises and falls smoothly.
    """
    time = np.arange(frames)
    rise = np.clip((time - onset) / max(apex - onset, 1), 0, 1)
    fall = np.clip((offset - time) / max(offset - release, 1), 0, 1)
    shown = np.minimum(rise, fall)
    smooth: NDArray[np.float64] = shown * shown * (3 - 2 * shown)
    return smooth
