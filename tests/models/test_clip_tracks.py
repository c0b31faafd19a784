"""The largest continuous face of a clip, without gaps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.clips import tracks
from models.inference.blendshapes import Shapes
from models.inference.boxes import Points


def face(x: float, size: float = 100, y: float = 0) -> tuple[Points, Shapes]:
    """Landmarks that fill a square of ``size`` with its upper left corner at (x, y), and blendshapes that say x."""
    points = np.random.default_rng(0).random((478, 2))
    points[:2] = [[0, 0], [1, 1]]
    return points * size + (x, y), np.full(52, x / 1000, np.float32)


def test_a_face_that_moves_is_one_track() -> None:
    found = tracks.largest([[face(4 * i)] for i in range(30)])
    assert found is not None
    assert found.first == 0
    np.testing.assert_allclose(found.points[:, 0, 0], np.arange(30) * 4)


def test_the_largest_sum_of_areas_wins() -> None:
    """A large face that passes by is less than the one that stays; who is in front all the time is more."""
    passing = [[face(0, 60), *([face(200, 90)] if 3 <= i < 8 else [])] for i in range(20)]
    found = tracks.largest(passing)
    assert found is not None
    assert len(found.points) == 20
    in_front = tracks.largest([[face(0, 60), face(200, 90)] for _ in range(20)])
    assert in_front is not None
    assert in_front.points[0, 0, 0] == 200


def test_gaps_are_filled_and_ends_are_dropped() -> None:
    frames = [[] if i in (0, 1, 6, 7, 18, 19) else [face(10.0 * i, 200)] for i in range(20)]
    found = tracks.largest(frames)
    assert found is not None
    assert found.first == 2
    np.testing.assert_allclose(found.points[:, 0, 0], np.arange(2, 18) * 10)
    np.testing.assert_allclose(found.shapes[:, 3], np.arange(2, 18) / 100, rtol=1e-6)


def test_a_long_gap_or_a_cut_ends_a_track() -> None:
    gone = [[] if 6 <= i < 6 + tracks.LONGEST_GAP + 1 else [face(0)] for i in range(30)]
    found = tracks.largest(gone)
    assert found is not None
    assert (found.first, len(found.points)) == (12, 18)
    scene = [[face(0 if i < 12 else 500)] for i in range(20)]
    found = tracks.largest(scene)
    assert found is not None
    assert (found.first, len(found.points)) == (0, 12)


def test_faces_that_cross_keep_apart() -> None:
    frames = [[face(10 * i, 100, y=0), face(300 - 10 * i, 105, y=60)] for i in range(30)]
    found = tracks.largest(frames)
    assert found is not None
    np.testing.assert_allclose(found.points[:, 0, 0], 300 - 10 * np.arange(30))


def test_a_face_that_flashes_up_does_not_count() -> None:
    assert tracks.largest([[], [face(0)], [face(0)], [], [], []]) is None
    assert tracks.largest([]) is None
    short = tracks.largest([[face(0)], [face(0)]])
    assert short is not None
    assert len(short.points) == 2


@given(seen=st.lists(st.lists(st.integers(0, 3), max_size=3, unique=True), min_size=1, max_size=40))
def test_a_track_is_within_the_clip(seen: list[list[int]]) -> None:
    found = tracks.largest([[face(300.0 * person) for person in people] for people in seen])
    if found is not None:
        assert found.first >= 0
        assert 1 <= len(found.points) <= len(seen) - found.first
        assert np.isfinite(found.points).all()
        assert any(abs(found.points[0, 0, 0] - 300 * person) < 1e-6 for person in seen[found.first])
