"""Magnified clips: motion grows as it should, and what stands still or is light stays what it was."""

import numpy as np
import pytest

from models.clips import magnify

SIDE = 128
FACE = np.add.outer(np.sin(np.arange(SIDE) / 7), np.cos(np.arange(SIDE) / 9)).astype(np.float32)


def waves(shift: float, length: float = 64) -> magnify.Greys:
    """Stripes (SIDE, SIDE), ``length`` px wide, this many pixels to the right."""
    row = 127 + 20 * np.sin(2 * np.pi * (np.arange(SIDE) - shift) / length)
    return np.tile(row.astype(np.float32), (SIDE, 1))


def shift_of(frame: magnify.Greys, length: float = 64) -> float:
    """How far stripes moved, by the phase of their wave; away from the sides, where a blur sees no more."""
    inner = frame[SIDE // 2, SIDE // 2 - 32 : SIDE // 2 + 32]
    at = np.arange(SIDE // 2 - 32, SIDE // 2 + 32)
    angle = np.angle(((inner - inner.mean()) * np.exp(-2j * np.pi * at / length)).sum())
    return float((-np.pi / 2 - angle) * length / (2 * np.pi))


@pytest.mark.parametrize("factor", [2.0, 4.0, 8.0])
def test_a_motion_becomes_so_many_times_as_large(factor: float) -> None:
    moved = magnify.magnified(np.stack([waves(0), waves(0.25), waves(0.5)]), factor)
    assert shift_of(moved[0]) == pytest.approx(0, abs=0.01)
    for frame, shift in zip(moved[1:], (0.25, 0.5), strict=True):
        assert shift_of(frame) == pytest.approx((1 + factor) * shift, rel=0.15)


def test_what_is_finer_than_the_bound_is_not_torn_apart() -> None:
    """Of stripes 6 px wide, half a pixel would be magnified to more than half a stripe."""
    moved = magnify.magnified(np.stack([waves(0, 6), waves(0.5, 6)]))
    assert np.abs(moved[1] - waves(0.5, 6))[:, 16:-16].max() < 2  # of 20


def test_what_stands_still_stays_and_light_is_no_motion() -> None:
    face = 100 + 40 * FACE
    moved = magnify.magnified(np.stack([face, face, face + 15]))
    np.testing.assert_allclose(moved, np.stack([face, face, face + 15]), atol=1e-2)


def test_greys_stay_greys_and_noise_is_not_magnified() -> None:
    rng = np.random.default_rng(0)
    noisy = (127 + rng.normal(0, 2, (6, SIDE, SIDE))).astype(np.float32)
    assert magnify.magnified(noisy)[1:].std() < 1.5 * noisy[1:].std()
    wild = magnify.magnified((255 * rng.random((4, SIDE, SIDE))).astype(np.float32), 50)
    assert (wild.dtype, wild.min() >= 0, wild.max() <= 255) == (np.float32, True, True)
