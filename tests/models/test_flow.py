"""Optical flow of known motions of a picture that has skin's soft shades and an eye's edges."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent import face_stage
from benchmarks import flow as benchmark
from models.clips import flow, synth
from models.errors import ModelMissingError
from models.inference import registry

SIZE = 96
FACE = (slice(16, -16), slice(16, -16))


def skin(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A grey picture as a function of the plane, so that any motion of it is exact."""
    shade = 128 + 30 * np.sin(0.05 * x + 0.3) * np.cos(0.07 * y) + 9 * np.sin(0.41 * x + 0.23 * y)
    shade += 8 * np.sin(0.31 * y - 0.52 * x + 1) + 6 * np.sin(0.83 * y + 0.2 * x) + 5 * np.sin(1.03 * x + 0.6 * y + 2)
    for at in (30, 66):
        shade -= 60 / (1 + np.exp((np.hypot((x - at) / 1.6, y - 40) - 5) / 0.7))
    return np.clip(np.rint(shade), 0, 255).astype(np.uint8)


def moved(matrix: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]:
    """Two pictures, the second moved by the affine ``matrix`` (2, 3) around the middle, and the true flow."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    middle = (SIZE - 1) / 2
    there = np.stack([x - middle, y - middle, np.ones_like(x)], 2) @ matrix.T + middle
    back = np.stack([x - middle, y - middle, np.ones_like(x)], 2) @ cv2.invertAffineTransform(matrix).T + middle
    return skin(x, y), skin(back[..., 0], back[..., 1]), there - np.stack([x, y], 2)


def turned(degrees: float) -> NDArray[np.float64]:
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0]])


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1, 0, 0.5], [0, 1, 0]]),
        np.array([[1, 0, -1.3], [0, 1, 2.4]]),
        np.array([[1, 0, 4.1], [0, 1, -2.8]]),
        turned(2),
        turned(-10),
        np.array([[1.05, 0, 0], [0, 1.05, 0]]),
        np.array([[1.15, 0, 0], [0, 1.15, 0]]),
    ],
    ids=("half a pixel", "three pixels", "five pixels", "turned", "turned far", "nearer", "much nearer"),
)
def test_flow_is_exact_to_a_twentieth_of_a_pixel(matrix: NDArray[np.float64]) -> None:
    first, second, true = moved(matrix)
    found = flow.FlowFinder()(first, second)
    assert (found.shape, found.dtype) == ((SIZE, SIZE, 2), np.float32)
    assert np.linalg.norm(found - true, axis=2)[FACE].mean() <= 0.05


def test_a_muscle_moves_while_the_head_does_not() -> None:
    """Refinement that is smoother loses half of so small a motion."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)

    def pull(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
        return 0.8 * np.exp(-(np.hypot(u - 48, v - 60) ** 2) / 2 / 7**2)

    back = y
    for _ in range(20):
        back = y + pull(x, back)
    found = flow.FlowFinder()(skin(x, y), skin(x, back))
    true = np.stack([0 * x, -pull(x, y)], 2)
    assert np.linalg.norm(found - true, axis=2)[FACE].mean() <= 0.05
    near = slice(57, 64), slice(45, 52)
    assert found[near][..., 1].mean() == pytest.approx(true[near][..., 1].mean(), rel=0.2)


def test_flow_to_neighbours_and_from_the_onset() -> None:
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    frames = np.stack([np.repeat(skin(x - i, y)[..., None], 3, 2) for i in range(4)])
    np.testing.assert_allclose(flow.flows(frames)[:, 40:50, 40:50, 0], 1, atol=0.1)
    onset = flow.flows_from_onset(frames)[:, 40:50, 40:50]
    np.testing.assert_allclose(onset.mean((1, 2)), [[1, 0], [2, 0], [3, 0]], atol=0.1)
    np.testing.assert_array_equal(flow.flows(flow.grey(frames)), flow.flows(frames))


def test_one_frame_has_no_flow() -> None:
    assert flow.flows(np.zeros((1, 16, 16, 3), np.uint8)).shape == (0, 16, 16, 2)


def test_strain_is_of_stretched_skin_not_of_a_moving_head() -> None:
    y, x = np.mgrid[:8, :8].astype(np.float32)
    field = np.stack([np.full_like(x, 3), np.full_like(x, -2)], 2)
    np.testing.assert_allclose(flow.strain(field), 0, atol=1e-6)
    turning = np.stack([-0.1 * y, 0.1 * x], 2)
    np.testing.assert_allclose(flow.strain(turning), 0, atol=1e-6)
    np.testing.assert_allclose(flow.strain(np.stack([0.1 * x, 0 * y], 2)), 0.1, rtol=1e-4)
    shear = flow.strain(np.stack([[0.1 * y, 0 * x]] * 3).transpose(0, 2, 3, 1))
    np.testing.assert_allclose(shear, np.full((3, 8, 8), 0.1 / np.sqrt(2)), rtol=1e-4)


def weights(name: str) -> Path:
    try:
        return registry.path(name)
    except ModelMissingError as error:
        pytest.skip(str(error))


def test_a_portraits_flow_is_exact_and_a_muscles_no_worse_than_without_the_second_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights("face_landmarker")
    monkeypatch.setattr(benchmark, "PIXELS", (0.5, 5.0))
    monkeypatch.setattr(benchmark, "MUSCLE_PIXELS", (1.0,))
    with face_stage.finding("tests") as find:
        people = synth.load_portraits({"portrait": weights("portrait")}, find, 112 * benchmark.FILMED)
    finest, ours = benchmark.dis(0), flow.FlowFinder()
    for (kind, pixels), case in benchmark.cases(people["portrait"], 112).items():
        error = benchmark.error(case, ours(case.first, case.second))
        if kind in ("shift", "rotation", "scale"):
            assert error <= 0.05, (kind, pixels)
        else:
            assert error <= benchmark.error(case, finest(case.first, case.second)), (kind, pixels)
