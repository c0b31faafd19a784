"""The 128 figures of a step: where something is not as at the apex, and how far, at any side; ends are repeated."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.clips import flow_blocks


def moving(frames: int, shift: float, side: int = 112) -> NDArray[np.uint8]:
    """A blotchy picture whose right quarter is ``shift`` shares of the side further down in each frame."""
    rng = np.random.default_rng(1)
    still = cv2.resize(rng.integers(0, 255, (28, 28, 3)).astype(np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    clip = []
    for i in range(frames):
        way = np.array([[1, 0, 0], [0, 1, i * shift * side]], np.float32)
        moved = cv2.warpAffine(still, way, (side, side), borderMode=cv2.BORDER_REFLECT)
        clip.append(np.where(np.arange(side)[None, :, None] < side * 3 // 4, still, moved))
    return np.stack(clip).astype(np.uint8)


def steps(clip: NDArray[np.uint8], apex: int) -> NDArray[np.float32]:
    found = flow_blocks.around(clip, apex)
    assert found.shape == (64, 128)
    return found.reshape(64, 8, 8, 2)


@pytest.mark.parametrize("side", [96, 112, 224])
def test_blocks_say_where_a_face_is_not_as_at_the_apex_and_how_far(side: int) -> None:
    found = steps(moving(6, 0.01, side), 3)
    assert found[31, 2:6, 7, 1] == pytest.approx(-1, abs=0.1)  # the frame before, in hundredths of the side
    assert found[32, 2:6, 7, 1] == pytest.approx(1, abs=0.1)  # the frame after
    assert found[33, 2:6, 7, 1] == pytest.approx(2, abs=0.2)
    assert found[29:34, 2:6, 1:5] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("apex", [0, 2, 5])
def test_a_short_clip_repeats_its_ends(apex: int) -> None:
    found = steps(moving(6, 0.01), apex)
    before, after = found[32 - apex : 32], found[32 : 32 + 5 - apex]
    first, last = (before[:1] if apex else 0 * found[:1]), (after[-1:] if apex < 5 else 0 * found[:1])
    assert found[: 32 - apex] == pytest.approx(np.repeat(first, 32 - apex, 0), abs=1e-6)
    assert found[32 + 5 - apex :] == pytest.approx(np.repeat(last, 27 + apex, 0), abs=1e-6)


def test_of_one_frame_nothing_moves() -> None:
    assert not steps(moving(1, 0), 0).any()


def test_a_head_that_moves_as_a_whole_is_none_of_it() -> None:
    rng = np.random.default_rng(1)
    still = cv2.resize(rng.integers(0, 255, (40, 40, 3)).astype(np.uint8), (160, 160), interpolation=cv2.INTER_CUBIC)
    clip = np.stack([still[20 + i : 132 + i, 20 + i : 132 + i] for i in range(4)])
    assert np.abs(steps(clip, 0)[:, 1:7, 1:7]).max() < 0.05
