"""LBP-TOP: what the definition says, written down plainly, is what comes out; and what that is good for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.errors import DatasetError
from models.micro.lbp_top import BINS, UNIFORM, lbp_top, patterns


def at(clip: NDArray[np.uint8], t: float, y: float, x: float) -> float:
    """Grey value between pixels, linear in each axis."""
    value = 0.0
    for dt in (0, 1):
        for dy in (0, 1):
            for dx in (0, 1):
                weights = [
                    frac if step else 1 - frac
                    for step, frac in ((dt, t - math.floor(t)), (dy, y - math.floor(y)), (dx, x - math.floor(x)))
                ]
                if math.prod(weights) > 0:
                    value += math.prod(weights) * float(
                        clip[math.floor(t) + dt, math.floor(y) + dy, math.floor(x) + dx]
                    )
    return value


def plainly(clip: NDArray[np.uint8], radius: int, grid: int) -> NDArray[np.float64]:
    """The definition, pixel by pixel and neighbour by neighbour."""
    frames, size, _ = clip.shape
    uniform = [code for code in range(256) if sum((code >> p & 1) != (code >> (p + 1) % 8 & 1) for p in range(8)) <= 2]
    counts = np.zeros((grid, grid, 3, 59))
    for t in range(radius, frames - radius):
        for y in range(1, size - 1):
            for x in range(1, size - 1):
                block = (y - 1) * grid // (size - 2), (x - 1) * grid // (size - 2)
                for plane in range(3):
                    code = 0
                    for p in range(8):
                        along = round(math.cos(2 * math.pi * p / 8), 9)
                        across = round(-math.sin(2 * math.pi * p / 8), 9)
                        where = {
                            0: (t, y + across, x + along),
                            1: (t + radius * across, y, x + along),
                            2: (t + radius * across, y + along, x),
                        }[plane]
                        code += (at(clip, *where) - float(clip[t, y, x]) >= -1e-6) << p
                    counts[(*block, plane, uniform.index(code) if code in uniform else 58)] += 1
    return (counts / counts.sum(3, keepdims=True)).reshape(-1)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(2, 5),
    st.sampled_from([2, 8, 256]),
)
def test_it_is_the_definition(seed: int, radius: int, grid: int, more: int, levels: int) -> None:
    clip = np.random.default_rng(seed).integers(0, levels, (2 * radius + more, 5 + more, 5 + more)).astype(np.uint8)
    np.testing.assert_allclose(lbp_top(clip, radius, grid), plainly(clip, radius, grid), atol=1e-6)


def test_an_even_surface_has_all_neighbours_as_bright() -> None:
    found = lbp_top(np.full((9, 12, 12), 77, np.uint8), 2, 2).reshape(4, 3, BINS)
    assert (found[:, :, UNIFORM.index(255)] == 1).all()


def test_light_that_changes_everywhere_alike_changes_no_pattern() -> None:
    clip = np.random.default_rng(0).integers(0, 100, (9, 16, 16)).astype(np.uint8)
    np.testing.assert_array_equal(lbp_top(clip, 1, 2), lbp_top(clip + np.uint8(60), 1, 2))


def test_what_stands_still_looks_alike_in_time_and_what_moves_does_not() -> None:
    """Of a still picture, a pixel a moment ago and in a moment is itself: XT and YT are symmetric in time."""
    picture = np.random.default_rng(0).integers(0, 256, (20, 20)).astype(np.float32)
    still = patterns(np.stack([picture] * 7), (2, 0), 1)
    assert (still == still[:1]).all()
    moving = patterns(np.stack([np.roll(picture, t, 1) for t in range(7)]), (2, 0), 1)
    assert (moving != moving[:1]).mean() > 0.2


def test_blocks_keep_the_place() -> None:
    clip = np.full((7, 22, 22), 100, np.uint8)
    clip[:, 2:9, 2:9] = np.random.default_rng(0).integers(0, 256, (7, 7, 7))
    rest = lbp_top(np.full((7, 22, 22), 100, np.uint8), 1, 2).reshape(4, -1)
    changed = np.abs(lbp_top(clip, 1, 2).reshape(4, -1) - rest).sum(1)
    assert changed[0] > 0.1
    assert (changed[1:] == 0).all()


def test_there_are_58_uniform_patterns_and_one_place_for_the_others() -> None:
    assert (len(UNIFORM), BINS) == (58, 59)
    assert lbp_top(np.zeros((3, 9, 9), np.uint8), 1).shape == (5 * 5 * 3 * 59,)


def test_what_is_too_short_or_too_small_is_told() -> None:
    with pytest.raises(DatasetError, match="expected 9 frames or more"):
        lbp_top(np.zeros((8, 32, 32), np.uint8), 4)
    with pytest.raises(DatasetError, match="expected faces of 7 px or more"):
        lbp_top(np.zeros((9, 6, 6), np.uint8), 4)
