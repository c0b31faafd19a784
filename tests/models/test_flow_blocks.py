"""The 128 figures of a step: where something moves, how fast at any rate and size, and nothing beyond a clip's ends."""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.clips import flow_blocks


def moving(frames: int, shift: float, side: int = 112) -> NDArray[np.uint8]:
    """A blotchy picture whose right half moves down by ``shift`` shares of the side each frame."""
    rng = np.random.default_rng(1)
    still = cv2.resize(rng.integers(0, 255, (28, 28, 3)).astype(np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    clip = []
    for i in range(frames):
        way = np.array([[1, 0, 0], [0, 1, i * shift * side]], np.float32)
        moved = cv2.warpAffine(still, way, (side, side), borderMode=cv2.BORDER_REFLECT)
        clip.append(np.where(np.arange(side)[None, :, None] < side // 2, still, moved))
    return np.stack(clip).astype(np.uint8)


def test_blocks_say_where_it_moves_and_how_far_at_any_side() -> None:
    for side in (112, 224):
        found = flow_blocks.block_means(moving(3, 0.01, side))
        assert found.shape == (2, 8, 8, 2)
        assert found[:, 1:7, 5:7, 1] == pytest.approx(0.01, abs=0.001)
        assert found[:, 1:7, 1:3] == pytest.approx(0, abs=0.001)
        assert found[:, 1:7, 5:7, 0] == pytest.approx(0, abs=0.001)


def test_one_frame_does_not_move() -> None:
    assert flow_blocks.block_means(moving(1, 0)).shape == (0, 8, 8, 2)
    assert not flow_blocks.around(np.zeros((0, 8, 8, 2), np.float32), 0, 100).any()


@pytest.mark.parametrize("apex", [0, 3, 10, 40, 89, 90])
def test_steps_lie_on_both_sides_of_the_apex_and_frames_repeat_at_the_ends(apex: int) -> None:
    moved = np.zeros((90, 8, 8, 2), np.float32)
    moved[:, 2, 3, 0] = np.arange(1, 91)  # of 91 frames
    found = flow_blocks.around(moved, apex, 0.1)
    assert found.shape == (64, 128)
    steps = [apex - 32 + i for i in range(64)]  # from that frame to the next
    assert found[:, 2 * (2 * 8 + 3)].tolist() == [step + 1 if 0 <= step < 90 else 0 for step in steps]


def test_a_head_that_moves_as_a_whole_is_none_of_it() -> None:
    moved = np.full((64, 8, 8, 2), 0.01, np.float32)
    moved[20, 1, 1] += 0.02
    found = flow_blocks.around(moved, 32, 100).reshape(64, 8, 8, 2)
    assert np.argwhere(np.abs(found) > 1e-4).tolist() == [[20, 1, 1, 0], [20, 1, 1, 1]]


def test_twice_the_rate_and_half_the_way_are_the_same_speed() -> None:
    moved = np.random.default_rng(0).normal(0, 0.01, (64, 8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(flow_blocks.around(moved, 32, 60), flow_blocks.around(moved / 2, 32, 120), rtol=1e-5)
    np.testing.assert_array_equal(flow_blocks.around(moved, 32, math.nan), flow_blocks.around(moved, 32, 100))
