"""Colours as people see them: with one kind of cone missing, and how far apart two of them look.

The simulation is Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision
Deficiency", whose published matrices of severity 1.0 stand for protanopia, deuteranopia and tritanopia; they apply to
linear sRGB. Differences are CIEDE2000 (Sharma, Wu and Dalal 2005), of which one is about the least that is seen.
"""

import math
from itertools import combinations
from typing import NamedTuple

Triple = tuple[float, float, float]

VISIONS: dict[str, tuple[Triple, Triple, Triple]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
"""What each makes of linear red, green and blue."""

_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)


class Pair(NamedTuple):
    """Two colours of a palette, and how they differ for one kind of vision."""

    vision: str
    one: str
    other: str
    difference: float
    """CIEDE2000."""


def linear(colour: str) -> Triple:
    """``#rrggbb`` as linear red, green and blue, 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _decoded(red), _decoded(green), _decoded(blue)


def _decoded(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def encoded(rgb: Triple) -> str:
    """The ``#rrggbb`` of linear red, green and blue."""
    curved = (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in _clipped(rgb))
    return "#" + "".join(f"{round(255 * value):02x}" for value in curved)


def seen(rgb: Triple, vision: str) -> Triple:
    """What somebody with that vision sees in place of a linear colour."""
    return _clipped(_times(VISIONS[vision], rgb))


def _times(matrix: tuple[Triple, Triple, Triple], vector: Triple) -> Triple:
    one, two, three = (sum(factor * value for factor, value in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def _clipped(rgb: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, value)) for value in rgb)
    return red, green, blue


def luminance(rgb: Triple) -> float:
    """WCAG's relative luminance of a linear colour."""
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one: Triple, other: Triple) -> float:
    """WCAG's contrast of two linear colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Triple) -> Triple:
    """CIELAB, white D65."""
    x, y, z = (
        _root(value / white) for value, white in zip(_times(_TO_XYZ, rgb), _WHITE, strict=True)
    )  # fmt: skip
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def difference(one: Triple, other: Triple) -> float:
    """CIEDE2000 of two CIELAB colours."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    greyer = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = a1 * (1 + greyer), a2 * (1 + greyer)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    if c1 * c2 == 0:
        turn, mean_h = 0.0, h1 + h2
    else:
        turn = (h2 - h1 + 180) % 360 - 180
        mean_h = (h1 + turn / 2) % 360
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    big_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    t = 1 + sum(
        factor * math.cos(math.radians(times * mean_h - shift))
        for factor, times, shift in ((-0.17, 1, 30), (0.24, 2, 0), (0.32, 3, -6), (-0.20, 4, 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    twist = -2 * math.sqrt(mean_c**7 / (mean_c**7 + 25**7))
    twist *= math.sin(math.radians(60 * math.exp(-(((mean_h - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, big_h / s_h
    return math.sqrt(max(0.0, dl**2 + dc**2 + dh**2 + twist * dc * dh))


def pairs(palette: dict[str, str]) -> list[Pair]:
    """Every two colours of a palette for every vision, those that differ least first."""
    found = []
    for vision in VISIONS:
        labs = {name: lab(seen(linear(colour), vision)) for name, colour in palette.items()}
        found += [Pair(vision, one, other, difference(labs[one], labs[other])) for one, other in combinations(labs, 2)]
    return sorted(found, key=lambda pair: pair.difference)
