"""Action units of a face, as the columns that OpenFace writes, from what the face stage tells of it. Pure.

Units are those of the Facial Action Coding System (Ekman, Friesen & Hager 2002, the manual). OpenFace 2 (Baltrusaitis
et al. 2018) has 17 intensities, ``_r``, 0 to 5, and 18 presences, ``_c``, 0 or 1; networks that were made for it
(``au-mlp``, ``au-bilstm``) take these 35 columns. OpenFace learned its regressors from coded recordings. Nothing is
learned here: a unit is a weighted sum of blendshapes and of distances between landmarks (``UNITS_BY_NUMBER``), less
what that sum is for the same person at rest. The blendshapes are ARKit's, each of which pictures the movement of one
unit or of a few; which ones follows their descriptions in Apple's ``ARFaceAnchor.BlendShapeLocation`` and Melinda
Ozel's ARKit-to-FACS sheet (https://melindaozel.com/arkit-to-facs-cheat-sheet). Distances are what the manual says that
a unit changes in a face.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from models.inference import align
from models.inference.blendshapes import BLENDSHAPES

Values = NDArray[np.float32]

_STRONGEST = 5.0
"""Of an intensity: E of the manual's A to E, which OpenFace counts 1 to 5."""
_PRESENT = 1.0
"""From which intensity on a unit is present: A, a trace."""
SETTLED = 30
"""Frames after which a running median counts as somebody's own: before, it is that of these first frames."""

_EYES = (*align.RIGHT_EYE, *align.LEFT_EYE)
_NOSE_BASE = (2,)
_LIDS_UPPER, _LIDS_LOWER = (159, 160, 158, 386, 385, 387), (145, 144, 153, 374, 373, 380)
HEIGHTS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "inner brows above eyes": ((107, 55, 66, 65, 336, 285, 296, 295), _EYES),
        "outer brows above eyes": ((70, 46, 63, 53, 300, 276, 293, 283), _EYES),
        "lids apart": (_LIDS_UPPER, _LIDS_LOWER),
        "lower lids above eyes": ((*_LIDS_LOWER, 163, 154, 390, 381), _EYES),
        "cheeks above eyes": ((50, 205, 101, 280, 425, 330), _EYES),
        "nose wings above eyes": ((129, 98, 64, 48, 358, 327, 294, 278), _EYES),
        "upper lip below nose": (_NOSE_BASE, (13,)),
        "mouth corners above nose": ((61, 291), _NOSE_BASE),
        "mouth corners above lips": ((61, 291), (13, 14)),
        "lips apart": ((82, 13, 312), (87, 14, 317)),
        "lower lip's height": ((14,), (17,)),
        "upper lip's height": ((0,), (13,)),
        "chin above nose": ((199, 175), _NOSE_BASE),
    }
)
"""Distances along the face: how far the middle of the first landmarks lies above that of the second ones."""
WIDTHS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "brows apart": ((107, 55), (336, 285)),
        "mouth's width": ((61,), (291,)),
    }
)
"""Distances across the face, from the first landmarks to the second ones."""


@dataclass(frozen=True)
class Unit:
    """One unit: its name, the muscles that make it, and the weights of what it is told from.

    ``weights`` are by blendshape (of a pair ``nameLeft`` and ``nameRight`` the mean, by ``name``) or by distance
    (``HEIGHTS``, ``WIDTHS``). Blendshapes are 0..1, distances in those between the eyes' middles. The sum is about 1
    for a movement that is as strong as it gets.
    """

    name: str
    muscles: str
    weights: Mapping[str, float]

    @property
    def formula(self) -> str:
        """The weighted sum as text."""
        terms = [f"{'-' if weight < 0 else '+'} {abs(weight):g} {what}" for what, weight in self.weights.items()]
        return " ".join(terms).removeprefix("+ ")


UNITS_BY_NUMBER: Mapping[str, Unit] = MappingProxyType(
    {
        "AU01": Unit("inner brow raiser", "frontalis, medial part", {"browInnerUp": 0.5, "inner brows above eyes": 6}),
        "AU02": Unit(
            "outer brow raiser",
            "frontalis, lateral part",
            {"browOuterUp": 0.8, "outer brows above eyes": 8, "inner brows above eyes": -2},
        ),
        "AU04": Unit(
            "brow lowerer",
            "corrugator supercilii, depressor supercilii",
            {"browDown": 2, "inner brows above eyes": -6, "brows apart": -3},
        ),
        "AU05": Unit(
            "upper lid raiser",
            "levator palpebrae superioris",
            {"eyeWide": 4, "lids apart": 15, "inner brows above eyes": -5, "outer brows above eyes": -3},
        ),
        "AU06": Unit(
            "cheek raiser",
            "orbicularis oculi, orbital part",
            {
                "eyeSquint": 3,
                "eyeBlink": -2,
                "lower lids above eyes": 20,
                "cheeks above eyes": 4,
                "inner brows above eyes": 3,
            },
        ),
        "AU07": Unit(
            "lid tightener",
            "orbicularis oculi, palpebral part",
            {
                "eyeSquint": 3,
                "eyeBlink": -2,
                "lids apart": -8,
                "lower lids above eyes": 12,
                "inner brows above eyes": 3,
            },
        ),
        "AU09": Unit(
            "nose wrinkler",
            "levator labii superioris alaeque nasi",
            {"nose wings above eyes": 12, "upper lip below nose": 12},
        ),
        "AU10": Unit("upper lip raiser", "levator labii superioris", {"mouthUpperUp": 1, "upper lip below nose": -6}),
        "AU12": Unit("lip corner puller", "zygomaticus major", {"mouthSmile": 0.6, "mouth corners above nose": 3}),
        "AU14": Unit(
            "dimpler",
            "buccinator",
            {"mouthDimple": 5, "mouth's width": -2, "mouth corners above lips": 6, "lips apart": -1},
        ),
        "AU15": Unit(
            "lip corner depressor",
            "depressor anguli oris",
            {"mouthFrown": 2, "mouth corners above lips": -8, "mouth's width": -2},
        ),
        "AU17": Unit("chin raiser", "mentalis", {"mouthShrugLower": 1.2, "chin above nose": 8}),
        "AU20": Unit(
            "lip stretcher",
            "risorius, platysma",
            {"mouthStretch": 0.3, "mouth's width": 2.2, "mouth corners above lips": -4},
        ),
        "AU23": Unit(
            "lip tightener",
            "orbicularis oris",
            {
                "mouthPress": 0.5,
                "upper lip's height": -10,
                "lower lip's height": -10,
                "mouthShrugLower": -1,
                "lips apart": -2,
            },
        ),
        "AU25": Unit("lips part", "depressor labii inferioris and others", {"mouthLowerDown": 1, "lips apart": 5}),
        "AU26": Unit("jaw drop", "masseter, relaxed; pterygoids", {"jawOpen": 1, "chin above nose": -2}),
        "AU28": Unit("lip suck", "orbicularis oris", {"mouthRollLower": 1, "mouthRollUpper": 1, "lips apart": -2}),
        "AU45": Unit("blink", "levator palpebrae superioris, relaxed", {"eyeBlink": 1.2, "lids apart": -5}),
    }
)
"""The units of OpenFace, in its order. Of AU28 there is no intensity, as there."""

INTENSITIES = tuple(f"{number}_r" for number in UNITS_BY_NUMBER if number != "AU28")
_PRESENCES = tuple(f"{number}_c" for number in UNITS_BY_NUMBER)
UNITS = (*INTENSITIES, *_PRESENCES)
"""The 35 columns, in OpenFace's order."""


def strengths(points: NDArray[np.floating], shapes: NDArray[np.floating]) -> Values:
    """How strongly each unit shows in each frame, (F, 18) in the order of ``UNITS_BY_NUMBER``, rest not taken off.

    ``points`` (F, 478, 2) are landmarks in pixels, ``shapes`` (F, 52) blendshapes as ``models.inference.blendshapes``.
    """
    told = _shapes(shapes) | _distances(np.asarray(points, np.float64))
    sums = [sum(weight * told[what] for what, weight in unit.weights.items()) for unit in UNITS_BY_NUMBER.values()]
    return np.stack(sums, 1).astype(np.float32)


def _shapes(shapes: NDArray[np.floating]) -> dict[str, NDArray[np.floating]]:
    """The blendshapes (F,) by name, of pairs also the mean, without the side in its name."""
    found = dict(zip(BLENDSHAPES, shapes.T, strict=True))
    pairs = [name.removesuffix("Left") for name in BLENDSHAPES if name.endswith("Left")]
    return found | {name: (found[f"{name}Left"] + found[f"{name}Right"]) / 2 for name in pairs}


def _distances(points: NDArray[np.float64]) -> dict[str, NDArray[np.floating]]:
    """``HEIGHTS`` and ``WIDTHS`` (F,), in distances between the eyes' middles, whatever the head's roll and size."""
    right, left = points[:, align.RIGHT_EYE].mean(1), points[:, align.LEFT_EYE].mean(1)
    apart = np.maximum(np.hypot(*(left - right).T), 1e-6)[:, None]
    across = (left - right) / apart
    along = np.stack([-across[:, 1], across[:, 0]], 1)

    def between(first: tuple[int, ...], second: tuple[int, ...], way: NDArray[np.float64]) -> NDArray[np.floating]:
        gap = points[:, second].mean(1) - points[:, first].mean(1)
        distance: NDArray[np.floating] = (gap * way).sum(1) / apart[:, 0]
        return distance

    heights = {name: between(upper, lower, along) for name, (upper, lower) in HEIGHTS.items()}
    return heights | {name: between(right, left, across) for name, (right, left) in WIDTHS.items()}


def running_median(found: Values) -> Values:
    """The median of all frames up to each, (F, K) as ``found``; before ``SETTLED`` frames, that of these first ones."""
    known = [sorted(column) for column in found[:SETTLED].T.tolist()]
    rests = [_middles(known)] * min(SETTLED, len(found))
    for frame in found[SETTLED:].tolist():  # each put in its place: a film may be long
        for column, value in zip(known, frame, strict=True):
            insort(column, value)
        rests.append(_middles(known))
    return np.array(rests, np.float32).reshape(found.shape)


def _middles(known: Iterable[Sequence[float]]) -> list[float]:
    """The medians of sorted numbers."""
    return [(each[(len(each) - 1) // 2] + each[len(each) // 2]) / 2 for each in known if each]


def columns(found: Values, rest: Values) -> Values:
    """The columns ``UNITS`` (F, 35) of ``strengths`` (F, 18), less those at rest, (18,) or (F, 18)."""
    graded = np.clip(_STRONGEST * (found - rest), 0, _STRONGEST)
    scored = [i for i, number in enumerate(UNITS_BY_NUMBER) if f"{number}_r" in INTENSITIES]
    return np.concatenate([graded[:, scored], graded >= _PRESENT], 1).astype(np.float32)


def estimate(points: NDArray[np.floating], shapes: NDArray[np.floating], rest: Values | None = None) -> Values:
    """The columns ``UNITS`` of a film's frames, (F, 35) float32.

    ``points`` and ``shapes`` as in ``strengths``. ``rest`` (18,) are the person's strengths at rest, such as the median
    over everything that is known of them; else it is the running median of the film, as for a camera that goes on.
    """
    found = strengths(points, shapes)
    return columns(found, running_median(found) if rest is None else rest)
