"""LBP-TOP, what a clip's texture does in place and time, as counts (Zhao & Pietikainen 2007).

A local binary pattern (LBP) says which of a pixel's neighbours are at least as bright as itself. LBP-TOP takes it in
three orthogonal planes through each pixel: XY, which shows the face, and XT and YT, which show motion along rows and
columns. Patterns are counted in the blocks of a grid over the face, which keeps where it was.
"""

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError

VERSION = 1
"""Of what comes out; another number computes all that is stored anew."""
_NEIGHBOURS = 8
"""Points on the circle (ellipse) around a pixel, on each plane."""
RADIUS = 1
"""Of the circles in X and Y, in pixels. In T it is an argument: a time, which depends on the frame rate."""
GRID = 5
"""Blocks along each side of the face; one in time."""
_NO_DARKER = -1e-6
"""A neighbour counts as no darker from this difference on: interpolated ones are off by rounding on an even surface."""

Patterns = NDArray[np.uint8]


def _transitions(code: int) -> int:
    """How often neighbouring bits of a circular pattern differ."""
    turned = code >> 1 | (code & 1) << (_NEIGHBOURS - 1)
    return bin(code ^ turned).count("1")


UNIFORM = [code for code in range(2**_NEIGHBOURS) if _transitions(code) <= 2]
"""The uniform patterns, 58 of 256: those with at most two transitions (Ojala et al. 2002)."""
BINS = len(UNIFORM) + 1
"""59: one for each uniform pattern, and the last for all others."""
_BIN_OF = np.full(2**_NEIGHBOURS, BINS - 1, np.uint8)
_BIN_OF[UNIFORM] = np.arange(len(UNIFORM))


def lbp_top(frames: NDArray[np.uint8], time_radius: int, grid: int = GRID) -> NDArray[np.float32]:
    """Histograms of a grey clip (T, S, S), joined: (grid * grid * 3 * 59,), block by block, each XY, XT, YT.

    Each histogram of a block and plane sums to 1. Pixels nearer to a border than a radius have no
    pattern. ``time_radius`` is the ellipses' half axis in time, in frames.

    Raises:
        DatasetError: there are fewer frames than one pattern needs, or fewer pixels than blocks.
    """
    fewest = 2 * time_radius + 1
    if len(frames) < fewest:
        raise DatasetError(
            f"expected {fewest} frames or more for LBP-TOP of a radius of {time_radius}, got {len(frames)}"
        )
    side = frames.shape[1] - 2 * RADIUS
    if side < grid:
        raise DatasetError(
            f"expected faces of {grid + 2 * RADIUS} px or more for a grid of {grid} blocks, got {frames.shape[1]}"
        )
    clip = frames.astype(np.float32)
    block = np.arange(side) * grid // side
    place = (block[:, None] * grid + block).astype(np.int64)
    planes = [_counts(patterns(clip, axes, time_radius), place, grid) for axes in ((2, 1), (2, 0), (1, 0))]
    return np.stack(planes, 1).reshape(-1)


def patterns(clip: NDArray[np.float32], axes: tuple[int, int], time_radius: int) -> Patterns:
    """The bin of each inner pixel of a clip (T, S, S), on the plane of two axes (0: T, 1: Y, 2: X).

    (T - 2 time_radius, S - 2, S - 2). Neighbour p lies at the angle 2 pi p / 8 from the first axis towards the lower
    end of the second, on the ellipse of the two radii, and is interpolated between the grid points around it.
    """
    radii = (time_radius, RADIUS, RADIUS)
    inner = tuple(size - 2 * radius for size, radius in zip(clip.shape, radii, strict=True))
    centre = clip[tuple(slice(radius, radius + length) for radius, length in zip(radii, inner, strict=True))]
    code = np.zeros(inner, np.uint8)
    for p in range(_NEIGHBOURS):
        angle = 2 * np.pi * p / _NEIGHBOURS
        shift = np.zeros(3)
        shift[axes[0]] = radii[axes[0]] * np.cos(angle)
        shift[axes[1]] = -radii[axes[1]] * np.sin(angle)
        code |= (_shifted(clip, shift.round(9), radii, inner) - centre >= _NO_DARKER).astype(np.uint8) << p
    return _BIN_OF[code]


def _shifted(
    clip: NDArray[np.float32], shift: NDArray[np.float64], radii: tuple[int, ...], inner: tuple[int, ...]
) -> NDArray[np.float64]:
    """The clip at the inner pixels' places plus ``shift`` (3,), linear in each axis."""
    found: NDArray[np.float64] = clip.astype(np.float64)
    for axis, (by, radius, length) in enumerate(zip(shift, radii, inner, strict=True)):
        below = int(np.floor(by))
        share = by - below
        low = np.take(found, range(radius + below, radius + below + length), axis)
        if share:
            low = (1 - share) * low + share * np.take(
                found, range(radius + below + 1, radius + below + 1 + length), axis
            )
        found = low
    return found


def _counts(bins: Patterns, place: NDArray[np.int64], grid: int) -> NDArray[np.float32]:
    """Shares (grid * grid, 59) of the patterns in each block."""
    flat = np.bincount((place * BINS + bins).reshape(-1), minlength=grid * grid * BINS).reshape(-1, BINS)
    shares: NDArray[np.float32] = (flat / flat.sum(1, keepdims=True)).astype(np.float32)
    return shares
