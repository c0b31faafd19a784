"""The 68 landmarks: their mirror twins, and distances that only the face's form changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clips import landmarks
from models.inference import align
from models.inference.contract import IMAGENET, CropSpec

SCHEMES = (landmarks.POINTS, landmarks.INNER)


def face(seed: int = 0) -> landmarks.Points:
    """Landmarks with eyes and mouth where a face of 100 px has them, and the others anywhere around."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (478, 2))
    places = ((align.RIGHT_EYE, (30, 40)), (align.LEFT_EYE, (70, 40)), (align.MOUTH, (50, 80)))
    for pair, middle in places:
        points[list(pair)] = np.array(middle) + np.array([[-8, 0], [8, 0]])
    return points.astype(np.float32)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_point_has_one_twin_which_has_it_for_a_twin(scheme: tuple[int, ...]) -> None:
    twin = landmarks.mirrored(scheme)
    assert len(set(scheme)) == len(scheme) == len(set(twin.tolist()))
    assert twin[twin].tolist() == list(range(len(scheme)))
    alone = {scheme[i] for i in np.flatnonzero(twin == np.arange(len(scheme)))}
    assert alone <= {152, 168, 197, 5, 4, 2, 0, 17, 13, 14}, "a point beside the middle is its own twin"


def test_there_are_as_many_as_the_scheme_has() -> None:
    assert [len(scheme) for scheme in SCHEMES] == [68, 51]


@given(
    seed=st.integers(0, 99),
    angle=st.floats(-1.5, 1.5),
    scale=st.floats(0.2, 8),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
@settings(max_examples=30, deadline=None)
def test_place_size_and_roll_change_no_distance(
    seed: int, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    turned = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (face(seed) @ turned.T + shift).astype(np.float32)
    np.testing.assert_allclose(landmarks.distances(moved), landmarks.distances(face(seed)), atol=2e-3)


def test_a_mouth_that_opens_is_further_down_and_a_mirror_image_has_the_twins_distances() -> None:
    calm = face()
    opened = calm.copy()
    opened[17, 1] += 30
    changed = np.abs(landmarks.distances(opened) - landmarks.distances(calm))
    assert landmarks.POINTS[int(changed.argmax())] == 17

    other = calm.copy()
    twins = landmarks.mirrored(landmarks.POINTS)
    for here, there in zip(landmarks.POINTS, twins, strict=True):
        other[here] = calm[landmarks.POINTS[there]] * np.array([-1, 1])
    np.testing.assert_allclose(landmarks.distances(other), landmarks.distances(calm)[twins], atol=1e-5)


def test_landmarks_in_one_point_are_no_distance_apart() -> None:
    assert landmarks.distances(np.full((478, 2), 7, np.float32)).tolist() == [0] * 68


def test_points_are_placed_where_the_face_is_cut() -> None:
    points, size, margin = face(), 64, 1.4
    shown = np.zeros((100, 100, 3), np.uint8)
    x, y = np.rint(points[17]).astype(int)
    shown[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 255
    cut = align.aligned_face(shown, points.astype(np.float64), CropSpec(size, margin, IMAGENET))[..., 0].astype(float)
    rows, columns = np.mgrid[:size, :size]
    seen = [(cut * axis).sum() / cut.sum() for axis in (columns, rows)]
    place = landmarks.placed(points, landmarks.INNER, size, margin)[landmarks.INNER.index(17)]
    np.testing.assert_allclose(place, seen, atol=1)
